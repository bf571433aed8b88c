// @ts-check
import { bytes, floats } from "./bytes.mjs";
import { font, layerColour, layerDash, layerSwatch, line, surface } from "./canvas.mjs";
import { cursorOn } from "./cursor.mjs";
import { histogramAt, shareBetween } from "./histograms.mjs";
import { together, trace } from "./lines.mjs";
import { activation, ramp } from "./method.mjs";
import { clamp, percent } from "./numbers.mjs";
import { Scope, attended, button, calm, h, header, keepKeys, renderer, say, watchKernel, whenSeen } from "./page.mjs";
import { playButton, player } from "./player.mjs";
import { runFacts, runOf, unbegun, valueAt } from "./run.mjs";
import { saveMenu } from "./saving.mjs";
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

/** What the curves show: the run and its histograms, at a moment that follows the run or that the reader has chosen.
 * @typedef {ReturnType<typeof curvesOf>} Curves */

/** @param {Model} model @param {() => import("./run.mjs").Course | null} other */
function curvesOf(model, other) {
  const about = model.get("about");
  const count = about.layers.length;
  let kept = model.get("histograms");
  let [edges, known] = unpack(kept);
  const curves = {
    about, count, run: runOf(model), following: true,
    /** Where the reader is, when the view does not follow. */
    at: 0,
    end: () => curves.run.now.at,
    position: () => (curves.following ? curves.end() : curves.at),
    /** @param {number} layer */
    sharpness: (layer) => (curves.following ? curves.run.now.sharpness[layer] : valueAt(curves.run.points, curves.at, layer + 2)),
    /** The sharpness of the same layer of the other run, at the same moment or at its end; null where there is none. @param {number} layer */
    beside(layer) {
      const points = other()?.points;
      return points && layer + 2 < points.width ? valueAt(points, curves.following ? Infinity : curves.at, layer + 2) : null;
    },
    /** From where to where the inputs of a layer are drawn. @param {number} layer @returns {[number, number]} */
    range: (layer) => kept.ranges[layer],
    /** What each layer received. */
    received: () => histogramAt(known, count, curves.position()),
    edges: () => edges,
    heedHistograms() {
      kept = model.get("histograms");
      [edges, known] = unpack(kept);
    },
  };
  return curves;
}

/** What surrounds the curves where they are part of something larger: what is shown together, and another run, whose curves are drawn beside.
 * @typedef {{ cursor: import("./cursor.mjs").Cursor, other: () => import("./run.mjs").Course | null, drawn: (redraw: () => void) => void }} Around
 *   `drawn` is given what draws anew, for when the other run is another one */

/** @param {{ model: Model, el: HTMLElement, around?: Around }} view */
export function mountCurves({ model, el, around }) {
  const scope = new Scope();
  const cursor = around?.cursor ?? cursorOn(scope, model, "activation_curves");
  const curves = curvesOf(model, around?.other ?? (() => null));
  if (cursor.at !== null) [curves.following, curves.at] = [false, cursor.at];
  const { about, count, run, end } = curves;
  const head = header("Activation curves");
  const grid = h("div", { class: "wl-grid", ...(around || !count ? {} : { role: "group", tabindex: 0, "aria-label": "Layers. Arrow keys pick one." }) });
  const root = h("div", { class: "wl wl-curves" }, head.element, grid);
  el.append(root);
  keepKeys(scope, root);
  watchKernel(scope, model, root);
  saveMenu(scope, root, head.element, "activation_curves", () => curvesTable(curves));
  const cards = about.layers.map((/** @type {string} */ _, /** @type {number} */ layer) => layerCard(scope, grid, curves, layer));
  const empty = h("p", { class: "wl-note", hidden: count > 0 });
  grid.append(empty);

  const { strip, scrub, play, moment, latest } = transport(root);
  const overview = surface(scope, strip, (pen) => drawStrip(pen, curves), { "aria-hidden": "true" });

  const playback = player(scope, {
    end,
    seconds: () => Math.min(3 + 0.12 * end(), 8),
    show: (at) => {
      curves.at = at;
      if (at >= end() && !playback.playing) curves.following = true;
      show();
    },
    changed: (playing) => {
      if (playing) curves.following = false;
      playButton(play, playing, "Play the run");
    },
  });

  function show() {
    const [at, { now }] = [curves.position(), run];
    // The present seldom lies on a tenth of an epoch, and the knob must stand where the line above it does.
    scrub.step = curves.following ? "any" : "0.1";
    scrub.max = String(end() || 0.1);
    scrub.value = String(at);
    scrub.setAttribute("aria-valuetext", `epoch ${at.toFixed(1)} of ${end().toFixed(1)}`);
    say(moment, `epoch ${at.toFixed(1)}`);
    say(empty, `The curves come when the run begins: ${unbegun(now.status)}.`);
    latest.hidden = now.status === "recorded";
    latest.setAttribute("aria-pressed", String(curves.following));
    const received = curves.received();
    cards.forEach((/** @type {ReturnType<typeof layerCard>} */ card, /** @type {number} */ layer) => card.show(received?.[layer] ?? null));
    overview.redraw();
    cursor.move({ at: curves.following ? null : at });
    head.show(now, now.status === "failed" ? now.message : runFacts(now));
  }

  /** Goes to a moment, and stays there. @param {number} at */
  const seek = (at) => {
    curves.following = false;
    playback.stop(at);
  };
  scope.on(play, "click", () => (playback.playing ? playback.stop() : playback.play(curves.following ? 0 : undefined)));
  scope.on(scrub, "input", () => seek(Number(scrub.value)));
  scope.on(latest, "click", () => {
    curves.following = true;
    playback.stop(end());
  });
  pointAlong(scope, strip, (share) => seek(share * end()));
  scope.follow(model, "change:past", () => run.heed("past"));
  scope.follow(model, "change:histograms", () => (curves.heedHistograms(), show()));
  scope.follow(model, "change:now", () => (run.heed("now"), playback.playing || show()));

  linkCards(scope, cursor, grid, (at) => (at === null ? curves.following || latest.click() : at !== curves.position() && seek(at)));
  if (!around) scope.on(grid, "keydown", (/** @type {KeyboardEvent} */ event) => pickLayer(event, cursor, count));
  around?.drawn(show);
  show();
  if (!around && run.now.status === "recorded" && end() > 0 && !calm()) whenSeen(scope, root, () => curves.following && playback.play(0));
  return () => scope.end();
}

