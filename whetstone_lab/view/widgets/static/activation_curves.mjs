// @ts-check
import { bytes, floats } from "./bytes.mjs";
import { font, layerColour, line, surface } from "./canvas.mjs";
import { histogramAt, shareBetween } from "./histograms.mjs";
import { activation, ramp } from "./method.mjs";
import { percent } from "./numbers.mjs";
import { Scope, attended, button, calm, h, header, keepKeys, renderer, say, watchKernel, whenSeen } from "./page.mjs";
import { player } from "./player.mjs";
import { epochRows, joinPoints, runFacts, sharpeningSpans, valueAt } from "./run.mjs";
import { beside, ticks } from "./scales.mjs";

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./canvas.mjs").Pen} Pen */

/** A share of the inputs beyond what is drawn that is too little to be told. */
const LITTLE = 0.005;

/** Histograms as Python sends them. @param {any} kept @returns {[Float32Array, Parameters<typeof histogramAt>[0]]} */
const unpack = (kept) => [floats(kept.edges), { epochs: kept.epochs, bars: bytes(kept.bars), tallest: floats(kept.tallest), beyond: floats(kept.beyond) }];

/** The shares beyond what is drawn, in words. @param {import("./histograms.mjs").Histogram} received @param {[number, number]} range */
function beyondWords({ below, above }, [low, high]) {
  return (below < LITTLE ? "" : `; ${percent(below)} of its inputs are below ${low}`) + (above < LITTLE ? "" : `; ${percent(above)} of its inputs are above ${high}`);
}

