// @ts-check
import { accuracyPanel } from "./fault_accuracy.mjs";
import { faultSliders, silencedPicture } from "./fault_controls.mjs";
import { SOUND, asPython, damaged, differing, fleetingFaults, mostVoters, redundantReading, silenced, votingColumns } from "./faults.mjs";
import { neuronOf } from "./drawing_pad.mjs";
import { MARK, firing, legend } from "./net_drawing.mjs";
import { layersOf, networkView, shownVotes } from "./net_view.mjs";
import { address } from "./neurons.mjs";
import { clamp, many } from "./numbers.mjs";
import { volume } from "./operations.mjs";
import { Scope, h, header, keepKeys, renderer, say, undoKeys, watchKernel } from "./page.mjs";
import { imagePainter, sampleRow } from "./sample_pictures.mjs";
import { saveMenu } from "./saving.mjs";
import { sentSamples, slices } from "./survey.mjs";
import { networkOf, reading, wave } from "./wave.mjs";

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./net_drawing.mjs").Neuron} Neuron */
/** @typedef {ReturnType<typeof benchOf>} Bench */

/** What lies on the bench: the network, what is wrong with it, and what it and the sound one make of a sample. @param {Model} model */
function benchOf(model) {
  const network = networkOf(model.get("network"));
  const size = volume(network.input);
  const samples = sentSamples(model.get("samples"), network, size);
  const how = model.get("about").preparation;
  const all = network.readout.key ? mostVoters(network.readout.key) : 1;
  const [fleeting, classes] = [fleetingFaults(network), redundantReading(network)];
  /** What hands have done, the last of it at the end. @type {{ fates: import("./faults.mjs").Fates, silent: Set<number> }[]} */
  const before = [];
  const bench = {
    network, samples, how, all, faults: { ...SOUND }, voters: all, sample: 0, broken: network,
    fates: /** @type {import("./faults.mjs").Fates} */ (new Map()),
    /** Pixels that a hand has silenced. @type {Set<number>} */
    silent: new Set(),
    /** Whether a pixel is silent, by a hand or by its fate. @param {number} pixel */
    isSilent: (pixel) => bench.silent.has(pixel) || bench.mask[pixel * how.channels] === 0,
    mask: network.zeros(size).fill(1),
    sound: wave(network, samples.input(0)), now: wave(network, samples.input(0)), read: { votes: /** @type {number[]} */ ([]), best: -1 },
    differ: /** @type {ReturnType<typeof differing>} */ ({ differ: [], first: null }),
    /** A sample as the broken network is shown it. @param {number} which */
    shown(which) {
      return samples.input(which).map((value, at) => (bench.silent.has(Math.floor(at / how.channels)) ? 0 : value * bench.mask[at]));
    },
    /** What the broken network makes of a sample. @param {number} which */
    send: (which) => wave(bench.broken, bench.shown(which), { fleeting: fleeting(bench.faults, which) }),
    /** Which class it reads with one neuron a class, two, and so on. @param {number} which */
    classes: (which) => classes(bench.send(which).values[network.output]),
    /** The same of the sound network. @param {number} which */
    soundClasses: (which) => classes(wave(network, samples.input(which)).values[network.output]),
    /** Which output neurons have a vote; null for all. */
    columns() {
      const { key } = network.readout;
      if (!key || bench.voters >= all) return null;
      const kept = votingColumns(key, bench.voters);
      return Uint8Array.from(key[0], (_, column) => (kept.includes(column) ? 1 : 0));
    },
    /** Something was broken or mended. */
    renew() {
      bench.broken = damaged(network, bench.faults, bench.fates);
      bench.mask = silenced(network.zeros(size).fill(1), bench.faults);
      bench.sound = wave(network, samples.input(bench.sample));
      bench.now = bench.send(bench.sample);
      bench.differ = differing(network, bench.sound.fired, bench.now.fired);
      const { key } = network.readout;
      const kept = key && votingColumns(key, bench.voters);
      const output = bench.now.values[network.output];
      bench.read = key && kept ? reading({ ...network, readout: { ...network.readout, key: key.map((row) => kept.map((column) => row[column])) } }, network.zeros(kept.length).map((_, at) => output[kept[at]])) : reading(network, output);
    },
    /** What a hand does next can be taken back. */
    remember: () => before.push({ fates: new Map(bench.fates), silent: new Set(bench.silent) }),
    undo: () => Object.assign(bench, before.pop() ?? {}),
    /** A neuron is hit: dead, then stuck at firing, then mended. @param {string} name */
    hit(name) {
      bench.remember();
      const fate = bench.fates.get(name);
      if (!fate) bench.fates.set(name, "dead");
      else if (fate === "dead") bench.fates.set(name, "stuck");
      else bench.fates.delete(name);
    },
    /** A pixel falls silent, or is mended. @param {number} pixel */
    silence(pixel) {
      bench.remember();
      if (!bench.silent.delete(pixel)) bench.silent.add(pixel);
    },
  };
  Object.assign(bench, brokenAs(model.get("broken") ?? {}, bench));
  bench.renew();
  return bench;
}

