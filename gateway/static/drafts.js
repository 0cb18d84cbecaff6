// A message that could not be sent (no connection, no answer) is still there when the page is opened again in this tab.
// The form's one-time key comes back with it, so that a message that did arrive is not sent twice.
"use strict";

const DRAFT = "kinguard.draft";
const form = document.querySelector("form[data-keep-draft]");
const fields = form ? [...form.querySelectorAll("textarea, input[name=subject], input[name=key]")] : [];

if (document.querySelector("main > [role=status]")) {
  sessionStorage.removeItem(DRAFT);
} else if (form && !document.querySelector("[role=alert]")) {
  const kept = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
  if (kept?.path === form.action) {
    for (const field of fields) field.value = kept.values[field.name] ?? field.value;
    form.querySelector("[data-draft-restored]").hidden = false;
  }
}

form?.addEventListener("submit", () => {
  const values = Object.fromEntries(fields.map((field) => [field.name, field.value]));
  sessionStorage.setItem(DRAFT, JSON.stringify({ path: form.action, values }));
});
