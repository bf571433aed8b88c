// @ts-check
// A network on the page that can be pointed at, with a pointer, a finger or keys: one canvas, drawn anew when something changes.
import { surface } from "./canvas.mjs";
import { drawNetwork } from "./net_drawing.mjs";
import { layOut, neuronAt, placesOf, stepped } from "./net_layout.mjs";
import { h } from "./page.mjs";
import { MOST_BARS, listedClasses } from "./raster_reading.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {import("./net_drawing.mjs").Scene} Scene */
/** @typedef {import("./net_drawing.mjs").Neuron} Neuron */

/** On a page as broad as this, in pixels, all layers stand in one line where they are to. */
const ONE_LINE = 480;

/** What a layer takes in a line at least. */
const SLOT = 66;

/** A layer, or a picture, to lay out: how, as scenes/network.py has it, and how many values it has. @typedef {{ grid: import("./net_layout.mjs").Grid, size: number }} Part */

/** The layers of neurons of a network. @param {import("./wave.mjs").Network} network @returns {Part[]} */
export const layersOf = (network) => network.layers.map((number) => {
  const node = /** @type {any} */ (network.nodes[number]);
  return { grid: node.grid, size: node.thresholds.length };
});

/** The votes as they are drawn: of very many classes those with the most, the winner and the true one.
 * @param {{ votes: number[], best: number }} read @param {number} truth @param {number} [most] how many are listed @returns {NonNullable<Scene["votes"]>} */
export function shownVotes({ votes, best }, truth, most = MOST_BARS) {
  return { numbers: listedClasses(votes, [best, truth], most), counted: votes, best, truth, settled: true, voters: null };
}

/** @param {Scope} scope
 * @param {{ layers: () => Part[], classes?: number, bars?: number, picture?: () => Part, tall?: number, broad?: number, scene: () => Scene, pointed: (neuron: Neuron | null, byKey: boolean) => void,
 *   chosen: (neuron: Neuron) => void, left?: () => void, words: () => string, keys: string }} what
 *   `classes`: how many votes there are; `bars`: how many of them are listed; `picture`: the picture that stands before the layers; `tall`: how high layers may be where all are to
 *   stand in one line, and `broad`, how broad the page must be for that; `chosen`: a neuron is clicked, or the cursor is on it and Enter is pressed; `left`: a click beside them, or Escape;
 *   `keys`: what keys do, in words */
export function networkView(scope, { layers, classes = 0, bars = MOST_BARS, picture, tall, broad = ONE_LINE, scene, pointed, chosen, left = () => {}, words, keys }) {
  const box = h("div", { class: "wl-network" });
  const grain = h("canvas");
  /** @param {Part} part */
  const placed = ({ grid, size }) => ({ places: placesOf(grid, size), classes: grid.classes });
  /** @param {number} wide */
  function laidOut(wide) {
    const parts = layers().map(placed);
    const listed = Math.min(classes, bars);
    // A bird's eye view of very many layers needs no names; elsewhere each stands where its name can be read.
    const line = tall && wide >= broad && (picture || parts.length * SLOT + (listed ? 2 * SLOT : 0) <= wide);
    return layOut(parts, listed, wide, { picture: picture ? placed(picture()).places : null, ...(line ? { tall, most: 1 } : {}) });
  }
  let [width, layout] = [0, laidOut(600)];
  /** @param {number} wide */
  function fit(wide) {
    if (wide === width || !wide) return;
    width = wide;
    layout = laidOut(wide);
    box.style.height = `${layout.height}px`;
  }
  const { canvas, redraw } = surface(scope, box, (pen) => {
    fit(pen.width);
    drawNetwork(pen, layout, scene(), grain);
    canvas.setAttribute("aria-label", `${words()} ${keys}`);
  }, { tabindex: 0, "aria-roledescription": "network" });
  const sizes = new ResizeObserver(() => fit(box.clientWidth));
  sizes.observe(box);
  scope.undo.push(() => sizes.disconnect());
  const ofLayers = () => layout.blocks.filter(({ layer }) => layer >= 0);
  const at = (/** @type {PointerEvent} */ event) => neuronAt(ofLayers(), event.offsetX, event.offsetY);
  scope.on(canvas, "pointermove", (/** @type {PointerEvent} */ event) => event.pointerType !== "touch" && pointed(at(event), false));
  scope.on(canvas, "pointerleave", () => pointed(null, false));
  scope.on(canvas, "click", (/** @type {PointerEvent} */ event) => {
    const neuron = at(event);
    if (neuron) chosen(neuron);
    else left();
  });
  scope.on(canvas, "keydown", (/** @type {KeyboardEvent} */ event) => {
    const { cursor } = scene();
    const next = stepped(ofLayers(), cursor, event.key);
    if (next) pointed(next, true);
    else if (cursor && (event.key === "Enter" || event.key === " ")) chosen(cursor);
    else if (event.key === "Escape") return left();
    else return;
    event.preventDefault();
  });
  return {
    element: box, redraw, canvas,
    /** The layers are others now. */
    renew() {
      width = 0;
      fit(box.clientWidth);
      redraw();
    },
  };
}
