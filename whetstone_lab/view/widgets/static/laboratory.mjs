// @ts-check
// The laboratory: an experiment on one page, set up, run and looked at, with one cursor and one clock for all its parts.
import { accuracyColumns, accuracyTable, accuracyView } from "./accuracy_chart.mjs";
import { mountCurves, pickLayer } from "./activation_curves.mjs";
import { cursorOn } from "./cursor.mjs";
import { unpacked } from "./growing.mjs";
import { alone } from "./lab_alone.mjs";
import { experimentsView, goOnButton } from "./lab_experiments.mjs";
import { handsView } from "./lab_hands.mjs";
import { laboratoryNetwork, layersIn } from "./lab_network.mjs";
import { pairView } from "./lab_pair.mjs";
import { firingOf, readWave } from "./lab_raster.mjs";
import { setupView } from "./lab_setup.mjs";
import { waveAsker, waveView } from "./lab_wave.mjs";
import { drawings } from "./pad.mjs";
import { Scope, attended, h, keepKeys, renderer, say, watchKernel } from "./page.mjs";
import { courseOf, runOf } from "./run.mjs";
import { saveMenu } from "./saving.mjs";
import { chartTable, mountChart } from "./sharpener_chart.mjs";

/** @typedef {import("./page.mjs").Model} Model */

/** What the page goes on with when the run becomes another and all is drawn anew.
 * @typedef {{ tab: string, stage: string, sample: number, order: string, drawing: ReturnType<typeof drawings>, compared: (import("./run.mjs").Course & { number: number, accuracies: any, pictures: any, picture: any }) | null }} Memory */

/** @type {WeakMap<HTMLElement, Memory>} */
const MEMORIES = new WeakMap();

/** @param {HTMLElement} el @returns {Memory} */
function memoryOf(el) {
  const memory = MEMORIES.get(el) ?? { tab: "", stage: "", sample: 0, order: "number", drawing: drawings(), compared: null };
  MEMORIES.set(el, memory);
  return memory;
}

/** Panels behind tabs, of which one is seen. @param {Scope} scope @param {Memory} memory @param {"tab" | "stage"} which of them is seen, in the memory
 * @param {string} label @param {[string, Node[]][]} pages @param {(name: string) => void} [opened] */
function tabs(scope, memory, which, label, pages, opened = () => {}) {
  const id = Math.random().toString(36).slice(2);
  const bar = h("div", { class: "wl-tabs", role: "tablist", "aria-label": label });
  /** Those that there is nothing to see behind for now. @type {Set<string>} */
  const away = new Set();
  const made = pages.map(([name, content], number) => {
    const tab = h("button", { type: "button", class: "wl-tab", role: "tab", id: `tab-${id}-${number}`, "aria-controls": `page-${id}-${number}` }, name);
    const page = h("div", { class: "wl-sheet", role: "tabpanel", id: `page-${id}-${number}`, "aria-labelledby": `tab-${id}-${number}` }, ...content);
    bar.append(tab);
    scope.on(tab, "click", () => open(name));
    return { name, tab, page };
  });
  function open(/** @type {string} */ name) {
    memory[which] = name;
    made.forEach((each) => {
      each.tab.setAttribute("aria-selected", String(each.name === name));
      each.tab.tabIndex = each.name === name ? 0 : -1;
      each.page.hidden = each.name !== name;
    });
    opened(name);
  }
  scope.on(bar, "keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const there = made.filter(({ name }) => !away.has(name));
    const next = there[(there.findIndex(({ name }) => name === memory[which]) + by + there.length) % there.length];
    open(next.name);
    next.tab.focus();
  });
  open(made.some(({ name }) => name === memory[which]) ? memory[which] : pages[0][0]);
  return {
    bar, pages: made.map(({ page }) => page),
    /** Whether there is something to see behind a tab. @param {string} name @param {boolean} there */
    offer(name, there) {
      if (there) away.delete(name);
      else away.add(name);
      made.forEach((each) => each.name === name && (each.tab.hidden = !there));
      if (away.has(memory[which])) open(pages[0][0]);
    },
  };
}