/** What moves along the run: a button to play it, the strip with its slider, where it stands, and the way to the present.
 * @param {HTMLElement} root */
function transport(root) {
  const strip = h("div", { class: "wl-strip", title: "Sharpness of every layer over the run" });
  const scrub = h("input", { type: "range", min: 0, max: 1, step: 0.1, "aria-label": "Moment of the run, in epochs" });
  const play = button("▶", "Play", { "aria-label": "Play the run" });
  const moment = h("output", { class: "wl-moment" });
  const latest = button("●", "Live", { class: "wl-button wl-live", "aria-pressed": "true" });
  root.append(h("div", { class: "wl-transport" }, play, h("div", { class: "wl-track" }, strip, scrub), moment, latest));
  return { strip, scrub, play, moment, latest };
}

/** Goes where a finger is along the strip. @param {Scope} scope @param {HTMLElement} strip @param {(share: number) => void} go */
function pointAlong(scope, strip, go) {
  const point = (/** @type {PointerEvent} */ event) => {
    const box = strip.getBoundingClientRect();
    go(clamp((event.clientX - box.left) / box.width, 0, 1));
  };
  scope.on(strip, "pointerdown", (event) => (strip.setPointerCapture(event.pointerId), point(event)));
  scope.on(strip, "pointermove", (event) => event.buttons && point(event));
}

/** Goes to the layer beside. @param {KeyboardEvent} event @param {import("./cursor.mjs").Cursor} cursor @param {number} layers how many there are */
export function pickLayer(event, cursor, layers) {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (by === undefined || !layers) return;
  event.preventDefault();
  cursor.move({ layer: cursor.layer === null ? (by > 0 ? 0 : layers - 1) : (cursor.layer + by + layers) % layers, neuron: null });
}

/** The cards pick a layer, and the moment goes with the cursor. @param {Scope} scope @param {import("./cursor.mjs").Cursor} cursor
 * @param {HTMLElement} grid @param {(at: number | null) => void} go */
function linkCards(scope, cursor, grid, go) {
  const cards = [...grid.querySelectorAll(".wl-card")];
  const mark = () => cards.forEach((card, which) => card.classList.toggle("wl-picked", which === cursor.layer));
  cards.forEach((card, layer) => scope.on(card, "click", () => cursor.move({ layer, neuron: null })));
  cursor.follow(scope, ({ at }, before) => {
    mark();
    if (at !== before.at) go(at);
  });
  mark();
}

/** The sharpness of every layer over the run, as `ActivationCurves.table` in Python has it, at the batches that the page knows of.
 * @param {Curves} curves @returns {import("./saving.mjs").Column[]} */
