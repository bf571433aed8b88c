// @ts-check
// The spikes that one picture sends through the network, as it is at the moment of the cursor, and what they are read as.
import { layerColour, surface } from "./canvas.mjs";
import { asking } from "./lab_asking.mjs";
import { address } from "./neurons.mjs";
import { Scope, h, say } from "./page.mjs";
import { drawRaster, rasterRoom, spikeSheet } from "./raster_drawing.mjs";
import { rasterPointing } from "./raster_pointing.mjs";
import { panel } from "./raster_reading.mjs";
import { painter, samplePicker } from "./raster_samples.mjs";
import { firedBefore, firingAt, readSpikes, spikesOf } from "./raster_spikes.mjs";

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./cursor.mjs").Cursor} Cursor */

/** A wave as Python tells of it: after how many epochs, of which picture, the record of that one alone, and as which class each of
 * the pictures was read. @typedef {{ epoch: number, sample: number, about: any, fired: import("./raster_spikes.mjs").Fired[], classes: number[], maps?: any }} Wave */

/** @param {any} message with the spikes as Python sends them, or as the page itself has worked them out @returns {Wave} */
export const readWave = ({ epoch, sample, about, spikes, maps, classes, fired }) => ({ epoch, sample, about, maps, classes, fired: fired ?? spikesOf(readSpikes(spikes), 0, about.layers.length) });

/** Votes that are listed at the most. */
const LISTED = 10;

/** What fires, a byte for each neuron of each layer. @param {Wave | null} wave */
export const firingOf = (wave) => (wave ? wave.fired.map(({ neuron }, layer) => {
  const found = new Uint8Array(wave.about.sizes[layer]);
  for (const one of neuron) found[one] = 1;
  return found;
}) : []);

/** Asks for the wave at the cursor. @param {Scope} scope @param {Model} model @param {Cursor} cursor @param {() => number} epochs that were trained */
export function waveAsker(scope, model, cursor, epochs) {
  const asker = asking(scope, model, "wave", {
    wish() {
      const epoch = cursor.epoch(epochs());
      return epoch < 1 ? null : { epoch, sample: cursor.sample };
    },
  });
  cursor.follow(scope, asker.ask);
  return asker;
}

