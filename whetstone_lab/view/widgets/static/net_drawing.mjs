// @ts-check
// Draws a network: every layer as a grid of neurons that fire or not, what is wrong with them, and the votes.
import { dot, font, layerColour, line, shorten } from "./canvas.mjs";
import { many, plain } from "./numbers.mjs";
import { h } from "./page.mjs";
import { numbersOf } from "./raster_samples.mjs";

/** @typedef {import("./canvas.mjs").Pen} Pen */
/** @typedef {import("./net_layout.mjs").Block} Block */
/** @typedef {import("./net_layout.mjs").Votes} Votes */
/** @typedef {{ layer: number, neuron: number }} Neuron */

/** What marks a neuron. */
export const MARK = { none: 0, never: 1, always: 2, dead: 3, stuck: 4 };

/** What a picture of a network shows: of each layer its name, which neurons fire, and the marks of neurons; which neurons differ from
 * a sound network's, and the first of them; the votes, as far as the wave has come; and where the cursor is, on a neuron or on a layer
 * as a whole. Where the layout has a place for it, the picture that the network is shown, if there is one, and what it is called.
 * @typedef {{ layers: { name: string, fired: Uint8Array, marks: Uint8Array | null, differ: Uint8Array | null, reached: boolean }[], first: Neuron | null, cursor: Neuron | null,
 *   picked?: number | null, picture?: HTMLCanvasElement | null, shown?: string,
 *   votes: { numbers: number[], counted: number[], best: number, truth: number, settled: boolean, voters: Uint8Array | null } | null }} Scene */

/** Cells from this size on are drawn one by one, with a sliver between them; smaller ones as a picture of a pixel each. */
const COARSE = 3;

/** @param {Pen} pen @param {{ blocks: Block[], votes: Votes, strip?: import("./net_layout.mjs").Strip }} layout as it is scrolled @param {Scene} scene @param {HTMLCanvasElement} grain a canvas to work on */
export function drawNetwork(pen, { blocks, votes, strip }, scene, grain) {
  const { context, height } = pen;
  if (blocks[0]?.layer < 0) drawPicture(pen, blocks[0], scene.picture ?? null, scene.shown ?? "picture");
  context.save();
  if (strip) {
    context.beginPath();
    context.rect(strip.from - 3, 0, strip.to - strip.from + 6, height);
    context.clip();
  }
  if (blocks[0]?.layer < 0) drawWays(pen, blocks);
  for (const block of blocks) {
    if (block.layer < 0) continue;
    const layer = scene.layers[block.layer];
    caption(pen, block, layer.name, layer.reached ? `${firing(layer.fired)} of ${layer.fired.length} fire` : `${layer.fired.length} neurons`, block.layer === scene.picked);
    const voters = block.layer === scene.layers.length - 1 ? scene.votes?.voters ?? null : null;
    if (block.cell < COARSE) drawFine(pen, block, layer, grain);
    else drawCells(pen, block, layer, voters);
    if (layer.marks && block.cell >= 5) markNeurons(pen, block, voters ? layer.marks.map((mark, neuron) => mark * voters[neuron]) : layer.marks, layer.fired);
    if (layer.differ) drawDiffering(pen, block, voters ? layer.differ.map((each, neuron) => each * voters[neuron]) : layer.differ);
  }
  if (scene.first) light(pen, blocks, scene.first);
  if (scene.cursor) ring(pen, blocks, scene.cursor, pen.colour("ink"), 2);
  context.restore();
  if (scene.votes) drawVotes(pen, votes, scene.votes);
}

/** How many neurons fire. @param {Uint8Array} fired */
export const firing = (fired) => fired.reduce((sum, spike) => sum + spike, 0);

/** @param {Pen} pen @param {Block} block @param {string} name @param {string} words @param {boolean} [picked] */
function caption(pen, { left, top: own, head: top = own, room }, name, words, picked = false) {
  if (room <= 0) return;
  const { context, colour } = pen;
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
  font(pen, 11.5, picked ? "800" : "600");
  context.fillStyle = colour("ink");
  const shown = shorten(context, name, room);
  context.fillText(shown, left, top - 20);
  if (picked) context.fillRect(left, top - 17, context.measureText(shown).width, 1.5);
  font(pen, 10.5);
  context.fillStyle = colour("muted");
  context.fillText(shorten(context, words, room), left, top - 7);
}

