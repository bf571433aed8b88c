// @ts-check
// What a page asks Python for as the cursor moves and the run goes on: one question at a time.

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./page.mjs").Scope} Scope */

/** Asks for what is wished, the next time when the answer to the last has come; nothing is asked for twice in a row. Who is refused
 * is answered too. An answer may get lost, as a connection does: when the whole of a run comes anew, so is what was asked for last.
 * @param {Scope} scope @param {Model} model @param {string} kind of the question
 * @param {{ wish: () => Record<string, any> | null, besides?: () => Record<string, any>, wait?: () => number }} what `wish`: what is wanted, null for nothing;
 *   `besides`: what goes with the question and makes it no other; `wait`: how many milliseconds it must wait */
export function asking(scope, model, kind, { wish, besides = () => ({}), wait = () => 0 }) {
  let [asked, answered] = ["", ""];
  let timer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  scope.undo.push(() => clearTimeout(timer));
  function ask() {
    const wanted = wish();
    if (asked || !wanted || JSON.stringify(wanted) === answered) return;
    clearTimeout(timer);
    const rest = wait();
    if (rest > 0) return void (timer = setTimeout(ask, rest));
    asked = JSON.stringify(wanted);
    model.send({ kind, ...wanted, ...besides() });
  }
  /** An answer has come, be it that there is none. */
  function heard() {
    if (asked) [answered, asked] = [asked, ""];
    ask();
  }
  scope.follow(model, "msg:custom", (/** @type {any} */ message) => message.kind === "error" && message.of === kind && heard());
  scope.follow(model, "change:told", () => {
    asked = "";
    ask();
  });
  return {
    ask, heard,
    /** What was answered is needed no more, and may be asked for again. */
    forget: () => void (answered = ""),
  };
}
