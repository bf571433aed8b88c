// @ts-check
import { MARK, firing, legend } from "./net_drawing.mjs";
import { layersOf, networkView, shownVotes } from "./net_view.mjs";
import { neuronPanel } from "./neuron_panel.mjs";
import { address } from "./neurons.mjs";
import { many, plain } from "./numbers.mjs";
import { volume } from "./operations.mjs";
import { drawingSquare, drawings, imageOf } from "./pad.mjs";
import { Scope, button, calm, h, header, keepKeys, renderer, say, undoKeys, watchKernel } from "./page.mjs";
import { playButton, player } from "./player.mjs";
import { matchWords } from "./raster_reading.mjs";
import { imagePainter, sampleRow } from "./sample_pictures.mjs";
import { saveMenu } from "./saving.mjs";
import { firingRates, sentSamples } from "./survey.mjs";
import { networkOf, reading, wave } from "./wave.mjs";

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./net_drawing.mjs").Neuron} Neuron */

/** Seconds that a layer's spikes take when the wave is played. */
const PACE = 0.55;

/** What there is to say of a drawing before its wave has come to the output. */
const UNDER_WAY = "No output yet: the wave is on its way";

/** @typedef {ReturnType<typeof deskOf>} Desk */

/** What surrounds the pad where it is part of something larger: what is looked at everywhere, the drawing that stays when the pad is
 * made anew, how many of the samples are looked at there, how high the
 * layers may be, and how many votes are listed.
 * @typedef {{ cursor: import("./cursor.mjs").Cursor, drawing: ReturnType<typeof drawings>, shown: number, tall: number, bars: number }} Around */

/** What is on the desk: the network and its samples, the drawing, and the wave that it sends. @param {Model} model @param {ReturnType<typeof drawings>} drawing */
function deskOf(model, drawing) {
  const network = networkOf(model.get("network"));
  const samples = sentSamples(model.get("samples"), network, volume(network.input));
  const how = model.get("about").preparation;
  const desk = {
    network, samples, how, drawing, raw: false,
    image: /** @type {Float64Array} */ (new Float64Array(volume(network.input))),
    sent: wave(network, new Float64Array(volume(network.input))),
    read: { votes: /** @type {number[]} */ ([]), best: -1 },
    truth: -1,
    /** Sends the drawing through the network. */
    send() {
      desk.image = imageOf(drawing.now, how, desk.raw, samples);
      desk.sent = wave(network, desk.image);
      desk.read = reading(network, desk.sent.values[network.output]);
      desk.truth = drawing.now.sample >= 0 && !drawing.now.strokes.length && samples.labels.length ? samples.labels[drawing.now.sample] : -1;
    },
    /** What it is read as, in words. */
    verdict() {
      if (drawing.empty) return "Draw something, and watch it spike.";
      const { votes, best } = desk.read;
      const tied = votes.flatMap((count, number) => (count === votes[best] && number !== best ? [number] : []));
      const known = desk.truth < 0 ? "" : desk.truth === best ? ", which is right" : `, in truth ${desk.truth}`;
      const others = tied.length > 3 ? `${tied.slice(0, 3).join(", ")} and others` : tied.join(" and ");
      return `Read as ${best}${known}${tied.length ? `, though ${others} ${tied.length > 1 ? "have" : "has"} as many votes` : ""}`;
    },
    /** How many fire. */
    facts: () => `${many(desk.sent.fired.reduce((sum, fired) => sum + firing(fired), 0), "spike")} from ${many(desk.sent.fired.reduce((sum, fired) => sum + fired.length, 0), "neuron")}`,
    /** What the votes mean. */
    meaning() {
      const { key } = network.readout;
      return key && !drawing.empty ? `${matchWords(desk.read.votes[desk.read.best], key[0].length)}.` : "";
    },
  };
  desk.send();
  return desk;
}

