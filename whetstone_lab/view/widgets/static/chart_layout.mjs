// @ts-check
// Where things lie on the sharpener's chart: the losses above on a logarithmic axis, or on a linear one where there are
// losses below zero, the strip of sharpness below.
import { levels } from "./method.mjs";
import { clamp } from "./numbers.mjs";
import { apart } from "./scales.mjs";

/** @typedef {ReturnType<typeof layout>} Layout */

/** Where the axis of epochs ends: a run that goes on has a little room before it.
 * @param {{ status: string, at: number }} now */
export const axisEnd = (now) => Math.max(now.status === "recorded" ? now.at : Math.ceil(now.at * 1.02 + 0.2), 1);

/** The losses of batches and epochs that must be seen: the lowest, the lowest above zero, and the highest.
 * @typedef {{ least: number, low: number, high: number }} Extent */

/** @param {import("./run.mjs").Points} points @param {Record<string, number>[]} rows @returns {Extent} */
export function lossExtent(points, rows) {
  const extent = { least: 0, low: Infinity, high: -Infinity };
  for (let row = 0; row < points.length; row++) widen(extent, points.values[row * points.width + 1]);
  for (const row of rows) widen(extent, row.loss);
  return extent;
}

/** What must be seen of two runs. @param {Extent} one @param {Extent | null} other @returns {Extent} */
export const bothExtents = (one, other) => (other ? { least: Math.min(one.least, other.least), low: Math.min(one.low, other.low), high: Math.max(one.high, other.high) } : one);

/** @param {Extent} extent @param {number} loss */
function widen(extent, loss) {
  if (!Number.isFinite(loss)) return;
  extent.least = Math.min(extent.least, loss);
  extent.high = Math.max(extent.high, loss);
  if (loss > 0) extent.low = Math.min(extent.low, loss);
}

/** Where the axis of losses begins and ends, so that those of the run and the lines in force are seen.
 * @param {Extent} extent @param {{ reference: number, up: number, down: number } | null} lines @param {import("./method.mjs").Mode} [mode]
 * @returns {[number, number]} */
export function lossDomain(extent, lines, mode = "min") {
  const all = { ...extent };
  // Whether there are losses below zero is for them to say: a line alone does not turn the axis into another.
  if (lines) Object.values(levels(lines.reference, lines.up, lines.down, mode)).filter((level) => extent.least < 0 || level > 0).forEach((level) => widen(all, level));
  const { least, low, high } = all;
  if (least < 0) return [least - 0.06 * (high - least || 1), high + 0.06 * (high - least || 1)];
  return high > 0 ? [low * 0.88, Math.max(high * 1.12, low * 1.3)] : [0.1, 1];
}

/** The frames in CSS pixels of the chart's box, and the way from values to places and back.
 * @param {{ width: number, height: number, grips: boolean, last: number, domain: [number, number] }} what
 *   `grips`: whether the lines can be taken hold of; `last`: where the axis of epochs ends; `domain`: of the losses */
export function layout({ width, height, grips, last, domain: [least, most] }) {
  const strip = Math.round(clamp(height * 0.2, 56, 84));
  const [left, right, top, bottom] = [40, width - (grips ? 58 : 12), 24, height - strip - 44];
  const [low, end] = [height - strip - 22, height - 22];
  const log = least > 0;
  return {
    width, height, left, right, top, bottom, low, end, last, log, domain: /** @type {[number, number]} */ ([least, most]),
    /** @param {number} epoch */
    x: (epoch) => left + (epoch / last) * (right - left),
    /** @param {number} x */
    epoch: (x) => ((x - left) / (right - left)) * last,
    /** @param {number} loss */
    y: (loss) => bottom - (log ? Math.log(Math.max(loss, 1e-30) / least) / Math.log(most / least) : (loss - least) / (most - least)) * (bottom - top),
    /** @param {number} y */
    loss: (y) => (log ? least * (most / least) ** ((bottom - y) / (bottom - top)) : least + ((most - least) * (bottom - y)) / (bottom - top)),
    /** Whether a loss has a place on the axis. @param {number} loss */
    shows: (loss) => Number.isFinite(loss) && (loss > 0 || !log),
    /** @param {number} sharpness */
    strip: (sharpness) => end - 7 - sharpness * (end - low - 14),
  };
}

/** The decisions with where their marks stand. @param {Layout} at @param {any[]} decisions */
export function placeMarks(at, decisions) {
  const x = apart(decisions.map((decision) => at.x(decision.at)), 11, at.left + 4, at.right - 4);
  return decisions.map((decision, which) => ({ decision, x: x[which] }));
}
