// @ts-check
// Draws the sharpener's chart onto its canvas, from values alone.
import { dot, font, layerColour, layerDash, line } from "./canvas.mjs";
import { markOf } from "./chart_words.mjs";
import { together, trace } from "./lines.mjs";
import { levels } from "./method.mjs";
import { plain } from "./numbers.mjs";
import { beside, logTicks, ticks } from "./scales.mjs";

/** @typedef {import("./canvas.mjs").Pen} Pen */
/** @typedef {import("./chart_layout.mjs").Layout} Layout */
/** @typedef {import("./run.mjs").Points} Points */

/** A stretch of epochs with the reference and the relative changes for the worse and the better in force.
 * @typedef {{ from: number, to: number, reference: number, up: number, down: number }} Step */

/** @typedef {{
 *   at: Layout, rows: Record<string, number>[], points: Points, spans: [number, number][], passed: Step[], coming: Step[],
 *   marks: { decision: any, x: number }[], unknownFrom: number | null, pointed: number | null,
 *   judged: string, mode: import("./method.mjs").Mode, waiting: string, here?: number | null, layer?: number | null, other?: import("./run.mjs").Course | null,
 * }} Picture
 *   `spans`: of sharpening; `passed` and `coming`: the lines epoch by epoch, and those of the epoch to come; `unknownFrom`: the epoch from which a replay knows nothing; `pointed`: where the pointer is;
 *   `judged`: what is judged, in words, and `mode`: how it gets better; `waiting`: what is said where there is nothing yet;
 *   `here` and `layer`: the moment and the layer that are looked at elsewhere; `other`: another run, to compare with */

/** The dashes of another run. */
const OTHER = [6, 3];

/** Draws the chart, of which a finger moves little: what has been is kept on layers, below and above the lines.
 * @param {Pen} pen @param {Picture} picture */
export function drawChart(pen, picture) {
  const { at, points, rows, spans, passed, coming, marks, other } = picture;
  const frame = [at.left, at.right, at.last, ...at.domain];
  pen.layer("below", [points, spans, picture.waiting, ...frame], (pen) => {
    drawSpans(pen, picture);
    drawAxes(pen, picture, points.length > 0);
    within(pen, at, () => drawBatchLosses(pen, picture));
  });
  pen.layer("lines", [passed, ...frame], (pen) => within(pen, at, () => drawLines(pen, picture, passed)));
  within(pen, at, () => drawLines(pen, picture, coming));
  pen.layer("above", [points, rows, marks, other, picture.layer, ...frame], (pen) => {
    within(pen, at, () => {
      drawOther(pen, picture);
      drawEpochLosses(pen, picture);
    });
    drawSharpness(pen, picture);
    drawMarks(pen, picture);
  });
  drawPointer(pen, picture);
}

/** Draws in the frame of the losses and nowhere else. @param {Pen} pen @param {Layout} at @param {() => void} draw */
function within({ context }, at, draw) {
  context.save();
  context.beginPath();
  context.rect(at.left, at.top - 1, at.right - at.left + 1, at.bottom - at.top + 2);
  context.clip();
  draw();
  context.restore();
}

/** The epochs of sharpening, in both frames. @param {Pen} pen @param {Picture} picture */
function drawSpans({ context, colour }, { at, spans }) {
  context.fillStyle = colour("sharpening");
  context.globalAlpha = 0.15;
  together(spans.length, (span) => at.x(spans[span][0]), (span) => at.x(spans[span][1]), (left, right) => {
    context.fillRect(left, at.top, right - left, at.bottom - at.top);
    context.fillRect(left, at.low, right - left, at.end - at.low);
  });
  context.globalAlpha = 1;
}