/** @param {{ model: Model, el: HTMLElement }} view */
function mount({ model, el }) {
  const scope = new Scope();
  const about = model.get("about");
  const count = about.layers.length;
  const head = header("Activation curves");
  const grid = h("div", { class: "wl-grid" });
  const root = h("div", { class: "wl wl-curves" }, head.element, grid);
  el.append(root);
  keepKeys(scope, root);
  watchKernel(scope, model, root);

  let [past, now, kept] = [model.get("past"), model.get("now"), model.get("histograms")];
  let points = joinPoints(past, now, count);
  let rows = epochRows(past);
  let [edges, known] = unpack(kept);
  let following = true;

  const cards = about.layers.map((/** @type {string} */ name, /** @type {number} */ layer) => {
    const value = h("span", { class: "wl-value" });
    const share = h("span", { class: "wl-share" });
    const box = h("div", { class: "wl-plot" });
    const bar = h("i");
    grid.append(h("figure", { class: "wl-card", style: `--wl-mine: var(--wl-${layerColour(layer)})` },
      h("figcaption", {}, h("span", { class: "wl-name", title: name }, name), value), h("div", { class: "wl-bar" }, bar), box, h("div", { class: "wl-under" }, share, h("span", { class: "wl-input-side" }, "input →"))));
    const { canvas, redraw } = surface(scope, box, (pen) => drawCard(pen, layer));
    return { value, share, bar, canvas, redraw };
  });
  if (!count) grid.append(h("p", { class: "wl-note" }, "Nothing yet: the curves come when the run begins."));

  const strip = h("div", { class: "wl-strip", title: "Sharpness of every layer over the run" });
  const scrub = h("input", { type: "range", min: 0, max: 1, step: 0.1, "aria-label": "Moment of the run, in epochs" });
  const play = button("▶", "Play", { "aria-label": "Play the run" });
  const moment = h("output", { class: "wl-moment" });
  const latest = button("●", "Live", { class: "wl-button wl-live", "aria-pressed": "true" });
  root.append(h("div", { class: "wl-transport" }, play, h("div", { class: "wl-track" }, strip, scrub), moment, latest));
  const overview = surface(scope, strip, drawStrip, { "aria-hidden": "true" });

  /** From where to where the inputs of a layer are drawn. @param {number} layer @returns {[number, number]} */
  const rangeOf = (layer) => kept.ranges[layer];
  const end = () => now.at;
  const position = () => (following ? end() : playback.at);
  /** @param {number} layer */
  const sharpness = (layer) => (following ? now.sharpness[layer] : valueAt(points, position(), layer + 2));

  const playback = player(scope, {
    end,
    seconds: () => Math.min(3 + 0.12 * end(), 8),
    show: () => {
      if (playback.at >= end() && !playback.playing) following = true;
      show();
    },
    changed: (playing) => {
      if (playing) following = false;
      say(play.children[0], playing ? "❚❚" : "▶");
      say(play.children[1], playing ? "Pause" : "Play");
      play.setAttribute("aria-label", playing ? "Pause" : "Play the run");
    },
  });

  function show() {
    const at = position();
    // The present seldom lies on a tenth of an epoch, and the knob must stand where the line above it does.
    scrub.step = following ? "any" : "0.1";
    scrub.max = String(end() || 0.1);
    scrub.value = String(at);
    scrub.setAttribute("aria-valuetext", `epoch ${at.toFixed(1)} of ${end().toFixed(1)}`);
    say(moment, `epoch ${at.toFixed(1)}`);
    latest.hidden = now.status === "recorded";
    latest.setAttribute("aria-pressed", String(following));
    const received = histogramAt(known, count, at);
    cards.forEach((/** @type {any} */ card, /** @type {number} */ layer) => {
      const s = sharpness(layer);
      const words = s >= 1 ? "sharp" : s.toFixed(2);
      say(card.value, words);
      card.bar.style.width = `${100 * s}%`;
      const between = received ? shareBetween(edges, received[layer], ...(/** @type {[number, number]} */ (ramp(about.thresholds[layer], s)))) : null;
      const where = s >= 1 ? "no ramp left: spike or no spike" : between === null ? "" : `${percent(between)} of its inputs on the ramp`;
      say(card.share, where);
      card.canvas.setAttribute("aria-label", `Activation curve of ${about.layers[layer]}, sharpness ${words}; ${where}${received ? beyondWords(received[layer], rangeOf(layer)) : ""}`);
      card.redraw();
    });
    overview.redraw();
    head.show(now.status, now.status === "failed" ? now.message : runFacts(now));
  }

  /** @param {Pen} pen @param {number} layer */
  function drawCard(pen, layer) {
    const { context, width, height, colour } = pen;
    const [left, right, top, bottom] = [22, width - 4, 6, height - 18];
    const [curve, threshold, s] = [about.curves[layer], about.thresholds[layer], sharpness(layer)];
    const [low, high] = rangeOf(layer);
    const x = (/** @type {number} */ value) => left + ((value - low) / (high - low)) * (right - left);
    const y = (/** @type {number} */ value) => bottom - value * (bottom - top);
    const received = histogramAt(known, count, position())?.[layer];
    const mine = colour(layerColour(layer));
    context.save();
    context.beginPath();
    context.rect(left, 0, right - left, bottom + 1);
    context.clip();
    if (received) {
      context.fillStyle = mine;
      context.globalAlpha = 0.24;
      received.bars.forEach((bar, bin) => {
        const [a, b] = [x(edges[bin]), x(edges[bin + 1])];
        const tall = (0.9 * bar * (bottom - top)) / 255;
        context.fillRect(a, bottom - tall, b - a - (b - a > 3 ? 0.6 : 0), tall);
      });
      context.globalAlpha = 1;
    }
    context.strokeStyle = colour("line");
    context.lineWidth = 1;
    for (const value of [0, 1]) line(context, left, Math.round(y(value)) + 0.5, right, Math.round(y(value)) + 0.5);
    context.strokeStyle = colour("faint");
    context.setLineDash([3, 3]);
    line(context, Math.round(x(threshold)) + 0.5, top, Math.round(x(threshold)) + 0.5, bottom);
    context.setLineDash([]);
    traceCurve(context, curve, 0, threshold, [low, high], x, y, s > 0 ? colour("faint") : mine, 1.2);
    traceCurve(context, curve, s, threshold, [low, high], x, y, mine, 2.5);
    context.restore();
    font(pen, 10.5);
    context.fillStyle = colour("muted");
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of [0, 1]) context.fillText(String(value), left - 6, y(value));
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const value of ticks(low, high, width < 200 ? 3 : 4)) context.fillText(String(Number(value.toFixed(2))).replace("-", "−"), x(value), bottom + 5);
    // What lies further out, where the curve leaves room.
    if (received && received.below >= LITTLE) [context.textAlign, context.textBaseline] = ["left", "top"], context.fillText(`◂ ${percent(received.below)}`, left + 3, top + 6);
    if (received && received.above >= LITTLE) [context.textAlign, context.textBaseline] = ["right", "bottom"], context.fillText(`${percent(received.above)} ▸`, right - 2, bottom - 6);
  }

  /** @param {Pen} pen */
  function drawStrip({ context, width, height, colour }) {
    const span = Math.max(end(), 1e-6);
    const x = (/** @type {number} */ at) => (at / span) * width;
    const y = (/** @type {number} */ value, /** @type {number} */ layer) => height - 7 - value * (height - 14) - beside(layer, count, 8);
    context.fillStyle = colour("sharpening");
    context.globalAlpha = 0.16;
    for (const [from, to] of sharpeningSpans(rows, now)) context.fillRect(x(from), 0, x(to) - x(from), height);
    context.globalAlpha = 1;
    for (let layer = count - 1; layer >= 0; layer--) {
      context.strokeStyle = colour(layerColour(layer));
      context.lineWidth = 1.5;
      context.beginPath();
      for (let row = 0; row < points.length; row++) context.lineTo(x(points.values[row * points.width]), y(points.values[row * points.width + layer + 2], layer));
      context.stroke();
    }
    const here = Math.min(Math.max(x(position()), 1), width - 1);
    context.fillStyle = colour("ink");
    context.fillRect(here - 0.75, 0, 1.5, height);
  }

  scope.on(play, "click", () => (playback.playing ? playback.stop() : playback.play(following ? 0 : undefined)));
  scope.on(scrub, "input", () => {
    following = false;
    playback.stop(Number(scrub.value));
  });
  scope.on(latest, "click", () => {
    following = true;
    playback.stop(end());
  });
  /** @param {PointerEvent} event */
  const seek = (event) => {
    const box = strip.getBoundingClientRect();
    following = false;
    playback.stop(Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * end());
  };
  scope.on(strip, "pointerdown", (event) => (strip.setPointerCapture(event.pointerId), seek(event)));
  scope.on(strip, "pointermove", (event) => event.buttons && seek(event));

  scope.follow(model, "change:past", () => {
    past = model.get("past");
    rows = epochRows(past);
  });
  scope.follow(model, "change:histograms", () => {
    kept = model.get("histograms");
    [edges, known] = unpack(kept);
    show();
  });
  scope.follow(model, "change:now", () => {
    now = model.get("now");
    points = joinPoints(past, now, count);
    if (!playback.playing) show();
  });

  show();
  if (now.status === "recorded" && end() > 0 && !calm()) whenSeen(scope, root, () => following && playback.play(0));
  return () => scope.end();
}

/** @param {CanvasRenderingContext2D} context @param {string} curve @param {number} s @param {number} threshold
 * @param {[number, number]} range @param {(value: number) => number} x @param {(value: number) => number} y @param {string} colour @param {number} width */
function traceCurve(context, curve, s, threshold, [low, high], x, y, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.beginPath();
  const dense = Array.from({ length: 161 }, (_, i) => low + (i / 160) * (high - low));
  // The corners of the ramp lie between the even steps when it is steep.
  const near = Array.from({ length: 41 }, (_, i) => threshold + (i / 20 - 1) * 0.6 * (1 - s + 1e-3));
  for (const value of [...dense, ...near, threshold - 1e-9, threshold].sort((a, b) => a - b)) context.lineTo(x(value), y(activation(curve, value, s)));
  context.stroke();
}

export default { render: attended(renderer(mount)) };