/** How long a run will go on, by how fast it has been. */
export function clock() {
  let [at, since, pace] = [0, 0, 0];
  return {
    /** @param {number} here in epochs @param {number} goal @param {boolean} running @param {number} [time] in milliseconds @returns {string} */
    left(here, goal, running, time = performance.now()) {
      if (!running || here < at) [at, since, pace] = [here, time, running ? pace : 0];
      else if (time - since > 1000 && here > at) {
        const fresh = (here - at) / (time - since);
        [at, since, pace] = [here, time, pace ? 0.6 * pace + 0.4 * fresh : fresh];
      }
      if (!running || !pace || goal <= here) return "";
      const seconds = Math.round((goal - here) / pace / 1000);
      return seconds < 90 ? `${seconds} s left` : `${Math.round(seconds / 60)} min left`;
    },
  };
}

/** What there was still to train when a page was taken along, in words. @param {number} epochs @param {number} goal */
export const toCome = (epochs, goal) => (epochs < goal ? `${goal - epochs} of ${goal} epochs were still to come` : "");

/** The parts of the page that are views of their own elsewhere: each is drawn, and what does not belong beside it is put where the
 * laboratory has it. @param {Model} model @param {import("./cursor.mjs").Cursor} cursor @param {Memory} memory */
function viewsOf(model, cursor, memory) {
  const [curves, chart] = [h("div", { class: "wl-part wl-lab-curves", role: "group", tabindex: 0, "aria-label": "Activation curves. Arrow keys pick a layer." }), h("div", { class: "wl-part wl-lab-chart" })];
  const other = () => memory.compared;
  /** What draws each of them anew. @type {(() => void)[]} */
  const redraws = [];
  const drawn = (/** @type {() => void} */ redraw) => void redraws.push(redraw);
  const leave = [mountCurves({ model, el: curves, around: { cursor, other, drawn } }), mountChart({ model, el: chart, around: { cursor, other, drawn, ...rerun(model) } })];
  const take = (/** @type {HTMLElement} */ from, /** @type {string} */ selector) => /** @type {HTMLElement} */ (from.querySelector(selector));
  const head = take(chart, ".wl-header");
  say(take(head, ".wl-title"), "Laboratory");
  return {
    curves, chart, head, commands: take(chart, ".wl-commands"), error: take(chart, ".wl-error"),
    panel: take(chart, ".wl-panel"), decisions: take(chart, ".wl-decisions"), transport: take(curves, ".wl-transport"),
    leave: () => leave.forEach((each) => each()), redraw: () => redraws.forEach((redraw) => redraw()),
  };
}

/** The tab behind which two runs stand side by side. */
const PAIR = "Side by side";

/** The run that is shown, and the experiments that were kept, in words. @param {Model} model */
const named = (model) => ({
  shown: () => model.get("kept").find((/** @type {import("./lab_experiments.mjs").Kept} */ { number }) => number === model.get("setup").number),
  experiment(/** @type {number} */ number) {
    const one = model.get("kept").find((/** @type {import("./lab_experiments.mjs").Kept} */ each) => each.number === number);
    return `Experiment ${number}${one ? `: ${one.preset}` : ""}`;
  },
});

/** What keeps nobody from looking: why a page without a kernel has no commands. */
const AWAY = "This page is a file without Python, so it cannot train; all else on it is alive.";

/** How the run that is shown is trained again with other lines, where it is one that is kept. @param {Model} model */
const rerun = (model) => ({
  begins(/** @type {number} */ epoch) {
    const { fields, goal, resumable = [] } = model.get("setup");
    return fields.length && epoch < goal ? Math.max(0, ...resumable.filter((/** @type {number} */ known) => known <= epoch)) : null;
  },
  again: (/** @type {Record<string, number>} */ thresholds, /** @type {number | null} */ epoch) => model.send({ kind: "again", thresholds, epoch }),
  whatIf() {
    const { number = null, away = false } = model.get("setup");
    return number === null || away ? null : () => model.send({ kind: "open", number });
  },
});

/** The networks and the spikes of the run that is shown, and of the one that is compared with it.
 * @param {Scope} scope @param {Model} model @param {import("./cursor.mjs").Cursor} cursor @param {Memory} memory @param {ReturnType<typeof runOf>} run */