/** The ways from each block to the next: what a layer receives from the one before. @param {Pen} pen @param {Block[]} blocks */
function drawWays({ context, colour }, blocks) {
  context.fillStyle = colour("line");
  context.globalAlpha = 0.4;
  blocks.slice(1).forEach((to, before) => {
    const from = blocks[before];
    if (to.left < from.left + from.width || to.layer > from.layer + 1) return; // in the line below, or not the next
    context.beginPath();
    context.moveTo(from.left + from.width + 3, from.top);
    context.lineTo(to.left - 3, to.top);
    context.lineTo(to.left - 3, to.top + to.height);
    context.lineTo(from.left + from.width + 3, from.top + from.height);
    context.fill();
  });
  context.globalAlpha = 1;
}

/** What is shown to the network. @param {Pen} pen @param {Block} block @param {HTMLCanvasElement | null} picture @param {string} name what it is called */
function drawPicture(pen, block, picture, name) {
  const { context, colour } = pen;
  const { left, top, width, height, places } = block;
  caption(pen, block, name, name === "picture" ? `${places.rows} × ${places.columns}` : many(places.row.length, "value"));
  context.imageSmoothingEnabled = false;
  if (picture) context.drawImage(picture, left, top, width, height);
  context.strokeStyle = colour("line");
  context.lineWidth = 1;
  context.strokeRect(left + 0.5, top + 0.5, width - 1, height - 1); // within: it stands at the edge of the canvas
}

/** @param {Pen} pen @param {Block} block @param {Scene["layers"][0]} layer @param {Uint8Array | null} voters which of its neurons vote; null for all */
function drawCells({ context, colour }, { left, top, cell, places, layer: index }, { fired, reached }, voters) {
  const gap = cell > 9 ? 2 : cell > 5 ? 1 : 0.5;
  for (const firing of [0, 1]) {
    context.fillStyle = colour(firing ? layerColour(index) : "line");
    context.beginPath();
    for (let neuron = 0; neuron < fired.length; neuron++) {
      if ((reached && fired[neuron] ? 1 : 0) !== firing || (voters && !voters[neuron])) continue;
      const [x, y, size] = [left + places.column[neuron] * cell + gap / 2, top + places.row[neuron] * cell + gap / 2, cell - gap];
      if (cell > 9) context.roundRect(x, y, size, size, 2.5);
      else context.rect(x, y, size, size);
    }
    context.fill();
  }
}

/** A colour as a pixel holds it, by its name; to ask takes longer than to draw a layer. @type {Map<string, number>} */
const PIXELS = new Map();

/** @param {string} colour */
function pixelOf(colour) {
  let pixel = PIXELS.get(colour);
  if (pixel === undefined) {
    const [red, green, blue] = numbersOf(colour);
    PIXELS.set(colour, (pixel = new Uint32Array(new Uint8Array([red, green, blue, 255]).buffer)[0]));
  }
  return pixel;
}

/** @param {Pen} pen @param {Block} block @param {Scene["layers"][0]} layer @param {HTMLCanvasElement} grain */
function drawFine({ context, colour }, { left, top, width, height, places, layer: index }, { fired, reached }, grain) {
  [grain.width, grain.height] = [places.columns, places.rows];
  const ink = /** @type {CanvasRenderingContext2D} */ (grain.getContext("2d"));
  const image = ink.createImageData(places.columns, places.rows);
  const pixels = new Uint32Array(image.data.buffer);
  const [silent, firing] = ["line", layerColour(index)].map((name) => pixelOf(colour(name)));
  for (let neuron = 0; neuron < fired.length; neuron++) pixels[places.row[neuron] * places.columns + places.column[neuron]] = reached && fired[neuron] ? firing : silent;
  ink.putImageData(image, 0, 0);
  context.drawImage(grain, left, top, width, height);
}

/** @param {Pen} pen @param {Block} block @param {Uint8Array} marks @param {Uint8Array} fired */
function markNeurons({ context, colour }, { left, top, cell, places }, marks, fired) {
  const reach = Math.min(cell * 0.24, 4);
  context.lineWidth = cell > 9 ? 1.6 : 1.1;
  for (let neuron = 0; neuron < marks.length; neuron++) {
    if (!marks[neuron]) continue;
    const [x, y] = [left + (places.column[neuron] + 0.5) * cell, top + (places.row[neuron] + 0.5) * cell];
    context.strokeStyle = colour(marks[neuron] === MARK.dead ? "stop" : fired[neuron] ? "ground" : "muted");
    context.fillStyle = colour(fired[neuron] ? "ground" : "muted"); // a spike may have got lost
    if (marks[neuron] === MARK.never) line(context, x - reach, y + reach, x + reach, y - reach);
    else if (marks[neuron] === MARK.dead) {
      line(context, x - reach, y - reach, x + reach, y + reach);
      line(context, x - reach, y + reach, x + reach, y - reach);
    } else if (marks[neuron] === MARK.always) dot(context, x, y, reach * 0.75);
    else context.fillRect(x - reach * 0.75, y - reach * 0.75, 1.5 * reach, 1.5 * reach);
  }
}

