// Ticks what is usual for what a person is to the client; without this script the server does the same on saving.
"use strict";

for (const kind of document.querySelectorAll("select[data-sets-switches]")) {
  const usual = document.getElementById("usual");
  const boxes = [...document.querySelectorAll("input[data-kinds]")];
  const set = () => {
    if (!usual?.checked) return;
    for (const box of boxes) box.checked = box.dataset.kinds.split(" ").includes(kind.value);
  };
  kind.addEventListener("change", set);
  usual?.addEventListener("change", set);
  for (const box of boxes) box.addEventListener("change", () => { document.getElementById("own").checked = true; });
}
