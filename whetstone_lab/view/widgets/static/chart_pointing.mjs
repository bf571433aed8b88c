// @ts-check
// Pointing at the sharpener's chart, with a pointer, a finger or keys: which epoch and which decision are meant.
import { placeMarks } from "./chart_layout.mjs";
import { clamp } from "./numbers.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {import("./chart_layout.mjs").Layout} Layout */

/** How far a pointer may be from a mark that it means, in pixels. */
const REACH = 12;

/** The decision whose mark is nearest to a place along the top, within a finger's breadth.
 * @param {Layout} at @param {any[]} decisions @param {number} x */
export function nearestMark(at, decisions, x) {
  let [best, distance] = [/** @type {any} */ (null), REACH];
  for (const mark of placeMarks(at, decisions)) if (Math.abs(mark.x - x) < distance) [best, distance] = [mark.decision, Math.abs(mark.x - x)];
  return best;
}

/** What is pointed at on the chart.
 * @param {Scope} scope @param {HTMLCanvasElement} canvas
 * @param {{ where: () => Layout, decisions: () => any[], finished: () => number, changed: () => void }} chart
 *   `finished`: the number of the last epoch */
export function pointing(scope, canvas, { where, decisions, finished, changed }) {
  const meant = {
    /** Where on the axis of epochs. @type {number | null} */
    epoch: null,
    /** The decision that is pointed at. @type {{ epoch: number, reason: string } | null} */
    decision: null,
    /** Points at something else. @param {number | null} epoch @param {any} [decision] */
    mean(epoch, decision = null) {
      [meant.epoch, meant.decision] = [epoch, decision];
      changed();
    },
  };
  const { mean } = meant;
  const point = (/** @type {PointerEvent} */ event) => {
    const at = where();
    const epoch = at.epoch(event.offsetX);
    mean(epoch >= 0 && epoch <= at.last ? epoch : null, event.offsetY > at.top + 6 ? null : nearestMark(at, decisions(), event.offsetX));
  };
  scope.on(canvas, "pointermove", point);
  scope.on(canvas, "pointerdown", point); // a finger that taps does not move
  // A finger always leaves; what it pointed at stays to be read.
  scope.on(canvas, "pointerleave", (/** @type {PointerEvent} */ event) => event.pointerType !== "touch" && mean(null));
  scope.on(canvas, "blur", () => mean(null));
  scope.on(canvas, "keydown", (/** @type {KeyboardEvent} */ event) => {
    const here = meant.epoch === null ? finished() : Math.floor(meant.epoch) + 1;
    const epoch = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 1, End: finished() }[event.key];
    if (epoch === undefined || !finished()) return;
    event.preventDefault();
    mean(clamp(epoch, 1, finished()) - 0.5);
  });
  return meant;
}
