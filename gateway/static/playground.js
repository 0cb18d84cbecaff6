// A draft's texts: nothing typed is lost by leaving the page or by a session that ends, and a problem leads to its line.
"use strict";

const draft = document.querySelector("form[data-playground]");
if (draft) {
  // Kept in this tab only, until the server has it.
  const place = `kinguard.playground:${draft.getAttribute("action")}`;
  const texts = [...draft.querySelectorAll("textarea")];
  const served = new Map(texts.map((field) => [field.name, field.value]));
  const revision = draft.elements.revision.value;
  const typed = () => texts.filter((field) => field.value !== served.get(field.name));

  const keep = (sent) => {
    const changed = typed();
    if (!changed.length) return sessionStorage.removeItem(place);
    const values = Object.fromEntries(changed.map((field) => [field.name, field.value]));
    const { writer } = draft.dataset;
    return sessionStorage.setItem(place, JSON.stringify({ writer, revision: draft.elements.revision.value, values, sent }));
  };

  // What was sent and made another revision is with the server; all else is put back. Where another tab saved
  // meanwhile, the revision of then goes with it, by which the server sees that both texts are to be kept.
  const kept = JSON.parse(sessionStorage.getItem(place) ?? "null");
  if (kept && kept.writer === draft.dataset.writer && !(kept.sent && kept.revision !== revision)) {
    for (const field of texts) {
      if (!(field.name in kept.values) || kept.values[field.name] === field.value) continue;
      field.value = kept.values[field.name];
      field.closest("details").open = true;
      draft.elements.revision.value = kept.revision;
      document.querySelector("[data-put-back]").hidden = false;
    }
  } else {
    sessionStorage.removeItem(place);
  }

  let waiting = 0;
  let isSent = false;
  draft.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(keep, 300, false);
  });
  window.addEventListener("pagehide", () => keep(isSent));
  draft.addEventListener("submit", (event) => {
    isSent = event.submitter?.value !== "download";
    clearTimeout(waiting);
    keep(isSent);
  });

  const open = (id, line) => {
    const field = document.getElementById(id);
    if (field?.tagName !== "TEXTAREA") return false;
    field.closest("details").open = true;
    field.focus();
    if (line) {
      const lines = field.value.split("\n");
      const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
      field.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
      const height = parseFloat(getComputedStyle(field).lineHeight);
      field.scrollTop = Math.max(0, (line - 4) * height);
    }
    field.scrollIntoView({ block: "center" });
    return true;
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-opens]");
    if (link && open(link.dataset.opens, Number(link.dataset.line ?? 0))) event.preventDefault();
  });
}