/** What Python says is broken. @param {any} told @param {any} bench */
function brokenAs({ fates = [], pixels = [], voters, sample, ...shares }, bench) {
  Object.assign(bench.faults, SOUND, shares); // the sliders hold on to it
  return {
    voters: clamp(voters ?? bench.all, 1, bench.all), sample: clamp(sample ?? bench.sample, 0, bench.samples.count - 1), silent: new Set(pixels),
    fates: new Map(fates.map((/** @type {[number, number, string]} */ [layer, neuron, fate]) => [`${layer} ${neuron}`, fate])),
  };
}

/** The same for Python. @param {Bench} bench */
function brokenOf({ faults, voters, sample, fates, silent }) {
  return { ...faults, voters, sample, pixels: [...silent], fates: [...fates].map(([name, fate]) => [...name.split(" ").map(Number), fate]) };
}

/** Tells Python what is broken whenever it is something else, and hears it from there.
 * @param {Scope} scope @param {Model} model @param {Bench} bench @param {() => void} heard */
function shared(scope, model, bench, heard) {
  let told = JSON.stringify(brokenOf(bench));
  scope.follow(model, "change:broken", () => {
    Object.assign(bench, brokenAs(model.get("broken"), bench));
    if (JSON.stringify(brokenOf(bench)) === told) return;
    told = JSON.stringify(brokenOf(bench));
    heard();
  });
  return () => {
    const now = JSON.stringify(brokenOf(bench));
    if (now === told) return;
    told = now;
    model.set("broken", brokenOf(bench));
    model.save_changes();
  };
}

/** What is broken and how many samples are still read right, by neurons a class, as `FaultBench.table` in Python has it.
 * @param {Bench} bench @param {ReturnType<typeof scoresOf>["scores"]} scores @returns {import("./saving.mjs").Column[]} */
function benchTable({ faults, fates, silent }, { sound, broken }) {
  const rows = [...broken.right.keys()];
  const share = (/** @type {import("./fault_accuracy.mjs").Score} */ { counted, right }) => rows.map((fewer) => (counted ? right[fewer] / counted : NaN));
  const hit = (/** @type {string} */ what) => [...fates.values()].filter((fate) => fate === what).length;
  const same = { samples: broken.counted, ...faults, bits: faults.bits || NaN, killed: hit("dead"), forced: hit("stuck"), silenced: silent.size };
  return [["neurons_a_class", rows.map((fewer) => fewer + 1)], ["accuracy", share(broken)], ["unbroken", share(sound)],
    ...["samples", "dead", "stuck", "silent", "lost", "jitter", "noise", "bits", "seed", "killed", "forced", "silenced"].map((name) => /** @type {import("./saving.mjs").Column} */ ([name, rows.map(() => same[/** @type {keyof same} */ (name)])]))];
}

