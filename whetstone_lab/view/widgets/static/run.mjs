// @ts-check
// A run as Python sends it: points, epochs, and what it is doing.
import { doubles, floats } from "./bytes.mjs";
import { COLUMNS } from "./growing.mjs";
import { plain } from "./numbers.mjs";

/** Rows of points: position in epochs, loss, sharpness of each layer.
 * @typedef {{ width: number, length: number, values: Float32Array }} Points */

/** The points of a run with where they stand on an axis of epochs, which follows from how many batches were trained by the end of
 * each: of an epoch that goes on, or of one that is not among the rows, in even steps.
 * @param {any} past @param {Record<string, number>[]} rows @param {any} now @param {number} layers @returns {Points} */
export function placedPoints(past, rows, now, layers) {
  const width = layers + 2;
  const values = floats(past.points);
  const knots = [{ batches: 0, end: 0 }, ...rows, { batches: now.batch, end: now.at }];
  let next = 1;
  for (let at = 0; at < values.length; at += width) {
    while (next < knots.length - 1 && knots[next].batches < values[at]) next++;
    const [from, to] = [knots[next - 1], knots[next]];
    const whole = to.batches - from.batches;
    values[at] = whole > 0 ? from.end + ((values[at] - from.batches) / whole) * (to.end - from.end) : to.end;
  }
  return { width, length: values.length / width, values };
}

/** Column `column` at position `at`, in between by a straight line.
 * @param {Points} points @param {number} at @param {number} column */
export function valueAt(points, at, column) {
  const { values, width, length } = points;
  if (!length) return 0;
  let [low, high] = [0, length - 1];
  if (at <= values[0]) return values[column];
  if (at >= values[high * width]) return values[high * width + column];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (values[middle * width] <= at) low = middle;
    else high = middle;
  }
  const [a, b] = [values[low * width], values[high * width]];
  const part = b > a ? (at - a) / (b - a) : 1;
  return values[low * width + column] * (1 - part) + values[high * width + column] * part;
}

/** A row for each epoch, by name.
 * @param {any} past @returns {Record<string, number>[]} */
export function epochRows(past) {
  const table = doubles(past.table);
  const rows = [];
  for (let at = 0; at < table.length; at += COLUMNS) {
    const [end, batches, loss, reference, up, down, patience, sharpening, sharp] = table.subarray(at, at + COLUMNS);
    rows.push({ end, batches, loss, reference, up, down, patience, sharpening, sharp });
  }
  return rows;
}

/** How another run went, to draw it beside: its epochs, and its points.
 * @typedef {{ rows: Record<string, number>[], points: Points }} Course */

/** The course of a run that has ended, from its past alone. @param {any} past @param {number} layers @returns {Course} */
export function courseOf(past, layers) {
  const rows = epochRows(past);
  const { batches = 0, end = 0 } = rows[rows.length - 1] ?? {};
  return { rows, points: placedPoints(past, rows, { batch: batches, at: end }, layers) };
}

/** From where to where sharpening went on, in epochs: those that follow each other as one, the open epoch up to now.
 * Of thinned rows each stands for all the epochs since the one before it.
 * @param {Record<string, number>[]} rows @param {any} now @returns {[number, number][]} */
export function sharpeningSpans(rows, now) {
  /** @type {[number, number][]} */
  const found = [];
  const add = (/** @type {number} */ from, /** @type {number} */ to) => {
    const before = found[found.length - 1];
    if (before && before[1] === from) before[1] = to;
    else found.push([from, to]);
  };
  let end = 0;
  for (const row of rows) {
    if (row.sharpening) add(end || row.end - 1, row.end);
    end = row.end;
  }
  if (now.sharpening && rows.length && now.at > end && now.sharpness.some((/** @type {number} */ s) => s < 1)) add(end, now.at);
  return found;
}

/** What a run is doing, in words.
 * @type {Record<string, string>} */
const STATUS = {
  ready: "ready", running: "training", paused: "paused", stopped: "stopped", finished: "finished", failed: "failed",
  recorded: "recorded run",
};

/** The same; of a record that a page took along, also what the run `was` doing then, if it went on, or that it had failed.
 * @param {{ status: string, was?: string }} now */
export const statusWords = ({ status, was }) => (was === "failed" ? "recorded run that failed" : was ? `recorded while ${STATUS[was]}` : STATUS[status] ?? status);

/** What is worth saying of a run in one line. @param {any} now */
export function runFacts(now) {
  const accuracy = now.logs.val_accuracy ?? now.logs.accuracy;
  return [
    `epoch ${now.epochs}`, `batch ${now.batch}`, ...(now.loss === null ? [] : [`loss ${plain(now.loss)}`]),
    ...(accuracy === undefined || accuracy === null ? [] : [`${"val_accuracy" in now.logs ? "validation " : ""}accuracy ${(100 * accuracy).toFixed(1)} %`]),
    ...(now.was === "failed" ? [now.message] : []),
  ].join("  ·  ");
}

/** Why there is no batch yet. @param {string} status */
export const unbegun = (status) => (status === "running" ? "getting ready: the first batch takes longest" : "no batch yet");

/** A run as the page knows it, unpacked as Python tells of it. `heed` reads what has changed.
 * @param {{ get(name: string): any }} model */
export function runOf(model) {
  const layers = model.get("about").layers.length;
  const [past, now] = [model.get("past"), model.get("now")];
  const rows = epochRows(past);
  const run = {
    past, now, rows, points: placedPoints(past, rows, now, layers), spans: sharpeningSpans(rows, now),
    /** @param {"past" | "now"} what */
    heed(what) {
      run[what] = model.get(what);
      // The past is followed by the present, with which it belongs together.
      if (what === "past") run.rows = epochRows(run.past);
      else [run.points, run.spans] = [placedPoints(run.past, run.rows, run.now, layers), sharpeningSpans(run.rows, run.now)];
    },
  };
  return run;
}