/** @param {Scope} scope @param {Cursor} cursor @param {{ pictures: any, wave: () => Wave | null }} what */
export function waveView(scope, cursor, { pictures, wave }) {
  const paint = painter(pictures);
  const truth = /** @type {number[]} */ (pictures.truth ?? []);
  const picker = samplePicker(scope, { samples: pictures.count ?? 0, words: (which) => `picture ${which}${truth.length ? `, a ${truth[which]}` : ""}`, wrong: () => true, pictured: paint !== null, choose: (which) => cursor.move({ sample: which }) });
  const crosses = [...picker.element.querySelectorAll(".wl-wrong")];
  const box = h("div", { class: "wl-raster" });
  const readout = h("p", { class: "wl-readout", role: "status" });
  const read = readingOf(scope);
  const head = h("div", { class: "wl-kicker" }, "Spikes");
  const sheet = spikeSheet();
  const none = { layers: [], sizes: [], bands: [], steps: 1, shapes: [] };
  let [drawn, inked] = [0, ""];
  /** The wave that is shown. @type {Wave | null} */
  let shown = null;
  const about = () => wave()?.about ?? none;
  const where = () => rasterRoom(about(), box.clientWidth, box.clientHeight);
  const surfaced = surface(scope, box, draw, { tabindex: 0, "aria-roledescription": "spike raster" });
  const meant = pointingAt(scope, surfaced.canvas, { about, room: where, fired: () => wave()?.fired ?? [], changed: () => (tell(), surfaced.redraw()) });
  scope.on(surfaced.canvas, "click", () => pick());
  scope.on(surfaced.canvas, "keydown", (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && pick());

  /** @param {import("./canvas.mjs").Pen} pen */
  function draw(pen) {
    const { context, width, height, colour } = pen;
    const ink = colour("ink");
    if (paint && inked !== ink) picker.canvases.forEach((canvas, which) => paint(canvas, which, ink));
    inked = ink;
    const here = wave();
    if (!here) {
      [context.fillStyle, context.textAlign, context.textBaseline] = [colour("muted"), "center", "middle"];
      context.font = `12px ${getComputedStyle(context.canvas).fontFamily}`;
      return context.fillText("The spikes come after the first epoch.", width / 2, height / 2);
    }
    sheet.renew(pen, here.about, where(), here.fired, String(drawn));
    drawRaster(pen, { about: here.about, room: where(), sheet: sheet.canvas, at: here.about.steps, spiking: (layer) => firedBefore(here.fired[layer], here.about.steps), cursor: meant().cursor ?? picked(here) });
    markLayer(pen, where(), here.about.layers.length, cursor.layer);
  }

  /** The neuron that is picked elsewhere, in the step of its layer. @param {Wave} here */
  function picked(here) {
    const { layer, neuron } = cursor;
    return layer === null || neuron === null || layer >= here.fired.length ? null : { layer, neuron, step: here.fired[layer].step[0] ?? layer };
  }

  /** What is pointed at is looked at everywhere. */
  function pick() {
    const point = meant().cursor;
    if (point) cursor.move({ layer: point.layer, neuron: point.neuron });
  }

  function tell() {
    const here = wave();
    const point = meant().cursor;
    say(readout, !here || !point ? "" : `${here.about.layers[point.layer]}, ${address(point.neuron, here.about.shapes[point.layer])}, step ${point.step}: ${firingAt(here.fired[point.layer], point.step).includes(point.neuron) ? "fires" : "silent"}.`);
  }

  function show() {
    const here = wave();
    picker.show(cursor.sample);
    say(head, here ? `Spikes after epoch ${here.epoch}` : "Spikes");
    crosses.forEach((cross, which) => /** @type {HTMLElement} */ (cross).hidden = !here || !truth.length || !here.classes.length || here.classes[which] === truth[which]);
    if (here !== shown) read.show(here);
    drawn += here === shown ? 0 : 1;
    shown = here;
    surfaced.canvas.setAttribute("aria-label", here ? `${here.about.layers.map((/** @type {string} */ name, /** @type {number} */ layer) => `${name}: ${here.fired[layer].neuron.length} of ${here.about.sizes[layer]} neurons fire`).join("; ")}. Arrow keys move over neurons and steps, Enter looks at one everywhere.` : "No spikes yet.");
    tell();
    surfaced.redraw();
  }
  cursor.follow(scope, (place, before) => (place.sample !== before.sample ? picker.show(place.sample) : surfaced.redraw()));
  return { element: h("div", { class: "wl-part wl-wave" }, head, picker.element, h("div", { class: "wl-wave-sides" }, box, read.element), readout), show };
}

/** What a wave is read as; what stands there goes with the wave. @param {Scope} scope */
function readingOf(scope) {
  const element = h("div", { class: "wl-read" });
  let own = new Scope();
  scope.undo.push(() => own.end());
  return {
    element,
    /** @param {Wave | null} wave */
    show(wave) {
      own.end();
      own = new Scope();
      const reading = wave?.about.readings.length ? panel(own, wave.about.readings[0], wave.maps?.[0], LISTED) : null;
      element.replaceChildren(...(reading ? [reading.element] : []));
      reading?.show(0, 1);
    },
  };
}

/** The layer that is picked: a bar beside its band. @param {import("./canvas.mjs").Pen} pen @param {any} room @param {number} layers @param {number | null} layer */
function markLayer({ context, colour }, room, layers, layer) {
  if (layer === null || layer >= layers) return;
  const { top, bottom } = room.band(layer);
  context.fillStyle = colour(layerColour(layer));
  context.fillRect(room.left - 5, top, 3, bottom - top);
}

/** What is pointed at on a raster whose network may become another.
 * @param {Scope} scope @param {HTMLCanvasElement} canvas @param {{ about: () => any, room: () => any, fired: () => any, changed: () => void }} raster */
function pointingAt(scope, canvas, { about, room, fired, changed }) {
  /** What the pointer needs to know, as it stands when it is asked. */
  const lasting = { get layers() { return about().layers; }, get sizes() { return about().sizes; }, get bands() { return about().bands; }, get steps() { return about().steps; } };
  const meant = rasterPointing(scope, canvas, lasting, { room, fired, changed: () => changed() });
  return () => meant;
}
