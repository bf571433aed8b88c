// @ts-check
// The network in the laboratory: the picture that is shown, the layers and their neurons, at the moment of the cursor. Layers and
// neurons can be picked.
import { firing } from "./net_drawing.mjs";
import { networkView } from "./net_view.mjs";
import { address } from "./neurons.mjs";
import { many } from "./numbers.mjs";
import { h, say } from "./page.mjs";
import { painter } from "./raster_samples.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {import("./cursor.mjs").Cursor} Cursor */
/** @typedef {import("./net_drawing.mjs").Neuron} Neuron */

/** A layer to draw: its name, how many neurons it has, in which shape, and how they are laid out.
 * @typedef {{ name: string, size: number, shape: number[], grid: import("./net_layout.mjs").Grid }} Layer */

/** What is fired by a picture, a byte for each neuron of each layer. @typedef {(Uint8Array | undefined)[]} Firing */

/** The layers of a wave, to be drawn. @param {import("./lab_raster.mjs").Wave} wave @returns {Layer[]} */
export const layersIn = ({ about }) => about.layers.map((/** @type {string} */ name, /** @type {number} */ layer) => ({ name, size: about.sizes[layer], shape: about.shapes[layer], grid: about.grids[layer] }));

/** How high layers are, in pixels. */
const LAYERS_TALL = 68;

/** What differs from another network: now, the marks of each layer and the first of all; `leap` goes over them where a key is for that,
 * which `keys` says. @typedef {{ now: () => { marks: (Uint8Array | null)[], first: Neuron | null } | null, leap: (event: KeyboardEvent) => boolean, keys: string }} Differing */

/** @param {Scope} scope @param {Cursor} cursor
 * @param {{ layers: () => Layer[], picture: () => { name: string, grid: import("./net_layout.mjs").Grid, size: number }, pictures: () => any, shown: () => number, firing: () => Firing, drawn?: (ink: string) => void, tall?: number, broad?: number, differing?: Differing }} what
 *   `differing`: what is lit, where it stands beside another network, and others tell then what is pointed at; `tall`: how high layers are, in pixels; `broad`: how broad the page must be for them to stand in one line; `picture`: the size of a picture; `pictures`: those that can be shown, empty as long as there are none; `shown`: which of them what fires is of; `firing`: empty as long as nothing is known; `drawn`: called with the ink before it is drawn */
export function laboratoryNetwork(scope, cursor, { layers, picture, pictures, shown, firing: fired, drawn = () => {}, tall = LAYERS_TALL, broad, differing }) {
  const readout = h("p", { class: "wl-readout", ...(differing ? {} : { role: "status" }) });
  const painted = shownPicture(pictures);
  const state = { pointed: /** @type {Neuron | null} */ (null) };
  const view = networkView(scope, { layers, picture, tall, broad, scene, pointed, chosen: (neuron) => cursor.move(neuron), left: () => cursor.move({ layer: null, neuron: null }), words: () => told().whole, keys: differing?.keys ?? "", heed: differing?.leap });

  /** The neuron of the cursor. @returns {Neuron | null} */
  function here() {
    const { layer, neuron } = cursor;
    return layer === null || neuron === null || neuron >= (layers()[layer]?.size ?? 0) ? null : { layer, neuron };
  }
  function scene() {
    const [found, unlike, ink] = [fired(), differing?.now(), getComputedStyle(view.canvas).color];
    drawn(ink);
    return {
      layers: layers().map(({ name, size }, layer) => ({ name, fired: found[layer] ?? new Uint8Array(size), marks: null, differ: unlike?.marks[layer] ?? null, reached: Boolean(found[layer]) })),
      first: unlike?.first ?? null, cursor: state.pointed ?? here(), picked: cursor.layer, votes: null, shown: picture().name, picture: painted(shown(), ink),
    };
  }
  /** @param {Neuron | null} neuron @param {boolean} byKey */
  function pointed(neuron, byKey) {
    if (byKey && neuron) return cursor.move(neuron);
    state.pointed = neuron;
    tell();
    view.redraw();
  }
  function told() {
    const [known, found] = [layers(), fired()];
    const count = (/** @type {number} */ which) => firing(found[which] ?? new Uint8Array(0));
    const at = state.pointed ?? here();
    const total = known.reduce((sum, { size }) => sum + size, 0);
    const layer = cursor.layer === null ? undefined : known[cursor.layer];
    const words = at ? `${known[at.layer].name}, ${address(at.neuron, known[at.layer].shape)}: ${!found[at.layer] ? "not run yet" : found[at.layer]?.[at.neuron] ? "fires for this picture" : "silent for this picture"}.`
      : layer && cursor.layer !== null ? `${layer.name}: ${found[cursor.layer] ? `${count(cursor.layer)} of ${many(layer.size, "neuron")} fire for this picture.` : many(layer.size, "neuron")}`
        : `${many(total, "neuron")} in ${many(known.length, "layer")}. Click one, or move with the arrow keys.`;
    const whole = `The network: ${known.map(({ name, size }, which) => `${name}, ${size} neurons${found[which] ? `, of which ${count(which)} fire` : ""}`).join("; ")}. ${words}`;
    return { words, whole };
  }
  const tell = () => say(readout, told().words);
  cursor.follow(scope, () => (tell(), view.redraw()));
  return {
    element: h("div", { class: "wl-part wl-net" }, view.element, readout),
    show: () => (tell(), view.renew()),
  };
}

/** Paints the picture that is shown, when it or the ink is another. @param {() => any} pictures @returns {(which: number, ink: string) => HTMLCanvasElement | null} */
function shownPicture(pictures) {
  const canvas = h("canvas");
  let [known, paint, painted] = [/** @type {any} */ (null), painter({}), ""];
  return (which, ink) => {
    const now = pictures() ?? {};
    if (now !== known) [known, paint, painted] = [now, painter(now), ""];
    if (paint && painted !== `${which} ${ink}`) paint(canvas, which, ink);
    painted = `${which} ${ink}`;
    return paint && canvas;
  };
}