/** @param {Pen} pen @param {Block} block @param {Uint8Array} differ */
function drawDiffering({ context, colour }, { left, top, cell, places }, differ) {
  context.strokeStyle = colour("stop");
  context.lineWidth = cell > 9 ? 1.6 : 1;
  context.beginPath();
  for (let neuron = 0; neuron < differ.length; neuron++) if (differ[neuron]) context.rect(left + places.column[neuron] * cell + 0.5, top + places.row[neuron] * cell + 0.5, Math.max(cell - 1, 1), Math.max(cell - 1, 1));
  context.stroke();
}

/** The first neuron that differs: a ring that is seen from afar. @param {Pen} pen @param {Block[]} blocks @param {Neuron} first */
function light({ context, colour }, blocks, { layer, neuron }) {
  const block = blocks.find((each) => each.layer === layer);
  if (!block) return;
  const { left, top, cell, places } = block;
  const [x, y, radius] = [left + (places.column[neuron] + 0.5) * cell, top + (places.row[neuron] + 0.5) * cell, Math.max(cell * 0.95, 8)];
  context.lineWidth = 5;
  context.strokeStyle = colour("ground");
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.stroke();
  context.lineWidth = 2.5;
  context.strokeStyle = colour("stop");
  context.stroke();
}

/** @param {Pen} pen @param {Block[]} blocks @param {Neuron} cursor @param {string} stroke @param {number} width */
function ring({ context, colour }, blocks, { layer, neuron }, stroke, width) {
  const block = blocks.find((each) => each.layer === layer);
  if (!block) return;
  const { left, top, cell, places } = block;
  const size = Math.max(cell, 6);
  const [x, y] = [left + (places.column[neuron] + 0.5) * cell - size / 2, top + (places.row[neuron] + 0.5) * cell - size / 2];
  for (const [colourOf, wide] of /** @type {[string, number][]} */ ([[colour("ground"), width + 2.5], [stroke, width]])) {
    context.strokeStyle = colourOf;
    context.lineWidth = wide;
    context.strokeRect(x - 1, y - 1, size + 2, size + 2);
  }
}

/** @param {Pen} pen @param {Votes} place @param {NonNullable<Scene["votes"]>} votes */
function drawVotes(pen, { left, top, width, row, beside }, { numbers, counted, best, truth, settled }) {
  const { context, colour } = pen;
  const shown = numbers.map((number) => counted[number]);
  const [low, high] = [Math.min(0, ...shown), Math.max(0, ...shown)];
  const [name, count] = [20, 40];
  const room = width - name - count - 12;
  const x = (/** @type {number} */ value) => left + name + 6 + ((value - low) / (high - low || 1)) * room;
  context.textBaseline = "middle";
  font(pen, 10.5);
  context.fillStyle = colour("muted");
  context.textAlign = "left";
  if (beside || row > 9) context.fillText("votes", left + name + 6, top - 11);
  numbers.forEach((number, which) => {
    const [middle, wins] = [top + (which + 0.5) * row, settled && number === best];
    font(pen, Math.min(12, row * 0.8), wins || number === truth ? "700" : "400");
    context.fillStyle = colour(wins || number === truth ? "ink" : "muted");
    context.textAlign = "right";
    context.fillText(String(number), left + name, middle);
    const tall = Math.min(row * 0.55, 12);
    context.fillStyle = colour("raised");
    context.fillRect(x(low), middle - tall / 2, room, tall);
    if (!settled) return;
    context.fillStyle = colour(!wins ? "faint" : truth >= 0 && truth !== best ? "stop" : "improve");
    context.fillRect(Math.min(x(0), x(counted[number])), middle - tall / 2, Math.abs(x(counted[number]) - x(0)), tall);
    font(pen, Math.min(11.5, row * 0.8), wins ? "700" : "400");
    context.fillStyle = colour(wins ? "ink" : "muted");
    context.textAlign = "left";
    context.fillText(plain(counted[number]).replace("-", "−"), x(high) + 6, middle);
  });
}

/** What the marks mean, for a line below the network. @param {[string, string][]} entries a mark and its words */
export const legend = (entries) => h("p", { class: "wl-legend" }, ...entries.map(([mark, words]) => h("span", { class: "wl-key" }, h("i", { class: `wl-mark wl-mark-${mark}`, "aria-hidden": "true" }), words)));
