import assert from "node:assert/strict";
import { test } from "node:test";

import { remarkWords } from "../../whetstone_lab/view/widgets/static/chart_words.mjs";
import { cursorOf } from "../../whetstone_lab/view/widgets/static/cursor.mjs";
import { growing, morePoints, unpacked } from "../../whetstone_lab/view/widgets/static/growing.mjs";
import { alone } from "../../whetstone_lab/view/widgets/static/lab_alone.mjs";
import { accuracyColumns, accuracyTable, knownOf, lowest, toldEpochs } from "../../whetstone_lab/view/widgets/static/accuracy_chart.mjs";
import { facts } from "../../whetstone_lab/view/widgets/static/lab_experiments.mjs";
import { asking } from "../../whetstone_lab/view/widgets/static/lab_asking.mjs";
import { refusal } from "../../whetstone_lab/view/widgets/static/lab_setup.mjs";
import { besides, differencesOf, differingAt, neuronWords, pairWords, samePicture, turned } from "../../whetstone_lab/view/widgets/static/lab_differences.mjs";
import { firingOf, outputPart, readWave, rowsOfWave } from "../../whetstone_lab/view/widgets/static/lab_raster.mjs";
import { waveAsker } from "../../whetstone_lab/view/widgets/static/lab_wave.mjs";
import { clock, toCome } from "../../whetstone_lab/view/widgets/static/laboratory.mjs";
import { diagramFacts, diagramTable } from "../../whetstone_lab/view/widgets/static/network_diagram.mjs";
import { Scope } from "../../whetstone_lab/view/widgets/static/page.mjs";
import { runFacts, statusWords } from "../../whetstone_lab/view/widgets/static/run.mjs";

/** What stands in for a kernel: what is sent, and a way to tell. @param {Record<string, any>} [values] */
function modelOf(values = {}) {
  const [sent, listeners] = [[], []];
  return {
    sent, listeners, tell: (event, ...what) => listeners.filter(([heard]) => heard === event).forEach(([, listener]) => listener(...what)),
    get: (name) => values[name], set() {}, save_changes() {}, send: (content) => sent.push(content),
    on: (event, listener) => listeners.push([event, listener]),
    off: (event, listener) => void listeners.splice(listeners.findIndex(([heard, one]) => heard === event && one === listener), 1),
  };
}

test("a cursor tells those who follow it, once, and only of what is another", () => {
  const [cursor, mine, heard] = [cursorOf(), new Scope(), []];
  cursor.follow(mine, (place, before) => heard.push([before.at, place.at, place.layer]));
  cursor.move({ at: 3 });
  cursor.move({ at: 3, layer: null });
  cursor.move({ layer: 1 });
  assert.deepEqual(heard, [[null, 3, null], [3, 3, 1]]);
  mine.end();
  cursor.move({ at: null });
  assert.equal(heard.length, 2);
  assert.deepEqual([cursor.at, cursor.layer, cursor.neuron, cursor.sample, cursor.step, cursor.unit, cursor.order], [null, 1, null, 0, null, "step", "number"]);
});

test("the time that is left follows the pace, and nothing is foretold of a run that rests", () => {
  const time = clock();
  assert.equal(time.left(0, 10, true, 0), "");
  assert.equal(time.left(0.5, 10, true, 500), "", "half a second is too little to go by");
  assert.equal(time.left(1, 10, true, 2000), "18 s left");
  assert.equal(time.left(1, 1000, false, 2100), "");
  assert.equal(time.left(1, 1000, true, 2200), "", "after a pause the pace is measured anew");
  assert.equal(time.left(3, 1003, true, 4200), "18 min left");
  assert.equal(time.left(1003, 1003, true, 9000), "");
});