function wavesOnPage(scope, model, cursor, memory, run) {
  /** @type {import("./lab_raster.mjs").Wave | null} */
  let wave = null;
  const setup = () => model.get("setup");
  const known = named(model);
  const mine = {
    title: () => (known.shown() ? `This run, ${known.experiment(setup().number).replace("E", "e")}` : "This run"), empty: () => (setup().spikes ? "The spikes come after the first epoch." : "Its network was not kept, so there are no spikes."),
    layers: () => (wave ? layersIn(wave) : setup().layers ?? []), picture: () => setup().picture, pictures: () => model.get("pictures"), wave: () => wave,
  };
  const network = laboratoryNetwork(scope, cursor, { ...mine, shown: () => wave?.sample ?? cursor.sample, firing: () => firingOf(wave, cursor) });
  const spikes = waveView(scope, cursor, { pictures: model.get("pictures"), wave: () => wave });
  const asker = waveAsker(scope, model, cursor, () => run.now.epochs, undefined, () => setup().first ?? null);
  const pair = pairView(scope, model, cursor, { mine, other: () => memory.compared, words: known.experiment });
  const show = () => (network.show(), spikes.show(), pair.show());
  return {
    network, spikes, pair, show, ask: asker.ask,
    /** @param {any} message */
    heard(message) {
      if (message.number !== undefined) return pair.heard(message);
      wave = message.about ? readWave(message) : wave;
      asker.heard();
      show();
    },
  };
}

/** What can be done besides looking at the run: the settings, the experiments that were kept, and going on with one.
 * @param {Scope} scope @param {Model} model @param {Memory} memory @param {(content: any) => void} send @param {(number: number | null) => void} compare */
function doingsOnPage(scope, model, memory, send, compare) {
  const setup = () => model.get("setup");
  const settings = setup().fields.length ? setupView(scope, { fields: setup().fields, setup, send }) : null;
  const kept = settings || setup().away ? experimentsView(scope, { kept: () => model.get("kept"), folder: setup().folder, unkept: () => setup().unkept ?? "", send, compared: () => memory.compared?.number ?? null, compare }) : null;
  const on = goOnButton(scope, { shown: () => (model.get("about").live ? undefined : named(model).shown()), send });
  return { settings, kept, on, show: () => (settings?.show(), kept?.show(), on.show()) };
}

