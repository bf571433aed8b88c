// @ts-check
import { surface } from "./canvas.mjs";
import { commandBar, grips, knobs } from "./chart_controls.mjs";
import { drawChart } from "./chart_drawing.mjs";
import { axisEnd, layout, lossDomain, placeMarks } from "./chart_layout.mjs";
import { decisionList, epochWords, policyWords, verdict, waitingWords } from "./chart_words.mjs";
import { levels, whatIf } from "./method.mjs";
import { clamp } from "./numbers.mjs";
import { Scope, attended, button, h, header, keepKeys, renderer, say, watchKernel } from "./page.mjs";
import { epochRows, joinPoints, runFacts, sharpeningSpans } from "./run.mjs";
import { steering } from "./steering.mjs";

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./canvas.mjs").Pen} Pen */

/** @param {{ model: Model, el: HTMLElement }} view */
function mount({ model, el }) {
  const scope = new Scope();
  const about = model.get("about");
  const count = about.layers.length;
  let [past, now, decisions] = [model.get("past"), model.get("now"), model.get("decisions")];
  let rows = epochRows(past);
  let points = joinPoints(past, now, count);
  const adaptive = about.policy === "adaptive";
  const recorded = !about.live;
  const { judged = "loss", mode = "min" } = about;

  /** The epoch that is pointed at. @type {number | null} */
  let pointed = null;
  /** The decision that is pointed at. @type {{ epoch: number, reason: string } | null} */
  let marked = null;
  /** The losses that are seen while a line is held: it must not run away from the finger. @type {[number, number] | null} */
  let span = null;

  // -- what there is ----------------------------------------------------------------------------------------------------
  const head = header(adaptive ? "Adaptive sharpener" : "Sharpener");
  const error = h("p", { class: "wl-error", role: "alert", hidden: true });
  const box = h("div", { class: "wl-chart" });
  const readout = h("p", { class: "wl-readout" });
  const remark = h("p", { class: "wl-note wl-remark", "aria-live": "polite" });
  const reset = button("↺", "Back to the run", { hidden: true });
  const list = decisionList(about.layers);
  const steer = steering(scope, model, { recorded, inForce: () => now.policy, changed: () => ((error.hidden = true), show()) });
  const commands = commandBar(scope, () => now.status, (name, unit) => {
    error.hidden = true;
    model.send({ kind: "command", name, ...(unit ? { unit } : {}) });
  });
  commands.element.hidden = recorded;
  const settings = knobs(scope, steer, { adaptive, recorded, policy: now.policy, mode });
  const root = h("div", { class: "wl wl-sharpener" }, head.element, commands.element, error,
    h("div", { class: "wl-sides" }, h("div", { class: "wl-left" }, box, list.legend, readout),
      h("div", { class: "wl-panel" }, ...settings.elements, remark, reset),
      h("div", { class: "wl-decisions" }, h("div", { class: "wl-kicker" }, "Decisions"), list.log)));
  el.append(root);
  keepKeys(scope, root);
  watchKernel(scope, model, root);
  const chart = surface(scope, box, draw, { tabindex: 0, "aria-roledescription": "chart" });
  const lines = adaptive ? grips(scope, box, steer, {
    mode,
    lossAt: (clientY) => where().loss(clientY - box.getBoundingClientRect().top),
    reference: () => now.reference,
    changed: (held) => {
      span = held ? domain() : null;
      show();
    },
  }) : null;
  scope.on(reset, "click", () => {
    steer.forget();
    show();
  });

  // -- what follows from it ---------------------------------------------------------------------------------------------
  const known = () => adaptive && Boolean(now.reference); // with a reference of 0 both lines lie on it
  /** The lines of the epoch to come, as the reader has moved them. */
  const coming = () => (known() ? { reference: now.reference, up: steer.value("sig_increase"), down: steer.value("sig_decrease") } : null);
  const domain = () => span ?? lossDomain(points, rows, coming(), mode);
  const where = () => layout({ width: box.clientWidth, height: box.clientHeight, grips: adaptive, last: axisEnd(now), domain: domain() });
  /** The last finished epoch; of a long run not every one is among the rows. */
  const finished = () => (rows.length ? rows[rows.length - 1].end : 0);
  const replayed = () => (recorded && adaptive && past.whole && steer.altered() ? whatIf(rows, steer.asked, now.policy.min_init_epochs - 1 - past.first, mode) : null);

  // -- what is seen -----------------------------------------------------------------------------------------------------
  function show() {
    head.show(now.status, now.status === "failed" ? "" : runFacts(now));
    if (now.status === "failed") [error.hidden, error.textContent] = [false, now.message];
    commands.show();
    settings.show();
    lines?.show(known());
    reset.hidden = !(recorded && steer.altered());
    const replay = replayed();
    say(remark, !adaptive ? policyWords(now.policy, now.batch > 0)
      : replay ? verdict(replay.first, judged)
        : recorded && !past.whole ? "A record of so many epochs is drawn thinned, so it cannot be asked what if."
          : recorded ? "This run is over. Move a line, and see which decision would have been the first to come out differently; nothing is trained again."
            : known() ? "What you move holds from the next batch on, also while the run is paused." : "The lines appear after the first epoch.");
    list.show(decisions);
    tell();
    chart.redraw();
  }

  /** The line under the chart: the decision or the epoch that is pointed at, or the last epoch. */
  function tell() {
    if (marked) return say(readout, `Epoch ${marked.epoch + 1}: ${marked.reason}`);
    const epoch = clamp(pointed === null ? Infinity : Math.floor(pointed) + 1, 1, finished());
    const row = rows.find((candidate) => candidate.end >= epoch);
    const text = row ? epochWords(row, judged) : waitingWords(now.status, recorded);
    say(readout, text);
    chart.canvas.setAttribute("aria-label", row ? `Loss and sharpness over ${now.epochs} epochs. ${text} Arrow keys move over epochs.` : `Loss and sharpness. ${text}`);
  }

  /** @param {Pen} pen */
  function draw(pen) {
    const at = where();
    const replay = replayed();
    const ahead = coming();
    // The lines in force, epoch by epoch; then those of the epoch to come, which the reader moves.
    const steps = (replay ? replay.lines : rows).map((row, epoch) => ({ from: rows[epoch - 1]?.end ?? rows[epoch].end - 1, to: rows[epoch].end, reference: row.reference, up: row.up, down: row.down }));
    if (ahead && !replay) steps.push({ from: finished(), to: at.last, ...ahead });
    drawChart(pen, { at, judged, mode, rows, points, spans: sharpeningSpans(rows, now), steps, marks: placeMarks(at, decisions), unknownFrom: replay?.first?.epoch ?? null, pointed });
    if (!ahead) return;
    const { stop, improve } = levels(ahead.reference, ahead.up, ahead.down, mode);
    lines?.place(at.right + 4, at.y(stop), at.y(improve));
  }

  // -- pointing ---------------------------------------------------------------------------------------------------------
  const point = (/** @type {PointerEvent} */ event) => {
    const at = where();
    const epoch = at.epoch(event.offsetX);
    pointed = epoch >= 0 && epoch <= at.last ? epoch : null;
    // In the row of marks, the nearest decision within a finger's breadth.
    const far = (/** @type {any} */ mark) => Math.abs(mark.x - event.offsetX);
    marked = event.offsetY > at.top + 6 ? null : placeMarks(at, decisions).reduce((/** @type {any} */ best, mark) => (far(mark) < (best ? far(best) : 12) ? mark : best), null)?.decision ?? null;
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

  // -- what Python sends ------------------------------------------------------------------------------------------------
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
    steer.settle(lines?.held ?? null);
    show();
  });
  scope.follow(model, "msg:custom", (/** @type {any} */ message) => {
    if (message.kind !== "error") return;
    steer.forget();
    [error.hidden, error.textContent] = [false, message.text];
    show();
  });
  show();
  return () => scope.end();
}

export default { render: attended(renderer(mount)) };