function curvesTable({ about, run: { points: { values, width, length } } }) {
  const names = about.layers.map((/** @type {string} */ name) => (["epoch", "loss"].includes(name) ? `layer ${name}` : name));
  return ["epoch", "loss", ...names].map((name, column) => [name, Array.from({ length }, (_, row) => values[row * width + column])]);
}

/** The card of a layer: its name and sharpness, its curve over what it receives, and that in words.
 * @param {Scope} scope @param {HTMLElement} grid @param {Curves} curves @param {number} layer */
function layerCard(scope, grid, curves, layer) {
  const { layers, thresholds } = curves.about;
  const value = h("span", { class: "wl-value" });
  const theirs = h("span", { class: "wl-theirs", title: "the other run", hidden: true });
  const share = h("span", { class: "wl-share" });
  const box = h("div", { class: "wl-plot" });
  const bar = h("i");
  grid.append(h("figure", { class: "wl-card", style: `--wl-mine: var(--wl-${layerColour(layer)})` },
    h("figcaption", {}, h("span", { class: "wl-name", title: layers[layer] }, layerSwatch(layer), layers[layer]), h("span", { class: "wl-values" }, value, theirs)), h("div", { class: "wl-bar" }, bar), box, h("div", { class: "wl-under" }, share, h("span", { class: "wl-input-side" }, "input →"))));
  const { canvas, redraw } = surface(scope, box, (pen) => drawCard(pen, curves, layer));
  return {
    /** @param {import("./histograms.mjs").Histogram | null} received */
    show(received) {
      const s = curves.sharpness(layer);
      const words = s >= 1 ? "sharp" : s.toFixed(2);
      say(value, words);
      bar.style.width = `${100 * s}%`;
      const between = received ? shareBetween(curves.edges(), received, ...(/** @type {[number, number]} */ (ramp(thresholds[layer], s)))) : null;
      const where = s >= 1 ? "no ramp left: spike or no spike" : between === null ? "" : `${percent(between)} of its inputs on the ramp`;
      say(share, where);
      const others = curves.beside(layer);
      const there = others === null ? "" : others >= 1 ? "sharp" : others.toFixed(2);
      theirs.hidden = others === null;
      say(theirs, there);
      canvas.setAttribute("aria-label", `Activation curve of ${layers[layer]}, sharpness ${words}${there && `, in the other run ${there}`}; ${where}${received ? beyondWords(received, curves.range(layer)) : ""}`);
      redraw();
    },
  };
}

/** @param {Pen} pen @param {Curves} curves @param {number} layer */
function drawCard(pen, curves, layer) {
  const { context, width, height, colour } = pen;
  const [left, right, top, bottom] = [22, width - 4, 6, height - 18];
  const [curve, threshold, s] = [curves.about.curves[layer], curves.about.thresholds[layer], curves.sharpness(layer)];
  const [low, high] = curves.range(layer);
  const x = (/** @type {number} */ value) => left + ((value - low) / (high - low)) * (right - left);
  const y = (/** @type {number} */ value) => bottom - value * (bottom - top);
  const received = curves.received()?.[layer];
  const [mine, edges] = [colour(layerColour(layer)), curves.edges()];
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
  const others = curves.beside(layer);
  if (others !== null) {
    context.setLineDash([5, 3]);
    traceCurve(context, curve, others, threshold, [low, high], x, y, colour("ink"), 1.4);
    context.setLineDash([]);
  }
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

/** The sharpness of every layer over the run, and the moment that is shown. @param {Pen} pen @param {Curves} curves */
function drawStrip({ context, width, height, colour }, { run, count, end, position }) {
  const span = Math.max(end(), 1e-6);
  const x = (/** @type {number} */ at) => (at / span) * width;
  const { values, width: columns, length } = run.points;
  context.fillStyle = colour("sharpening");
  context.globalAlpha = 0.16;
  together(run.spans.length, (span) => x(run.spans[span][0]), (span) => x(run.spans[span][1]), (left, right) => context.fillRect(left, 0, right - left, height));
  context.globalAlpha = 1;
  context.lineWidth = 1.5;
  for (let layer = count - 1; layer >= 0; layer--) {
    context.strokeStyle = colour(layerColour(layer));
    context.setLineDash(layerDash(layer));
    const low = height - 7 - beside(layer, count, 8);
    trace(context, length, (row) => x(values[row * columns]), (row) => low - values[row * columns + layer + 2] * (height - 14));
  }
  context.setLineDash([]);
  const here = clamp(x(position()), 1, width - 1);
  context.fillStyle = colour("ink");
  context.fillRect(here - 0.75, 0, 1.5, height);
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

export default { render: attended(renderer(mountCurves)) };
