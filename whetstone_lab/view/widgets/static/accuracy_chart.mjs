// @ts-check
// How well the network does as it trains: as it is, if all its neurons spiked, and a ReLU network beside.
import { floats } from "./bytes.mjs";
import { dot, font, line, surface } from "./canvas.mjs";
import { axisEnd } from "./chart_layout.mjs";
import { cursorOn } from "./cursor.mjs";
import { trace } from "./lines.mjs";
import { Scope, attended, h, header, keepKeys, renderer, say, watchKernel } from "./page.mjs";
import { runFacts } from "./run.mjs";
import { saveMenu } from "./saving.mjs";
import { ticks } from "./scales.mjs";

/** @typedef {import("./canvas.mjs").Pen} Pen */
/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./cursor.mjs").Cursor} Cursor */

/** The networks in the order in which Python tells of them, with their colours and dashes. */
export const NETWORKS = [
  { name: "soft", column: "soft", means: "the network as it trains, more and more of it sharp", colour: "ink", dash: [] },
  { name: "spiking", column: "spiking", means: "the same, as if every neuron spiked", colour: "layer-0", dash: [7, 3] },
  { name: "ReLU", column: "relu", means: "the same network with ReLUs, trained beside it", colour: "layer-2", dash: [2, 2.5] },
];

/** Accuracies as Python sends them: a row for each epoch. @param {any} sent @returns {Float32Array[]} a column for each network */
export function accuracyColumns(sent) {
  const rows = floats(sent);
  const epochs = rows.length / NETWORKS.length;
  return NETWORKS.map((_, column) => Float32Array.from({ length: epochs }, (_, epoch) => rows[epoch * NETWORKS.length + column]));
}

/** From which accuracy on the axis begins: so low that all are seen. @param {Float32Array[]} columns */
export function lowest(columns) {
  const least = columns.reduce((low, column) => column.reduce((lower, value) => (value < lower ? value : lower), low), 1);
  return Math.max(Math.floor((least - 0.02) * 10) / 10, 0);
}

/** Of which networks an accuracy is known: of all, before there is one of any. @param {Float32Array[]} columns */
export function knownOf(columns) {
  const known = columns.map((column) => column.some((value) => !Number.isNaN(value)));
  return known.some(Boolean) ? known : known.map(() => true);
}

/** The epochs, from 1, after which an accuracy is told: a line goes from one to the next, also where validation is done only now and then.
 * @param {Float32Array} values */
export const toldEpochs = (values) => Uint32Array.from(values, (_, epoch) => epoch + 1).filter((epoch) => !Number.isNaN(values[epoch - 1]));

/** Accuracies epoch by epoch, to save. @param {Float32Array[]} columns @param {ArrayLike<number>} epochs those that are told, from 1
 * @returns {import("./saving.mjs").Column[]} */
export const accuracyTable = (columns, epochs) => NETWORKS.map(({ column }, which) => [column, Array.from(epochs, (epoch) => columns[which][epoch - 1] ?? NaN)]);

/** @param {number | undefined} value */
const shareWords = (value) => (value === undefined || Number.isNaN(value) ? "–" : `${(100 * value).toFixed(1)} %`);

/** Rings on the line of another run, about so many pixels apart. */
const RINGS = 36;

/** The networks with their lines, and what each has come to. */
function rivalLegend() {
  const element = h("div", { class: "wl-rivals" });
  const entries = NETWORKS.map(({ name, means, colour, dash }) => {
    const [value, beside] = [h("b"), h("span", { class: "wl-beside", title: "the other run" })];
    const line = dash.length ? `repeating-linear-gradient(90deg, var(--wl-${colour}) 0 ${dash[0]}px, transparent ${dash[0]}px ${dash[0] + dash[1]}px)` : `var(--wl-${colour})`;
    const entry = h("span", { title: means }, h("i", { class: "wl-swatch", style: `background: ${line}` }), ` ${name} `, value, beside);
    element.append(entry);
    return { entry, value, beside };
  });
  return {
    element,
    /** Shows what is known after so many epochs, and gives it in words. @param {Float32Array[]} columns @param {number} epoch
     * @param {Float32Array[]} other another run's, empty for none @param {number} [there] after how many epochs of it */
    show(columns, epoch, other, there = epoch) {
      const [known, beside] = [knownOf(columns), other.length ? knownOf(other) : []];
      return NETWORKS.flatMap(({ name }, which) => {
        const [told, theirs] = [shareWords(columns[which][epoch - 1]), other.length ? shareWords(other[which][there - 1]) : ""];
        entries[which].entry.hidden = !known[which] && !beside[which];
        say(entries[which].value, told);
        say(entries[which].beside, theirs);
        return entries[which].entry.hidden ? [] : [`${name} ${told}${theirs && `, in the other run ${theirs}`}`];
      });
    },
  };
}

/** @param {Scope} scope @param {Cursor} cursor
 * @param {{ accuracies: () => any, other: () => any, now: () => any, last: () => number }} what `last`: how many epochs are meant */
