// @ts-check
import { levels, whatIf } from "./method.mjs";
import { Scope, apart, button, clamp, epochRows, font, h, header, joinPoints, keepKeys, layerColour, line, logTicks, percent, plain, runFacts, say, sharpeningSpans, surface, ticks, watchKernel } from "./shared.mjs";

/** @typedef {import("./shared.mjs").Model} Model */
/** @typedef {import("./shared.mjs").Pen} Pen */
/** @typedef {Record<string, number>} Epoch */

/** The parameters that can be moved: range, step, what they mean, and whether a recorded run can say what they would do. */
export const PARAMETERS = [
  { name: "sig_increase", low: 0.01, high: 1, step: 0.01, share: true, replays: true, means: "a rise of the loss that stops sharpening" },
  { name: "sig_decrease", low: 0.01, high: 0.9, step: 0.01, share: true, replays: true, means: "a fall of the loss that counts as one" },
  { name: "patience", low: 0, high: 10, step: 1, share: false, replays: true, means: "epochs without a fall before sharpening" },
  { name: "rate", low: 0.01, high: 1, step: 0.01, share: false, replays: false, means: "sharpness gained in an epoch" },
  { name: "cz_rate", low: 0.01, high: 1, step: 0.01, share: false, replays: false, means: "the same, past the critical sharpness" },
  { name: "critical", low: 0, high: 1, step: 0.01, share: false, replays: false, means: "sharpness at which the slower rate begins" },
];

/** What a replay has to say, in a sentence or two. @param {ReturnType<typeof whatIf>["first"]} first */
export function verdict(first) {
  if (!first) return "With these lines every decision would have come out the same.";
  const loss = Number.isFinite(first.change) ? ` (the loss changed by ${percent(first.change, true)})` : "";
  const [would, did] = {
    "goes on": ["have gone on", "it stopped"], stops: ["have stopped", "it went on"],
    starts: ["have started", "it waited"], waits: ["have waited", "it started"],
  }[first.kind] ?? ["", ""];
  return `After epoch ${first.epoch} sharpening would ${would}${loss}; in this run ${did}. What would follow is not known: that takes a new training.`;
}

/** @type {Record<string, { sign: string, colour: string, word: string }>} */
const MARKS = {
  start: { sign: "▶", colour: "sharpening", word: "sharpen" },
  stop: { sign: "■", colour: "stop", word: "stop" },
  sharp: { sign: "◆", colour: "ink", word: "layer sharp" },
  done: { sign: "★", colour: "ink", word: "all sharp" },
  threshold: { sign: "✎", colour: "muted", word: "by hand" },
  warning: { sign: "!", colour: "stop", word: "warning" },
};

