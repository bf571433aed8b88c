// @ts-check
// One neuron from near: its membrane potential beside its threshold, its incoming weights as a picture, and what it likes.
import { dot, font, layerColour, line, surface } from "./canvas.mjs";
import { plain } from "./numbers.mjs";
import { button, h, say } from "./page.mjs";
import { placesOf } from "./net_layout.mjs";
import { address } from "./neurons.mjs";
import { favourites, fieldOf, likedClasses } from "./receptive.mjs";
import { ticks } from "./scales.mjs";
import { potentialsOver } from "./survey.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {import("./canvas.mjs").Pen} Pen */
/** @typedef {import("./wave.mjs").Network} Network */
/** @typedef {import("./net_drawing.mjs").Neuron} Neuron */
/** What is known of the neuron that is looked at.
 * @typedef {{ neuron: Neuron, threshold: number, potential: number, over: Float64Array | null, field: ReturnType<typeof fieldOf> }} Known */

/** Samples that a neuron likes most, so many of them, and bars of a histogram. */
const LIKED = 8;
const BARS = 44;

/** @param {number} value */
const signed = (value) => plain(value).replace("-", "−");

/** @param {Scope} scope @param {Network} network
 * @param {{ samples: import("./survey.mjs").Samples, paint: (canvas: HTMLCanvasElement, which: number, ink: string) => void, classes: number, close: () => void, load: (which: number) => void }} what */
export function neuronPanel(scope, network, { samples, paint, classes, close, load }) {
  const [title, facts] = [h("span", { class: "wl-title" }), h("span", { class: "wl-facts" })];
  const shut = button("✕", "Close", { class: "wl-button wl-close" });
  const [gauge, weights, likes, tastes] = ["wl-gauge-plot", "wl-weights", "wl-likes", "wl-tastes"].map((name) => h("div", { class: name }));
  const [weighed, liked] = [h("p", { class: "wl-under" }), h("p", { class: "wl-under" })];
  const element = h("section", { class: "wl-neuron", hidden: true, "aria-label": "A neuron from near" },
    h("div", { class: "wl-header" }, title, facts, shut),
    h("div", { class: "wl-parts" },
      h("div", { class: "wl-part" }, h("div", { class: "wl-label" }, "membrane potential"), gauge),
      h("div", { class: "wl-part" }, h("div", { class: "wl-label" }, "incoming weights"), weights, weighed),
      h("div", { class: "wl-part wl-taste", hidden: !samples.count }, h("div", { class: "wl-label" }, "likes most"), likes, tastes, liked)));
  /** @type {Known | null} */
  let known = null;
  const drawnGauge = surface(scope, gauge, (pen) => known && drawGauge(pen, known));
  const drawnWeights = surface(scope, weights, (pen) => known && drawWeights(pen, known));
  const drawnTastes = surface(scope, tastes, (pen) => known?.over && samples.labels.length && drawTastes(pen, likedClasses(known.over, known.threshold, samples.labels, classes), known.neuron.layer), { "aria-hidden": "true" });
  tastes.hidden = !samples.labels.length;
  const over = potentialsOver(scope, network, samples);
  scope.on(shut, "click", close);

  function tell() {
    if (!known) return;
    const { neuron: { layer, neuron }, threshold, potential, field } = known;
    const node = network.nodes[network.layers[layer]];
    say(title, `${node.name}, ${address(neuron, node.shape)}`);
    say(facts, `potential ${signed(potential)}, threshold ${signed(threshold)}: ${potential >= threshold ? "fires" : "silent"}`);
    const reached = field ? field.arriving.reduce((count, value) => count + (value ? 1 : 0), 0) : 0;
    say(weighed, !field ? "It has none of its own: what it hears comes through a pool or a sum." : `blue adds, orange takes; ${reached} of ${field.weights.length}, with dots, bring something${field.bias ? `; bias ${signed(field.bias)}` : ""}`);
    drawnGauge.canvas.setAttribute("aria-label", `Membrane potential ${signed(potential)}, threshold ${signed(threshold)}`);
    drawnWeights.canvas.setAttribute("aria-label", field ? `Incoming weights from ${signed(field.weights.reduce((least, weight) => Math.min(least, weight), Infinity))} to ${signed(field.weights.reduce((most, weight) => Math.max(most, weight), -Infinity))}` : "No weights");
    for (const { redraw } of [drawnGauge, drawnWeights, drawnTastes]) redraw();
  }

  function tellLikes() {
    if (!known?.over) return;
    const fires = known.over.reduce((count, potential) => count + (potential >= /** @type {Known} */ (known).threshold ? 1 : 0), 0);
    say(liked, fires === 0 ? `never fires in ${samples.count} samples` : fires === samples.count ? `fires in all of ${samples.count} samples` : `fires in ${fires} of ${samples.count} samples`);
    const ink = getComputedStyle(element).color;
    likes.replaceChildren(...favourites(known.over, LIKED).map((which) => {
      const words = `sample ${which}${samples.labels.length ? `, a ${samples.labels[which]}` : ""}: potential ${signed(/** @type {Float64Array} */ (known?.over)[which])}`;
      const pick = h("button", { type: "button", class: "wl-pick", title: words, "aria-label": `Load ${words}` }, h("canvas", { "aria-hidden": "true" }));
      paint(/** @type {HTMLCanvasElement} */ (pick.firstChild), which, ink);
      pick.addEventListener("click", () => load(which)); // goes with its element
      return pick;
    }));
  }

  return {
    element,
    /** The network is another: what was found of its neurons is no longer so. */
    renew: () => (known = null),
    /** Shows a neuron in a wave; null for none. @param {Neuron | null} neuron @param {ReturnType<typeof import("./wave.mjs").wave>} sent */
    show(neuron, sent) {
      element.hidden = !neuron;
      if (!neuron) return (known = null);
      const { layer, neuron: which } = neuron;
      const again = known?.neuron.layer === layer && known.neuron.neuron === which;
      const threshold = network.nodes[network.layers[layer]].thresholds?.[which] ?? 0;
      known = { neuron, threshold, potential: sent.potentials[layer][which], over: again && known ? known.over : null, field: fieldOf(network, layer, which, sent.values) };
      tell();
      if (again || !samples.count) return;
      over(layer, which, (potentials) => {
        if (!known) return;
        known.over = potentials;
        tellLikes();
        tell();
      });
    },
  };
}

