// @ts-check
import { grade } from "./grading.mjs";
import { Scope, h, keepKeys, renderer, say, watchKernel } from "./page.mjs";

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./grading.mjs").Question} Question */
/** @typedef {Record<string, { answer: string, right: boolean }[]>} Answers */

/** Milliseconds after which an answer that Python has not yet kept is offered as a file. */
const PATIENCE = 4000;

/** What has been answered. The page adds to it at once, and learns from Python what is kept.
 * @param {Model} model */
export function answersOf(model) {
  const { name, title } = model.get("about");
  /** Not of Object's, which has something called "constructor", as a question may be. @type {Answers} */
  const mine = Object.create(null);
  const count = (/** @type {Answers} */ answers) => Object.values(answers).reduce((sum, given) => sum + given.length, 0);
  const held = {
    mine,
    /** @param {string} question */
    of: (question) => mine[question] ?? [],
    /** Takes what Python has kept: it may know less than the page, which told it just now. */
    learn() {
      for (const [question, given] of Object.entries(/** @type {Answers} */ (model.get("answers"))))
        if (given.length >= held.of(question).length) mine[question] = [...given];
    },
    /** @param {string} question @param {string} answer @param {boolean} right */
    add(question, answer, right) {
      mine[question] = [...held.of(question), { answer, right }];
      try {
        model.send({ kind: "answer", question, answer });
      } catch {
        // The kernel has gone; the answer can be saved from the page.
      }
    },
    /** Whether Python has kept all that was answered here. */
    kept: () => count(mine) <= count(model.get("answers")),
    some: () => count(mine) > 0,
    /** A file as Python writes it. */
    file: () => JSON.stringify({ format: "whetstone_lab.answers", version: 1, quizzes: { [name]: { title, answers: mine } } }, null, 1),
  };
  held.learn();
  return held;
}