/** @param {{ model: Model, el: HTMLElement }} view */
function mountLaboratory({ model, el }) {
  const [scope, again, memory, run] = [new Scope(), MEMORIES.has(el), memoryOf(el), runOf(model)];
  const cursor = cursorOn(scope, model, "laboratory");
  if (again) cursor.move({ sample: memory.sample, order: memory.order });
  else Object.assign(memory, { sample: cursor.sample, order: cursor.order });
  cursor.follow(scope, ({ sample, order }) => Object.assign(memory, { sample, order }));
  const [setup, send] = [() => model.get("setup"), (/** @type {any} */ content) => ((views.error.hidden ||= run.now.status !== "failed"), model.send(content))];
  const views = viewsOf(model, cursor, memory);
  const waves = wavesOnPage(scope, model, cursor, memory, run);
  const accuracy = accuracyView(scope, cursor, { accuracies: () => model.get("accuracies"), other: () => memory.compared?.accuracies, now: () => run.now, last: () => setup().goal ?? 0 });
  const hands = handsView(scope, model, cursor, { epochs: () => run.now.epochs, why: () => setup().hands ?? "", shown: () => model.get("pictures").count ?? 0, drawing: memory.drawing });
  const { settings, kept, on, show: showDoings } = doingsOnPage(scope, model, memory, send, compare);
  const left = h("span", { class: "wl-facts wl-left-time" });
  /** @type {Element} */ (views.head.querySelector(".wl-facts")).after(left);
  const time = clock();
  const side = tabs(scope, memory, "tab", "Controls", [
    ...(settings ? [/** @type {[string, Node[]]} */ (["Set up", [settings.element]])] : []), ["Thresholds", [views.panel, ...(setup().spikes ? [views.decisions] : [])]],
    ...(kept ? [/** @type {[string, Node[]]} */ (["Runs", [kept.element]])] : [])]);
  const stage = tabs(scope, memory, "stage", "What is seen", [
    ["Training", [h("div", { class: "wl-lab-middle" }, ...(setup().layers.length ? [waves.network.element] : []), views.curves, views.chart),
      h("div", { class: "wl-lab-right" }, h("div", { class: "wl-part" }, h("div", { class: "wl-kicker" }, "Accuracy"), ...accuracy.parts), setup().spikes ? waves.spikes.element : views.decisions)]],
    ...hands.panels, [PAIR, [waves.pair.element]]], hands.open);
  const root = h("div", { class: "wl wl-lab" },
    h("div", { class: "wl-lab-top" }, views.head, views.commands, on.element, ...(setup().away ? [h("span", { class: "wl-facts wl-away" }, AWAY)] : [])), views.error,
    h("div", { class: "wl-lab-body" },
      h("div", { class: "wl-side" }, side.bar, ...side.pages),
      h("div", { class: "wl-stage" }, h("div", { class: "wl-stage-top" }, stage.bar, hands.moment), ...stage.pages)),
    views.transport);
  scope.on(views.curves, "keydown", (/** @type {KeyboardEvent} */ event) => pickLayer(event, cursor, model.get("about").layers.length));
  el.append(root);
  keepKeys(scope, root);
  saveMenu(scope, root, views.head, "laboratory", () => laboratoryTable(model, run));
  watchKernel(scope, model, root);

  const tellTime = () => say(left, run.now.was && run.now.was !== "failed" ? toCome(run.now.epochs, setup().goal) : time.left(run.now.at, setup().goal ?? 0, run.now.status === "running"));
  function show() {
    tellTime();
    stage.offer(PAIR, memory.compared !== null);
    [showDoings, waves.show, accuracy.show, hands.show].forEach((each) => each());
  }

  /** @param {number | null} number */
  function compare(number) {
    if (number !== null) return send({ kind: "compare", number });
    model.send({ kind: "compare", number: null });
    compared({});
  }

  /** Another run is drawn beside, or none any more. @param {any} message */
  function compared(message) {
    const { past, number, layers, accuracies, pictures = {}, picture } = message;
    memory.compared = past ? { number, accuracies, pictures, picture, ...courseOf(past, layers) } : null;
    waves.pair.begin();
    show();
    views.redraw();
  }

  heed(scope, model, run, {
    show,
    clock: tellTime,
    accuracies: accuracy.show,
    epoch: () => (waves.ask(), hands.show()),
    hear: { network: hands.heard, wave: waves.heard, compared, code: (message) => void kept?.showCode(message.text) },
  });
  show();
  waves.ask();
  waves.pair.begin();
  return () => (views.leave(), scope.end());
}

/** The run epoch by epoch, with its accuracies, as `Laboratory.table` in Python has it. @param {Model} model @param {ReturnType<typeof runOf>} run
 * @returns {import("./saving.mjs").Column[]} */
function laboratoryTable(model, run) {
  const { judged = "loss", mode = /** @type {import("./method.mjs").Mode} */ ("min") } = model.get("about");
  return [...chartTable({ run, judged, mode }), ...accuracyTable(accuracyColumns(model.get("accuracies")), run.rows.map(({ end }) => end))];
}

/** Follows what Python tells. @param {Scope} scope @param {Model} model @param {ReturnType<typeof runOf>} run
 * @param {{ show: () => void, clock: () => void, accuracies: () => void, epoch: () => void, hear: Record<string, (message: any) => void> }} view */
function heed(scope, model, run, { show, clock, accuracies, epoch, hear }) {
  scope.follow(model, "change:past", () => run.heed("past"));
  scope.follow(model, "change:now", () => {
    const before = run.now.epochs;
    run.heed("now");
    clock();
    if (run.now.epochs !== before) epoch();
  });
  scope.follow(model, "change:accuracies", accuracies);
  for (const name of ["setup", "kept"]) scope.follow(model, `change:${name}`, show);
  scope.follow(model, "msg:custom", (/** @type {any} */ message, /** @type {any[]} */ buffers) => void hear[message.kind]?.(unpacked(message, buffers)));
}

/** A page without a kernel answers itself. @param {{ model: Model, el: HTMLElement }} view */
const render = ({ model, el }) => attended(renderer(mountLaboratory))({ model: model.get("setup").away ? alone(model) : model, el });

export default { render };
