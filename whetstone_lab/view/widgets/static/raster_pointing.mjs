// @ts-check
// Pointing at the raster, with a pointer, a finger or keys: which neuron at which step is meant.
import { clamp } from "./numbers.mjs";
import { neuronIn, rowOf } from "./raster_order.mjs";
import { firingAt } from "./raster_spikes.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {import("./raster_drawing.mjs").Cursor} Cursor */
/** @typedef {import("./raster_drawing.mjs").About} About */
/** @typedef {import("./raster_order.mjs").Rows} Rows */

/** How far a pointer may be from a spike that it means, in pixels: rows are thin. */
const NEAR = 4;

/** The neuron and step at a place on the raster; a spike within reach is meant rather than its neighbours.
 * @param {About} about @param {import("./raster_drawing.mjs").Room} room @param {import("./raster_spikes.mjs").Fired[]} fired
 * @param {number} x @param {number} y @param {Rows[]} [rows] of each layer @returns {Cursor | null} */
export function cursorAt(about, room, fired, x, y, rows = []) {
  const step = Math.floor((x - room.left) / room.column);
  const layer = about.layers.findIndex((_, which) => y >= room.band(which).top && y <= room.band(which).bottom);
  if (layer < 0 || step < 0 || step >= about.steps) return null;
  const [{ bottom, row }, order] = [room.band(layer), rows[layer] ?? null];
  const here = clamp(Math.floor((bottom - y) / row), 0, about.sizes[layer] - 1);
  let near = Infinity;
  for (const neuron of firingAt(fired[layer], step)) if (Math.abs(rowOf(order, neuron) - here) < Math.abs(near - here)) near = rowOf(order, neuron);
  return { layer, step, neuron: neuronIn(order, Math.abs(near - here) * row <= NEAR ? near : here) };
}

/** Where an arrow key leads: over the neurons of all layers, row by row, and over the steps.
 * @param {About} about @param {Cursor | null} cursor @param {string} key @param {Rows[]} [rows] of each layer @returns {Cursor | null} null for another key */
export function moved(about, cursor, key, rows = []) {
  const by = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[key];
  if (!by || !about.layers.length) return null;
  let [layer, step] = [cursor?.layer ?? 0, cursor?.step ?? 0];
  let row = (cursor ? rowOf(rows[layer] ?? null, cursor.neuron) : -1) + by[0];
  step = clamp(step + by[1], 0, about.steps - 1);
  if (row >= about.sizes[layer] && layer < about.layers.length - 1) [layer, row] = [layer + 1, 0];
  else if (row < 0 && layer > 0) [layer, row] = [layer - 1, about.sizes[layer - 1] - 1];
  return { layer, neuron: neuronIn(rows[layer] ?? null, clamp(row, 0, about.sizes[layer] - 1)), step };
}

/** What is pointed at on the raster.
 * @param {Scope} scope @param {HTMLCanvasElement} canvas @param {About} about
 * @param {{ room: () => import("./raster_drawing.mjs").Room, fired: () => import("./raster_spikes.mjs").Fired[], rows?: () => Rows[], changed: () => void }} raster */
export function rasterPointing(scope, canvas, about, { room, fired, rows = () => [], changed }) {
  const meant = { cursor: /** @type {Cursor | null} */ (null) };
  const mean = (/** @type {Cursor | null} */ cursor) => {
    meant.cursor = cursor;
    changed();
  };
  const point = (/** @type {PointerEvent} */ event) => mean(cursorAt(about, room(), fired(), event.offsetX, event.offsetY, rows()));
  scope.on(canvas, "pointermove", point);
  scope.on(canvas, "pointerdown", point); // a finger that taps does not move
  // A finger always leaves; what it pointed at stays to be read.
  scope.on(canvas, "pointerleave", (/** @type {PointerEvent} */ event) => event.pointerType !== "touch" && mean(null));
  scope.on(canvas, "keydown", (/** @type {KeyboardEvent} */ event) => {
    const cursor = moved(about, meant.cursor, event.key, rows());
    if (!cursor) return;
    event.preventDefault();
    mean(cursor);
  });
  return meant;
}
