// @ts-check
// Draws the sharpener's chart onto its canvas, from values alone.
import { dot, font, layerColour, line } from "./canvas.mjs";
import { markOf } from "./chart_words.mjs";
import { levels } from "./method.mjs";
import { plain } from "./numbers.mjs";
import { beside, logTicks, ticks } from "./scales.mjs";

/** @typedef {import("./canvas.mjs").Pen} Pen */
/** @typedef {import("./chart_layout.mjs").Layout} Layout */
/** @typedef {import("./run.mjs").Points} Points */

/** A stretch of epochs with the reference and the relative changes for the worse and the better in force.
 * @typedef {{ from: number, to: number, reference: number, up: number, down: number }} Step */

/** @typedef {{
 *   at: Layout, rows: Record<string, number>[], points: Points, spans: [number, number][], steps: Step[],
 *   marks: { decision: any, x: number }[], unknownFrom: number | null, pointed: number | null,
 *   judged: string, mode: import("./method.mjs").Mode,
 * }} Picture
 *   `spans`: of sharpening; `unknownFrom`: the epoch from which a replay knows nothing; `pointed`: where the pointer is;
 *   `judged`: what is judged, in words, and `mode`: how it gets better */

/** @param {Pen} pen @param {Picture} picture */
export function drawChart(pen, picture) {
  const { at, points } = picture;
  drawSpans(pen, picture);
  drawAxes(pen, picture, points.length > 0);
  pen.context.save();
  pen.context.beginPath();
  pen.context.rect(at.left, at.top - 1, at.right - at.left + 1, at.bottom - at.top + 2);
  pen.context.clip();
  drawBatchLosses(pen, picture);
  drawLines(pen, picture);
  drawEpochLosses(pen, picture);
  pen.context.restore();
  drawSharpness(pen, picture);
  drawMarks(pen, picture);
}

/** The epochs of sharpening, in both frames. @param {Pen} pen @param {Picture} picture */
function drawSpans({ context, colour }, { at, spans }) {
  context.fillStyle = colour("sharpening");
  context.globalAlpha = 0.15;
  for (const [from, to] of spans) {
    const [left, width] = [at.x(from), at.x(to) - at.x(from)];
    context.fillRect(left, at.top, width, at.bottom - at.top);
    context.fillRect(left, at.low, width, at.end - at.low);
  }
  context.globalAlpha = 1;
}

/** @param {Pen} pen @param {Picture} picture @param {boolean} begun */
function drawAxes(pen, { at, judged }, begun) {
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
  for (const loss of !begun ? [] : at.log ? logTicks(least, most) : ticks(least, most, (at.bottom - at.top) / 44)) level(at.y(loss), plain(loss));
  for (const sharpness of [0, 1]) level(at.strip(sharpness), String(sharpness));
  context.textAlign = "center";
  for (const epoch of ticks(0, at.last, Math.min(10, (at.right - at.left) / 44))) if (Number.isInteger(epoch)) context.fillText(String(epoch), at.x(epoch), at.end + 12);
  context.textAlign = "left";
  context.fillText(`${judged.includes("loss") ? "loss" : `loss, ${judged}`}${at.log ? ", log scale" : ""}`, at.left, 9);
  context.fillText("sharpness", at.left, at.low - 9);
  context.textAlign = "right";
  context.fillText("epoch", at.width - 8, at.end + 12);
  if (begun) return;
  context.textAlign = "center";
  context.fillText("no batch yet", (at.left + at.right) / 2, (at.top + at.bottom) / 2);
}

/** The batch loss, faint. @param {Pen} pen @param {Picture} picture */
function drawBatchLosses({ context, colour }, { at, points }) {
  context.strokeStyle = colour("faint");
  context.globalAlpha = 0.75;
  context.lineWidth = 1;
  context.beginPath();
  for (let row = 0; row < points.length; row++) {
    const loss = points.values[row * points.width + 1];
    if (at.shows(loss)) context.lineTo(at.x(points.values[row * points.width]), at.y(loss));
  }
  context.stroke();
  context.globalAlpha = 1;
  if (points.length !== 1) return;
  context.fillStyle = colour("ink");
  dot(context, at.x(points.values[0]), at.y(points.values[1]), 2.2);
}

