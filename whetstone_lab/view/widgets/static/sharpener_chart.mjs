// @ts-check
import { surface } from "./canvas.mjs";
import { commandBar, grips, knobs } from "./chart_controls.mjs";
import { drawChart } from "./chart_drawing.mjs";
import { axisEnd, bothExtents, layout, lossDomain, lossExtent, placeMarks } from "./chart_layout.mjs";
import { pointing } from "./chart_pointing.mjs";
import { besideWords, decisionList, epochWords, policyWords, remarkWords, verdict, waitingWords } from "./chart_words.mjs";
import { cursorOn } from "./cursor.mjs";
import { levels, whatIf } from "./method.mjs";
import { clamp } from "./numbers.mjs";
import { Scope, attended, button, h, header, keepKeys, renderer, say, undoKeys, watchKernel } from "./page.mjs";
import { saveMenu } from "./saving.mjs";
import { runFacts, runOf, unbegun } from "./run.mjs";
import { steering } from "./steering.mjs";

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./canvas.mjs").Pen} Pen */
/** @typedef {ReturnType<typeof chartOf>} Chart */

/** What the chart shows: the run, and what follows from it and from what the reader asks.
 * @param {Model} model @param {(chart: any) => import("./steering.mjs").Steering} steeringOf @param {() => import("./run.mjs").Course | null} other a run beside */
function chartOf(model, steeringOf, other) {
  const about = model.get("about");
  const { judged = "loss", mode = /** @type {import("./method.mjs").Mode} */ ("min") } = about;
  const run = runOf(model);
  let passed = { of: /** @type {any} */ (null), steps: /** @type {import("./chart_drawing.mjs").Step[]} */ ([]) };
  let compared = { of: /** @type {import("./run.mjs").Course | null} */ (null), extent: /** @type {import("./chart_layout.mjs").Extent | null} */ (null), end: 0 };
  let marked = { of: /** @type {any[]} */ ([]), marks: /** @type {ReturnType<typeof placeMarks>} */ ([]) };
  const chart = {
    run, judged, mode, layers: about.layers, adaptive: about.policy === "adaptive", recorded: !about.live,
    decisions: model.get("decisions"), extent: lossExtent(run.points, run.rows),
    /** What a line is measured by while it is held: it must not run away from the finger.
     * @type {{ domain: [number, number], reference: number } | null} */
    frame: null,
    /** The same run with other lines. @type {ReturnType<typeof whatIf> | null} */
    replay: null,
    /** Reads what Python has changed. @param {"past" | "now"} what */
    heed(what) {
      run.heed(what);
      chart.extent = lossExtent(run.points, run.rows);
    },
    /** What must be seen of the run beside, too. */
    beside() {
      const of = other();
      if (of !== compared.of) compared = { of, extent: of && lossExtent(of.points, of.rows), end: of?.rows[of.rows.length - 1]?.end ?? 0 };
      return compared;
    },
    reference: () => chart.frame?.reference ?? run.now.reference,
    /** Whether there are lines: with a reference of 0 both lie on it. */
    known: () => chart.adaptive && Boolean(chart.reference()),
    /** The lines of the epoch to come, as the reader has moved them. */
    coming: () => (chart.known() ? { reference: chart.reference(), up: chart.steer.value("sig_increase"), down: chart.steer.value("sig_decrease") } : null),
    domain: () => chart.frame?.domain ?? lossDomain(bothExtents(chart.extent, chart.beside().extent), chart.coming(), mode),
    /** @param {HTMLElement} box */
    where: (box) => layout({ width: box.clientWidth, height: box.clientHeight, grips: chart.adaptive, last: Math.max(axisEnd(run.now), chart.beside().end), domain: chart.domain() }),
    /** @param {boolean} held */
    hold(held) {
      chart.frame = held ? { domain: chart.domain(), reference: run.now.reference } : null;
    },
    /** The last finished epoch; of a long run not every one is among the rows. */
    finished: () => (run.rows.length ? run.rows[run.rows.length - 1].end : 0),
    rethink() {
      const asks = chart.recorded && chart.adaptive && run.past.whole && chart.steer.altered();
      chart.replay = asks ? whatIf(run.rows, chart.steer.asked, run.now.policy.min_init_epochs - 1 - run.past.first, mode) : null;
    },
    /** After how many epochs other lines must be in force, so that the first decision that differs is taken by them; null if none does. */
    parts: () => (chart.replay?.first ? chart.replay.first.epoch - 1 : null),
    /** The lines in force, epoch by epoch; as long as nothing is another, the same array. */
    passed() {
      const lines = chart.replay?.lines ?? run.rows;
      if (lines !== passed.of) passed = { of: lines, steps: lines.map(({ reference, up, down }, epoch) => ({ from: run.rows[epoch - 1]?.end ?? run.rows[epoch].end - 1, to: run.rows[epoch].end, reference, up, down })) };
      return passed.steps;
    },
    /** Those of the epoch to come, which the reader moves, from where those before it end. @param {number} end of the axis */
    ahead(end) {
      const [ahead, last] = [chart.coming(), chart.passed().slice(-1)];
      return ahead && !chart.replay ? [...last.map((step) => ({ ...step, from: step.to })), { from: chart.finished(), to: end, ...ahead }] : [];
    },
    /** The decisions with their marks, as long as they and the frame are the same. @param {import("./chart_layout.mjs").Layout} at */
    marks(at) {
      const of = [chart.decisions, chart.decisions.length, at.left, at.right, at.last];
      if (of.some((one, which) => one !== marked.of[which])) marked = { of, marks: placeMarks(at, chart.decisions) };
      return marked.marks;
    },
    steer: /** @type {import("./steering.mjs").Steering} */ (/** @type {unknown} */ (null)),
  };
  chart.steer = steeringOf(chart);
  return chart;
}

