// @ts-check
// A network on the page that can be pointed at, with a pointer, a finger or keys: one canvas, drawn anew when something changes.
import { surface } from "./canvas.mjs";
import { drawNetwork } from "./net_drawing.mjs";
import { layOut, neuronAt, placesOf, scrolled, scrolledTo, stepped } from "./net_layout.mjs";
import { h, say } from "./page.mjs";
import { MOST_BARS, listedClasses } from "./raster_reading.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {import("./net_drawing.mjs").Scene} Scene */
/** @typedef {import("./net_drawing.mjs").Neuron} Neuron */

/** On a page as broad as this, in pixels, all layers stand in one line where they are to. */
const ONE_LINE = 480;

/** What a layer takes in a line at least, and how high layers are in a strip, where nothing else is said. */
const SLOT = 66;
const STRIP = 120;

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

/** What a network is seen through: where it is longer, it is scrolled under a canvas that stays. @param {Scope} scope @param {HTMLElement} box of the canvas @param {() => void} redraw */
function windowOf(scope, box, redraw) {
  const run = h("div", { class: "wl-network-run" }, box);
  const element = h("div", { class: "wl-network-window" }, run);
  const hint = h("p", { class: "wl-network-hint", hidden: true });
  /** The layer that is looked at, and how many a wave has come to. */
  let [at, front] = [/** @type {number | null} */ (null), 0];
  scope.on(element, "scroll", redraw, { passive: true });
  const pane = {
    element, hint,
    /** Whether a pointer is on it, under which nothing must move. */
    hovered: false,
    width: () => element.clientWidth,
    /** @param {ReturnType<typeof layOut>} layout @param {number} wide */
    fit({ strip }, wide) {
      box.style.width = strip ? `${wide}px` : "";
      run.style.width = strip ? `${wide + Math.max(strip.end - strip.to, 0)}px` : "";
      element.classList.toggle("wl-long", Boolean(strip));
      hint.hidden = !strip;
    },
    /** @param {ReturnType<typeof layOut>} layout */
    seen: (layout) => scrolled(layout, element.scrollLeft),
    /** What is seen, with what has changed last in sight: the layer that is looked at, or the one that the wave has come to.
     * @param {ReturnType<typeof layOut>} layout @param {Scene} scene */
    see(layout, { cursor, picked = null, layers }) {
      const [before, reached] = [{ at, front }, layers.filter((layer) => layer.reached).length];
      [at, front] = [cursor?.layer ?? picked, reached];
      const to = at !== before.at ? at : front !== before.front && front && front < layers.length ? front - 1 : null;
      if (to !== null && !pane.hovered) element.scrollLeft = scrolledTo(layout, to, element.scrollLeft);
      const seen = pane.seen(layout);
      if (layout.strip) say(hint, `${seen.first < seen.last ? `Layers ${seen.first + 1} to` : "Layer"} ${seen.last + 1} of ${layers.length}; scroll sideways for the others.`);
      return seen;
    },
  };
  return pane;
}

/** @param {Scope} scope
 * @param {{ layers: () => Part[], classes?: number, bars?: number, picture?: () => Part, tall?: number, broad?: number, scene: () => Scene, pointed: (neuron: Neuron | null, byKey: boolean) => void,
 *   chosen: (neuron: Neuron) => void, left?: () => void, words: () => string, keys: string, heed?: (event: KeyboardEvent) => boolean }} what
 *   `classes`: how many votes there are; `bars`: how many of them are listed; `picture`: the picture that stands before the layers; `tall`: how high layers may be where all are to
 *   stand in one line, and `broad`, how broad the page must be for that; `chosen`: a neuron is clicked, or the cursor is on it and Enter is pressed; `left`: a click beside them, or Escape;
 *   `keys`: what keys do, in words; `heed`: what another key does, and whether it does */
export function networkView(scope, { layers, classes = 0, bars = MOST_BARS, picture, tall, broad = ONE_LINE, scene, pointed, chosen, left = () => {}, words, keys, heed = () => false }) {
  const box = h("div", { class: "wl-network" });
  const pane = windowOf(scope, box, () => redraw());
  const grain = h("canvas");
  /** @param {Part} part */
  const placed = ({ grid, size }) => ({ places: placesOf(grid, size), classes: grid.classes });
  /** @param {number} wide */
  function laidOut(wide) {
    const parts = layers().map(placed);
    const listed = Math.min(classes, bars);
    // A bird's eye view of very many layers needs no names; elsewhere each stands where its name can be read.
    const line = tall && wide >= broad && (picture || parts.length * SLOT + (listed ? 2 * SLOT : 0) <= wide);
    return layOut(parts, listed, wide, { picture: picture ? placed(picture()).places : null, strip: tall ?? STRIP, ...(line ? { tall, most: 1 } : {}) });
  }
  let [width, layout] = [0, laidOut(600)];
  /** @param {number} wide */
  function fit(wide) {
    if (wide === width || !wide) return;
    width = wide;
    layout = laidOut(wide);
    box.style.height = `${layout.height}px`;
    pane.fit(layout, wide);
  }
  const { canvas, redraw } = surface(scope, box, (pen) => {
    fit(pane.width());
    const picture = scene();
    drawNetwork(pen, pane.see(layout, picture), picture, grain);
    canvas.setAttribute("aria-label", `${words()} ${keys}`);
  }, { tabindex: 0, "aria-roledescription": "network" });
  const sizes = new ResizeObserver(() => fit(pane.width()));
  sizes.observe(pane.element);
  scope.undo.push(() => sizes.disconnect());
  const ofLayers = () => layout.blocks.filter(({ layer }) => layer >= 0);
  /** What is under a pointer. @param {PointerEvent} event */
  function under({ offsetX: x, offsetY: y }) {
    const { blocks, strip } = pane.seen(layout);
    return strip && (x < strip.from || x > strip.to) ? null : neuronAt(blocks.filter(({ layer }) => layer >= 0), x, y);
  }
  scope.on(canvas, "pointermove", (/** @type {PointerEvent} */ event) => {
    if (event.pointerType === "touch") return;
    pane.hovered = true;
    pointed(under(event), false);
  });
  scope.on(canvas, "pointerleave", () => {
    pane.hovered = false;
    pointed(null, false);
  });
  scope.on(canvas, "click", (/** @type {PointerEvent} */ event) => {
    const neuron = under(event);
    if (neuron) chosen(neuron);
    else left();
  });
  scope.on(canvas, "keydown", (/** @type {KeyboardEvent} */ event) => {
    const { cursor } = scene();
    pane.hovered = false;
    const next = stepped(ofLayers(), cursor, event.key);
    if (next) pointed(next, true);
    else if (cursor && (event.key === "Enter" || event.key === " ")) chosen(cursor);
    else if (event.key === "Escape") return left();
    else if (!heed(event)) return;
    event.preventDefault();
  });
  return {
    element: h("div", { class: "wl-network-view" }, pane.element, pane.hint), redraw, canvas,
    /** The layers are others now. */
    renew() {
      width = 0;
      fit(pane.width());
      redraw();
    },
  };
}