/** @param {Pen} pen @param {Picture} picture @param {boolean} begun */
function drawAxes(pen, { at, judged, waiting }, begun) {
  const { context, colour } = pen;
  font(pen, 10.5);
  context.lineWidth = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  const level = (/** @type {number} */ y, /** @type {string} */ words) => {
    context.strokeStyle = colour("line");
    line(context, at.left, Math.round(y) + 0.5, at.right, Math.round(y) + 0.5);
    context.fillStyle = colour("muted");
    context.fillText(words, at.left - 6, y);
  };
  const [least, most] = at.domain;
  for (const loss of !begun ? [] : at.log ? logTicks(least, most, 20 / (at.bottom - at.top)) : ticks(least, most, (at.bottom - at.top) / 44)) level(at.y(loss), plain(loss));
  for (const sharpness of [0, 1]) level(at.strip(sharpness), String(sharpness));
  context.textAlign = "center";
  const free = at.width - 8 - context.measureText("epoch").width - 12; // where the word begins that says what is counted
  for (const epoch of ticks(0, at.last, Math.min(10, (at.right - at.left) / 44))) if (Number.isInteger(epoch) && at.x(epoch) <= free) context.fillText(String(epoch), at.x(epoch), at.end + 12);
  context.textAlign = "left";
  context.fillText(`${judged.includes("loss") ? "loss" : `loss, ${judged}`}${at.log ? ", log scale" : ""}`, at.left, 9);
  context.fillText("sharpness", at.left, at.low - 9);
  context.textAlign = "right";
  context.fillText("epoch", at.width - 8, at.end + 12);
  if (begun) return;
  context.textAlign = "center";
  context.fillText(waiting, (at.left + at.right) / 2, (at.top + at.bottom) / 2);
}

/** The batch loss, faint. @param {Pen} pen @param {Picture} picture */
function drawBatchLosses({ context, colour }, { at, points }) {
  const loss = (/** @type {number} */ row) => points.values[row * points.width + 1];
  context.strokeStyle = colour("faint");
  context.globalAlpha = 0.75;
  context.lineWidth = 1;
  trace(context, points.length, (row) => at.x(points.values[row * points.width]), (row) => (at.shows(loss(row)) ? at.y(loss(row)) : NaN));
  context.globalAlpha = 1;
  if (points.length !== 1) return;
  context.fillStyle = colour("ink");
  dot(context, at.x(points.values[0]), at.y(points.values[1]), 2.2);
}

/** The reference and the two lines, as steps with the bands between them. @param {Pen} pen @param {Picture} picture @param {Step[]} steps */
function drawLines({ context, colour }, { at, mode }, steps) {
  const known = steps.filter((step) => step.reference && at.shows(step.reference) && Number.isFinite(step.up) && Number.isFinite(step.down)).map(({ from, to, reference, up, down }) => {
    const { stop, improve } = levels(reference, up, down, mode);
    // A log scale has no zero, to which a fall by all of it would lead.
    const place = (/** @type {number} */ level) => at.y(Math.max(level, at.log ? reference * 1e-6 : -Infinity));
    return { left: at.x(from), right: at.x(to), faint: at.y(reference), stop: place(stop), improve: place(improve) };
  });
  context.globalAlpha = 0.13;
  for (const name of /** @type {const} */ (["stop", "improve"])) {
    context.fillStyle = colour(name);
    together(known.length, (step) => known[step].left, (step) => known[step].right, (left, right, first, last) => {
      // The band of one step, or all that the bands of a column of pixels reach.
      let top = Infinity;
      let bottom = -Infinity;
      for (let step = first; step <= last; step++) {
        top = Math.min(top, known[step][name], known[step].faint);
        bottom = Math.max(bottom, known[step][name], known[step].faint);
      }
      context.fillRect(left, top, right - left, bottom - top);
    });
  }
  context.globalAlpha = 1;
  context.lineWidth = 1.3;
  for (const name of /** @type {const} */ (["faint", "stop", "improve"])) {
    context.strokeStyle = colour(name);
    context.setLineDash(name === "faint" ? [3, 3] : []);
    trace(context, 2 * known.length, (end) => (end % 2 ? known[end >> 1].right : known[end >> 1].left), (end) => known[end >> 1][name]);
  }
  context.setLineDash([]);
}

