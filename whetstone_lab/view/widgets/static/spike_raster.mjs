// @ts-check
import { surface } from "./canvas.mjs";
import { address } from "./neurons.mjs";
import { clamp, many } from "./numbers.mjs";
import { Scope, calm, h, header, keepKeys, renderer, say, watchKernel, whenSeen } from "./page.mjs";
import { drawRaster, rasterRoom, reachOf, spikeSheet } from "./raster_drawing.mjs";
import { classGroups, rowOf, rowsBy, spikeCounts } from "./raster_order.mjs";
import { rasterPointing } from "./raster_pointing.mjs";
import { panel, told } from "./raster_reading.mjs";
import { painter, samplePicker } from "./raster_samples.mjs";
import { firedBefore, firingAt, readSpikes, spikesOf } from "./raster_spikes.mjs";
import { waveTransport } from "./raster_transport.mjs";
import { saveMenu } from "./saving.mjs";

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./canvas.mjs").Pen} Pen */
/** @typedef {ReturnType<typeof waveOf>} Wave */

/** What the raster shows: one sample, its spikes, and the rows in which its neurons stand. @param {Model} model */
function waveOf(model) {
  const about = model.get("about");
  const spikes = readSpikes(model.get("spikes"));
  const { layers, sizes, steps } = about;
  const sum = (/** @type {number[]} */ numbers) => numbers.reduce((total, number) => total + number, 0);
  /** @type {Uint32Array[] | undefined} */
  let counted;
  const counts = () => (counted ??= spikeCounts(spikes, sizes));
  const wave = {
    about, outputs: /** @type {import("./raster_reading.mjs").Output[]} */ (about.readings), sample: 0, order: "number",
    fired: /** @type {import("./raster_spikes.mjs").Fired[]} */ ([]),
    rows: /** @type {import("./raster_order.mjs").Rows[]} */ ([]),
    /** Of layers whose neurons stand class by class the classes. @type {Record<number, ReturnType<typeof classGroups>>} */
    groups: {},
    /** Takes the sample that is picked. */
    pick() {
      wave.sample = clamp(model.get("sample"), 0, about.samples - 1);
      wave.fired = spikesOf(spikes, wave.sample, layers.length);
    },
    /** Takes the order that is picked. */
    sort() {
      wave.order = model.get("order");
      wave.rows = rowsBy(wave.order, sizes, counts, about.keyed);
      wave.groups = wave.order !== "class" ? {} : Object.fromEntries(Object.keys(about.keyed).map((layer) => [layer, classGroups(wave.rows[Number(layer)], about.keyed[layer])]));
    },
    /** Every spike of every sample, as `SpikeRaster.table` in Python has them. @returns {import("./saving.mjs").Column[]} */
    table() {
      const { ends, step, layer, neuron } = spikes;
      const sample = ends.flatMap((end, which) => Array(end - (ends[which - 1] ?? 0)).fill(which));
      const row = Array.from(neuron, (which, spike) => rowOf(wave.rows[layer[spike]], which));
      return [["sample", sample], ["layer", Array.from(layer, (which) => layers[which])], ["neuron", neuron], ["step", step], ["row", row]];
    },
    /** How many neurons of a layer have fired by some time, in steps. @param {number} layer @param {number} at */
    spiking: (layer, at) => firedBefore(wave.fired[layer], Math.ceil(at)),
    /** The sample and its spikes in a line, and the order if it is not the usual one. */
    facts() {
      const truth = wave.outputs.filter(({ shown, truth }) => shown === "votes" && truth.length).map(({ name, truth }) => (name ? `, ${name} ${truth[wave.sample]}` : `, a ${truth[wave.sample]}`)).join("");
      const counted = `${many(sum(wave.fired.map(({ step }) => step.length)), "spike")} from ${many(sum(sizes), "neuron")} in ${many(steps, "step")}`;
      return `sample ${wave.sample}${truth}  ·  ${layers.length ? counted : "no neurons in this network"}${wave.order === "number" ? "" : `  ·  neurons ${about.orders[wave.order]}`}`;
    },
    /** What stands under the raster. @param {import("./raster_drawing.mjs").Cursor | null} cursor @param {number} reached how far the wave has come in its layer @param {boolean} dense */
    hint(cursor, reached, dense) {
      if (!layers.length) return "Nothing fires here: the output is computed from the input at once.";
      if (!cursor) return `Point at a spike to see whose it is.${dense ? " Where spikes outnumber pixels, a fuller colour means that more of the neurons fire." : ""}`;
      const { layer, neuron, step } = cursor;
      const what = step + 1 > reached + 1e-9 ? "not reached yet" : firingAt(wave.fired[layer], step).includes(neuron) ? "fires" : "silent";
      const number = about.keyed[layer]?.[neuron];
      const more = wave.order === "number" ? "" : `; ${many(counts()[layer][neuron], "spike")} in ${many(about.samples, "sample")}`;
      return `${layers[layer]}, ${address(neuron, about.shapes[layer])}${number >= 0 ? ` of class ${number}` : ""}, step ${step}: ${what}${more}.`;
    },
  };
  wave.pick();
  wave.sort();
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
  const moves = waveTransport(scope, { steps: () => about.steps, layers: () => about.layers.length, show });
  const { playback } = moves;
  const order = orderPicker(scope, model, about.orders);
  const root = h("div", { class: "wl wl-spikes" }, head.element, samples.picker.element, body, readout,
    h("div", { class: "wl-transport" }, ...moves.elements, order));
  root.classList.toggle("wl-no-picture", !samples.shown.length);
  root.classList.toggle("wl-no-votes", !readings.elements.length);
  el.append(root);
  keepKeys(scope, root);
  saveMenu(scope, root, head.element, "spikes", () => wave.table());
  watchKernel(scope, model, root);
  const raster = surface(scope, box, draw, { tabindex: 0, "aria-roledescription": "spike raster" });
  const sheet = spikeSheet();
  const room = () => rasterRoom(about, box.clientWidth, box.clientHeight, Object.keys(wave.groups).length > 0);
  const meant = rasterPointing(scope, raster.canvas, about, { room, fired: () => wave.fired, rows: () => wave.rows, changed: () => (hint(), raster.redraw()) });
  scope.on(raster.canvas, "keydown", (/** @type {KeyboardEvent} */ event) => moves.heed(event) && event.preventDefault());
  let unit = /** @type {"step" | "layer"} */ ("step");
  const reach = (/** @type {number} */ layer) => reachOf(playback.at, unit, about.steps)(layer);

  function start() {
    if (calm()) playback.stop(moves.end());
    else playback.play(0);
  }

  function hint() {
    say(readout, wave.hint(meant.cursor, reach(meant.cursor?.layer ?? 0), sheet.dense));
  }

  /** @param {Pen} pen */
  function draw(pen) {
    const dense = sheet.dense;
    sheet.renew(pen, about, room(), wave.fired, `${wave.sample} ${wave.order}`, wave.rows);
    if (sheet.dense !== dense) hint();
    samples.paint(pen.colour("ink"));
    drawRaster(pen, { about, room: room(), sheet: sheet.canvas, at: playback.at, unit, spiking: (layer) => wave.spiking(layer, reach(layer)), cursor: meant.cursor, rows: wave.rows, groups: wave.groups });
  }

  /** @param {number} at @param {"step" | "layer"} by */
  function show(at, by) {
    unit = by;
    say(head.element.children[1], wave.facts());
    // The output comes with the spikes of the last layer.
    readings.show(clamp(at - (moves.end() - 1), 0, 1));
    const layers = about.layers.map((/** @type {string} */ name, /** @type {number} */ layer) => `${name}: ${wave.spiking(layer, reach(layer))} of ${about.sizes[layer]} neurons fired`);
    raster.canvas.setAttribute("aria-label", layers.length ? `${layers.join("; ")}. Arrow keys move over neurons and steps, Page Up and Page Down go a ${unit} on and back, space plays.` : "There are no neurons in this network.");
    raster.redraw();
  }

  function change() {
    wave.pick();
    meant.cursor = null;
    hint();
    samples.picker.show(wave.sample);
  }

  scope.follow(model, "change:sample", () => (change(), start()));
  scope.follow(model, "change:order", () => (wave.sort(), (order.value = wave.order), show(playback.at, unit), hint()));
  change();
  playback.stop(about.steps);
  if (!calm()) whenSeen(scope, root, start);
  return () => scope.end();
}

/** What the neurons are sorted by. @param {Scope} scope @param {Model} model @param {Record<string, string>} orders their names, and what they mean */
function orderPicker(scope, model, orders) {
  const picker = h("select", { "aria-label": "Order of the neurons", class: "wl-order" }, ...Object.keys(orders).map((name) => h("option", { value: name, selected: name === model.get("order") }, `neurons by ${name}`)));
  scope.on(picker, "change", () => {
    model.set("order", picker.value);
    model.save_changes();
  });
  return picker;
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