test("accuracies come by rows and are drawn by columns; the axis begins below the lowest", () => {
  const columns = accuracyColumns(new Float32Array([0.5, 0.25, NaN, 0.75, 0.5, NaN]));
  assert.deepEqual(columns.map((column) => [...column]), [[0.5, 0.75], [0.25, 0.5], [NaN, NaN]]);
  assert.equal(lowest(columns), 0.2);
  assert.equal(lowest(accuracyColumns(undefined)), 0.9);
  assert.deepEqual(knownOf(columns), [true, true, false], "what a run does not tell is left out");
  assert.deepEqual([...toldEpochs(Float32Array.from([NaN, 0.5, NaN, 0.75]))], [2, 4], "a line goes over what is not told");
  assert.deepEqual(knownOf(accuracyColumns(undefined)), [true, true, true], "before an epoch has ended all may come");
  assert.deepEqual(accuracyTable(columns, [2, 3]), [["soft", [0.75, NaN]], ["spiking", [0.5, NaN]], ["relu", [NaN, NaN]]]);
});

const message = (sample, epoch) => ({ epoch, sample, classes: [3], about: { layers: ["a", "b"], sizes: [4, 2], shapes: [[4], [2]], steps: 2, orders: { number: "", rate: "", class: "" }, keyed: { 1: [1, 0] }, readings: [] }, counts: new Uint8Array([0, 5, 2, 5, 9, 1]), spikes: { ends: [3], step: new Uint8Array([0, 0, 1]), layer: new Uint8Array([0, 0, 1]), neuron: new Uint8Array([1, 3, 0]) } });

test("what fires is a byte for each neuron", () => {
  assert.deepEqual(firingOf(readWave(message(0, 1))).map((layer) => [...layer]), [[0, 1, 0, 1], [1, 0]]);
  assert.deepEqual(firingOf(null), []);
});

test("of a wave that is under way fires what it has come to, and the output comes with its last step", () => {
  const wave = readWave(message(0, 1));
  const at = (step, unit = "step") => firingOf(wave, { step, unit }).map((layer) => layer && [...layer]);
  assert.deepEqual(at(0), [undefined, undefined]);
  assert.deepEqual(at(1), [[0, 1, 0, 1], undefined]);
  assert.deepEqual(at(1.5), [[0, 1, 0, 1], [1, 0]]);
  assert.deepEqual(at(9), at(null), "a deeper network beside it may go further");
  assert.deepEqual(at(1, "layer"), [[0, 1, 0, 1], undefined]);
  const part = (step, unit = "step") => outputPart({ step, unit }, wave.about);
  assert.deepEqual([part(0), part(1), part(1.5), part(2), part(null), part(7)], [0, 0, 0.5, 1, 1, 1]);
  assert.deepEqual([part(1, "layer"), part(2, "layer")], [0, 1]);
});

test("neurons stand as they are numbered, by how often they fire in all pictures, or class by class", () => {
  const wave = readWave(message(0, 1));
  assert.deepEqual(rowsOfWave(wave, "number"), { rows: [null, null], groups: {} });
  const { rows } = rowsOfWave(wave, "rate");
  assert.deepEqual(rows.map(({ neuron }) => [...neuron]), [[0, 2, 1, 3], [1, 0]]);
  const byClass = rowsOfWave(wave, "class");
  assert.deepEqual(byClass.rows.map(({ neuron }) => [...neuron]), [[0, 2, 1, 3], [0, 1]]);
  assert.deepEqual(byClass.groups, { 1: [{ number: 1, from: 0, to: 1 }, { number: 0, from: 1, to: 2 }] });
  wave.about.orders = { number: "", rate: "" };
  assert.deepEqual(rowsOfWave(wave, "class").rows, [null, null], "no key is known, so there is no such order");
});

/** The same wave with other spikes in its first layer. */
const another = (spikes) => {
  const wave = readWave(message(0, 1));
  wave.fired[0] = { ...wave.fired[0], neuron: Uint32Array.from(spikes, ([neuron]) => neuron), step: Uint32Array.from(spikes, ([, step]) => step) };
  return wave;
};

