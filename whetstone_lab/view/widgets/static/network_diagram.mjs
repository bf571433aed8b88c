// @ts-check
// A network by itself, or that of a run at the moment of the cursor: its neurons, and which of them a picture makes fire.
import { cursorOn } from "./cursor.mjs";
import { unpacked } from "./growing.mjs";
import { alone } from "./lab_alone.mjs";
import { laboratoryNetwork, layersIn } from "./lab_network.mjs";
import { firingOf, readWave } from "./lab_raster.mjs";
import { picturePicker, waveAsker } from "./lab_wave.mjs";
import { Scope, attended, h, header, keepKeys, renderer, say, watchKernel } from "./page.mjs";
import { saveMenu } from "./saving.mjs";

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./lab_raster.mjs").Wave} Wave */

/** How high layers are, in pixels. */
const DIAGRAM_TALL = 150;

/** The neurons of a network, as `NetworkDiagram.table` in Python has them. @param {{ name: string, size: number }[]} layers @param {Wave | null} wave
 * @returns {import("./saving.mjs").Column[]} */
export function diagramTable(layers, wave) {
  const fired = firingOf(wave);
  const all = (/** @type {(layer: number, neuron: number) => string | number} */ of) => layers.flatMap(({ size }, layer) => Array.from({ length: size }, (_, neuron) => of(layer, neuron)));
  return [["layer", all((layer) => layers[layer].name)], ["neuron", all((_, neuron) => neuron)],
    ["fires", all((layer, neuron) => fired[layer]?.[neuron] ?? NaN)], ["rate", all((layer, neuron) => (wave ? wave.counts[layer][neuron] / wave.about.samples : NaN))]];
}

/** What there is to say of a wave: after how many epochs it was, and as what the picture was read. @param {Wave | null} wave @param {boolean} apart whether there is no run */
export function diagramFacts(wave, apart) {
  if (!wave) return "";
  const read = wave.about.readings.map((/** @type {{ name: string, words: string[] }} */ { name, words }) => `${name} ${words[0] ?? ""}`.trim());
  return [...(apart ? [] : [`after epoch ${wave.epoch}`]), ...read.filter(Boolean)].join("  ·  ");
}

/** @param {{ model: Model, el: HTMLElement }} view */
function mountDiagram({ model, el }) {
  const scope = new Scope();
  const cursor = cursorOn(scope, model, "network_diagram");
  /** @type {Wave | null} */
  let wave = null;
  const [drawn, now] = [() => model.get("drawn"), () => model.get("now")];
  const layers = () => (wave ? layersIn(wave) : drawn().layers);
  const head = header("Network");
  const note = h("p", { class: "wl-note" });
  const picker = picturePicker(scope, cursor, model.get("pictures"));
  const few = picker.element.hidden;
  const network = laboratoryNetwork(scope, cursor, { layers, picture: () => drawn().picture, pictures: () => model.get("pictures"), shown: () => wave?.sample ?? cursor.sample, firing: () => firingOf(wave), drawn: picker.paint, tall: DIAGRAM_TALL });
  const asker = waveAsker(scope, model, cursor, () => now().epochs, undefined, () => drawn().first);
  const root = h("div", { class: "wl wl-diagram" }, head.element, picker.element, network.element, note);
  el.append(root);
  keepKeys(scope, root);
  saveMenu(scope, root, head.element, "network", () => diagramTable(layers(), wave));
  watchKernel(scope, model, root);

  function tell() {
    head.show(now(), now().status === "failed" ? now().message : diagramFacts(wave, drawn().apart));
    /** @type {HTMLElement} */ (head.element.querySelector(".wl-chip")).hidden = drawn().apart;
    say(note, layers().length ? "" : drawn().refused || "The network is drawn as soon as it is known: of a run that trains when an epoch has ended.");
    note.hidden = layers().length > 0;
    network.element.hidden = !note.hidden;
    picker.element.hidden = !note.hidden || few;
  }
  function show() {
    picker.show(wave);
    network.show();
    tell();
  }
  let epochs = now().epochs;
  scope.follow(model, "change:now", () => {
    tell();
    if (now().epochs !== epochs) asker.ask();
    epochs = now().epochs;
  });
  scope.follow(model, "change:drawn", show);
  scope.follow(model, "msg:custom", (/** @type {any} */ message, /** @type {any[]} */ buffers) => {
    if (message.kind !== "wave") return;
    const told = unpacked(message, buffers);
    wave = told.about ? readWave(told) : wave;
    asker.heard();
    show();
  });
  show();
  asker.ask();
  return () => scope.end();
}

/** A page without a kernel answers itself. @param {{ model: Model, el: HTMLElement }} view */
const render = ({ model, el }) => attended(renderer(mountDiagram))({ model: model.get("drawn").away ? alone(model) : model, el });

export default { render };
