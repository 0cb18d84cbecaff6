// A message that could not be sent (no connection, no answer) is still there when the page is opened again in this tab.
// The form's one-time key comes back with it, so that a message that did arrive is not sent twice. Whoever signs in
// next in this tab is not shown it.
"use strict";

const DRAFT = "kinguard.draft";
const form = document.querySelector("form[data-keep-draft]");
const fields = form ? [...form.querySelectorAll("textarea, input[name=subject], input[name=key]")] : [];

if (document.querySelector("main > [role=status]")) {
  sessionStorage.removeItem(DRAFT);
} else if (form && !document.querySelector("[role=alert]")) {
  const kept = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
  if (kept && kept.writer !== form.dataset.keepDraft) {
    sessionStorage.removeItem(DRAFT);
  } else if (kept?.path === form.action) {
    for (const field of fields) field.value = kept.values[field.name] ?? field.value;
    form.querySelector("[data-draft-restored]").hidden = false;
  }
}

form?.addEventListener("submit", () => {
  const values = Object.fromEntries(fields.map((field) => [field.name, field.value]));
  sessionStorage.setItem(DRAFT, JSON.stringify({ writer: form.dataset.keepDraft, path: form.action, values }));
});