/** @param {{ model: Model, el: HTMLElement }} view */
function render({ model, el }) {
  const scope = new Scope();
  const about = model.get("about");
  const count = about.layers.length;
  let [past, now, decisions] = [model.get("past"), model.get("now"), model.get("decisions")];
  let rows = epochRows(past);
  let points = joinPoints(past, now, count);
  const adaptive = now.policy.name === "adaptive";
  const recorded = !about.live;

  /** Values that the finger has set and that no answer has confirmed yet. @type {Record<string, number>} */
  const asked = {};
  /** @type {string | null} */
  let held = null;
  /** @type {number | null} */
  let pointed = null;
  /** @type {{ epoch: number, reason: string } | null} */
  let marked = null;
  /** @type {[number, number] | null} */
  let span = null;

  // -- what there is ----------------------------------------------------------------------------------------------------
  const head = header("Adaptive sharpener");
  if (!adaptive) say(head.element.children[0], "Sharpener");
  const commands = h("div", { class: "wl-commands", role: "group", "aria-label": "Commands to the run" });
  const error = h("p", { class: "wl-error", role: "alert", hidden: true });
  const box = h("div", { class: "wl-chart" });
  const readout = h("p", { class: "wl-readout" });
  const legend = h("div", { class: "wl-legend", "aria-hidden": "true" });
  const panel = h("div", { class: "wl-panel" });
  const log = h("ol", { class: "wl-log", tabindex: 0, "aria-label": "Decisions, newest first" });
  const root = h("div", { class: "wl wl-sharpener" }, head.element, commands, error,
    h("div", { class: "wl-sides" }, h("div", { class: "wl-left" }, box, legend, readout), panel,
      h("div", { class: "wl-decisions" }, h("div", { class: "wl-kicker" }, "Decisions"), log)));
  el.append(root);
  keepKeys(scope, root);
  watchKernel(scope, model, root);
  const chart = surface(scope, box, draw, { tabindex: 0, "aria-roledescription": "chart" });

  const buttons = {
    go: button("▶", "Start"),
    batch: button("›", "Batch", { "aria-label": "Train one more batch", title: "Train one more batch, then pause" }),
    epoch: button("»", "Epoch", { "aria-label": "Train to the end of the epoch", title: "Train to the end of the epoch, then pause" }),
    stop: button("■", "Stop", { title: "End training after this batch" }),
  };
  commands.append(...Object.values(buttons));
  commands.hidden = recorded;
  scope.on(buttons.go, "click", () => command(now.status === "running" ? "pause" : now.status === "paused" ? "resume" : "start"));
  scope.on(buttons.batch, "click", () => command("step", "batch"));
  scope.on(buttons.epoch, "click", () => command("step", "epoch"));
  scope.on(buttons.stop, "click", () => command("stop"));

  /** @type {Record<string, { slider: HTMLInputElement, field: HTMLInputElement }>} */
  const knobs = {};
  const [movable, fixed] = [true, false].map((wanted) => PARAMETERS.filter((what) => adaptive && (what.replays || !recorded) === wanted));
  for (const what of movable) {
    const common = { min: what.low, step: what.step };
    const slider = h("input", { type: "range", max: what.high, "aria-label": `${what.name}: ${what.means}`, ...common });
    const field = h("input", { type: "number", max: what.name === "patience" ? 1000 : what.name.startsWith("sig") ? 100 : 1, "aria-label": what.name, ...common });
    knobs[what.name] = { slider, field };
    panel.append(h("div", { class: "wl-knob", "data-name": what.name },
      h("div", { class: "wl-knob-top" }, h("code", {}, what.name), field), slider, h("div", { class: "wl-means" }, what.means)));
    scope.on(slider, "input", () => move(what.name, Number(slider.value), false));
    scope.on(slider, "change", () => move(what.name, Number(slider.value), true));
    scope.on(field, "change", () => field.value !== "" && move(what.name, Number(field.value), true));
  }
  if (fixed.length) panel.append(h("div", { class: "wl-means" }, fixed.map(({ name }) => `${name} ${plain(now.policy[name])}`).join("  ·  ")));
  const remark = h("p", { class: "wl-note wl-remark", "aria-live": "polite" });
  const reset = button("↺", "Back to the run", { hidden: true });
  panel.append(remark, reset);
  scope.on(reset, "click", () => {
    Object.keys(asked).forEach((name) => delete asked[name]);
    show();
  });

  /** The two lines can be taken hold of at the right edge. @type {Record<string, HTMLElement>} */
  const grips = {};
  for (const name of adaptive ? ["sig_increase", "sig_decrease"] : []) {
    const what = PARAMETERS.find((parameter) => parameter.name === name) ?? PARAMETERS[0];
    const grip = h("div", { class: "wl-grip", role: "slider", tabindex: 0, "data-name": name, title: `${name}: ${what.means}. Drag it.`, "aria-label": `${name}: ${what.means}`, "aria-orientation": "vertical", "aria-valuemin": what.low, "aria-valuemax": what.high });
    grips[name] = grip;
    box.append(grip);
    scope.on(grip, "pointerdown", (/** @type {PointerEvent} */ event) => {
      grip.setPointerCapture(event.pointerId);
      held = name;
      span = domain();
      event.preventDefault();
      grip.focus({ preventScroll: true });
    });
    scope.on(grip, "pointermove", (/** @type {PointerEvent} */ event) => held === name && move(name, pull(name, event.clientY), false));
    const drop = (/** @type {PointerEvent} */ event) => {
      if (held !== name) return;
      held = null;
      span = null;
      if (event.type === "pointerup") move(name, pull(name, event.clientY), true);
      show();
    };
    scope.on(grip, "pointerup", drop);
    scope.on(grip, "pointercancel", drop);
    scope.on(grip, "keydown", (/** @type {KeyboardEvent} */ event) => {
      const up = name === "sig_increase" ? 1 : -1;
      const steps = { ArrowUp: up, ArrowDown: -up, ArrowRight: 1, ArrowLeft: -1, PageUp: 5 * up, PageDown: -5 * up }[event.key];
      if (steps === undefined) return;
      event.preventDefault();
      move(name, value(name) + steps * what.step, true);
    });
  }

  // -- what is asked of the run -----------------------------------------------------------------------------------------
  /** @param {string} name @param {string} [unit] */
  function command(name, unit) {
    error.hidden = true;
    model.send({ kind: "command", name, ...(unit ? { unit } : {}) });
  }

  let [sentAt, timer] = [0, 0];
  /** @type {Record<string, number>} */
  let waiting = {};
  function send() {
    clearTimeout(timer);
    timer = 0;
    if (!Object.keys(waiting).length) return;
    sentAt = performance.now();
    model.send({ kind: "steer", values: waiting });
    waiting = {};
  }
  scope.undo.push(send);

  /** A parameter in force, or what the finger made of it. @param {string} name */
  const value = (name) => asked[name] ?? now.policy[name];

  /** Draws at once and lets the run know, at most some ten times a second.
   * @param {string} name @param {number} wanted @param {boolean} last */
  function move(name, wanted, last) {
    const what = PARAMETERS.find((parameter) => parameter.name === name) ?? PARAMETERS[0];
    const rounded = what.step === 1 ? Math.max(Math.round(wanted), what.low) : Math.max(Math.round(wanted * 1000) / 1000, what.low);
    asked[name] = rounded;
    if (recorded && rounded === now.policy[name]) delete asked[name];
    error.hidden = true;
    if (!recorded) {
      waiting[name] = rounded;
      if (last || performance.now() - sentAt > 100) send();
      else if (!timer) timer = window.setTimeout(send, 100);
    }
    show();
  }

  /** What a pull on a line to a height on the page makes of its parameter. @param {string} name @param {number} clientY */
  function pull(name, clientY) {
    const loss = scale(clientY - box.getBoundingClientRect().top);
    const share = name === "sig_increase" ? loss / now.reference - 1 : 1 - loss / now.reference;
    const what = PARAMETERS.find((parameter) => parameter.name === name) ?? PARAMETERS[0];
    return clamp(Math.round(share / what.step) * what.step, what.low, name === "sig_increase" ? 9 : what.high);
  }

  // -- where things lie -------------------------------------------------------------------------------------------------
  const room = () => {
    const [width, height] = [box.clientWidth, box.clientHeight];
    const strip = Math.round(clamp(height * 0.2, 56, 84));
    return { left: 40, right: width - (adaptive ? 58 : 12), top: 24, bottom: height - strip - 44, low: height - strip - 22, end: height - 22, width, height };
  };

  /** Lowest and highest loss that must be seen. @returns {[number, number]} */
  function domain() {
    if (span) return span;
    let [low, high] = [Infinity, 0];
    const see = (/** @type {number} */ loss) => {
      if (loss > 0 && Number.isFinite(loss)) [low, high] = [Math.min(low, loss), Math.max(high, loss)];
    };
    for (let row = 0; row < points.length; row++) see(points.values[row * points.width + 1]);
    rows.forEach((row) => see(row.loss));
    if (adaptive && now.reference > 0) {
      see(now.reference * (1 + value("sig_increase")));
      see(now.reference * (1 - value("sig_decrease")));
    }
    if (!high) return [0.1, 1];
    return [low * 0.88, Math.max(high * 1.12, low * 1.3)];
  }
  /** @param {number} loss */
  const y = (loss) => {
    const [{ top, bottom }, [low, high]] = [room(), domain()];
    return bottom - (Math.log(Math.max(loss, 1e-30) / low) / Math.log(high / low)) * (bottom - top);
  };
  /** @param {number} height */
  const scale = (height) => {
    const [{ top, bottom }, [low, high]] = [room(), domain()];
    return low * (high / low) ** ((bottom - height) / (bottom - top));
  };
  /** The last finished epoch; of a long run not every one is among the rows. */
  const finished = () => (rows.length ? rows[rows.length - 1].end : 0);
  const last = () => Math.max(now.status === "recorded" ? now.at : Math.ceil(now.at * 1.02 + 0.2), 1);

  /** The decisions with where their marks stand. */
  const marks = () => {
    const at = room();
    const places = decisions.map((/** @type {any} */ decision) => at.left + (decision.at / last()) * (at.right - at.left));
    const x = apart(places, 11, at.left + 4, at.right - 4);
    return decisions.map((/** @type {any} */ decision, /** @type {number} */ which) => ({ decision, x: x[which] }));
  };

  // -- what is seen -----------------------------------------------------------------------------------------------------
  const altered = () => Object.keys(asked).some((name) => asked[name] !== now.policy[name]);
  const replayed = () => (recorded && adaptive && past.whole && altered() ? whatIf(rows, asked, now.policy.min_init_epochs - 1 - past.first) : null);

  function show() {
    const { status } = now;
    head.show(status, status === "failed" ? "" : runFacts(now));
    if (status === "failed") [error.hidden, error.textContent] = [false, now.message];
    say(buttons.go.children[0], status === "running" ? "❚❚" : "▶");
    say(buttons.go.children[1], status === "running" ? "Pause" : status === "paused" ? "Resume" : status === "ready" ? "Start" : "Train on");
    buttons.stop.disabled = !["running", "paused"].includes(status);
    buttons.batch.disabled = buttons.epoch.disabled = status === "running";

    for (const [name, { slider, field }] of Object.entries(knobs)) {
      slider.value = String(value(name));
      if (document.activeElement !== field || !(name in asked)) field.value = String(value(name));
      slider.setAttribute("aria-valuetext", name.startsWith("sig") ? percent(value(name)) : String(value(name)));
      slider.closest(".wl-knob")?.classList.toggle("wl-asked", name in asked);
    }
    const known = adaptive && now.reference > 0;
    for (const [name, grip] of Object.entries(grips)) {
      const sign = name === "sig_increase" ? 1 : -1;
      grip.hidden = !known;
      say(grip, percent(sign * value(name), true));
      grip.setAttribute("aria-valuenow", String(value(name)));
      grip.setAttribute("aria-valuetext", percent(sign * value(name), true));
    }
    reset.hidden = !(recorded && altered());
    const replay = replayed();
    say(remark, !adaptive ? `Policy: ${now.policy.name ?? "unknown"}. ${Object.entries(now.policy).filter(([name, value]) => name !== "name" && value !== null).map(([name, value]) => `${name} ${value}`).join(", ")}`
      : replay ? verdict(replay.first)
        : recorded && !past.whole ? "A record of so many epochs is drawn thinned, so it cannot be asked what if."
          : recorded ? "This run is over. Move a line, and see which decision would have been the first to come out differently; nothing is trained again."
            : known ? "What you move holds from the next batch on, also while the run is paused." : "The lines appear after the first epoch.");
    pen();
    tell();
    chart.redraw();
  }

  let written = "";
  function pen() {
    const state = JSON.stringify(decisions);
    if (state === written) return;
    written = state;
    log.replaceChildren(...[...decisions].reverse().map((decision) => {
      const mark = MARKS[decision.kind] ?? MARKS.warning;
      const colour = decision.kind === "sharp" ? layerColour(decision.layer) : mark.colour;
      return h("li", {}, h("span", { class: "wl-mark", style: `color: var(--wl-${colour})`, "aria-hidden": "true" }, mark.sign),
        h("span", {}, h("b", {}, `epoch ${decision.epoch + 1}`), ` ${decision.reason}`));
    }));
    if (!decisions.length) log.append(h("li", { class: "wl-none" }, "None yet."));
    legend.replaceChildren(...[...new Set(decisions.map((/** @type {any} */ decision) => decision.kind))].map((kind) => {
      const mark = MARKS[/** @type {string} */ (kind)];
      return h("span", {}, h("span", { style: `color: var(--wl-${mark.colour})` }, mark.sign), ` ${mark.word}`);
    }), ...about.layers.map((/** @type {string} */ name, /** @type {number} */ layer) => h("span", {}, h("i", { style: `background: var(--wl-${layerColour(layer)})` }), ` ${name}`)));
  }

  /** The line under the chart: the decision or the epoch that is pointed at, or the last epoch. */
  function tell() {
    if (marked) return say(readout, `Epoch ${marked.epoch + 1}: ${marked.reason}`);
    const epoch = clamp(pointed === null ? Infinity : Math.floor(pointed) + 1, 1, finished());
    const row = rows.find((candidate) => candidate.end >= epoch);
    if (!row) {
      const text = now.status === "ready" ? (recorded ? "Nothing has been trained yet." : "Press Start, or go one batch or one epoch at a time.")
        : ["running", "paused"].includes(now.status) ? "The first epoch is under way." : "No epoch was finished.";
      chart.canvas.setAttribute("aria-label", `Loss and sharpness. ${text}`);
      return say(readout, text);
    }
    const change = row.reference > 0 ? `, ${percent(row.loss / row.reference - 1, true)} against the reference of ${plain(row.reference)}` : "";
    const text = `Epoch ${row.end}: loss ${plain(row.loss)}${change}${row.sharpening ? "; sharpening" : ""}.`;
    say(readout, text);
    chart.canvas.setAttribute("aria-label", `Loss and sharpness over ${now.epochs} epochs. ${text} Arrow keys move over epochs.`);
  }

  /** @param {Pen} pen */
  function draw(pen) {
    const { context, colour } = pen;
    const at = room();
    const x = (/** @type {number} */ epoch) => at.left + (epoch / last()) * (at.right - at.left);
    const strip = (/** @type {number} */ sharpness) => at.end - 3 - sharpness * (at.end - at.low - 6);
    const replay = replayed();

    // Epochs of sharpening, and the two frames.
    context.fillStyle = colour("sharpening");
    context.globalAlpha = 0.15;
    for (const [from, to] of sharpeningSpans(rows, now)) {
      context.fillRect(x(from), at.top, x(to) - x(from), at.bottom - at.top);
      context.fillRect(x(from), at.low, x(to) - x(from), at.end - at.low);
    }
    context.globalAlpha = 1;
    font(pen, 10.5);
    context.lineWidth = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const loss of points.length ? logTicks(...domain()) : []) {
      context.strokeStyle = colour("line");
      line(context, at.left, Math.round(y(loss)) + 0.5, at.right, Math.round(y(loss)) + 0.5);
      context.fillStyle = colour("muted");
      context.fillText(plain(loss), at.left - 6, y(loss));
    }
    for (const sharpness of [0, 1]) {
      context.strokeStyle = colour("line");
      line(context, at.left, Math.round(strip(sharpness)) + 0.5, at.right, Math.round(strip(sharpness)) + 0.5);
      context.fillStyle = colour("muted");
      context.fillText(String(sharpness), at.left - 6, strip(sharpness));
    }
    context.textAlign = "center";
    for (const epoch of ticks(0, last(), Math.min(10, (at.right - at.left) / 44))) if (Number.isInteger(epoch)) context.fillText(String(epoch), x(epoch), at.end + 12);
    context.textAlign = "left";
    context.fillText("loss, log scale", at.left, 9);
    context.fillText("sharpness", at.left, at.low - 9);
    context.textAlign = "right";
    context.fillText("epoch", at.width - 8, at.end + 12);
    if (!points.length) {
      context.textAlign = "center";
      context.fillText("no batch yet", (at.left + at.right) / 2, (at.top + at.bottom) / 2);
    }

    context.save();
    context.beginPath();
    context.rect(at.left, at.top - 1, at.right - at.left + 1, at.bottom - at.top + 2);
    context.clip();
    // The batch loss, faint.
    context.strokeStyle = colour("faint");
    context.globalAlpha = 0.75;
    context.lineWidth = 1;
    context.beginPath();
    for (let row = 0; row < points.length; row++) {
      const loss = points.values[row * points.width + 1];
      if (loss > 0 && Number.isFinite(loss)) context.lineTo(x(points.values[row * points.width]), y(loss));
    }
    context.stroke();
    context.globalAlpha = 1;
    if (points.length === 1) {
      context.fillStyle = colour("ink");
      dot(context, x(points.values[0]), y(points.values[1]), 2.2);
    }
    // The lines in force, epoch by epoch; then those of the epoch to come, which the finger moves.
    const shown = replay ? replay.lines : rows;
    const steps = shown.map((row, epoch) => ({ from: rows[epoch - 1]?.end ?? rows[epoch].end - 1, to: rows[epoch].end, reference: row.reference, up: row.up, down: row.down }));
    if (adaptive && now.reference > 0 && !replay) steps.push({ from: finished(), to: last(), reference: now.reference, up: value("sig_increase"), down: value("sig_decrease") });
    bands(context, steps, x, y, colour);
    // The epoch loss, with a dot where it was judged.
    context.strokeStyle = context.fillStyle = colour("ink");
    context.lineWidth = 1.6;
    context.lineJoin = "round";
    context.beginPath();
    const judged = rows.filter((row) => row.loss > 0 && Number.isFinite(row.loss));
    for (const row of judged) context.lineTo(x(row.end), y(row.loss));
    context.stroke();
    if (x(1) - x(0) > 5) for (const row of judged) dot(context, x(row.end), y(row.loss), 2.2);
    context.restore();

    for (let layer = count - 1; layer >= 0; layer--) {
      context.strokeStyle = colour(layerColour(layer));
      context.lineWidth = 1.8;
      context.setLineDash(layer > 5 ? [5, 3] : []);
      context.beginPath();
      for (let row = 0; row < points.length; row++) context.lineTo(x(points.values[row * points.width]), strip(points.values[row * points.width + layer + 2]));
      context.stroke();
    }
    context.setLineDash([]);

    // Decisions along the top.
    font(pen, 10);
    context.textAlign = "center";
    for (const { decision, x: place } of marks()) {
      const mark = MARKS[decision.kind] ?? MARKS.warning;
      context.fillStyle = colour(decision.kind === "sharp" ? layerColour(decision.layer) : mark.colour);
      context.fillText(mark.sign, place, at.top - 6);
    }
    // What cannot be known lies under a veil.
    if (replay?.first) {
      context.fillStyle = colour("ground");
      context.globalAlpha = 0.82;
      context.fillRect(x(replay.first.epoch), at.top - 12, at.right - x(replay.first.epoch) + 2, at.end - at.top + 12);
      context.globalAlpha = 1;
      context.strokeStyle = colour("ink");
      context.lineWidth = 1.2;
      line(context, x(replay.first.epoch), at.top - 12, x(replay.first.epoch), at.end);
    }
    if (pointed !== null) {
      context.strokeStyle = colour("faint");
      context.lineWidth = 1;
      line(context, x(pointed), at.top, x(pointed), at.end);
    }
    // The grips stand beside their lines, and apart from each other.
    if (adaptive && now.reference > 0) {
      const { stop, improve } = levels(now.reference, value("sig_increase"), value("sig_decrease"));
      const heights = [y(stop), y(improve)];
      const apart = Math.max(22 - (heights[1] - heights[0]), 0) / 2;
      Object.values(grips).forEach((grip, which) => {
        grip.style.transform = `translate(${at.right + 4}px, ${heights[which] + (which ? apart : -apart)}px) translateY(-50%)`;
      });
    }
  }

  const point = (/** @type {PointerEvent} */ event) => {
    const at = room();
    const epoch = ((event.offsetX - at.left) / (at.right - at.left)) * last();
    pointed = epoch >= 0 && epoch <= last() ? epoch : null;
    // In the row of marks, the nearest decision within a finger's breadth.
    const far = (/** @type {any} */ mark) => Math.abs(mark.x - event.offsetX);
    marked = event.offsetY > at.top + 6 ? null : marks().reduce((/** @type {any} */ best, /** @type {any} */ mark) => (far(mark) < (best ? far(best) : 12) ? mark : best), null)?.decision ?? null;
    tell();
    chart.redraw();
  };
  scope.on(chart.canvas, "pointermove", point);
  scope.on(chart.canvas, "pointerdown", point); // a finger that taps does not move
  const leave = () => {
    pointed = marked = null;
    tell();
    chart.redraw();
  };
  // A finger always leaves; what it pointed at stays to be read.
  scope.on(chart.canvas, "pointerleave", (/** @type {PointerEvent} */ event) => event.pointerType !== "touch" && leave());
  scope.on(chart.canvas, "blur", leave);
  scope.on(chart.canvas, "keydown", (/** @type {KeyboardEvent} */ event) => {
    const here = pointed === null ? finished() : Math.floor(pointed) + 1;
    const epoch = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 1, End: finished() }[event.key];
    if (epoch === undefined || !rows.length) return;
    event.preventDefault();
    marked = null;
    pointed = clamp(epoch, 1, finished()) - 0.5;
    tell();
    chart.redraw();
  });

  scope.follow(model, "change:past", () => {
    past = model.get("past");
    rows = epochRows(past);
  });
  scope.follow(model, "change:decisions", () => {
    decisions = model.get("decisions");
    show();
  });
  scope.follow(model, "change:now", () => {
    now = model.get("now");
    points = joinPoints(past, now, count);
    // What the run has taken over is asked for no longer, unless the finger is still at it.
    if (!recorded) for (const name of Object.keys(asked)) if (name !== held && Math.abs(asked[name] - now.policy[name]) < 1e-9) delete asked[name];
    show();
  });
  scope.follow(model, "msg:custom", (/** @type {any} */ message) => {
    if (message.kind !== "error") return;
    Object.keys(asked).forEach((name) => delete asked[name]);
    [error.hidden, error.textContent] = [false, message.text];
    show();
  });
  show();
  return () => scope.end();
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} radius */
function dot(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

/** The reference and the two lines, as steps with the bands between them.
 * @param {CanvasRenderingContext2D} context @param {{ from: number, to: number, reference: number, up: number, down: number }[]} steps
 * @param {(epoch: number) => number} x @param {(loss: number) => number} y @param {(name: string) => string} colour */
function bands(context, steps, x, y, colour) {
  const known = steps.filter((step) => step.reference > 0 && Number.isFinite(step.up) && Number.isFinite(step.down));
  const stop = (/** @type {typeof steps[0]} */ step) => levels(step.reference, step.up, step.down).stop;
  // A log scale has no zero, to which a fall by all of the loss would lead.
  const improve = (/** @type {typeof steps[0]} */ step) => Math.max(levels(step.reference, step.up, step.down).improve, step.reference * 1e-6);
  for (const step of known) {
    const [left, width] = [x(step.from), x(step.to) - x(step.from)];
    const [middle, high, low] = [y(step.reference), y(stop(step)), y(improve(step))];
    context.globalAlpha = 0.13;
    context.fillStyle = colour("stop");
    context.fillRect(left, high, width, middle - high);
    context.fillStyle = colour("improve");
    context.fillRect(left, middle, width, low - middle);
  }
  context.globalAlpha = 1;
  context.lineWidth = 1.3;
  for (const [name, level] of /** @type {[string, (step: any) => number][]} */ ([
    ["faint", (step) => step.reference], ["stop", stop], ["improve", improve],
  ])) {
    context.strokeStyle = colour(name);
    context.setLineDash(name === "faint" ? [3, 3] : []);
    context.beginPath();
    for (const step of known) {
      context.lineTo(x(step.from), y(level(step)));
      context.lineTo(x(step.to), y(level(step)));
    }
    context.stroke();
  }
  context.setLineDash([]);
}

export default { render };
