// Comforts of forms only: every form can be filled in, kept and sent without this script.
"use strict";

// The questions that are asked: `questions` are {id, showIf, values}, `answers` lists the values chosen for each id.
// The server decides by the same rule (`shown` in gateway/portal/intake/questions.py).
function shownQuestions(questions, answers) {
  const open = new Set();
  for (const question of questions) {
    const given = answers[question.showIf] || [];
    if (!question.showIf || (open.has(question.showIf) && question.values.some((value) => given.includes(value)))) {
      open.add(question.id);
    }
  }
  return open;
}

for (const form of document.querySelectorAll("form[data-keep-answers]")) {
  const blocks = [...form.querySelectorAll("[data-question]")];
  const questions = blocks.map((block) => ({
    id: block.dataset.question,
    showIf: block.dataset.showIf || "",
    values: (block.dataset.showValues || "").split(" "),
  }));

  const show = () => {
    const data = new FormData(form);
    const answers = Object.fromEntries(questions.map(({ id }) => [id, data.getAll(`q.${id}`)]));
    const open = shownQuestions(questions, answers);
    for (const block of blocks) block.hidden = !open.has(block.dataset.question);
  };

  const status = form.querySelector("[data-keeping]");
  const version = form.elements.namedItem("version");
  let waiting = 0;
  let leaving = false;
  let stopped = false;
  let keeping = Promise.resolve();

  const keep = async () => {
    if (leaving || stopped) return;
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        headers: { Accept: "application/json" },
        body: new URLSearchParams([...new FormData(form)]),
        redirect: "error",
      });
      if (answer.status === 409) {
        stopped = true; // The reader has to choose, on the page that the button leads to.
        status.textContent = form.dataset.changed;
      } else if (answer.ok) {
        version.value = (await answer.json()).version;
        status.textContent = form.dataset.kept;
      } else {
        status.textContent = form.dataset.notKept;
      }
    } catch {
      if (!leaving) status.textContent = form.dataset.notKept;
    }
  };

  form.addEventListener("change", show);
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { keeping = keeping.then(keep); }, 1500);
  });
  form.addEventListener("submit", () => {
    leaving = true;
    clearTimeout(waiting);
  });
  window.addEventListener("pageshow", () => {
    leaving = false;
    show();
  });
  show();
}
