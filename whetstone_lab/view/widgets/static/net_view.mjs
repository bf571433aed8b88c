// @ts-check
// A network on the page that can be pointed at, with a pointer, a finger or keys: one canvas, drawn anew when something changes.
import { surface } from "./canvas.mjs";
import { drawNetwork } from "./net_drawing.mjs";
import { layOut, neuronAt, placesOf, stepped } from "./net_layout.mjs";
import { h } from "./page.mjs";
import { MOST_BARS, listedClasses } from "./raster_reading.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {import("./wave.mjs").Network} Network */
/** @typedef {import("./net_drawing.mjs").Scene} Scene */
/** @typedef {import("./net_drawing.mjs").Neuron} Neuron */

/** The address of a neuron in words. @param {number} neuron @param {number[]} shape */
export function addressWords(neuron, shape) {
  if (shape.length !== 3) return `neuron ${neuron}`;
  const [, columns, maps] = shape;
  return `map ${neuron % maps}, row ${Math.floor(neuron / maps / columns)}, column ${Math.floor(neuron / maps) % columns}`;
}

/** The votes as they are drawn: of very many classes those with the most, the winner and the true one.
 * @param {{ votes: number[], best: number }} read @param {number} truth @returns {NonNullable<Scene["votes"]>} */
export function shownVotes({ votes, best }, truth) {
  return { numbers: listedClasses(votes, [best, truth], MOST_BARS), counted: votes, best, truth, settled: true, voters: null };
}

/** @param {Scope} scope @param {Network} network @param {number} classes how many votes there are
 * @param {{ scene: () => Scene, pointed: (neuron: Neuron | null) => void, chosen: (neuron: Neuron) => void, words: () => string, keys: string }} what
 *   `chosen`: a neuron is clicked, or the cursor is on it and Enter is pressed; `keys`: what keys do, in words */
export function networkView(scope, network, classes, { scene, pointed, chosen, words, keys }) {
  const box = h("div", { class: "wl-network" });
  const grain = h("canvas");
  const layers = network.layers.map((number) => {
    const node = /** @type {any} */ (network.nodes[number]);
    return { places: placesOf(node.grid, node.thresholds.length), classes: node.grid.classes };
  });
  let [width, layout] = [0, layOut(layers, Math.min(classes, MOST_BARS), 600)];
  /** @param {number} wide */
  function fit(wide) {
    if (wide === width || !wide) return;
    width = wide;
    layout = layOut(layers, Math.min(classes, MOST_BARS), wide);
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
  const at = (/** @type {PointerEvent} */ event) => neuronAt(layout.blocks, event.offsetX, event.offsetY);
  scope.on(canvas, "pointermove", (/** @type {PointerEvent} */ event) => event.pointerType !== "touch" && pointed(at(event)));
  scope.on(canvas, "pointerleave", () => pointed(null));
  scope.on(canvas, "click", (/** @type {PointerEvent} */ event) => {
    const neuron = at(event);
    if (neuron) chosen(neuron);
  });
  scope.on(canvas, "keydown", (/** @type {KeyboardEvent} */ event) => {
    const { cursor } = scene();
    const next = stepped(layout.blocks, cursor, event.key);
    if (next) pointed(next);
    else if (cursor && (event.key === "Enter" || event.key === " ")) chosen(cursor);
    else return;
    event.preventDefault();
  });
  return { element: box, redraw, canvas };
}
