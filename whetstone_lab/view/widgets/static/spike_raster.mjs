// @ts-check
import { surface } from "./canvas.mjs";
import { clamp, many } from "./numbers.mjs";
import { Scope, button, calm, h, header, keepKeys, renderer, say, watchKernel, whenSeen } from "./page.mjs";
import { player } from "./player.mjs";
import { drawRaster, rasterRoom, spikeSheet } from "./raster_drawing.mjs";
import { panel, told } from "./raster_reading.mjs";
import { painter, samplePicker } from "./raster_samples.mjs";
import { address, firedBefore, firingAt, spikesOf } from "./raster_spikes.mjs";

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./canvas.mjs").Pen} Pen */

/** @param {{ model: Model, el: HTMLElement }} view */
function mount({ model, el }) {
  const scope = new Scope();
  const [about, spikes, pictures, maps] = [model.get("about"), model.get("spikes"), model.get("pictures"), model.get("maps")];
  const count = about.layers.length;
  /** @type {import("./raster_reading.mjs").Output[]} */
  const outputs = about.readings;
  const paint = painter(pictures);

  let sample = model.get("sample");
  let fired = spikesOf(spikes, sample, count);
  /** @type {import("./raster_drawing.mjs").Cursor | null} */
  let cursor = null;

  // -- what there is ----------------------------------------------------------------------------------------------------
  const head = header("Spikes");
  head.element.children[1].remove();
  const shown = h("canvas", { class: "wl-input", role: "img" });
  const box = h("div", { class: "wl-raster" });
  const readout = h("p", { class: "wl-readout", role: "status" });
  const readings = outputs.map((output, number) => panel(scope, output, maps[number]));
  /** What is known to be true of a sample. @param {number} which */
  const truth = (which) => outputs.filter(({ shown, truth }) => shown === "votes" && truth.length).map(({ name, truth }) => (name ? `, ${name} ${truth[which]}` : `, a ${truth[which]}`)).join("");
  const picker = samplePicker(scope, {
    samples: about.samples,
    words: (which) => `sample ${which}${outputs.length ? `, ${told(outputs, which)}` : ""}`,
    wrong: (which) => outputs.some((output) => output.wrong[which]),
    pictured: paint !== null,
    choose,
  });
  const body = h("div", { class: "wl-body" }, h("div", { class: "wl-middle" }, box));
  if (paint) body.prepend(h("div", { class: "wl-shown" }, h("div", { class: "wl-label" }, "shown"), shown));
  if (readings.length) body.append(h("div", { class: "wl-readings" }, ...readings.map(({ element }) => element)));
  const play = button("▶", "Play", { "aria-label": "Send the wave" });
  const scrub = h("input", { type: "range", min: 0, max: about.steps, step: 0.05, "aria-label": "Time, in steps" });
  const moment = h("output", { class: "wl-moment" });
  const speed = h("select", { "aria-label": "Speed" }, ...[0.25, 0.5, 1, 2, 4].map((factor) => h("option", { value: factor, selected: factor === 1 }, `${factor} ×`)));
  const root = h("div", { class: "wl wl-spikes" }, head.element, picker.element, body, readout,
    h("div", { class: "wl-transport" }, play, h("div", { class: "wl-track" }, scrub), moment, speed));
  root.classList.toggle("wl-no-picture", !paint);
  root.classList.toggle("wl-no-votes", !readings.length);
  el.append(root);
  keepKeys(scope, root);
  watchKernel(scope, model, root);
  const raster = surface(scope, box, draw, { tabindex: 0, "aria-roledescription": "spike raster" });
  const sheet = spikeSheet();

  // -- the wave ---------------------------------------------------------------------------------------------------------
  const wave = player(scope, {
    end: () => about.steps,
    seconds: () => clamp(0.9 * about.steps, 1.2, 8) / Number(speed.value),
    show,
    changed: (playing) => {
      say(play.children[0], playing ? "❚❚" : "▶");
      say(play.children[1], playing ? "Pause" : "Play");
      play.setAttribute("aria-label", playing ? "Pause" : "Send the wave");
    },
  });

  /** Shows another sample, and tells Python which. @param {number} which */
  function choose(which) {
    model.set("sample", which);
    model.save_changes();
    if (which === sample) start();
  }

  function start() {
    if (calm()) wave.stop(about.steps);
    else wave.play(0);
  }

  const room = () => rasterRoom(about, box.clientWidth, box.clientHeight);
  /** How many neurons of a layer have fired by now. @param {number} layer */
  const spiking = (layer) => firedBefore(fired[layer], Math.ceil(wave.at));

  /** @param {Pen} pen */
  function draw(pen) {
    sheet.renew(pen, room(), fired, sample);
    paintInputs();
    drawRaster(pen, { about, room: room(), sheet: sheet.canvas, at: wave.at, spiking, cursor });
  }

  let [painted, inked] = [-1, ""];
  function paintInputs() {
    const ink = getComputedStyle(root).color;
    if (!paint || (painted === sample && inked === ink)) return;
    paint(shown, sample, ink);
    shown.setAttribute("aria-label", `What was shown: sample ${sample}`);
    if (inked !== ink) picker.canvases.forEach((canvas, which) => paint(canvas, which, ink));
    [painted, inked] = [sample, ink];
  }

  function show() {
    scrub.value = String(wave.at);
    const step = Math.min(Math.floor(wave.at), about.steps - 1);
    say(moment, wave.at >= about.steps ? "all steps" : `step ${step}`);
    scrub.setAttribute("aria-valuetext", moment.textContent ?? "");
    const total = fired.reduce((sum, { step }) => sum + step.length, 0);
    const neurons = about.sizes.reduce((/** @type {number} */ sum, /** @type {number} */ size) => sum + size, 0);
    const facts = count ? `${many(total, "spike")} from ${many(neurons, "neuron")} in ${many(about.steps, "step")}` : "no neurons in this network";
    say(head.element.children[1], `sample ${sample}${truth(sample)}  ·  ${facts}`);
    // The output comes with the spikes of the last layer.
    readings.forEach((reading) => reading.show(sample, clamp(wave.at - (about.steps - 1), 0, 1)));
    const layers = about.layers.map((/** @type {string} */ name, /** @type {number} */ layer) => `${name}: ${spiking(layer)} of ${about.sizes[layer]} neurons fired`);
    raster.canvas.setAttribute("aria-label", count ? `${layers.join("; ")}. Arrow keys move over neurons and steps.` : "There are no neurons in this network.");
    raster.redraw();
  }

  function change() {
    sample = clamp(model.get("sample"), 0, about.samples - 1);
    fired = spikesOf(spikes, sample, count);
    cursor = null;
    hint();
    picker.show(sample);
  }

  // -- pointing ---------------------------------------------------------------------------------------------------------
  function hint() {
    if (!cursor) return say(readout, count ? "Point at a spike to see whose it is." : "Nothing fires here: the output is computed from the input at once.");
    const { layer, neuron, step } = cursor;
    const what = step + 1 > wave.at + 1e-9 ? "not reached yet" : firingAt(fired[layer], step).includes(neuron) ? "fires" : "silent";
    say(readout, `${about.layers[layer]}, ${address(neuron, about.shapes[layer])}, step ${step}: ${what}.`);
  }

  const point = (/** @type {PointerEvent} */ event) => {
    const at = room();
    const step = Math.floor((event.offsetX - at.left) / at.column);
    const layer = about.layers.findIndex((/** @type {unknown} */ _, /** @type {number} */ which) => event.offsetY >= at.band(which).top && event.offsetY <= at.band(which).bottom);
    cursor = null;
    if (layer >= 0 && step >= 0 && step < about.steps) {
      const { bottom, row } = at.band(layer);
      const here = clamp(Math.floor((bottom - event.offsetY) / row), 0, about.sizes[layer] - 1);
      // Rows are thin: the nearest spike within reach is meant.
      const near = firingAt(fired[layer], step).reduce((best, neuron) => (Math.abs(neuron - here) < Math.abs(best - here) ? neuron : best), Infinity);
      cursor = { layer, step, neuron: Math.abs(near - here) * row <= 4 ? near : here };
    }
    hint();
    raster.redraw();
  };
  scope.on(raster.canvas, "pointermove", point);
  scope.on(raster.canvas, "pointerdown", point); // a finger that taps does not move
  scope.on(raster.canvas, "pointerleave", (/** @type {PointerEvent} */ event) => {
    if (event.pointerType === "touch") return; // a finger always leaves; what it pointed at stays to be read
    cursor = null;
    hint();
    raster.redraw();
  });
  scope.on(raster.canvas, "keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key];
    if (!by || !count) return;
    event.preventDefault();
    cursor ??= { layer: 0, neuron: -1, step: 0 };
    cursor.step = clamp(cursor.step + by[1], 0, about.steps - 1);
    cursor.neuron += by[0];
    if (cursor.neuron >= about.sizes[cursor.layer] && cursor.layer < count - 1) [cursor.layer, cursor.neuron] = [cursor.layer + 1, 0];
    if (cursor.neuron < 0 && cursor.layer > 0) [cursor.layer, cursor.neuron] = [cursor.layer - 1, about.sizes[cursor.layer - 1] - 1];
    cursor.neuron = clamp(cursor.neuron, 0, about.sizes[cursor.layer] - 1);
    hint();
    raster.redraw();
  });

  scope.on(play, "click", () => (wave.playing ? wave.stop() : wave.play()));
  scope.on(scrub, "input", () => wave.stop(Number(scrub.value)));
  scope.follow(model, "change:sample", () => {
    change();
    start();
  });

  change();
  wave.stop(about.steps);
  if (!calm()) whenSeen(scope, root, start);
  return () => scope.end();
}

export default { render: renderer(mount) };
