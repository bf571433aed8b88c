// @ts-check
// Pointing at the raster, with a pointer, a finger or keys: which neuron at which step is meant.
import { clamp } from "./numbers.mjs";
import { firingAt } from "./raster_spikes.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {import("./raster_drawing.mjs").Cursor} Cursor */
/** @typedef {import("./raster_drawing.mjs").About} About */

/** How far a pointer may be from a spike that it means, in pixels: rows are thin. */
const NEAR = 4;

/** The neuron and step at a place on the raster; a spike within reach is meant rather than its neighbours.
 * @param {About} about @param {import("./raster_drawing.mjs").Room} room @param {import("./raster_spikes.mjs").Fired[]} fired
 * @param {number} x @param {number} y @returns {Cursor | null} */
export function cursorAt(about, room, fired, x, y) {
  const step = Math.floor((x - room.left) / room.column);
  const layer = about.layers.findIndex((_, which) => y >= room.band(which).top && y <= room.band(which).bottom);
  if (layer < 0 || step < 0 || step >= about.steps) return null;
  const { bottom, row } = room.band(layer);
  const here = clamp(Math.floor((bottom - y) / row), 0, about.sizes[layer] - 1);
  const near = firingAt(fired[layer], step).reduce((best, neuron) => (Math.abs(neuron - here) < Math.abs(best - here) ? neuron : best), Infinity);
  return { layer, step, neuron: Math.abs(near - here) * row <= NEAR ? near : here };
}

/** Where an arrow key leads: over the neurons of all layers, and over the steps.
 * @param {About} about @param {Cursor | null} cursor @param {string} key @returns {Cursor | null} null for another key */
export function moved(about, cursor, key) {
  const by = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[key];
  if (!by || !about.layers.length) return null;
  let { layer, neuron, step } = cursor ?? { layer: 0, neuron: -1, step: 0 };
  step = clamp(step + by[1], 0, about.steps - 1);
  neuron += by[0];
  if (neuron >= about.sizes[layer] && layer < about.layers.length - 1) [layer, neuron] = [layer + 1, 0];
  else if (neuron < 0 && layer > 0) [layer, neuron] = [layer - 1, about.sizes[layer - 1] - 1];
  return { layer, neuron: clamp(neuron, 0, about.sizes[layer] - 1), step };
}

/** What is pointed at on the raster.
 * @param {Scope} scope @param {HTMLCanvasElement} canvas @param {About} about
 * @param {{ room: () => import("./raster_drawing.mjs").Room, fired: () => import("./raster_spikes.mjs").Fired[], changed: () => void }} raster */
export function rasterPointing(scope, canvas, about, { room, fired, changed }) {
  const meant = { cursor: /** @type {Cursor | null} */ (null) };
  const mean = (/** @type {Cursor | null} */ cursor) => {
    meant.cursor = cursor;
    changed();
  };
  const point = (/** @type {PointerEvent} */ event) => mean(cursorAt(about, room(), fired(), event.offsetX, event.offsetY));
  scope.on(canvas, "pointermove", point);
  scope.on(canvas, "pointerdown", point); // a finger that taps does not move
  // A finger always leaves; what it pointed at stays to be read.
  scope.on(canvas, "pointerleave", (/** @type {PointerEvent} */ event) => event.pointerType !== "touch" && mean(null));
  scope.on(canvas, "keydown", (/** @type {KeyboardEvent} */ event) => {
    const cursor = moved(about, meant.cursor, event.key);
    if (!cursor) return;
    event.preventDefault();
    mean(cursor);
  });
  return meant;
}
