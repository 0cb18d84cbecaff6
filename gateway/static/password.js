// Says what is wrong with a new password while it is typed; the server asks the same (gateway/account/password_rules.py).
"use strict";

const LOOKALIKES = { "@": "a", 4: "a", 0: "o", 3: "e", 1: "l", $: "s", 5: "s", 7: "t", "!": "i" };
const KEY_ROWS = ["1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"];

const stem = (text) => text.replace(/^[^a-z]+|[^a-z]+$/g, "");
const alike = (text) => text.replace(/[@4031$57!]/g, (sign) => LOOKALIKES[sign]);

const isCommon = (plain, common) =>
  [plain, stem(plain), alike(plain), stem(alike(plain)), alike(stem(plain))].some((one) => common.has(one));

const follows = (before, here) =>
  Math.abs(here.codePointAt(0) - before.codePointAt(0)) <= 1 ||
  KEY_ROWS.some((row) => row.includes(before + here) || row.includes(here + before));

const isRow = (plain, freshMin) => {
  const signs = [...plain];
  const fresh = signs.filter((sign, place) => place === 0 || !follows(signs[place - 1], sign)).length;
  return /^(.{1,7}?)\1+$/su.test(plain) || fresh < freshMin;
};

const faults = (password, rules) => {
  const text = password.normalize("NFC");
  const length = [...text].length;
  if (length < rules.least) return ["short"];
  if (length > rules.most) return ["long"];
  const plain = text.toLowerCase();
  const found = [];
  if (isCommon(plain, rules.common)) found.push("common");
  else if (isRow(plain, rules.fresh)) found.push("rows");
  const beside = rules.words.reduce((rest, word) => rest.replaceAll(word, ""), plain);
  if ([...beside].length < rules.least) found.push("names");
  return found;
};

for (const input of document.querySelectorAll("input[data-password-rules]")) {
  const { least, most, fresh, words, list } = input.dataset;
  const rules = { least: +least, most: +most, fresh: +fresh, words: words ? words.split(" ") : [], common: new Set() };
  const told = document.getElementById(input.dataset.passwordRules);
  const tell = () => {
    const found = input.value ? faults(input.value, rules) : [];
    told.replaceChildren(
      ...found.map((code) => Object.assign(document.createElement("span"), { textContent: told.dataset[code] })),
    );
    if (input.value && !found.length) told.textContent = told.dataset.good;
    told.classList.toggle("is-good", Boolean(input.value) && !found.length);
  };
  input.addEventListener("input", tell);
  fetch(list).then((answer) => answer.json()).then((known) => { rules.common = new Set(known.words); tell(); });
}
