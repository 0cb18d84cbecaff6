// What is under way is looked at again every few seconds; once it is over, the whole page is asked for anew.
"use strict";

for (const under of document.querySelectorAll("[data-renew]")) {
  const again = async () => {
    if (document.hidden || under.contains(document.activeElement) || under.querySelector("details[open]")) return;
    const answer = await fetch(under.dataset.renewFrom ?? location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-renew]");
    if (fresh === null) location.reload();
    else if (fresh.innerHTML !== under.innerHTML) under.replaceChildren(...fresh.childNodes);
  };
  setInterval(again, Number(under.dataset.renew) * 1000);
}