test("of two waves of one picture it is known which neurons do otherwise, and which is the first", () => {
  const mine = readWave(message(0, 1));
  const { layers, all } = differencesOf(mine, another([[0, 0], [3, 1]]));
  assert.deepEqual([[...layers[0].since], [...layers[0].here]], [[1, 1, 0, 1], [0, 1, 0, 1]], "the last fires in both, in other steps");
  assert.deepEqual([...layers[1].since], [0, 0]);
  assert.deepEqual(all, [{ layer: 0, neuron: 0, step: 0 }, { layer: 0, neuron: 1, step: 0 }, { layer: 0, neuron: 3, step: 0 }]);
  const late = differencesOf(mine, another([[1, 0], [3, 0], [2, 1], [0, 1]].sort((a, b) => a[1] - b[1] || a[0] - b[0])));
  const at = (step) => differingAt(late, { step, unit: "step" }, mine.about);
  assert.deepEqual([at(1).first, at(1).known.length], [null, 0], "the wave has not come so far");
  assert.deepEqual([at(null).first, [...at(2).marks[0]]], [{ layer: 0, neuron: 0, step: 1 }, [1, 0, 1, 0]]);
  assert.deepEqual([...turned(late).layers[0].here], [1, 1, 1, 1].map((_, neuron) => 1 - late.layers[0].here[neuron]));
  assert.deepEqual(differencesOf(mine, mine).all, []);
  const shallower = { ...another([]), about: { ...mine.about, shapes: [[4]], sizes: [4], layers: ["a"] } };
  assert.deepEqual(differencesOf(mine, shallower).layers.map(Boolean), [true, false], "the other has one layer less");
});

test("one goes over the neurons that differ, round and round", () => {
  const known = [{ layer: 0, neuron: 4 }, { layer: 0, neuron: 9 }, { layer: 2, neuron: 1 }];
  assert.deepEqual(besides(known, { layer: null, neuron: null }, 1), known[0]);
  assert.deepEqual(besides(known, { layer: 1, neuron: 1 }, -1), known[2]);
  assert.deepEqual([besides(known, known[1], 1), besides(known, known[2], 1), besides(known, known[0], -1)], [known[2], known[0], known[2]]);
  assert.equal(besides([], known[0], 1), null);
});

test("neurons are told one by one, and a picture is read in words", () => {
  const [layers, wave] = [[{ name: "a", size: 4 }, { name: "b", size: 2 }], readWave(message(0, 7))];
  wave.about = { ...wave.about, samples: 10, readings: [{ name: "", words: ["read as 3"] }, { name: "side", words: [""] }] };
  assert.deepEqual(diagramTable(layers, wave), [["layer", ["a", "a", "a", "a", "b", "b"]], ["neuron", [0, 1, 2, 3, 0, 1]], ["fires", [0, 1, 0, 1, 1, 0]], ["rate", [0, 0.5, 0.2, 0.5, 0.9, 0.1]]]);
  assert.deepEqual(diagramTable(layers, null)[2], ["fires", Array(6).fill(NaN)]);
  assert.equal(diagramFacts(wave, false), "after epoch 7  ·  read as 3  ·  side");
  assert.equal(diagramFacts(wave, true), "read as 3  ·  side");
  assert.equal(diagramFacts(null, false), "");
});

test("a page says of a run that went on when it was taken how far it had come", () => {
  assert.equal(statusWords({ status: "recorded", was: "running" }), "recorded while training");
  assert.equal(statusWords({ status: "recorded" }), "recorded run");
  assert.match(remarkWords({ recorded: true, whole: true, known: true, was: "running" }), /^The run went on when this was recorded\. Move a line/);
  assert.match(remarkWords({ recorded: true, whole: true, known: true, was: "failed" }), /^This run is over\./);
  assert.match(remarkWords({ recorded: true, whole: true, known: true }), /^This run is over\./);
  assert.equal(statusWords({ status: "recorded", was: "failed" }), "recorded run that failed");
  assert.equal(runFacts({ epochs: 1, batch: 3, loss: null, logs: {}, was: "failed", message: "too wide" }), "epoch 1  ·  batch 3  ·  too wide");
  assert.equal(toCome(12, 30), "18 of 30 epochs were still to come");
  assert.equal(toCome(30, 30), "");
});