/** Counts what is read right, sound and broken: what is broken anew is counted anew. @param {Scope} scope @param {Bench} bench @param {() => void} shown */
function scoresOf(scope, bench, shown) {
  const { samples, all } = bench;
  const work = { sound: slices(scope), broken: slices(scope) };
  const scores = { sound: { counted: 0, right: new Uint32Array(all) }, broken: { counted: 0, right: new Uint32Array(all) }, samples: samples.count, get voters() { return bench.voters; } };
  /** @param {"sound" | "broken"} which @param {(sample: number) => number[]} classes */
  function count(which, classes) {
    const right = new Uint32Array(all);
    work[which](samples.count, (sample) => classes(sample).forEach((best, fewer) => (right[fewer] += best === samples.labels[sample] ? 1 : 0)), (done) => {
      scores[which] = { counted: done, right };
      shown();
    });
  }
  return { scores, sound: () => count("sound", bench.soundClasses), broken: () => count("broken", bench.classes) };
}

/** @param {{ model: Model, el: HTMLElement, around?: Pick<import("./drawing_pad.mjs").Around, "cursor" | "shown" | "tall" | "bars"> }} view */
export function mountBench({ model, el, around }) {
  const scope = new Scope();
  const bench = benchOf(model);
  if (around && around.cursor.sample < bench.samples.count) bench.sample = around.cursor.sample;
  const { network, samples, how } = bench;
  const head = header("Fault bench");
  head.element.children[1].remove();
  const paint = imagePainter(how, samples.range);
  const row = sampleRow(scope, samples, paint, (which) => (around ? around.cursor.move({ sample: which }) : choose(which)), around?.shown);
  const picture = silencedPicture(scope, how, { paint: (canvas, ink) => paint(canvas, bench.shown(bench.sample), ink), silent: bench.isSilent, toggle: (pixel) => silence(pixel), words: () => `Sample ${bench.sample}, a ${samples.labels[bench.sample]}; silent pixels: ${[...Array(how.rows * how.columns).keys()].filter(bench.isSilent).length}.` });
  const [verdict, first, hint, code] = [h("div", { class: "wl-verdict" }), h("div", { class: "wl-meaning" }), h("p", { class: "wl-readout" }), h("code", { class: "wl-code" })];
  const state = { cursor: /** @type {Neuron | null} */ (null) };
  const view = networkView(scope, { layers: () => layersOf(network), classes: bench.read.votes.length, tall: around?.tall, bars: around?.bars, scene: () => benchScene(bench, state.cursor ?? (around ? neuronOf(around.cursor, network) : null), around?.bars), pointed, chosen: hit, words: () => `${verdict.textContent} ${first.textContent}`, keys: "Arrow keys move over the neurons, Enter kills one, again makes it fire always, again mends it." });
  const score = accuracyPanel(scope, { scores: () => counting.scores });
  const counting = scoresOf(scope, bench, () => score.show());
  const sliders = faultSliders(scope, bench, { changed: () => changed(true), mend: () => (bench.remember(), bench.fates.clear(), bench.silent.clear()) });
  const marks = legend([["fires", "fires"], ["dead", "dead"], ["stuck", "stuck at firing"], ["differs", "differs from the unbroken"], ["first", "the first that differs"]]);
  const root = h("div", { class: "wl wl-pad wl-bench" }, head.element, row.element,
    h("div", { class: "wl-desk" },
      h("div", { class: "wl-left" }, picture.element, h("div", { class: "wl-controls" }, ...sliders.elements)),
      h("div", { class: "wl-right" }, verdict, first, view.element, marks, hint, score.element, code)));
  el.append(root);
  keepKeys(scope, root);
  if (!around) saveMenu(scope, root, head.element, "faults", () => benchTable(bench, counting.scores));
  undoKeys(scope, root, () => (bench.undo(), changed(true)));
  watchKernel(scope, model, root);
  const tell = shared(scope, model, bench, () => (sliders.show(), changed(true)));

  /** @param {number} which */
  const choose = (which) => ((bench.sample = which), changed(false));
  /** @param {Neuron} at */
  function hit({ layer, neuron }) {
    bench.hit(`${layer} ${neuron}`);
    around?.cursor.move({ layer, neuron });
    changed(true);
    pointed({ layer, neuron });
  }
  /** @param {number} pixel */
  const silence = (pixel) => (bench.silence(pixel), changed(true));
  /** @param {Neuron | null} neuron */
  function pointed(neuron) {
    state.cursor = neuron;
    say(hint, neuron ? brokenWords(bench, neuron) : "Click a neuron to kill it, again to make it fire always, again to mend it; click a pixel to silence it. Ctrl+Z takes it back.");
    view.redraw();
  }
  /** @param {boolean} counts whether what is broken is another, so that all samples are read anew */
  function changed(counts) {
    bench.renew();
    const words = benchWords(bench);
    say(verdict, words.read);
    verdict.classList.toggle("wl-false", words.wrong);
    say(first, words.first);
    say(code, asPython(bench.faults) && `run(network, x, faults=${asPython(bench.faults)})`);
    say(head.element.children[1], `seed ${bench.faults.seed}`);
    row.show(bench.sample, getComputedStyle(root).color);
    picture.redraw();
    view.redraw();
    if (counts) counting.broken();
    else score.show();
    tell();
  }
  scope.follow(model, "change:network", () => {
    Object.assign(network, networkOf(model.get("network")));
    changed(true);
    counting.sound();
  });
  around?.cursor.follow(scope, ({ sample }, before) => (sample !== before.sample && sample < samples.count ? choose(sample) : view.redraw()));
  pointed(null);
  changed(true);
  counting.sound();
  return () => scope.end();
}

