// @ts-check
// The spikes of one picture as a raster in the laboratory: as far as the wave has come, in the order that is picked, to point at.
import { integers } from "./bytes.mjs";
import { layerColour, surface } from "./canvas.mjs";
import { address } from "./neurons.mjs";
import { clamp } from "./numbers.mjs";
import { h } from "./page.mjs";
import { drawRaster, rasterRoom, reachOf, shade, spikeSheet } from "./raster_drawing.mjs";
import { classGroups, rowOf, rowsBy } from "./raster_order.mjs";
import { rasterPointing } from "./raster_pointing.mjs";
import { firedBefore, firingAt, readSpikes, spikesOf } from "./raster_spikes.mjs";
import { waveTransport } from "./raster_transport.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {import("./cursor.mjs").Cursor} Cursor */

/** A wave as Python tells of it: after how many epochs, of which picture, the record of that one alone, as which class each of the
 * pictures was read, and how often each neuron of each layer fires in all of them. @typedef {{ epoch: number, sample: number, about: any,
 *   fired: import("./raster_spikes.mjs").Fired[], classes: number[], counts: Uint32Array[], maps?: any }} Wave */

/** What stands where there is no wave. */
const NOTHING = { layers: [], sizes: [], bands: [], steps: 1, shapes: [], orders: { number: "" }, keyed: {}, readings: [] };

/** @param {any} message with the spikes as Python sends them, or as the page itself has worked them out @returns {Wave} */
export const readWave = ({ epoch, sample, about, spikes, maps, classes, fired, counts }) => ({
  epoch, sample, about, maps, classes, fired: fired ?? spikesOf(readSpikes(spikes), 0, about.layers.length), counts: Array.isArray(counts) ? counts : countsOf(counts, about.sizes),
});

/** How often each neuron fires, layer by layer. @param {any} sent one number for each neuron of all layers @param {number[]} sizes */
function countsOf(sent, sizes) {
  const all = integers(sent, sizes.reduce((sum, size) => sum + size, 0));
  let from = 0;
  return sizes.map((size) => Uint32Array.from(all.subarray(from, (from += size))));
}

/** How far a wave is, and what a step of it is. @typedef {Pick<import("./cursor.mjs").Place, "step" | "unit">} Moment */

/** Where a wave ends, and where it is, both in steps or in layers. @param {Moment} moment @param {{ steps: number, layers: string[] }} about */
export function along({ step, unit }, { steps, layers }) {
  const end = unit === "step" ? steps : layers.length;
  return { end, at: step ?? end };
}

/** How many steps of a layer have passed. @param {Moment} moment @param {{ steps: number, layers: string[] }} about */
export const passedOf = (moment, about) => reachOf(along(moment, about).at, moment.unit, about.steps);

/** How much of the output has come, in [0, 1]: it comes with the last step. @param {Moment} moment @param {{ steps: number, layers: string[] }} about */
export function outputPart(moment, about) {
  const { end, at } = along(moment, about);
  return clamp(at - (end - 1), 0, 1);
}

/** What fires as far as the wave has come, a byte for each neuron of each layer; of a layer that it has not come to, undefined.
 * @param {Wave | null} wave @param {Moment} [moment] by default its end @returns {(Uint8Array | undefined)[]} */
export function firingOf(wave, moment = { step: null, unit: "step" }) {
  if (!wave) return [];
  const reach = passedOf(moment, wave.about);
  return wave.fired.map(({ neuron, step }, layer) => {
    const found = new Uint8Array(wave.about.sizes[layer]);
    let some = reach(layer) >= wave.about.steps;
    for (let spike = 0; spike < neuron.length; spike++) if (step[spike] < reach(layer)) some = Boolean((found[neuron[spike]] = 1));
    return some ? found : undefined;
  });
}

/** The rows in which the neurons of a wave stand, and the classes they vote for. @param {Wave} wave @param {string} order one that the wave cannot be shown in is as they are numbered
 * @param {Wave | null} [leader] another network's, whose rates order the neurons of those layers that both have, so that each stands in the same row in both */
export function rowsOfWave({ about, counts }, order, leader = null) {
  const known = order in about.orders ? order : "number";
  const led = leader ? counts.map((own, layer) => (String(leader.about.shapes[layer]) === String(about.shapes[layer]) ? leader.counts[layer] : own)) : counts;
  const rows = rowsBy(known, about.sizes, () => led, about.keyed);
  return { rows, groups: known !== "class" ? {} : Object.fromEntries(Object.keys(about.keyed).map((layer) => [layer, classGroups(rows[Number(layer)], about.keyed[layer])])) };
}

/** What is lit in a raster: where the neurons of each layer part from another network's, and the first that does.
 * @typedef {{ parts: ({ since: Uint32Array, here: Uint8Array } | null)[], first: { layer: number, neuron: number, step: number } | null }} Lit */

