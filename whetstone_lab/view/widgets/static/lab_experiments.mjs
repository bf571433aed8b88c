// @ts-check
// The experiments that were kept: to look at, to compare with the run at hand, and as a script.
import { h, say, button } from "./page.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */

/** An experiment that was kept, as Python tells of it.
 * @typedef {{ number: number, words: string, preset: string, epochs: number, goal: number, accuracy: string, kept: string, nudges: number, goesOn: number,
 *   origin: { number: number, epochs: number } | null }} Kept
 *   `goesOn`: after how many epochs it can go on, where it was broken off; 0 where it cannot */

/** What can be done with an experiment that was kept. */
const DOES = [["open", "Look", "Show it in place of the run; one that is training ends and stays kept"], ["compare", "Compare", "Draw it beside the run that is shown"], ["code", "Code", "As a Python script"]];

/** What going on with an experiment that was broken off means. @param {Kept} one */
const onWords = ({ goesOn, goal }) => `Train it on from epoch ${goesOn}, the last whose weights are kept, to epoch ${goal}`;

/** The button that goes on with the experiment that is shown, where it was broken off.
 * @param {Scope} scope @param {{ shown: () => Kept | undefined, send: (content: any) => void }} what */
export function goOnButton(scope, { shown, send }) {
  const go = button("▶", "Go on", { hidden: true });
  scope.on(go, "click", () => send({ kind: "go_on", number: shown()?.number }));
  return {
    element: go,
    show() {
      const one = shown();
      go.hidden = !one?.goesOn;
      if (!one?.goesOn) return;
      say(go.children[1], `Go on from epoch ${one.goesOn}`);
      go.title = onWords(one);
    },
  };
}

/** What there is to say of an experiment. @param {Kept} one */
export const facts = ({ epochs, goal, accuracy, kept, nudges, origin }) => [
  ...(accuracy ? [accuracy] : []), epochs < goal ? `${epochs} of ${goal} epochs` : `${epochs} epochs`, ...(nudges ? [`${nudges} by hand`] : []),
  ...(origin ? [`on from ${origin.number} after epoch ${origin.epochs}`] : []), kept.slice(5, 16).replace("T", " "),
].join(" · ");

/** An experiment in the list. @param {Kept} one @param {number | null} compared */
function entry(one, compared) {
  const { number, words, preset, goesOn } = one;
  const buttons = [...(goesOn ? [["go_on", "Go on", onWords(one)]] : []), ...DOES].map(([does, label, title]) => h("button", { type: "button", class: "wl-button wl-small", "data-does": does, "data-number": number, title, "aria-label": `${label}: experiment ${number}`, "aria-pressed": does === "compare" ? String(compared === number) : undefined }, label));
  return h("li", { title: words }, h("div", {}, h("b", {}, String(number)), ` ${preset}`), h("div", { class: "wl-means" }, facts(one)), h("div", { class: "wl-back" }, ...buttons));
}

/** @param {Scope} scope @param {{ kept: () => Kept[], folder: string, unkept: () => string, send: (content: any) => void, compared: () => number | null, compare: (number: number | null) => void }} what */
export function experimentsView(scope, { kept, folder, unkept, send, compared, compare }) {
  const list = h("ol", { class: "wl-kept", tabindex: 0, "aria-label": "Experiments that were kept, newest first" });
  const note = h("p", { class: "wl-note" });
  const text = h("textarea", { class: "wl-code", readonly: true, rows: 7, hidden: true, "aria-label": "The experiment as Python code" });
  const code = button("{ }", "This run as code", { title: "A Python script that gives the run that is shown again" });
  const said = h("span", { class: "wl-means", role: "status" });
  scope.on(code, "click", () => send({ kind: "code" }));
  scope.on(list, "click", (/** @type {MouseEvent} */ event) => {
    const pressed = /** @type {HTMLElement} */ (event.target).closest("button");
    if (!pressed) return;
    const number = Number(pressed.dataset.number);
    if (pressed.dataset.does === "compare") compare(compared() === number ? null : number);
    else send({ kind: /** @type {string} */ (pressed.dataset.does), number });
  });
  let written = "";
  return {
    element: h("div", { class: "wl-experiments" }, h("div", { class: "wl-back" }, code, said), text, h("div", { class: "wl-kicker" }, "Kept"), list, note),
    show() {
      const all = kept();
      const state = JSON.stringify([all, compared(), unkept()]);
      if (state === written) return;
      written = state;
      const held = list.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset : {};
      list.replaceChildren(...all.map((one) => entry(one, compared())));
      // Whoever stands on a button goes on standing on it.
      const same = held.does ? /** @type {HTMLElement | null} */ (list.querySelector(`[data-does="${held.does}"][data-number="${held.number}"]`)) : null;
      if (held.does) (same ?? list).focus({ preventScroll: true });
      say(note, unkept() || (all.length ? "" : `None yet. A run is kept in ${folder} when it ends.`));
    },
    /** Shows a script, and puts it on the clipboard where the page may. @param {string} script */
    async showCode(script) {
      text.hidden = false;
      text.value = script;
      text.select();
      try {
        await navigator.clipboard.writeText(script);
        say(said, "Copied.");
      } catch {
        say(said, "Press Ctrl+C to copy.");
      }
    },
  };
}
