// @ts-check
import { bytes, floats } from "./bytes.mjs";
import { font, layerColour, line, surface } from "./canvas.mjs";
import { histogramAt, shareBetween } from "./histograms.mjs";
import { activation, ramp } from "./method.mjs";
import { percent } from "./numbers.mjs";
import { Scope, attended, button, calm, h, header, keepKeys, renderer, say, watchKernel, whenSeen } from "./page.mjs";
import { player } from "./player.mjs";
import { epochRows, joinPoints, runFacts, sharpeningSpans, valueAt } from "./run.mjs";
import { ticks } from "./scales.mjs";

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./canvas.mjs").Pen} Pen */

/** Half the width of what is shown of the pre-activations, around the threshold. */
const REACH = 1.75;

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
  let [edges, counts] = [floats(kept.edges), bytes(kept.counts)];
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
    const shares = histogramAt(kept, counts, count, at);
    cards.forEach((/** @type {any} */ card, /** @type {number} */ layer) => {
      const s = sharpness(layer);
      const words = s >= 1 ? "sharp" : s.toFixed(2);
      say(card.value, words);
      card.bar.style.width = `${100 * s}%`;
      const between = shares ? shareBetween(edges, shares[layer], ...(/** @type {[number, number]} */ (ramp(about.thresholds[layer], s)))) : null;
      const where = s >= 1 ? "no ramp left: spike or no spike" : between === null ? "" : `${percent(between)} of its inputs on the ramp`;
      say(card.share, where);
      card.canvas.setAttribute("aria-label", `Activation curve of ${about.layers[layer]}, sharpness ${words}; ${where}`);
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
    const x = (/** @type {number} */ value) => left + ((value - threshold + REACH) / (2 * REACH)) * (right - left);
    const y = (/** @type {number} */ value) => bottom - value * (bottom - top);
    const shares = histogramAt(kept, counts, count, position());
    const mine = colour(layerColour(layer));
    context.save();
    context.beginPath();
    context.rect(left, 0, right - left, bottom + 1);
    context.clip();
    if (shares) {
      context.fillStyle = mine;
      context.globalAlpha = 0.24;
      for (let bin = 0; bin < shares[layer].length; bin++) {
        const [a, b] = [x(edges[bin]), x(edges[bin + 1])];
        const tall = (0.9 * shares[layer][bin] * (bottom - top)) / 255;
        context.fillRect(a, bottom - tall, b - a - 0.6, tall);
      }
      context.globalAlpha = 1;
    }
    context.strokeStyle = colour("line");
    context.lineWidth = 1;
    for (const value of [0, 1]) line(context, left, Math.round(y(value)) + 0.5, right, Math.round(y(value)) + 0.5);
    context.strokeStyle = colour("faint");
    context.setLineDash([3, 3]);
    line(context, Math.round(x(threshold)) + 0.5, top, Math.round(x(threshold)) + 0.5, bottom);
    context.setLineDash([]);
    traceCurve(context, curve, 0, threshold, x, y, s > 0 ? colour("faint") : mine, 1.2);
    traceCurve(context, curve, s, threshold, x, y, mine, 2.5);
    context.restore();
    font(pen, 10.5);
    context.fillStyle = colour("muted");
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of [0, 1]) context.fillText(String(value), left - 6, y(value));
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const value of ticks(threshold - REACH, threshold + REACH, width < 200 ? 3 : 4)) context.fillText(String(Number(value.toFixed(2))).replace("-", "−"), x(value), bottom + 5);
  }

  /** @param {Pen} pen */
  function drawStrip({ context, width, height, colour }) {
    const span = Math.max(end(), 1e-6);
    const x = (/** @type {number} */ at) => (at / span) * width;
    const y = (/** @type {number} */ value) => height - 3 - value * (height - 6);
    context.fillStyle = colour("sharpening");
    context.globalAlpha = 0.16;
    for (const [from, to] of sharpeningSpans(rows, now)) context.fillRect(x(from), 0, x(to) - x(from), height);
    context.globalAlpha = 1;
    for (let layer = count - 1; layer >= 0; layer--) {
      context.strokeStyle = colour(layerColour(layer));
      context.lineWidth = 1.5;
      context.beginPath();
      for (let row = 0; row < points.length; row++) context.lineTo(x(points.values[row * points.width]), y(points.values[row * points.width + layer + 2]));
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
    [edges, counts] = [floats(kept.edges), bytes(kept.counts)];
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
 * @param {(value: number) => number} x @param {(value: number) => number} y @param {string} colour @param {number} width */
function traceCurve(context, curve, s, threshold, x, y, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.beginPath();
  const dense = Array.from({ length: 161 }, (_, i) => threshold + (i / 80 - 1) * REACH);
  // The corners of the ramp lie between the even steps when it is steep.
  const near = Array.from({ length: 41 }, (_, i) => threshold + (i / 20 - 1) * 0.6 * (1 - s + 1e-3));
  for (const value of [...dense, ...near, threshold - 1e-9, threshold].sort((a, b) => a - b)) context.lineTo(x(value), y(activation(curve, value, s)));
  context.stroke();
}

export default { render: attended(renderer(mount)) };
