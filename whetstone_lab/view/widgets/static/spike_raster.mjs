// @ts-check
import { surface } from "./canvas.mjs";
import { address } from "./neurons.mjs";
import { clamp, many } from "./numbers.mjs";
import { Scope, button, calm, h, header, keepKeys, renderer, say, watchKernel, whenSeen } from "./page.mjs";
import { playButton, player } from "./player.mjs";
import { drawRaster, rasterRoom, spikeGrid, spikeSheet } from "./raster_drawing.mjs";
import { rasterPointing } from "./raster_pointing.mjs";
import { panel, told } from "./raster_reading.mjs";
import { painter, samplePicker } from "./raster_samples.mjs";
import { saveMenu } from "./saving.mjs";
import { firedBefore, firingAt, readSpikes, spikesOf } from "./raster_spikes.mjs";

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./canvas.mjs").Pen} Pen */
/** @typedef {ReturnType<typeof waveOf>} Wave */

/** What the raster shows: one sample, and its spikes. @param {Model} model */
function waveOf(model) {
  const about = model.get("about");
  const spikes = readSpikes(model.get("spikes"));
  const { layers, sizes, steps } = about;
  const sum = (/** @type {number[]} */ numbers) => numbers.reduce((total, number) => total + number, 0);
  const wave = {
    about, outputs: /** @type {import("./raster_reading.mjs").Output[]} */ (about.readings), sample: 0,
    fired: /** @type {import("./raster_spikes.mjs").Fired[]} */ ([]),
    /** Takes the sample that is picked. */
    pick() {
      wave.sample = clamp(model.get("sample"), 0, about.samples - 1);
      wave.fired = spikesOf(spikes, wave.sample, layers.length);
    },
    /** Every spike of every sample, as `SpikeRaster.table` in Python has them. @returns {import("./saving.mjs").Column[]} */
    table() {
      const { ends, step, layer, neuron } = spikes;
      const sample = ends.flatMap((end, which) => Array(end - (ends[which - 1] ?? 0)).fill(which));
      return [["sample", sample], ["layer", Array.from(layer, (which) => layers[which])], ["neuron", neuron], ["step", step]];
    },
    /** How many neurons of a layer have fired by some time, in steps. @param {number} layer @param {number} at */
    spiking: (layer, at) => firedBefore(wave.fired[layer], Math.ceil(at)),
    /** The sample and its spikes in a line. */
    facts() {
      const truth = wave.outputs.filter(({ shown, truth }) => shown === "votes" && truth.length).map(({ name, truth }) => (name ? `, ${name} ${truth[wave.sample]}` : `, a ${truth[wave.sample]}`)).join("");
      const counted = `${many(sum(wave.fired.map(({ step }) => step.length)), "spike")} from ${many(sum(sizes), "neuron")} in ${many(steps, "step")}`;
      return `sample ${wave.sample}${truth}  ·  ${layers.length ? counted : "no neurons in this network"}`;
    },
    /** What stands under the raster. @param {import("./raster_drawing.mjs").Cursor | null} cursor @param {number} at how far the wave has come @param {boolean} dense */
    hint(cursor, at, dense) {
      if (!layers.length) return "Nothing fires here: the output is computed from the input at once.";
      if (!cursor) return `Point at a spike to see whose it is.${dense ? " Where spikes outnumber pixels, a fuller colour means that more of the neurons fire." : ""}`;
      const { layer, neuron, step } = cursor;
      const what = step + 1 > at + 1e-9 ? "not reached yet" : firingAt(wave.fired[layer], step).includes(neuron) ? "fires" : "silent";
      return `${layers[layer]}, ${address(neuron, about.shapes[layer])}, step ${step}: ${what}.`;
    },
  };
  wave.pick();
  return wave;
}

