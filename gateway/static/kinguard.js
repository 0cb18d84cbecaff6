// Comforts only: every page works without this script.
"use strict";

document.documentElement.classList.add("with-script");

for (const menu of document.querySelectorAll("details.menu")) {
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
}

for (const button of document.querySelectorAll("button[data-print]")) {
  button.addEventListener("click", () => window.print());
}

// What is only to be copied is selected whole; where the browser has no clipboard for us, that is as far as it goes.
for (const field of document.querySelectorAll("input[data-select]")) {
  field.addEventListener("focus", () => field.select());
}
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    const told = button.closest(".field").querySelector("[data-copy-told]");
    try {
      await navigator.clipboard.writeText(field.value);
      told.textContent = button.dataset.copied;
    } catch {
      field.focus();
      field.select();
      told.textContent = button.dataset.notCopied;
    }
  });
}

// The summary of what went wrong, or what was saved, is where the reader goes on.
document.querySelector("[data-focus-first]")?.focus();

for (const form of document.querySelectorAll("form[data-guard-unsaved]")) {
  const first = new FormData(form);
  const fingerprint = (data) => new URLSearchParams([...data].map(([name, value]) => [name, String(value)])).toString();
  const unchanged = fingerprint(first);
  let leaving = false;
  form.addEventListener("submit", () => { leaving = true; });
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && fingerprint(new FormData(form)) !== unchanged) event.preventDefault();
  });
}

// A page that the browser put away may belong to somebody who has signed out since: it is asked for again.
window.addEventListener("pagehide", (event) => {
  if (event.persisted) document.documentElement.classList.add("put-away");
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// A file that is too large is named before it is sent.
for (const chooser of document.querySelectorAll("input[type='file'][data-bytes-max]")) {
  chooser.addEventListener("change", () => {
    const isTooLarge = [...chooser.files].some((file) => file.size > Number(chooser.dataset.bytesMax));
    chooser.setCustomValidity(isTooLarge ? chooser.dataset.tooLarge : "");
    chooser.reportValidity();
  });
}