/** @param {Bench} bench @param {Neuron | null} cursor @param {number} [bars] @returns {import("./net_drawing.mjs").Scene} */
function benchScene(bench, cursor, bars) {
  const { network, broken, now, differ: { differ, first }, read, samples, sample } = bench;
  const layers = network.layers.map((number, layer) => {
    const [sound, hit] = [network.nodes[number].thresholds, broken.nodes[number].thresholds];
    // Thresholds that nothing reaches, or everything.
    const marks = Uint8Array.from(hit ?? [], (threshold, neuron) => (threshold === sound?.[neuron] || Math.abs(threshold) < 1e38 ? MARK.none : threshold > 0 ? MARK.dead : MARK.stuck));
    return { name: network.nodes[number].name, fired: now.fired[layer], marks, differ: differ[layer], reached: true };
  });
  return { layers, first, cursor, votes: { ...shownVotes(read, samples.labels[sample], bars), voters: bench.columns() } };
}

/** What the sample is read as, and which neuron is the first that differs. @param {Bench} bench */
function benchWords({ network, read: { best }, samples, sample, differ: { differ, first } }) {
  const truth = samples.labels[sample];
  const others = differ.reduce((sum, layer) => sum + firing(layer), 0);
  const node = first && network.nodes[network.layers[first.layer]];
  return {
    wrong: best !== truth, read: `Read as ${best}${best === truth ? ", which is right" : `, in truth ${truth}`}`,
    first: first && node ? `The first neuron that differs: ${node.name}, ${address(first.neuron, node.shape)}; ${many(others, "neuron")} in all.` : "Every neuron does as in the unbroken network.",
  };
}

/** @param {Bench} bench @param {Neuron} at */
function brokenWords({ network, broken, sound, now }, { layer, neuron }) {
  const node = network.nodes[network.layers[layer]];
  const threshold = broken.nodes[network.layers[layer]].thresholds?.[neuron] ?? 0;
  const fate = Math.abs(threshold) < 1e38 ? `threshold ${threshold.toPrecision(3)}` : threshold > 0 ? "dead" : "stuck at firing";
  const does = now.fired[layer][neuron] ? "fires" : "silent";
  return `${node.name}, ${address(neuron, node.shape)}: ${does}${sound.fired[layer][neuron] === now.fired[layer][neuron] ? "" : ", unlike the unbroken"}; potential ${now.potentials[layer][neuron].toPrecision(3)}, ${fate}.`.replaceAll(" -", " −");
}

export default { render: renderer(mountBench) };