test("of two runs it is told how many neurons do otherwise, where they can be compared one by one", () => {
  const mine = readWave(message(0, 1));
  const words = (other, moment) => pairWords(mine, other, differencesOf(mine, other), "experiment 2", moment);
  assert.equal(words(mine), "Every neuron does the same in both.");
  const other = another([[0, 0], [3, 0]]);
  assert.equal(words(other), "For this picture they differ in 2 of 4 neurons of a, 0 of 2 neurons of b.");
  [mine, other].forEach((wave, which) => (wave.about.readings = [{ classes: [which] }]));
  assert.match(words(other), /neurons of b\. This run reads 0, experiment 2 reads 1\.$/);
  assert.doesNotMatch(words(other, { step: 1, unit: "step" }), /reads/, "neither has come to its output");
  const states = (neuron, moment = { step: null, unit: "step" }) => {
    const found = differencesOf(mine, other);
    return neuronWords({ layer: 0, neuron }, mine, other, found, differingAt(found, moment, mine.about).known, "experiment 2", moment);
  };
  assert.equal(states(0), "a, neuron 0: silent in this run, fires in experiment 2. Number 1 of 2 that differ.");
  assert.equal(states(1), "a, neuron 1: fires in this run, silent in experiment 2. Number 2 of 2 that differ.");
  assert.deepEqual([states(2), states(3)], ["a, neuron 2: silent in both.", "a, neuron 3: fires in both."]);
  assert.equal(states(0, { step: 0, unit: "step" }), "a, neuron 0: not run yet.");
  const twice = another([[1, 0], [3, 0], [3, 1]]);
  const found = differencesOf(mine, twice);
  assert.match(neuronWords({ layer: 0, neuron: 3 }, mine, twice, found, found.all, "experiment 2", { step: null, unit: "step" }), /fires in both, but not in the same steps; in step 1 only in experiment 2\./);
  other.about = { ...other.about, shapes: [[2, 2], [2]] };
  assert.match(words(other), /^The two networks have other layers/, "also what stands on one that is another");
  other.about = { ...mine.about, shapes: [[4], [3]], sizes: [4, 3], readings: [] };
  assert.match(words({ ...other, fired: mine.fired }), /^Every neuron that both have does the same in both\. Other layers are not the same in both/);
  assert.equal(pairWords(mine, null, null, ""), "");
  assert.match(pairWords(mine, other, null, ""), /different pictures/);
});

test("two runs are compared where they are shown the same picture", () => {
  const pictures = (values, truth = [1, 2]) => ({ count: 2, truth, shape: [1, 2], values: new Uint8Array(values) });
  const mine = pictures([1, 2, 3, 4]);
  assert.ok(samePicture(mine, pictures([1, 2, 3, 4]), 1));
  assert.ok(!samePicture(mine, pictures([1, 2, 3, 5]), 1) && samePicture(mine, pictures([1, 2, 3, 5]), 0));
  assert.ok(!samePicture(mine, pictures([1, 2, 3, 4], [1, 3]), 1) && !samePicture(mine, {}, 0) && !samePicture(mine, { ...mine, count: 1 }, 1));
  assert.ok(samePicture({ count: 1, truth: [] }, { count: 1, truth: [] }, 0), "inputs that are no pictures");
});