/** A raster whose network may become another. A click, or Enter, looks at what is pointed at everywhere.
 * @param {Scope} scope @param {Cursor} cursor @param {{ wave: () => Wave | null, empty: () => string, drawn?: (ink: string) => void, told: () => void, heed: (event: KeyboardEvent) => boolean, lit?: () => Lit | null, leader?: () => Wave | null }} what
 *   `empty`: why there is no wave; `drawn`: called with the ink before it is drawn; `told`: what is pointed at is another; `heed`: what a key does besides, and whether it does;
 *   `lit`: what differs from another network; `leader`: the wave whose rates order the neurons, where it is not this one */
export function waveRaster(scope, cursor, { wave, empty, drawn = () => {}, told, heed, lit = () => null, leader = () => null }) {
  const box = h("div", { class: "wl-raster" });
  const sheet = spikeSheet();
  const about = () => wave()?.about ?? NOTHING;
  let [of, led, order, made] = [/** @type {Wave | null} */ (null), /** @type {Wave | null} */ (null), "", /** @type {ReturnType<typeof rowsOfWave>} */ ({ rows: [], groups: {} })];
  let shown = 0;
  function stand() {
    const [here, by] = [wave(), leader()];
    if (here === of && by === led && order === cursor.order) return made;
    [of, led, order, made] = [here, by, cursor.order, here ? rowsOfWave(here, cursor.order, by) : { rows: [], groups: {} }];
    shown += 1;
    return made;
  }
  const room = () => rasterRoom(about(), box.clientWidth, box.clientHeight, Object.keys(stand().groups).length > 0);
  const { canvas, redraw } = surface(scope, box, draw, { tabindex: 0, "aria-roledescription": "spike raster" });
  /** What the pointer needs to know, as it stands when it is asked. */
  const lasting = { get layers() { return about().layers; }, get sizes() { return about().sizes; }, get bands() { return about().bands; }, get steps() { return about().steps; } };
  const meant = rasterPointing(scope, canvas, lasting, { room, fired: () => wave()?.fired ?? [], rows: () => stand().rows, changed: () => (told(), redraw()) });
  scope.on(canvas, "click", () => pick());
  scope.on(canvas, "keydown", (/** @type {KeyboardEvent} */ event) => (event.key === "Enter" ? pick() : heed(event) && event.preventDefault()));
  cursor.follow(scope, redraw);

  /** @param {import("./canvas.mjs").Pen} pen */
  function draw(pen) {
    drawn(pen.colour("ink"));
    const here = wave();
    if (!here) return writeMiddle(pen, empty());
    const { rows, groups } = stand();
    sheet.renew(pen, here.about, room(), here.fired, String(shown), rows);
    const reach = passedOf(cursor, here.about);
    drawRaster(pen, { about: here.about, room: room(), sheet: sheet.canvas, at: along(cursor, here.about).at, unit: cursor.unit, spiking: (layer) => firedBefore(here.fired[layer], Math.ceil(reach(layer))), cursor: meant.cursor ?? picked(here), rows, groups });
    const apart = lit();
    if (apart) drawParting(pen, room(), apart, rows, reach);
    markLayer(pen, room(), here.about.layers.length, cursor.layer);
  }

  /** The neuron that is picked elsewhere, in the step of its layer. @param {Wave} here */
  function picked(here) {
    const { layer, neuron } = cursor;
    return layer === null || neuron === null || neuron >= (here.about.sizes[layer] ?? 0) ? null : { layer, neuron, step: here.fired[layer].step[0] ?? Math.min(layer, here.about.steps - 1) };
  }

  /** What is pointed at is looked at everywhere. */
  function pick() {
    const point = meant.cursor;
    if (point) cursor.move({ layer: point.layer, neuron: point.neuron });
  }

  return {
    box, canvas, redraw,
    /** What is pointed at, in words. */
    words() {
      const [here, point] = [wave(), meant.cursor];
      if (!here || !point || point.layer >= here.about.layers.length) return "";
      const { about: { layers, shapes, keyed, samples }, fired, counts } = here;
      const { layer, neuron, step } = point;
      const what = step + 1 > passedOf(cursor, here.about)(layer) + 1e-9 ? "not reached yet" : firingAt(fired[layer], step).includes(neuron) ? "fires" : "silent";
      const number = keyed[layer]?.[neuron];
      const often = cursor.order === "number" ? "" : `; fires for ${counts[layer][neuron]} of ${samples}`;
      return `${layers[layer]}, ${address(neuron, shapes[layer])}${number >= 0 ? ` of class ${number}` : ""}, step ${step}: ${what}${often}.`;
    },
    /** How many neurons fire, in words. */
    facts() {
      const here = wave();
      return here ? here.about.layers.map((/** @type {string} */ name, /** @type {number} */ layer) => `${name}: ${here.fired[layer].neuron.length} of ${here.about.sizes[layer]} neurons fire`).join("; ") : "No spikes yet";
    },
  };
}

/** What goes along with a raster: the steps of its wave, and the order of its neurons. All that show a wave go by the cursor.
 * @param {Scope} scope @param {Cursor} cursor @param {() => Wave | null} wave the one that goes furthest */