/** The potentials of all samples as bars, those that fire in full colour; the threshold, and this picture's potential.
 * @param {Pen} pen @param {Known} known */
function drawGauge(pen, { neuron: { layer }, threshold, potential, over }) {
  const { context, width, height, colour } = pen;
  const values = over ? [...over] : [];
  const [least, most] = [Math.min(0, potential, threshold, ...values), Math.max(0, potential, threshold, ...values)];
  const margin = (most - least || 1) * 0.06;
  const [low, high, bottom, top] = [least - margin, most + margin, height - 20, 24];
  const x = (/** @type {number} */ value) => 6 + ((value - low) / (high - low)) * (width - 12);
  const bars = new Uint32Array(BARS);
  for (const value of values) bars[Math.min(Math.floor(((value - low) / (high - low)) * BARS), BARS - 1)] += 1;
  const tallest = Math.max(...bars, 1);
  bars.forEach((count, bar) => {
    const [from, to] = [low + (bar / BARS) * (high - low), low + ((bar + 1) / BARS) * (high - low)];
    const tall = (count / tallest) * (bottom - top);
    context.globalAlpha = (from + to) / 2 >= threshold ? 0.85 : 0.28;
    context.fillStyle = colour(layerColour(layer));
    context.fillRect(x(from), bottom - tall, Math.max(x(to) - x(from) - 0.8, 0.5), tall);
  });
  context.globalAlpha = 1;
  context.strokeStyle = colour("line");
  context.lineWidth = 1;
  line(context, 6, bottom + 0.5, width - 6, bottom + 0.5);
  font(pen, 10.5);
  context.fillStyle = colour("muted");
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const tick of ticks(low, high, width / 60)) context.fillText(signed(Number(tick.toFixed(6))), x(tick), bottom + 5);
  context.strokeStyle = colour("muted");
  context.lineWidth = 1.4;
  context.setLineDash([4, 3]);
  line(context, x(threshold), top - 4, x(threshold), bottom);
  context.setLineDash([]);
  context.strokeStyle = context.fillStyle = colour("ink");
  context.lineWidth = 2;
  line(context, x(potential), top - 4, x(potential), bottom);
  dot(context, x(potential), top - 6, 4);
  context.textBaseline = "alphabetic";
  // Each word stands on the outer side of its line, if there is room for it.
  const right = potential > threshold ? x(potential) < width - 30 : x(potential) < 34;
  for (const { text, value, ink, side } of [{ text: "threshold", value: threshold, ink: "muted", side: !right }, { text: "now", value: potential, ink: "ink", side: right }]) {
    context.fillStyle = colour(ink);
    context.textAlign = side ? "left" : "right";
    const room = context.measureText(text).width + 8;
    const inside = side ? Math.min(x(value) + 7, width - room) : Math.max(x(value) - 7, room);
    context.fillText(text, inside, top - 3);
  }
}

/** @param {Pen} pen @param {Known} known */
function drawWeights({ context, width, height, colour }, { field }) {
  if (!field) return;
  const places = placesOf(field.grid, field.weights.length);
  const cell = Math.min(width / places.columns, height / places.rows, 24);
  const largest = field.weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) || 1;
  const gap = cell > 9 ? 1 : 0;
  for (let input = 0; input < field.weights.length; input++) {
    const [x, y, share] = [places.column[input] * cell, places.row[input] * cell, field.weights[input] / largest];
    context.fillStyle = colour("raised");
    context.fillRect(x, y, cell - gap, cell - gap);
    context.globalAlpha = Math.abs(share);
    context.fillStyle = colour(share > 0 ? "layer-0" : "stop");
    context.fillRect(x, y, cell - gap, cell - gap);
    context.globalAlpha = 1;
    if (!field.arriving[input] || cell < 5) continue;
    context.fillStyle = colour("ink");
    dot(context, x + (cell - gap) / 2, y + (cell - gap) / 2, Math.max(cell * 0.12, 1.1) * Math.min(Math.sqrt(Math.abs(field.arriving[input])), 1.3));
  }
}

/** For what share of each class it fires. @param {Pen} pen @param {{ fires: number, shown: number }[]} counted @param {number} layer */
function drawTastes(pen, counted, layer) {
  const { context, width, height, colour } = pen;
  const room = Math.min(width / counted.length, 22);
  font(pen, 10.5);
  context.textAlign = "center";
  context.textBaseline = "bottom";
  counted.forEach(({ fires, shown }, number) => {
    const [x, tall] = [number * room, height - 16];
    context.fillStyle = colour("raised");
    context.fillRect(x + 1, 0, room - 3, tall);
    context.fillStyle = colour(layerColour(layer));
    const part = shown ? (fires / shown) * tall : 0;
    context.fillRect(x + 1, tall - part, room - 3, part);
    context.fillStyle = colour("muted");
    if (room >= 12) context.fillText(String(number), x + room / 2 - 0.5, height);
  });
}