/** A text with code where it stands between back quotes. @param {string} text */
const set = (text) => text.split(/`([^`]+)`/).map((part, place) => (place % 2 ? h("code", {}, part) : part));

/** One question. @param {Scope} scope @param {Question} question @param {number} place from 0 @param {(answer: string, right: boolean) => void} given
 * @param {(question: string) => { answer: string, right: boolean }[]} before */
function questionOf(scope, question, place, given, before) {
  const label = `wl-ask-${Math.random().toString(36).slice(2)}`;
  const says = h("div", { class: "wl-says", role: "status" });
  const element = h("div", { class: "wl-question", role: "group", "aria-labelledby": label },
    h("div", { class: "wl-ask", id: label }, h("span", { class: "wl-number", "aria-hidden": "true" }, `${place + 1}`), h("span", {}, ...set(question.ask))));
  /** @type {{ show(answer: string, right: boolean): void }} */
  let field = { show() {} };
  const told = (/** @type {string} */ answer) => {
    const verdict = grade(question, answer);
    says.replaceChildren(...(verdict.right === null ? [] : [h("strong", {}, verdict.right ? "Right. " : "Not so. ")]), ...set(verdict.says));
    says.dataset.right = String(verdict.right);
    return verdict.right;
  };
  const answer = (/** @type {string} */ text) => {
    const right = told(text);
    if (right === null) return;
    field.show(text, right);
    // Once it is right, what the other options say may be read: that is no answer any more.
    if (!before(question.id).some((one) => one.right)) given(text, right);
  };
  if (question.waits) element.append(h("p", { class: "wl-note" }, question.waits));
  else {
    field = question.number ? numberField(scope, question, answer) : optionList(scope, question, answer);
    element.append(/** @type {any} */ (field).element, says);
  }
  return {
    element,
    /** Shows what was answered before. */
    recall() {
      const known = before(question.id).filter((one) => question.number || question.options.some(({ text }) => text === one.answer));
      if (question.waits || !known.length) return;
      known.forEach((one) => field.show(one.answer, grade(question, one.answer).right === true));
      told(known[known.length - 1].answer);
    },
  };
}

/** @param {Scope} scope @param {Question} question @param {(answer: string) => void} answer */
function optionList(scope, question, answer) {
  const marks = question.options.map(() => h("span", { class: "wl-mark" }));
  const buttons = question.options.map(({ text }, place) => h("button", { type: "button", class: "wl-option" }, marks[place], h("span", {}, ...set(text))));
  buttons.forEach((button, place) => scope.on(button, "click", () => answer(question.options[place].text)));
  return {
    element: h("div", { class: "wl-options" }, ...buttons),
    /** @param {string} text @param {boolean} right */
    show(text, right) {
      const place = question.options.findIndex((option) => option.text === text);
      buttons[place].dataset.right = String(right);
      marks[place].replaceChildren(h("span", { "aria-hidden": "true" }, right ? "✓" : "✗"), h("span", { class: "wl-unseen" }, right ? "right: " : "not so: "));
    },
  };
}

/** @param {Scope} scope @param {Question} question @param {(answer: string) => void} answer */
function numberField(scope, question, answer) {
  const input = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": `Your number${question.unit ? `, in ${question.unit}` : ""}` });
  const check = h("button", { type: "submit", class: "wl-button" }, "Check");
  const form = h("form", { class: "wl-entry" }, input, ...(question.unit ? [h("span", {}, question.unit)] : []), check);
  scope.on(form, "submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    if (input.value.trim()) answer(input.value.trim());
  });
  return {
    element: form,
    /** @param {string} text @param {boolean} right */
    show(text, right) {
      input.value = text;
      input.dataset.right = String(right);
    },
  };
}

/** @param {{ model: Model, el: HTMLElement }} view */
function mount({ model, el }) {
  const scope = new Scope();
  const { name, title, kept, questions } = /** @type {{ name: string, title: string, kept: string, questions: Question[] }} */ (model.get("about"));
  const answers = answersOf(model);
  const score = h("span", { class: "wl-facts", role: "status" });
  const where = h("span", { class: "wl-where" });
  const download = h("button", { type: "button", class: "wl-button" }, "Save my answers");
  const error = h("div", { class: "wl-error", role: "alert", hidden: true });
  let late = !kept;
  const parts = questions.map((question, place) => questionOf(scope, question, place, (text, right) => {
    answers.add(question.id, text, right);
    late = late || !kept;
    setTimeout(() => scope.over || ((late = true), tell()), PATIENCE);
    tell();
  }, answers.of));
  const root = h("section", { class: "wl wl-quiz", "aria-label": `Quiz: ${title}` },
    h("div", { class: "wl-header" }, h("span", { class: "wl-title" }, ...set(title)), score), error,
    h("ol", { class: "wl-questions" }, ...parts.map(({ element }) => h("li", {}, element))), h("div", { class: "wl-keeping" }, where, download));
  el.append(root);

  function tell() {
    const right = questions.filter(({ id }) => answers.of(id).some((one) => one.right)).length;
    say(score, `${right} of ${questions.length} right`);
    const saved = kept && answers.kept();
    if (saved) late = false;
    download.hidden = !(answers.some() && !saved && late);
    say(where, !answers.some() ? (kept ? `Your answers are kept in ${kept}.` : "Your answers stay on this page until you save them.")
      : saved ? `Kept in ${kept}.` : !kept ? "Not kept anywhere yet." : late ? `Not yet in ${kept}: the kernel is busy, or has gone.` : "Keeping …");
  }

  keepKeys(scope, root);
  watchKernel(scope, model, root);
  scope.follow(model, "change:answers", () => {
    answers.learn();
    error.hidden = true;
    tell();
  });
  scope.follow(model, "msg:custom", (/** @type {any} */ message) => {
    if (message.kind !== "error") return;
    say(error, message.text);
    error.hidden = false;
  });
  scope.on(download, "click", () => {
    const address = URL.createObjectURL(new Blob([answers.file()], { type: "application/json" }));
    h("a", { href: address, download: `answers-${name}.json` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  });
  parts.forEach((part) => part.recall());
  tell();
  return () => scope.end();
}

export default { render: renderer(mount) };