/** What surrounds the chart where it is part of something larger: what is shown together, another run to draw beside, after how many
 * epochs the run can go on with other lines if they are to hold from an epoch on (0 from its start, null where it cannot), how it does,
 * and how a run that has ended is asked what if, where it can be.
 * @typedef {{ cursor: import("./cursor.mjs").Cursor, other: () => import("./run.mjs").Course | null, begins: (epoch: number) => number | null,
 *   again: (asked: Record<string, number>, epoch: number | null) => void, whatIf: () => (() => void) | null,
 *   drawn: (redraw: () => void) => void }} Around
 *   `drawn` is given what draws the chart anew, for when the other run is another one. */

/** @param {{ model: Model, el: HTMLElement, around?: Around }} view */
export function mountChart({ model, el, around }) {
  const scope = new Scope();
  const cursor = around?.cursor ?? cursorOn(scope, model, "sharpener_chart");
  const chart = chartOf(model, ({ run, recorded }) => steering(scope, model, { recorded, inForce: () => run.now.policy, changed: (byHand) => ((error.hidden ||= byHand), show()) }), () => around?.other() ?? null);
  const { run, steer, adaptive, recorded, judged, mode } = chart;
  const head = header(adaptive ? "Adaptive sharpener" : "Sharpener");
  const error = h("p", { class: "wl-error", role: "alert", hidden: true });
  const box = h("div", { class: "wl-chart" });
  const readout = h("p", { class: "wl-readout" });
  const remark = h("p", { class: "wl-note wl-remark", "aria-live": "polite" });
  const undo = button("↶", "Undo", { title: "Take back what was moved last (Ctrl+Z)", disabled: true });
  const reset = button("↺", "Back to the run", { hidden: true });
  const rerun = rerunButtons(scope, chart, around);
  const list = decisionList(scope, chart.layers, (decision) => (around || meant.mean(decision.at, decision), cursor.move(momentOf(decision, run.now.at))));
  const commands = commandBar(scope, () => (run.now.status === "failed" && !run.now.batch ? "ready" : run.now.status), (name, unit) => {
    error.hidden = true;
    model.send({ kind: "command", name, ...(unit ? { unit } : {}) });
  });
  commands.element.hidden = recorded;
  const settings = knobs(scope, steer, { adaptive, recorded, policy: run.now.policy, mode });
  const root = h("div", { class: "wl wl-sharpener" }, head.element, commands.element, error,
    h("div", { class: "wl-sides" }, h("div", { class: "wl-left" }, box, list.legend, readout),
      h("div", { class: "wl-panel" }, ...settings.elements, ...(adaptive ? [h("div", { class: "wl-back" }, undo, reset, ...rerun.buttons)] : []), remark),
      h("div", { class: "wl-decisions" }, h("div", { class: "wl-kicker" }, "Decisions"), list.log)));
  el.append(root);
  const panel = /** @type {HTMLElement} */ (root.querySelector(".wl-panel"));
  keepKeys(scope, root);
  if (!around) saveMenu(scope, root, head.element, "sharpener", () => chartTable(chart));
  for (const part of [root, panel]) undoKeys(scope, part, () => steer.undo()); // the panel may stand elsewhere
  watchKernel(scope, model, root);
  const surfaced = surface(scope, box, draw, { tabindex: 0, "aria-roledescription": "chart" });
  const meant = pointing(scope, surfaced.canvas, { where: () => chart.where(box), decisions: () => chart.decisions, finished: chart.finished, changed: () => (tell(), surfaced.redraw()) });
  const lines = adaptive ? linesToHold(scope, box, chart) : null;
  scope.on(undo, "click", () => steer.undo());
  scope.on(reset, "click", () => steer.forget());

  function show() {
    const { status, message } = run.now;
    head.show(run.now, status === "failed" ? "" : runFacts(run.now));
    if (status === "failed") [error.hidden, error.textContent] = [false, message];
    chart.rethink();
    [commands, settings].forEach((each) => each.show());
    lines?.show(chart.known());
    undo.disabled = !steer.undoable();
    reset.hidden = !(recorded && steer.altered());
    const { begins, ended } = rerun.show(status);
    say(remark, !adaptive ? policyWords(run.now.policy, run.now.batch > 0)
      : chart.replay ? verdict(chart.replay.first, judged, begins) : remarkWords({ recorded, whole: run.past.whole, known: chart.known(), ended, was: run.now.was }));
    tell();
    surfaced.redraw();
  }

  /** The line under the chart: the decision or the epoch that is pointed at, or the last epoch. */
  function tell() {
    if (meant.decision) return say(readout, `Epoch ${meant.decision.epoch + 1}: ${meant.decision.reason}`);
    const epoch = clamp(meant.epoch === null ? Infinity : Math.floor(meant.epoch) + 1, 1, chart.finished());
    const row = run.rows.find((candidate) => candidate.end >= epoch);
    const other = around?.other();
    const text = row ? epochWords(row, judged) + (other ? besideWords(other.rows, row.end, judged, mode) : "") : waitingWords(run.now.status, recorded, run.now.batch > 0);
    say(readout, text);
    surfaced.canvas.setAttribute("aria-label", row ? `Loss and sharpness over ${run.now.epochs} epochs. ${text} Arrow keys move over epochs.` : `Loss and sharpness. ${text}`);
  }

  /** @param {Pen} pen */
  function draw(pen) {
    const at = chart.where(box);
    drawChart(pen, { at, judged, mode, rows: run.rows, points: run.points, spans: run.spans, passed: chart.passed(), coming: chart.ahead(at.last), marks: chart.marks(at), unknownFrom: chart.replay?.first?.epoch ?? null, pointed: meant.epoch, here: cursor.at, layer: cursor.layer, other: around?.other() ?? null, waiting: unbegun(run.now.status) });
    const ahead = chart.coming();
    if (!ahead) return;
    const { stop, improve } = levels(ahead.reference, ahead.up, ahead.down, mode);
    lines?.place(at.right + 4, at.y(stop), at.y(improve));
  }

  around?.drawn(() => (tell(), surfaced.redraw()));
  linkChart(scope, cursor, surfaced, { where: () => chart.where(box), end: () => run.now.at }, () => meant.epoch);
  heedRun(scope, model, chart, { show, list, complain: (text) => ([error.hidden, error.textContent] = [false, text]) });
  list.show(chart.decisions);
  show();
  return () => scope.end();
}