/** @param {{ model: Model, el: HTMLElement }} view */
function mountRaster({ model, el }) {
  const scope = new Scope();
  const wave = waveOf(model);
  const { about } = wave;
  const head = header("Spikes");
  head.element.children[1].remove();
  const box = h("div", { class: "wl-raster" });
  const readout = h("p", { class: "wl-readout", role: "status" });
  const readings = readingsOf(scope, model, wave);
  const samples = samplesOf(scope, model, wave, () => start());
  const body = h("div", { class: "wl-body" }, ...samples.shown, h("div", { class: "wl-middle" }, box), ...readings.elements);
  const play = button("▶", "Play", { "aria-label": "Play the wave" });
  const scrub = h("input", { type: "range", min: 0, max: about.steps, step: 0.05, "aria-label": "Time, in steps" });
  const moment = h("output", { class: "wl-moment" });
  const speed = h("select", { "aria-label": "Speed" }, ...[0.25, 0.5, 1, 2, 4].map((factor) => h("option", { value: factor, selected: factor === 1 }, `${factor} ×`)));
  const root = h("div", { class: "wl wl-spikes" }, head.element, samples.picker.element, body, readout,
    h("div", { class: "wl-transport" }, play, h("div", { class: "wl-track" }, scrub), moment, speed));
  root.classList.toggle("wl-no-picture", !samples.shown.length);
  root.classList.toggle("wl-no-votes", !readings.elements.length);
  el.append(root);
  keepKeys(scope, root);
  saveMenu(scope, root, head.element, "spikes", () => wave.table());
  watchKernel(scope, model, root);
  const raster = surface(scope, box, draw, { tabindex: 0, "aria-roledescription": "spike raster" });
  const sheet = spikeSheet();
  const room = () => rasterRoom(about, box.clientWidth, box.clientHeight);
  const meant = rasterPointing(scope, raster.canvas, about, { room, fired: () => wave.fired, changed: () => (hint(), raster.redraw()) });
  const playback = player(scope, {
    end: () => about.steps,
    seconds: () => clamp(0.9 * about.steps, 1.2, 8) / Number(speed.value),
    show,
    changed: (playing) => playButton(play, playing, "Play the wave"),
  });

  function start() {
    if (calm()) playback.stop(about.steps);
    else playback.play(0);
  }

  function hint() {
    const dense = wave.fired.some((fired, layer) => spikeGrid(about, room(), layer, fired, globalThis.devicePixelRatio || 1).dense);
    say(readout, wave.hint(meant.cursor, playback.at, dense));
  }

  /** @param {Pen} pen */
  function draw(pen) {
    sheet.renew(pen, about, room(), wave.fired, wave.sample);
    samples.paint(getComputedStyle(root).color);
    drawRaster(pen, { about, room: room(), sheet: sheet.canvas, at: playback.at, spiking: (layer) => wave.spiking(layer, playback.at), cursor: meant.cursor });
  }

  function show() {
    const { at } = playback;
    scrub.value = String(at);
    say(moment, at >= about.steps ? "all steps" : `step ${Math.min(Math.floor(at), about.steps - 1)}`);
    scrub.setAttribute("aria-valuetext", moment.textContent ?? "");
    say(head.element.children[1], wave.facts());
    // The output comes with the spikes of the last layer.
    readings.show(clamp(at - (about.steps - 1), 0, 1));
    const layers = about.layers.map((/** @type {string} */ name, /** @type {number} */ layer) => `${name}: ${wave.spiking(layer, at)} of ${about.sizes[layer]} neurons fired`);
    raster.canvas.setAttribute("aria-label", layers.length ? `${layers.join("; ")}. Arrow keys move over neurons and steps.` : "There are no neurons in this network.");
    raster.redraw();
  }

  function change() {
    wave.pick();
    meant.cursor = null;
    hint();
    samples.picker.show(wave.sample);
  }

  scope.on(play, "click", () => (playback.playing ? playback.stop() : playback.play()));
  scope.on(scrub, "input", () => playback.stop(Number(scrub.value)));
  scope.follow(model, "change:sample", () => (change(), start()));
  change();
  playback.stop(about.steps);
  if (!calm()) whenSeen(scope, root, start);
  return () => scope.end();
}

/** What each output was read as, beside the raster. @param {Scope} scope @param {Model} model @param {Wave} wave */
function readingsOf(scope, model, wave) {
  const maps = model.get("maps");
  const made = wave.outputs.map((output, number) => panel(scope, output, maps[number]));
  return {
    elements: made.length ? [h("div", { class: "wl-readings" }, ...made.map(({ element }) => element))] : [],
    /** @param {number} part in [0, 1], of the output that has come */
    show: (part) => made.forEach((reading) => reading.show(wave.sample, part)),
  };
}

/** What was shown to the network, and the row of samples to pick one from.
 * @param {Scope} scope @param {Model} model @param {Wave} wave @param {() => void} again called when the sample that is shown is picked */
function samplesOf(scope, model, wave, again) {
  const paint = painter(model.get("pictures"));
  const shown = h("canvas", { class: "wl-input", role: "img" });
  const { outputs } = wave;
  const picker = samplePicker(scope, {
    samples: wave.about.samples,
    words: (which) => `sample ${which}${outputs.length ? `, ${told(outputs, which)}` : ""}`,
    wrong: (which) => outputs.some((output) => output.wrong[which]),
    pictured: paint !== null,
    choose(which) {
      model.set("sample", which);
      model.save_changes();
      if (which === wave.sample) again();
    },
  });
  let [painted, inked] = [-1, ""];
  return {
    picker,
    shown: paint ? [h("div", { class: "wl-shown" }, h("div", { class: "wl-label" }, "shown"), shown)] : [],
    /** @param {string} ink the colour of what was shown */
    paint(ink) {
      if (!paint || (painted === wave.sample && inked === ink)) return;
      paint(shown, wave.sample, ink);
      shown.setAttribute("aria-label", `What was shown: sample ${wave.sample}`);
      if (inked !== ink) picker.canvases.forEach((canvas, which) => paint(canvas, which, ink));
      [painted, inked] = [wave.sample, ink];
    },
  };
}

export default { render: renderer(mountRaster) };