test("beside another network the neurons of a layer that both have stand in the same rows", () => {
  const [mine, other] = [readWave(message(0, 1)), readWave(message(0, 1))];
  other.counts = [new Uint32Array([9, 1, 1, 1]), new Uint32Array([1, 9])];
  assert.deepEqual(rowsOfWave(other, "rate", mine).rows.map(({ neuron }) => [...neuron]), rowsOfWave(mine, "rate").rows.map(({ neuron }) => [...neuron]));
  other.about = { ...other.about, shapes: [[2, 2], [2]] };
  assert.deepEqual([...rowsOfWave(other, "rate", mine).rows[0].neuron], [1, 2, 3, 0], "its own, where the layers are not alike");
});

test("waves are asked for one at a time, and only where the cursor is somewhere else", () => {
  const [model, cursor] = [modelOf(), cursorOf()];
  let epochs = 0;
  const asker = waveAsker(new Scope(), model, cursor, () => epochs);
  const asked = () => model.sent.map(({ epoch, sample }) => [epoch, sample]);
  asker.ask();
  assert.deepEqual(asked(), [], "before the first epoch there is none");
  epochs = 1;
  asker.ask();
  epochs = 3;
  asker.ask();
  cursor.move({ sample: 2 });
  assert.deepEqual(asked(), [[1, 0]]);
  asker.heard();
  assert.deepEqual(asked(), [[1, 0], [3, 2]], "what was passed over in between is not asked for");
  asker.heard();
  cursor.move({ layer: 1 });
  assert.equal(model.sent.length, 2);
  cursor.move({ at: 1.5 });
  assert.deepEqual(asked()[2], [1, 2]);
  asker.heard();
  assert.equal(model.sent.length, 3, "where there is none, it is not asked for again and again");
  const given = modelOf();
  waveAsker(new Scope(), given, cursorOf(), () => 60, undefined, () => 60).ask();
  const moved = cursorOf();
  moved.move({ at: 0.5, sample: 4 });
  waveAsker(new Scope(), given, moved, () => 60, undefined, () => 60).ask();
  assert.deepEqual(given.sent.map(({ epoch, sample }) => [epoch, sample]), [[60, 0], [60, 4]], "the one network that is known is looked at whenever");
});

test("no question is waited for in vain: a refusal is an answer, and with the run comes again what was asked for last", () => {
  const [scope, model] = [new Scope(), modelOf()];
  let [wanted, wait] = [1, 0];
  const asker = asking(scope, model, "wave", { wish: () => (wanted ? { epoch: wanted } : null), besides: () => ({ first: model.sent.length === 0 }), wait: () => wait });
  asker.ask();
  wanted = 2;
  asker.ask();
  assert.deepEqual(model.sent, [{ kind: "wave", epoch: 1, first: true }]);
  model.tell("msg:custom", { kind: "error", of: "preset", text: "" });
  assert.equal(model.sent.length, 1, "that was no answer to this");
  model.tell("msg:custom", { kind: "error", of: "wave", text: "" });
  assert.deepEqual(model.sent[1], { kind: "wave", epoch: 2, first: false });
  model.tell("change:told");
  assert.deepEqual(model.sent[2], model.sent[1], "the connection was lost, and the answer with it");
  asker.heard();
  asker.heard();
  model.tell("change:told");
  assert.equal(model.sent.length, 3, "what was answered is not asked for again");
  [wanted, wait] = [3, 60_000];
  asker.ask();
  assert.equal(model.sent.length, 3);
  scope.end();
  assert.deepEqual(model.listeners, [], "nor does a timer stay");
});

test("a page hears what is told to all and the answers to itself", () => {
  const [model, heard] = [modelOf({ told: 0, now: {}, past: {} }), []];
  const [mine, other] = [growing(model), growing(model)];
  mine.model.on("msg:custom", (message, buffers) => heard.push([message.kind, buffers]));
  [mine, other].forEach(({ model }) => model.send({ kind: "code" }));
  const [by, another] = model.sent.map((content) => content.by);
  assert.notEqual(by, another);
  model.tell("msg:custom", { kind: "code", by: another }, []);
  model.tell("msg:custom", { kind: "code", by }, ["bytes"]);
  model.tell("msg:custom", { kind: "ask" }, []);
  assert.deepEqual(heard, [["code", ["bytes"]], ["ask", []]]);
  [mine, other].forEach(({ end }) => end());
  assert.deepEqual(model.listeners, []);
});

