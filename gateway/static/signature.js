// Draws a signature with a mouse, a pen or a finger; whoever cannot or will not draw signs by the typed name.
"use strict";

for (const field of document.querySelectorAll("[data-signature]")) {
  const canvas = field.querySelector("canvas");
  const drawn = field.querySelector("input[name='drawn']");
  const pen = canvas.getContext("2d");
  const ink = getComputedStyle(canvas).color;
  let last = null;
  let empty = true;

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) * canvas.width) / box.width,
      y: ((event.clientY - box.top) * canvas.height) / box.height,
    };
  };

  const lineTo = (to) => {
    pen.strokeStyle = ink;
    pen.lineWidth = 7;
    pen.lineCap = "round";
    pen.lineJoin = "round";
    pen.beginPath();
    pen.moveTo(last.x, last.y);
    pen.lineTo(to.x, to.y);
    pen.stroke();
    last = to;
    empty = false;
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    lineTo(last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (last && event.isPrimary) lineTo(place(event));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => { last = null; });
  }
  field.querySelector("[data-clear]").addEventListener("click", () => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    empty = true;
  });
  canvas.closest("form").addEventListener("submit", () => {
    drawn.value = empty ? "" : canvas.toDataURL("image/png");
  });
}