/** What the network is shown, which neurons fire, and the votes, as `DrawingPad.table` in Python has them. @param {Desk} desk @returns {import("./saving.mjs").Column[]} */
function padTable({ network, sent, read }) {
  const parts = /** @type {[string, string, ArrayLike<number>][]} */ ([["picture", "", sent.values[0]],
    ...network.layers.map((number, layer) => ["spike", network.nodes[number].name, sent.fired[layer]]), ["vote", "", read.votes]]);
  const all = (/** @type {(part: [string, string, ArrayLike<number>]) => (string | number)[]} */ of) => parts.flatMap(of);
  return [["kind", all(([kind, , values]) => Array(values.length).fill(kind))], ["layer", all(([, layer, values]) => Array(values.length).fill(layer))],
    ["number", all(([, , values]) => Array.from(values, (_, number) => number))], ["value", all(([, , values]) => Array.from(values))]];
}

/** The network beside the pad: its neurons, what they say when they are pointed at, and one from near.
 * @param {Scope} scope @param {Desk} desk @param {{ paint: ReturnType<typeof imagePainter>, load: (which: number) => void, around?: Around }} what `load`: a sample is wanted on the pad */
function networkSide(scope, desk, { paint, load, around }) {
  const { network, samples } = desk;
  const state = { cursor: /** @type {Neuron | null} */ (null), chosen: /** @type {Neuron | null} */ (null), reached: Infinity };
  const hint = h("p", { class: "wl-readout" });
  const survey = firingRates(scope, network, samples, () => view.redraw());
  const classes = desk.read.votes.length;
  const view = networkView(scope, { layers: () => layersOf(network), classes, tall: around?.tall, bars: around?.bars, scene: () => padScene(desk, survey, state, around?.bars), pointed, chosen: pick, left: () => pick(null), words, keys: "Arrow keys move over the neurons, Enter looks at one from near." });
  const panel = neuronPanel(scope, network, { samples, classes, load, paint: (canvas, which, ink) => paint(canvas, samples.input(which), ink), close: () => (pick(null), view.canvas.focus()) });
  const marks = legend([["fires", "fires"], ["silent", "silent"], .../** @type {[string, string][]} */ (samples.count ? [["never", `fires for none of ${samples.count} samples`], ["always", "fires for all"]] : [])]);

  function words() {
    return `${network.layers.map((number, layer) => `${network.nodes[number].name}: ${firing(desk.sent.fired[layer])} of ${many(desk.sent.fired[layer].length, "neuron")} fire`).join("; ")}. ${state.reached === Infinity ? desk.verdict() : UNDER_WAY}.`;
  }
  /** @param {Neuron | null} neuron */
  function pointed(neuron) {
    state.cursor = neuron;
    say(hint, neuron ? drawnWords(desk, survey, neuron) : "Point at a neuron, and click it to look at it from near.");
    view.redraw();
  }
  /** @param {Neuron | null} neuron */
  function choose(neuron) {
    state.chosen = neuron;
    panel.show(neuron, desk.sent);
    view.redraw();
  }
  /** @param {Neuron | null} neuron */
  function pick(neuron) {
    around?.cursor.move(neuron ?? { layer: null, neuron: null });
    choose(neuron);
  }
  if (around) {
    around.cursor.follow(scope, (place, before) => (place.layer !== before.layer || place.neuron !== before.neuron) && choose(neuronOf(around.cursor, network)));
  }
  pointed(null);
  return {
    /** Looks at a neuron to begin with: the one at the cursor, or else the one that is driven most. */
    begin: () => choose((around && neuronOf(around.cursor, network)) ?? strongest(desk)),
    /** The network is another. */
    renew() {
      survey.again();
      panel.renew();
    },
    elements: [view.element, marks, hint], panel: panel.element, hint,
    /** Shows the wave as far as it has come: all of it, or the first layers. @param {number} reached */
    show(reached) {
      state.reached = reached;
      panel.show(state.chosen, desk.sent);
      view.redraw();
    },
  };
}

/** What the pad is worked by, and what the network sees of it. @param {{ words: string }} how */
function padTools({ words }) {
  const [clear, undo, play] = [button("✕", "Clear"), button("↶", "Undo", { "aria-keyshortcuts": "Control+Z" }), button("▶", "Play", { "aria-label": "Play the wave" })];
  const [fit, sees] = [h("input", { type: "checkbox", checked: true }), h("canvas", { class: "wl-sees", role: "img" })];
  const seen = h("div", { class: "wl-seen" }, sees, h("div", {}, h("div", { class: "wl-label" }, "what the network sees"), h("label", { class: "wl-check" }, fit, h("span", {}, words))));
  /** Says what can be done. A button that is disabled loses the keyboard, and with it Ctrl+Z. @param {ReturnType<typeof drawings>} drawing */
  function able({ undoable, empty }) {
    undo.setAttribute("aria-disabled", String(!undoable));
    for (const each of [clear, play]) each.setAttribute("aria-disabled", String(empty));
  }
  return { clear, undo, play, fit, sees, seen, able, tools: h("div", { class: "wl-tools" }, clear, undo, play) };
}