test("what was told since the whole came gives way to the next whole, also where the model sees no difference", () => {
  const values = { told: 1, now: { status: "ready" }, past: {} };
  const [model, heard] = [modelOf(values), []];
  const mine = growing(model);
  mine.model.on("change:now", () => heard.push(mine.model.get("now").status));
  model.tell("msg:custom", { kind: "grown", told: 2, now: { status: "failed" } }, []);
  values.told = 3; // the run was cleared: it is ready as at first, and the model tells of no other change
  model.tell("change:told");
  assert.deepEqual(heard, ["failed", "ready"]);
});

test("points stay in order, the newer of a batch holds, and very many are thinned evenly", () => {
  assert.deepEqual([...morePoints(new Float32Array([1, 9, 2, 8]), new Float32Array([2, 7, 3, 6]), 2)], [1, 9, 2, 7, 3, 6]);
  assert.deepEqual([...morePoints(new Float32Array([1, 9]), new Float32Array(0), 2)], [1, 9]);
  let points = new Float32Array(0);
  for (let batch = 1; batch < 20_000; batch += 7) points = morePoints(points, new Float32Array([batch, 1]), 2);
  const batches = [...points].filter((_, at) => at % 2 === 0);
  assert.ok(batches.length <= 2048 && batches.length > 900);
  assert.deepEqual([batches[0], batches[batches.length - 1]], [1, 19_993]);
  const gaps = batches.slice(1).map((batch, at) => batch - batches[at]);
  assert.ok(Math.min(...gaps) > 0 && Math.max(...gaps) < 60);
});

test("arrays that come beside a message are put where they belong", () => {
  assert.deepEqual(unpacked({ kind: "x", deep: { er: 1 }, bytes: [["a"], ["deep", "b"]] }, ["A", "B"]), { kind: "x", a: "A", deep: { er: 1, b: "B" } });
});

test("a number that cannot be is refused in words", () => {
  const field = { name: "epochs", label: "Epochs", low: 1, high: 1000 };
  const words = (/** @type {string} */ value, valid = true, badInput = false) => refusal(field, { type: "number", value, validity: { valid, badInput } });
  assert.equal(words("12"), "");
  assert.equal(words("0", false), "Epochs: expected a whole number from 1 to 1000; got 0.");
  assert.equal(words("1.5", false), "Epochs: expected a whole number from 1 to 1000; got 1.5.");
  assert.equal(words(""), "Epochs: expected a whole number from 1 to 1000; got nothing.");
  assert.equal(words("", false, true), "Epochs: expected a whole number from 1 to 1000; got something else.");
  assert.equal(refusal({ name: "data", label: "Pictures" }, { type: "select-one", value: "" }), "");
});