export function accuracyView(scope, cursor, { accuracies, other, now, last }) {
  const box = h("div", { class: "wl-accuracy" });
  const legend = rivalLegend();
  const none = h("p", { class: "wl-note", hidden: true }, "This run tells no accuracy: compile its model with metrics=[\"accuracy\"], and give fit validation_data.");
  let columns = accuracyColumns(accuracies());
  let beside = accuracyColumns(other());
  const end = () => Math.max(last(), axisEnd({ ...now(), status: "recorded" }), beside[0].length, 1);
  const left = 40;
  const x = (/** @type {number} */ epoch, /** @type {number} */ width) => left + (epoch / end()) * (width - left - 10);
  const surfaced = surface(scope, box, draw, { tabindex: 0, "aria-roledescription": "chart" });
  const { canvas } = surfaced;

  /** @param {Pen} pen */
  function draw(pen) {
    const { context, width, height, colour } = pen;
    const low = lowest([...columns, ...beside]);
    const [top, bottom] = [8, height - 16];
    const y = (/** @type {number} */ value) => bottom - ((value - low) / (1 - low)) * (bottom - top);
    font(pen, 10.5);
    context.textBaseline = "middle";
    context.textAlign = "right";
    context.lineWidth = 1;
    for (const value of ticks(low, 1, (bottom - top) / 30)) {
      context.strokeStyle = colour("line");
      line(context, left, Math.round(y(value)) + 0.5, width - 10, Math.round(y(value)) + 0.5);
      context.fillStyle = colour("muted");
      context.fillText(`${Math.round(100 * value)} %`, left - 4, Math.min(y(value), bottom - 4)); // clear of what is written below
    }
    context.fillText("epoch", left - 8, height - 7);
    context.textAlign = "center";
    for (const epoch of ticks(0, end(), Math.min(8, (width - left) / 44))) if (Number.isInteger(epoch)) context.fillText(String(epoch), Math.min(x(epoch, width), width - context.measureText(String(epoch)).width / 2), height - 7);
    const curve = (/** @type {Float32Array} */ values, /** @type {number} */ which, /** @type {number} */ wide) => {
      context.strokeStyle = context.fillStyle = colour(NETWORKS[which].colour);
      context.lineWidth = wide;
      context.setLineDash(NETWORKS[which].dash);
      const told = toldEpochs(values);
      trace(context, told.length, (point) => x(told[point], width), (point) => y(values[told[point] - 1]));
      context.setLineDash([]);
      if (told.length === 1) dot(context, x(told[0], width), y(values[told[0] - 1]), 2.5);
    };
    columns.forEach((values, which) => curve(values, which, 2));
    // Another run: thin lines of the same networks, with rings.
    beside.forEach((values, which) => {
      curve(values, which, 1.2);
      const step = Math.max(Math.round(RINGS / (x(1, width) - x(0, width))), 1);
      context.fillStyle = colour("ground");
      let next = values.length;
      for (const epoch of toldEpochs(values).reverse()) if (epoch <= next) {
        dot(context, x(epoch, width), y(values[epoch - 1]), 2.6);
        context.stroke();
        next = epoch - step;
      }
    });
    if (cursor.at === null) return;
    context.strokeStyle = colour("ink");
    context.lineWidth = 1.5;
    line(context, x(cursor.at, width), top, x(cursor.at, width), bottom);
  }

  function show() {
    [columns, beside] = [accuracyColumns(accuracies()), accuracyColumns(other())];
    const epoch = cursor.epoch(columns[0].length);
    const words = legend.show(columns, epoch, other() ? beside : [], cursor.epoch(beside[0].length));
    none.hidden = !columns[0].length || columns.some((column) => column.some((value) => !Number.isNaN(value)));
    box.hidden = legend.element.hidden = !none.hidden && !beside.some((column) => toldEpochs(column).length);
    canvas.setAttribute("aria-label", `Accuracy on pictures not trained on, after epoch ${epoch}: ${words.join("; ")}. Arrow keys move over epochs.`);
    surfaced.redraw();
  }
  const go = (/** @type {number} */ at) => cursor.move({ at: at >= now().at ? null : Math.max(at, 0) });
  scope.on(canvas, "click", (/** @type {MouseEvent} */ event) => go(((event.offsetX - left) / (canvas.clientWidth - left - 10)) * end()));
  scope.on(canvas, "keydown", (/** @type {KeyboardEvent} */ event) => {
    const here = cursor.epoch(now().epochs);
    const to = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: Infinity }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    go(to);
  });
  cursor.follow(scope, show);
  return { parts: [box, legend.element, none], columns: () => columns, show };
}

/** @param {{ model: Model, el: HTMLElement }} view */
function mountAccuracy({ model, el }) {
  const scope = new Scope();
  const cursor = cursorOn(scope, model, "accuracy_chart");
  const head = header("Accuracy on unseen samples");
  const now = () => model.get("now");
  const chart = accuracyView(scope, cursor, { accuracies: () => model.get("accuracies"), other: () => null, now, last: () => 0 });
  const root = h("div", { class: "wl wl-rivalry" }, head.element, ...chart.parts);
  el.append(root);
  keepKeys(scope, root);
  saveMenu(scope, root, head.element, "accuracy", () => {
    const epochs = Array.from(chart.columns()[0], (_, epoch) => epoch + 1);
    return [["epoch", epochs], ...accuracyTable(chart.columns(), epochs)];
  });
  watchKernel(scope, model, root);
  function show() {
    const { status, message } = now();
    head.show(now(), status === "failed" ? message : runFacts(now()));
    chart.show();
  }
  for (const name of ["accuracies", "now"]) scope.follow(model, `change:${name}`, show);
  show();
  return () => scope.end();
}

export default { render: attended(renderer(mountAccuracy)) };
