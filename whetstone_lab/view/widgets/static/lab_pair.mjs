// @ts-check
// Two runs side by side: the network of each, and the spikes that one picture sends through it, all by the one cursor.
import { laboratoryNetwork } from "./lab_network.mjs";
import { firingOf, readWave, waveRaster, waveTools } from "./lab_raster.mjs";
import { picturePicker, waveAsker, waveReading } from "./lab_wave.mjs";
import { many } from "./numbers.mjs";
import { h, say } from "./page.mjs";

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {import("./cursor.mjs").Cursor} Cursor */
/** @typedef {import("./lab_raster.mjs").Wave} Wave */

/** One of the two: what it is called, its layers, the size of a picture and those that are shown to it, its wave, and why there is none.
 * @typedef {{ title: () => string, layers: () => import("./lab_network.mjs").Layer[], picture: () => any, pictures: () => any, wave: () => Wave | null, empty: () => string }} Side */

/** How high the layers are, in pixels, and how broad a column must be for them to stand in one line. */
const PAIR_TALL = 84;
const PAIR_BROAD = 320;

/** The layers of a wave, to be drawn. @param {Wave} wave @returns {import("./lab_network.mjs").Layer[]} */
export const layersIn = ({ about }) => about.layers.map((/** @type {string} */ name, /** @type {number} */ layer) => ({ name, size: about.sizes[layer], shape: about.shapes[layer], grid: about.grids[layer] }));

/** Of each layer how many neurons do otherwise in the other network; null where the two are of other shapes. @param {Wave} mine @param {Wave} other */
export function unlike(mine, other) {
  if (JSON.stringify(mine.about.shapes) !== JSON.stringify(other.about.shapes)) return null;
  const [here, there] = [firingOf(mine), firingOf(other)];
  return here.map((fired, layer) => (fired ?? new Uint8Array()).reduce((sum, spike, neuron) => sum + (spike === there[layer]?.[neuron] ? 0 : 1), 0));
}

/** The same in words. @param {Wave | null} mine @param {Wave | null} other */
export function pairWords(mine, other) {
  if (!mine || !other) return "";
  const counts = unlike(mine, other);
  if (!counts) return "The two networks have other layers, so their neurons cannot be compared one by one.";
  if (!counts.some(Boolean)) return "Every neuron does the same in both.";
  return `For this picture they differ in ${counts.map((count, layer) => `${count} of ${many(mine.about.sizes[layer], "neuron")} of ${mine.about.layers[layer]}`).join(", ")}.`;
}

/** @param {Scope} scope @param {Cursor} cursor @param {Side} side @param {(event: KeyboardEvent) => boolean} heed @param {(ink: string) => void} drawn */
function sideView(scope, cursor, { title, layers, picture, pictures, wave, empty }, heed, drawn) {
  const head = h("div", { class: "wl-kicker" });
  const readout = h("p", { class: "wl-readout", role: "status" });
  const network = laboratoryNetwork(scope, cursor, { layers, picture, pictures, shown: () => wave()?.sample ?? cursor.sample, firing: () => firingOf(wave(), cursor), tall: PAIR_TALL, broad: PAIR_BROAD });
  const raster = waveRaster(scope, cursor, { wave, empty, drawn, told: () => say(readout, raster.words()), heed });
  const reading = waveReading(scope, cursor, wave);
  cursor.follow(scope, reading.show);
  return {
    element: h("div", { class: "wl-half" }, head, network.element, h("div", { class: "wl-half-spikes" }, raster.box, reading.element), readout),
    show() {
      const here = wave();
      say(head, `${title()}${here ? `, after epoch ${here.epoch}` : ""}`);
      network.element.hidden = !layers().length;
      network.show();
      reading.show();
      raster.canvas.setAttribute("aria-label", `${title()}: ${raster.facts()}. Arrow keys move over neurons and steps, Enter looks at one everywhere.`);
      raster.redraw();
    },
  };
}

/** What stands behind the tab. @param {Scope} scope @param {Cursor} cursor @param {Side} mine @param {Side} theirs */
function pairSheet(scope, cursor, mine, theirs) {
  const further = () => ((theirs.wave()?.about.layers.length ?? 0) > (mine.wave()?.about.layers.length ?? 0) ? theirs.wave() : mine.wave());
  const tools = waveTools(scope, cursor, further);
  const picker = picturePicker(scope, cursor, mine.pictures());
  const said = h("p", { class: "wl-readout wl-pair-words", role: "status" });
  const halves = [mine, theirs].map((side) => sideView(scope, cursor, side, tools.heed, picker.paint));
  return {
    parts: [h("div", { class: "wl-pair-top" }, picker.element, tools.order, tools.steps), h("div", { class: "wl-halves" }, ...halves.map(({ element }) => element)), said],
    show() {
      picker.show(mine.wave());
      tools.show();
      halves.forEach((half) => half.show());
      say(said, pairWords(mine.wave(), theirs.wave()));
    },
  };
}

/** @param {Scope} scope @param {Model} model asked for the waves of the other run @param {Cursor} cursor
 * @param {{ mine: Side, other: () => { number: number, rows: Record<string, number>[], pictures: any, picture: any } | null, words: (number: number) => string }} what
 *   `mine`: the run that is shown; `other`: the one that is compared with it; `words`: what an experiment is called */
export function pairView(scope, model, cursor, { mine, other, words }) {
  let [of, wave, bare] = [0, /** @type {Wave | null} */ (null), false];
  /** @type {ReturnType<typeof pairSheet> | null} */
  let sheet = null;
  const element = h("div", { class: "wl-pair" });
  const number = () => other()?.number ?? 0;
  const asker = waveAsker(scope, model, cursor, () => other()?.rows.slice(-1)[0]?.end ?? 0, () => other() && { number: number() });
  const theirs = {
    title: () => words(number()), layers: () => (wave ? layersIn(wave) : []), picture: () => other()?.picture ?? mine.picture(), pictures: () => other()?.pictures ?? {}, wave: () => wave,
    empty: () => (bare ? "Its network was not kept, so there are no spikes." : cursor.at !== null && cursor.at < 1 ? mine.empty() : "The spikes are on their way."),
  };
  function show() {
    if (!other()) return;
    if (!sheet) {
      sheet = pairSheet(scope, cursor, mine, theirs);
      element.append(...sheet.parts);
    }
    sheet.show();
  }
  return {
    element, show,
    /** Another run is compared, or none. */
    begin() {
      if (of !== number()) [of, wave, bare] = [number(), null, false];
      asker.ask();
      show();
    },
    /** The wave of a run that was compared has come. @param {any} message */
    heard(message) {
      if (message.number === of) [wave, bare] = message.about ? [readWave(message), false] : [null, true];
      asker.heard();
      show();
    },
  };
}