/** The epoch loss, with a dot where it was judged. @param {Pen} pen @param {Picture} picture */
function drawEpochLosses({ context, colour }, { at, rows }) {
  context.strokeStyle = context.fillStyle = colour("ink");
  context.lineWidth = 1.6;
  context.lineJoin = "round";
  const y = (/** @type {number} */ row) => (at.shows(rows[row].loss) ? at.y(rows[row].loss) : NaN);
  trace(context, rows.length, (row) => at.x(rows[row].end), y);
  if (at.x(1) - at.x(0) > 5) for (let row = 0; row < rows.length; row++) if (at.shows(rows[row].loss)) dot(context, at.x(rows[row].end), y(row), 2.2);
}

/** The epoch loss of another run. @param {Pen} pen @param {Picture} picture */
function drawOther({ context, colour }, { at, other }) {
  if (!other) return;
  const { rows } = other;
  context.strokeStyle = colour("sharpening");
  context.lineWidth = 1.8;
  context.setLineDash(OTHER);
  trace(context, rows.length, (row) => at.x(rows[row].end), (row) => (at.shows(rows[row].loss) ? at.y(rows[row].loss) : NaN));
  context.setLineDash([]);
}

/** The sharpness of the layers; of another run in its dashes, below. @param {Pen} pen @param {Picture} picture */
function drawSharpness(pen, { at, points, other, layer = null }) {
  const { context } = pen;
  context.save();
  context.beginPath();
  context.rect(at.left - 1, at.low - 14, at.right - at.left + 3, at.end - at.low + 16);
  context.clip();
  if (other) drawLayers(pen, at, other.points, layer, () => OTHER, 0.75);
  drawLayers(pen, at, points, layer, layerDash);
  context.restore();
}

/** @param {Pen} pen @param {Layout} at @param {Points} points @param {number | null} picked @param {(layer: number) => number[]} dash @param {number} [alpha] */
function drawLayers({ context, colour }, at, points, picked, dash, alpha = 1) {
  const layers = points.width - 2;
  for (let layer = layers - 1; layer >= 0; layer--) {
    context.strokeStyle = colour(layerColour(layer));
    context.lineWidth = layer === picked ? 3 : 1.8;
    context.globalAlpha = alpha * (picked === null || layer === picked ? 1 : 0.45);
    context.setLineDash(dash(layer));
    const up = beside(layer, layers, 12);
    trace(context, points.length, (row) => at.x(points.values[row * points.width]), (row) => at.strip(points.values[row * points.width + layer + 2]) - up);
  }
  context.setLineDash([]);
  context.globalAlpha = 1;
}

/** The decisions along the top. @param {Pen} pen @param {Picture} picture */
function drawMarks(pen, { at, marks }) {
  const { context, colour } = pen;
  font(pen, 10);
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const { decision, x } of marks) {
    const mark = markOf(decision);
    context.fillStyle = colour(mark.colour);
    context.fillText(mark.sign, x, at.top - 6);
  }
}

/** A veil over what a replay cannot know, and where the pointer is. @param {Pen} pen @param {Picture} picture */
function drawPointer({ context, colour }, { at, unknownFrom, pointed, here = null }) {
  if (unknownFrom !== null) {
    const from = at.x(unknownFrom);
    context.fillStyle = colour("ground");
    context.globalAlpha = 0.82;
    context.fillRect(from, at.top - 12, at.right - from + 2, at.end - at.top + 12);
    context.globalAlpha = 1;
    context.strokeStyle = colour("ink");
    context.lineWidth = 1.2;
    line(context, from, at.top - 12, from, at.end);
  }
  if (here !== null) {
    context.strokeStyle = colour("ink");
    context.lineWidth = 1.5;
    line(context, at.x(here), at.top, at.x(here), at.end);
  }
  if (pointed !== null) {
    context.strokeStyle = colour("faint");
    context.lineWidth = 1;
    line(context, at.x(pointed), at.top, at.x(pointed), at.end);
  }
}