/** The buttons that run again with other lines, and that ask a run that has ended what if.
 * @param {Scope} scope @param {Chart} chart @param {Around | undefined} around */
function rerunButtons(scope, chart, around) {
  const again = button("↻", "Run again", { hidden: true, title: "Train with these lines, beside the run that is shown" });
  const ask = button("?", "What if", { hidden: true, title: "Move the lines of this run, and see what they would have decided" });
  scope.on(again, "click", () => around?.again({ ...chart.steer.asked }, chart.parts()));
  scope.on(ask, "click", () => around?.whatIf()?.());
  return {
    buttons: [ask, again],
    /** @param {string} status @returns what there is to say: after how many epochs the run can go on otherwise, and whether it can be asked */
    show(status) {
      const begins = around && chart.replay ? around.begins(chart.parts() ?? 0) : null;
      const ended = chart.adaptive && !chart.recorded && ["finished", "stopped"].includes(status) && Boolean(around?.whatIf());
      again.hidden = begins === null;
      ask.hidden = !ended;
      say(again.children[1], begins ? `Run again from epoch ${begins}` : "Run again from the start");
      return { begins, ended };
    },
  };
}

/** Where the cursor goes for a decision: to its moment, which at the end is the present, and to the layer that it is about.
 * @param {{ at: number, layer: number | null }} decision @param {number} end @returns {Partial<import("./cursor.mjs").Place>} */
