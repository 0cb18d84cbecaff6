// A diagram that follows its controls: the server's own answer is asked for and put in, so that both always agree.
"use strict";

const form = document.querySelector("form[data-diagram-form]");
const pane = document.querySelector("[data-diagram-pane]");
const SIZES = ["50", "75", "100", "125", "150", "200"];
let asked = new AbortController();
let zoom = document.querySelector("[data-zoom][aria-current]")?.dataset.zoom ?? "100";

function address() {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value && name !== "zoom") query.append(name, value);
  if (zoom !== "100") query.set("zoom", zoom);
  return form.getAttribute("action") + (query.size ? `?${query}` : "");
}

async function follow() {
  asked.abort();
  asked = new AbortController();
  const { signal } = asked;
  const answer = document.querySelector("[data-live=answer]");
  answer.setAttribute("aria-busy", "true");
  const url = address();
  try {
    const response = await fetch(url, { signal, headers: { Accept: "text/html" } });
    if (!response.ok || response.redirected) throw new Error("no answer");
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (signal.aborted) return;
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = page.querySelector(`[data-live=${part.dataset.live}]`);
      if (part.dataset.live === "answer") {
        part.replaceChildren(...fresh.childNodes); // The element stays, so that what is new in it is read aloud.
        part.removeAttribute("aria-busy");
      } else {
        part.replaceWith(fresh);
      }
    }
    document.querySelector("[data-clear]").href = page.querySelector("[data-clear]").href;
    history.replaceState(null, "", url);
  } catch {
    // An old answer beside new facts would be wrong: the page is asked for as a whole, and says what is the matter.
    if (!signal.aborted) location.assign(url);
  }
}

function size(next) {
  zoom = next;
  const drawing = pane.querySelector("svg");
  drawing.setAttribute("width", zoom === "fit" ? "100%" : Math.round((drawing.dataset.width * zoom) / 100));
  for (const link of document.querySelectorAll("[data-zoom]")) {
    if (link.dataset.zoom === zoom) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  history.replaceState(null, "", address());
}

if (form && pane) {
  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-whole-page]")) location.assign(address());
    else follow();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    follow();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-zoom]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    size(link.dataset.zoom);
  });
  pane.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = zoom === "fit" ? SIZES.indexOf("100") : SIZES.indexOf(zoom);
    if (event.key === "+" || event.key === "=") size(SIZES[Math.min(at + 1, SIZES.length - 1)]);
    else if (event.key === "-") size(SIZES[Math.max(at - 1, 0)]);
    else if (event.key === "0") size("100");
    else return;
    event.preventDefault();
  });
  const first = pane.querySelector("a.test rect, g.end rect");
  if (first) {
    const box = first.getBoundingClientRect();
    pane.scrollLeft = box.left + box.width / 2 - pane.getBoundingClientRect().left - pane.clientWidth / 2;
  }
}
