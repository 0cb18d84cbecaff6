// Asks the browser to make or show a passkey, and sends what it answers with the form of the page.
"use strict";

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.codePointAt(0));
const text = (buffer) =>
  btoa(String.fromCodePoint(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const named = (known) => (known ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

const make = async (asked) => {
  const publicKey = {
    ...asked,
    challenge: bytes(asked.challenge),
    user: { ...asked.user, id: bytes(asked.user.id) },
    excludeCredentials: named(asked.excludeCredentials),
  };
  const { id, type, rawId, response } = await navigator.credentials.create({ publicKey });
  return {
    id,
    type,
    rawId: text(rawId),
    response: {
      clientDataJSON: text(response.clientDataJSON),
      attestationObject: text(response.attestationObject),
      transports: response.getTransports?.() ?? [],
    },
  };
};

const show = async (asked) => {
  const publicKey = { ...asked, challenge: bytes(asked.challenge), allowCredentials: named(asked.allowCredentials) };
  const { id, type, rawId, response } = await navigator.credentials.get({ publicKey });
  return {
    id,
    type,
    rawId: text(rawId),
    response: {
      clientDataJSON: text(response.clientDataJSON),
      authenticatorData: text(response.authenticatorData),
      signature: text(response.signature),
      userHandle: response.userHandle ? text(response.userHandle) : null,
    },
  };
};

for (const button of document.querySelectorAll("button[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  const { form } = button;
  const failed = form.querySelector("[data-passkey-failed]");
  button.disabled = false;
  form.querySelector("[data-passkey-missing]").hidden = true;
  // Return in a field must not send the form without its passkey.
  form.addEventListener("submit", (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    button.click();
  });
  button.addEventListener("click", async () => {
    failed.hidden = true;
    if (!form.reportValidity()) return;
    try {
      const asked = JSON.parse(button.dataset.options);
      form.elements.answer.value = JSON.stringify(await (button.dataset.passkey === "make" ? make : show)(asked));
    } catch {
      failed.hidden = false;
      return;
    }
    form.submit();
  });
}