/** The reference and the two lines, as steps with the bands between them. @param {Pen} pen @param {Picture} picture */
function drawLines({ context, colour }, { at, steps, mode }) {
  const known = steps.filter((step) => step.reference && at.shows(step.reference) && Number.isFinite(step.up) && Number.isFinite(step.down));
  // A log scale has no zero, to which a fall by all of it would lead.
  const level = (/** @type {Step} */ step, /** @type {"stop" | "improve"} */ which) => Math.max(levels(step.reference, step.up, step.down, mode)[which], at.log ? step.reference * 1e-6 : -Infinity);
  const [stop, improve] = [(/** @type {Step} */ step) => level(step, "stop"), (/** @type {Step} */ step) => level(step, "improve")];
  for (const step of known) {
    const [left, width] = [at.x(step.from), at.x(step.to) - at.x(step.from)];
    const [middle, worse, better] = [at.y(step.reference), at.y(stop(step)), at.y(improve(step))];
    context.globalAlpha = 0.13;
    context.fillStyle = colour("stop");
    context.fillRect(left, worse, width, middle - worse);
    context.fillStyle = colour("improve");
    context.fillRect(left, middle, width, better - middle);
  }
  context.globalAlpha = 1;
  context.lineWidth = 1.3;
  for (const [name, value] of /** @type {[string, (step: Step) => number][]} */ ([
    ["faint", (step) => step.reference], ["stop", stop], ["improve", improve],
  ])) {
    context.strokeStyle = colour(name);
    context.setLineDash(name === "faint" ? [3, 3] : []);
    context.beginPath();
    for (const step of known) {
      context.lineTo(at.x(step.from), at.y(value(step)));
      context.lineTo(at.x(step.to), at.y(value(step)));
    }
    context.stroke();
  }
  context.setLineDash([]);
}

/** The epoch loss, with a dot where it was judged. @param {Pen} pen @param {Picture} picture */
function drawEpochLosses({ context, colour }, { at, rows }) {
  context.strokeStyle = context.fillStyle = colour("ink");
  context.lineWidth = 1.6;
  context.lineJoin = "round";
  context.beginPath();
  const seen = rows.filter((row) => at.shows(row.loss));
  for (const row of seen) context.lineTo(at.x(row.end), at.y(row.loss));
  context.stroke();
  if (at.x(1) - at.x(0) > 5) for (const row of seen) dot(context, at.x(row.end), at.y(row.loss), 2.2);
}

/** @param {Pen} pen @param {Picture} picture */
function drawSharpness({ context, colour }, { at, points }) {
  for (let layer = points.width - 3; layer >= 0; layer--) {
    context.strokeStyle = colour(layerColour(layer));
    context.lineWidth = 1.8;
    context.setLineDash(layer > 5 ? [5, 3] : []);
    context.beginPath();
    for (let row = 0; row < points.length; row++) context.lineTo(at.x(points.values[row * points.width]), at.strip(points.values[row * points.width + layer + 2]) - beside(layer, points.width - 2, 12));
    context.stroke();
  }
  context.setLineDash([]);
}

/** The decisions along the top, a veil over what a replay cannot know, and where the pointer is.
 * @param {Pen} pen @param {Picture} picture */
function drawMarks(pen, { at, marks, unknownFrom, pointed }) {
  const { context, colour } = pen;
  font(pen, 10);
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const { decision, x } of marks) {
    const mark = markOf(decision);
    context.fillStyle = colour(mark.colour);
    context.fillText(mark.sign, x, at.top - 6);
  }
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
  if (pointed !== null) {
    context.strokeStyle = colour("faint");
    context.lineWidth = 1;
    line(context, at.x(pointed), at.top, at.x(pointed), at.end);
  }
}