test("a page without a kernel tells of waves as one beside a kernel would, and of the experiments that it took along", async () => {
  const doubles = (values) => new DataView(Float64Array.from(values).buffer);
  const grid = { map: [1, 1], across: 2, gap: 0, order: null, classes: 0 };
  const network = (threshold) => ({
    dtype: "float64", input: [2], grid, output: 1, readout: { kind: "key", key: [[1, 0], [0, 1]], threshold: 0 },
    nodes: [{ name: "out", kind: "Neurons", from: [0], shape: [2], step: 0, grid, options: {}, arrays: { threshold: { shape: [], values: doubles([threshold]) } } }],
  });
  const facts = { layers: ["out"], shapes: [[2]], sizes: [2], bands: [[0, 1]], steps: 1, grids: [grid], readings: [{ name: "", shown: "votes", voters: 2, colours: [] }] };
  const run = (epochs, script) => ({ about: { layers: ["out"] }, past: { table: script }, accuracies: epochs, script, networks: {}, setup: { away: true, picture: "its size" }, pictures: { count: 2 } });
  const values = {
    setup: { away: true }, about: { layers: ["out"] }, pictures: { count: 2 },
    networks: { epochs: [1, 5], networks: [network(0.1), network(0.6)], facts, about: {}, samples: { count: 2, white: 0, values: doubles([0.2, 0.7, 0.9, 0]), labels: [0, 0] } },
  };
  values.taken = { script: "here", runs: { 4: run(7, "four"), 5: { ...run(8, "five"), networks: { ...values.networks, epochs: [2, 6] } } } };
  const [model, heard] = [alone({ get: (name) => values[name], set() {}, on() {}, off() {}, save_changes() {}, send() {} }), []];
  let drawn = 0;
  model.on("msg:custom", (message) => heard.push(message));
  model.on("change:about", () => (drawn += 1));
  const ask = async (content) => (model.send(content), await new Promise((done) => setTimeout(done, 2)), heard.at(-1));
  const first = await ask({ kind: "wave", epoch: 3, sample: 0 });
  assert.deepEqual([first.epoch, [...first.fired[0].neuron], first.classes], [1, [0, 1], [0, 0]]);
  assert.deepEqual(first.counts.map((layer) => [...layer]), [[2, 1]], "how often each fires in both samples");
  const second = await ask({ kind: "wave", epoch: 9, sample: 0 });
  assert.deepEqual([second.epoch, [...second.fired[0].neuron], second.classes], [5, [1], [1, 0]]);
  assert.deepEqual(second.about.readings[0].words, ["read as 1, in truth 0"]);
  assert.deepEqual([second.about.readings[0].wrong, second.about.readings[0].votes], [[true], [[-2, 2]]]);
  assert.deepEqual(await ask({ kind: "wave", epoch: 0, sample: 0 }), { kind: "wave" });
  const beside = await ask({ kind: "wave", epoch: 3, sample: 0, number: 5 });
  assert.deepEqual([beside.number, beside.epoch], [5, 2], "that of the run which is compared");
  assert.deepEqual(await ask({ kind: "wave", epoch: 3, sample: 0, number: 4 }), { kind: "wave", number: 4 });
  assert.deepEqual((await ask({ kind: "network", epoch: 6 })).epoch, 5);
  assert.deepEqual(await ask({ kind: "compare", number: 4 }), { kind: "compared", number: 4, layers: 1, past: { table: "four" }, accuracies: 7, picture: "its size", pictures: { count: 2 } });
  assert.deepEqual(await ask({ kind: "compare", number: null }), { kind: "compared" });
  assert.equal((await ask({ kind: "code" })).text, "here");
  await ask({ kind: "open", number: 4 });
  assert.deepEqual([drawn, model.get("accuracies"), model.get("setup")], [1, 7, { away: true, picture: "its size" }]);
  assert.equal((await ask({ kind: "code" })).text, "four", "the script of what is shown");
  assert.deepEqual(await ask({ kind: "wave", epoch: 9, sample: 0 }), { kind: "wave" }, "it was kept without its network");
});

test("of an experiment that was kept it is told how far it came, and what it went on from", () => {
  const one = { number: 3, words: "", preset: "", epochs: 12, goal: 30, accuracy: "soft 91.0 %", kept: "2026-11-28T13:05:00+00:00", nudges: 1, origin: { number: 2, epochs: 7 } };
  assert.equal(facts(one), "soft 91.0 % · 12 of 30 epochs · 1 by hand · on from 2 after epoch 7 · 11-28 13:05");
  assert.equal(facts({ ...one, accuracy: "", epochs: 30, nudges: 0, origin: null }), "30 epochs · 11-28 13:05");
});