export function waveTools(scope, cursor, wave) {
  const about = () => wave()?.about ?? NOTHING;
  let led = false; // others may go further than this wave: it follows them as far as it goes
  const moves = waveTransport(scope, { steps: () => about().steps, layers: () => about().layers.length, show: (at, unit) => led || cursor.move({ step: at >= moves.end() ? null : at, unit }) });
  const { play, back, on, track, units } = moves.parts;
  const order = h("select", { class: "wl-order", "aria-label": "Order of the neurons" });
  scope.on(order, "change", () => cursor.move({ order: order.value }));
  function show() {
    const known = Object.keys(about().orders);
    if ([...order.options].map(({ value }) => value).join() !== known.join()) order.replaceChildren(...known.map((name) => h("option", { value: name }, `by ${name}`)));
    order.value = known.includes(cursor.order) ? cursor.order : "number";
    led = true;
    moves.go(cursor.step === null ? null : Math.min(cursor.step, moves.end()), cursor.unit);
    led = false;
  }
  cursor.follow(scope, show);
  show();
  return {
    steps: h("div", { class: "wl-steps" }, play, back, on, track, units), order, heed: moves.heed, show,
  };
}

/** @param {import("./canvas.mjs").Pen} pen @param {string} words */
function writeMiddle({ context, width, height, colour, family }, words) {
  [context.fillStyle, context.textAlign, context.textBaseline] = [colour("muted"), "center", "middle"];
  context.font = `12px ${family}`;
  const lines = [""];
  for (const word of words.split(" ")) {
    const longer = `${lines[lines.length - 1]} ${word}`.trim();
    if (context.measureText(longer).width > width - 16 && lines[lines.length - 1]) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  lines.forEach((line, which) => context.fillText(line, width / 2, height / 2 + 16 * (which - (lines.length - 1) / 2)));
}

/** The layer that is picked: a bar beside its band. @param {import("./canvas.mjs").Pen} pen @param {any} room @param {number} layers @param {number | null} layer */
function markLayer({ context, colour }, room, layers, layer) {
  if (layer === null || layer >= layers) return;
  const { top, bottom } = room.band(layer);
  context.fillStyle = colour(layerColour(layer));
  context.fillRect(room.left - 5, top, 3, bottom - top);
}

/** How long the mark at the end of a row is, in which a neuron does otherwise, and how large the ring around the first of them. */
const RUG = 7;
const RING = 7;

/** The neurons that do otherwise in another network: a whole bar where one fires here alone, a broken one where it fires there alone, in
 * the first step in which they part, and a mark at the end of the row; around the first of all a ring. @param {import("./canvas.mjs").Pen} pen @param {any} room
 * @param {Lit} lit @param {import("./raster_order.mjs").Rows[]} rows @param {(layer: number) => number} reach how many steps of a layer have passed */
function drawParting({ context, width, colour }, { left, right, column, band }, { parts, first }, rows, reach) {
  const ratio = context.canvas.width / width;
  const place = (/** @type {number} */ layer, /** @type {number} */ neuron) => rowOf(rows[layer] ?? null, neuron) + 0.5;
  context.fillStyle = colour("stop");
  parts.forEach((of, layer) => {
    if (!of) return;
    const { top, bottom } = band(layer);
    const [size, passed, inset] = [of.since.length, reach(layer), Math.min(0.09 * column, 6)];
    // Rows finer than the pixels of the screen are drawn together, the darker the more of them differ.
    const lines = Math.max(Math.min(size, Math.round((bottom - top) * ratio)), 1);
    const pitch = (bottom - top) / lines;
    const tall = Math.max(Math.round(Math.min(pitch * 0.85, 6) * ratio), 1) / ratio;
    /** How many part on a line, in a step, and how many of them fire here. @type {Map<number, [number, number]>} */
    const found = new Map();
    of.since.forEach((step, neuron) => {
      if (!step || step - 1 >= passed) return;
      const at = (step - 1) * lines + Math.min(Math.floor((place(layer, neuron) * lines) / size), lines - 1);
      const [all, here] = found.get(at) ?? [0, 0];
      found.set(at, [all + 1, here + of.here[neuron]]);
    });
    found.forEach(([all, here], at) => {
      const [step, row] = [Math.floor(at / lines), at % lines];
      const [x, y, wide] = [left + step * column + inset, Math.round((bottom - (row + 0.5) * pitch - tall / 2) * ratio) / ratio, column - 2 * inset];
      context.globalAlpha = shade((all * lines) / size);
      if (2 * here >= all) context.fillRect(x, y, wide, tall);
      else for (let dash = 0; dash < wide; dash += 6) context.fillRect(x + dash, y, Math.min(2, wide - dash), tall);
      context.fillRect(right - RUG, y, RUG, tall);
    });
  });
  context.globalAlpha = 1;
  if (!first || first.step >= reach(first.layer)) return;
  for (const [stroke, thick] of /** @type {[string, number][]} */ ([["ground", 5], ["stop", 2.5]])) {
    [context.strokeStyle, context.lineWidth] = [colour(stroke), thick];
    context.beginPath();
    context.arc(left + (first.step + 0.5) * column, band(first.layer).bottom - place(first.layer, first.neuron) * band(first.layer).row, RING, 0, 2 * Math.PI);
    context.stroke();
  }
}
