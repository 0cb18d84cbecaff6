// What is under way is looked at again every few seconds, until it is over; then the whole page is asked for anew.
"use strict";

for (const under of document.querySelectorAll("[data-renew]")) {
  const again = async () => {
    if (document.hidden) return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-renew]");
    if (fresh === null) location.reload();
    else for (const name of ["label", "progress"]) under.querySelector(name).replaceWith(fresh.querySelector(name));
  };
  setInterval(again, Number(under.dataset.renew) * 1000);
}