export const momentOf = ({ at, layer }, end) => ({ at: at >= end ? null : at, ...(layer === null ? {} : { layer, neuron: null }) });

/** A click, or Enter where the keys point, moves the cursor to a moment.
 * @param {Scope} scope @param {import("./cursor.mjs").Cursor} cursor @param {{ canvas: HTMLCanvasElement, redraw: () => void }} surfaced
 * @param {{ where: () => import("./chart_layout.mjs").Layout, end: () => number }} run @param {() => number | null} pointed */
function linkChart(scope, cursor, { canvas, redraw }, { where, end }, pointed) {
  const go = (/** @type {number | null} */ at) => at !== null && cursor.move({ at: at >= end() ? null : Math.max(at, 0) });
  scope.on(canvas, "click", (/** @type {MouseEvent} */ event) => go(where().epoch(event.offsetX)));
  scope.on(canvas, "keydown", (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && go(pointed()));
  cursor.follow(scope, redraw);
}

/** The numbers of the chart, epoch by epoch, as `SharpenerChart.table` in Python has them.
 * @param {Pick<Chart, "run" | "judged" | "mode">} chart @returns {import("./saving.mjs").Column[]} */
export function chartTable({ run: { rows }, judged, mode }) {
  const level = (/** @type {"stop" | "improve"} */ name) => rows.map(({ reference, up, down }) => levels(reference, up, down, mode)[name]);
  const column = (/** @type {string} */ name) => rows.map((row) => row[name]);
  return [["epoch", column("end")], [judged, column("loss")], ["reference", column("reference")], ["stop", level("stop")], ["improve", level("improve")],
    ["sig_increase", column("up")], ["sig_decrease", column("down")], ["patience", column("patience")], ["sharpening", column("sharpening")]];
}

/** The two lines of the chart, to be taken hold of. @param {Scope} scope @param {HTMLElement} box @param {Chart} chart */
function linesToHold(scope, box, chart) {
  const top = () => box.getBoundingClientRect().top;
  return grips(scope, box, chart.steer, {
    mode: chart.mode, reference: chart.reference, hold: chart.hold,
    lossAt: (clientY) => chart.where(box).loss(clientY - top()),
    heightOf(name) {
      const [at, ahead] = [chart.where(box), chart.coming()];
      if (!ahead) return top();
      const { stop, improve } = levels(ahead.reference, ahead.up, ahead.down, chart.mode);
      return top() + at.y(name === "sig_increase" ? stop : improve);
    },
  });
}

/** Follows what Python tells of the run. @param {Scope} scope @param {Model} model @param {Chart} chart
 * @param {{ show: () => void, list: ReturnType<typeof decisionList>, complain: (text: string) => void }} page */
function heedRun(scope, model, chart, { show, list, complain }) {
  scope.follow(model, "change:past", () => chart.heed("past"));
  scope.follow(model, "change:decisions", () => {
    chart.decisions = model.get("decisions");
    list.show(chart.decisions);
    show();
  });
  scope.follow(model, "change:now", () => {
    chart.heed("now");
    show();
  });
  scope.follow(model, "msg:custom", (/** @type {any} */ message) => {
    if (message.kind === "steered") chart.steer.settle(message.mark);
    if (message.kind !== "error") return;
    if (message.of === "steer") chart.steer.forget(); // else what the reader has moved still stands
    complain(message.text);
  });
}

export default { render: attended(renderer(mountChart)) };