/** Puts a sample on the pad that is picked elsewhere, unless something is drawn there; the first line takes its place. @param {Desk} desk @param {number} sample @returns {boolean} whether it is another */
function lent({ drawing, samples }, sample) {
  if (sample >= samples.count || drawing.now.sample === sample || drawing.now.strokes.length) return false;
  drawing.load(sample, true);
  return true;
}

/** The neuron of the first layer that is furthest above its threshold. @param {Desk} desk @returns {Neuron | null} */
function strongest({ network, sent }) {
  const thresholds = network.nodes[network.layers[0]]?.thresholds ?? [];
  const beyond = Array.from(thresholds, (threshold, neuron) => sent.potentials[0][neuron] - threshold);
  return beyond.length ? { layer: 0, neuron: beyond.indexOf(beyond.reduce((most, each) => Math.max(most, each), -Infinity)) } : null;
}

/** The neuron at a cursor, if it is one of the network. @param {import("./cursor.mjs").Cursor} cursor @param {import("./wave.mjs").Network} network @returns {Neuron | null} */
export function neuronOf({ layer, neuron }, network) {
  if (layer === null || neuron === null) return null;
  return neuron < (network.nodes[network.layers[layer]]?.thresholds?.length ?? 0) ? { layer, neuron } : null;
}

/** @param {{ model: Model, el: HTMLElement, around?: Around }} view */
export function mountPad({ model, el, around }) {
  const scope = new Scope();
  const desk = deskOf(model, around?.drawing ?? drawings());
  const { network, samples, drawing, how } = desk;
  const head = header("Drawing pad");
  head.element.children[1].remove();
  const { clear, undo, play, fit, sees, seen, tools, able } = padTools(how);
  const paint = imagePainter(how, samples.range);
  const square = drawingSquare(scope, drawing, { how, changed, pen: (words) => say(side.hint, words), paint: (context, size) => underpaint(context, size, paint, samples.input(drawing.now.sample), root) });
  const row = sampleRow(scope, samples, paint, load, around?.shown);
  const side = networkSide(scope, desk, { paint, load, around });
  const { verdict, meaning, judge } = judgement(desk);
  const root = h("div", { class: "wl wl-pad" }, head.element, row.element,
    h("div", { class: "wl-desk" },
      h("div", { class: "wl-left" }, square.element, tools, seen),
      h("div", { class: "wl-right" }, verdict, meaning, ...side.elements)),
    side.panel);
  el.append(root);
  keepKeys(scope, root);
  if (!around) saveMenu(scope, root, head.element, "drawing", () => padTable(desk));
  undoKeys(scope, root, takeBack);
  watchKernel(scope, model, root);
  const playback = player(scope, {
    end: () => network.layers.length + 1,
    seconds: () => PACE * (network.layers.length + 1),
    show: (at) => (side.show(playback.playing ? at : Infinity), judge(!playback.playing)),
    changed: (playing) => playButton(play, playing, "Play the wave"),
  });

  // A pointer moves more often than a frame is drawn.
  const read = scope.once(() => (desk.send(), show()));
  /** Something was drawn. @param {boolean} ended whether a line has: then Python is told */
  function changed(ended) {
    if (playback.playing) playback.stop();
    if (!ended) return read();
    desk.send();
    show();
    model.set("drawn", new DataView(desk.sent.values[0].slice().buffer));
    model.save_changes();
  }
  /** @param {number} which */
  function load(which) {
    drawing.load(which);
    if (around && which < around.shown) around.cursor.move({ sample: which });
    replaced();
    if (!calm()) playback.play(0);
  }
  function takeBack() {
    drawing.undo();
    replaced();
  }
  function replaced() {
    square.lift();
    changed(true);
    square.redraw();
  }
  function show() {
    const ink = getComputedStyle(root).color;
    paint(sees, desk.image, ink);
    sees.setAttribute("aria-label", drawing.empty ? "Nothing yet" : `${how.rows} by ${how.columns} pixels`);
    row.show(drawing.now.sample, ink);
    judge(!playback.playing);
    say(head.element.children[1], desk.facts());
    able(drawing);
    side.show(Infinity);
  }
  scope.on(clear, "click", () => (drawing.clear(), replaced()));
  scope.on(undo, "click", takeBack);
  scope.on(fit, "change", () => ((desk.raw = !fit.checked), changed(true)));
  scope.on(play, "click", () => (playback.playing ? playback.stop(playback.at) : drawing.empty || playback.play(0)));
  const lend = (/** @type {number} */ sample) => lent(desk, sample) && replaced();
  scope.follow(model, "change:network", () => (Object.assign(network, networkOf(model.get("network"))), side.renew(), desk.send(), show()));
  around?.cursor.follow(scope, ({ sample }, before) => sample !== before.sample && lend(sample));
  show();
  if (around && drawing.empty) lend(around.cursor.sample);
  if (around) side.begin();
  return () => scope.end();
}

/** What a drawing is read as, in words, once its wave has come to the output. @param {Desk} desk */
function judgement(desk) {
  const [verdict, meaning] = [h("div", { class: "wl-verdict", role: "status" }), h("div", { class: "wl-meaning" })];
  return {
    verdict, meaning,
    /** @param {boolean} settled whether the wave has come to the output */
    judge(settled) {
      say(verdict, settled ? desk.verdict() : UNDER_WAY);
      verdict.classList.toggle("wl-false", settled && desk.truth >= 0 && desk.truth !== desk.read.best);
      say(meaning, settled ? desk.meaning() : "");
    },
  };
}

/** Draws a picture under the lines on the pad. @param {CanvasRenderingContext2D} context @param {number} size @param {(canvas: HTMLCanvasElement, values: ArrayLike<number>, ink: string) => void} paint
 * @param {ArrayLike<number>} image @param {Element} root whose ink it is drawn in */
function underpaint(context, size, paint, image, root) {
  const grain = h("canvas");
  paint(grain, image, getComputedStyle(root).color);
  context.imageSmoothingEnabled = false;
  context.globalAlpha = 0.5;
  context.drawImage(grain, 0, 0, size, size);
  context.globalAlpha = 1;
}

/** @param {Desk} desk @param {ReturnType<typeof firingRates>} survey @param {{ cursor: Neuron | null, chosen: Neuron | null, reached: number }} state
 * @param {number} [bars] @returns {import("./net_drawing.mjs").Scene} */
function padScene({ network, sent, read, truth, drawing }, { rates }, { cursor, chosen, reached }, bars) {
  const layers = network.layers.map((number, layer) => ({
    name: network.nodes[number].name, fired: sent.fired[layer], differ: null, reached: network.nodes[number].step < reached,
    marks: rates && Uint8Array.from(rates[layer], (rate) => (rate === 0 ? MARK.never : rate === 1 ? MARK.always : MARK.none)),
  }));
  const votes = { ...shownVotes(read, truth, bars), settled: !drawing.empty && reached > network.layers.length };
  return { layers, first: null, cursor: cursor ?? chosen, votes };
}

/** @param {Desk} desk @param {ReturnType<typeof firingRates>} survey @param {Neuron} at */
function drawnWords({ network, sent, samples }, { rates }, { layer, neuron }) {
  const node = network.nodes[network.layers[layer]];
  const rate = rates?.[layer][neuron];
  const often = rate === undefined ? "" : rate === 0 ? `; it fires for none of ${samples.count} samples` : `; it fires for ${Math.round(rate * samples.count)} of ${samples.count} samples`;
  const threshold = node.thresholds?.[neuron] ?? 0;
  return `${node.name}, ${address(neuron, node.shape)}: ${sent.fired[layer][neuron] ? "fires" : "silent"}, potential ${plain(sent.potentials[layer][neuron])}, threshold ${plain(threshold)}${often}.`.replaceAll(" -", " −");
}

export default { render: renderer(mountPad) };
