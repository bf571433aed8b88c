// What Python and the browser both compute is the same on both sides: see tests/parity/make_fixtures.py.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { asNumber, grade } from "../../whetstone_lab/view/widgets/static/grading.mjs";
import { activation, judge, levels, ramp, relativeChange, votes, whatIf, winner } from "../../whetstone_lab/view/widgets/static/method.mjs";
import { SOUND, damaged, fleetingFaults } from "../../whetstone_lab/view/widgets/static/faults.mjs";
import { rowsBy, spikeCounts } from "../../whetstone_lab/view/widgets/static/raster_order.mjs";
import { generator } from "../../whetstone_lab/view/widgets/static/random.mjs";
import { networkOf, reading, wave } from "../../whetstone_lab/view/widgets/static/wave.mjs";

const fixtures = (name) => JSON.parse(readFileSync(new URL(`../parity/${name}.json`, import.meta.url), "utf8"),
  (_, value) => (["NaN", "Infinity", "-Infinity"].includes(value) ? Number(value) : value));

/** Equal to the last digits; what is no finite number, exactly. */
function close(found, expected, where) {
  if (Number.isFinite(expected)) assert.ok(Math.abs(found - expected) <= 1e-12 * Math.max(Math.abs(expected), 1), `${where}: ${found} is not ${expected}`);
  else assert.ok(Object.is(found, expected), `${where}: ${found} is not ${expected}`);
}

test("curves", () => {
  for (const { curve, threshold, sharpness, x, y, ramp: knees } of fixtures("curves")) {
    x.forEach((value, i) => close(activation(curve, value, sharpness), y[i], `${curve} at ${value}, sharpness ${sharpness}`));
    ramp(threshold, sharpness).forEach((knee, i) => close(knee, knees[i], `${curve}, ramp at sharpness ${sharpness}`));
  }
});

test("judging", () => {
  for (const { state, loss, rules, change, kind, after, levels: lines } of fixtures("judging")) {
    const where = JSON.stringify({ state, loss, rules });
    const judged = judge(state, loss, rules);
    assert.equal(judged.kind, kind, where);
    assert.deepEqual(judged.state, after, where);
    close(judged.change, change, where);
    if (Number.isFinite(loss)) close(relativeChange(state.reference, loss, rules.mode), change, where);
    const { stop, improve } = levels(state.reference, rules.up, rules.down, rules.mode);
    close(stop, lines.stop, where);
    close(improve, lines.improve, where);
  }
});

test("what if", () => {
  for (const { run, early, mode, rows, replays } of fixtures("what_if"))
    for (const { changes, lines, first } of replays) {
      const where = `${run}, ${JSON.stringify(changes)}`;
      const replay = whatIf(rows, changes, early, mode);
      assert.deepEqual(replay.lines, lines, where);
      assert.equal(replay.first?.kind, first?.kind, where);
      assert.equal(replay.first?.epoch, first?.epoch, where);
      if (first) close(replay.first?.change, first.change, where);
    }
});

test("rows of a raster", () => {
  const cases = fixtures("rows");
  assert.deepEqual(cases.map(({ order }) => order), ["number", "rate", "class"]);
  for (const { order, sizes, layer, neuron, keyed, rows } of cases)
    rowsBy(order, sizes, () => spikeCounts({ layer, neuron }, sizes), keyed).forEach((found, which) => {
      assert.deepEqual(found ? [...found.row] : [...Array(sizes[which]).keys()], rows[which], `${order}, layer ${which}`);
      found?.neuron.forEach((mine, row) => assert.equal(found.row[mine], row));
    });
});

test("votes, and the winner on a tie", () => {
  for (const { key, spikes, votes: counted, classes } of fixtures("votes"))
    spikes.forEach((row, i) => {
      assert.deepEqual(votes(row, key), counted[i]);
      assert.equal(winner(counted[i]), classes[i]);
    });
});

test("grades of answers", () => {
  for (const { question, answers } of fixtures("grading"))
    for (const { answer, number, right, says } of answers) {
      assert.equal(asNumber(answer), number, JSON.stringify(answer));
      assert.deepEqual(grade(question, answer), { right, says }, JSON.stringify({ question, answer }));
    }
  assert.throws(() => grade({ id: "own", options: [], number: null, waits: "Train first." }, "1"), /cannot be answered yet: Train first/);
});

/** What a page gets: bytes. */
const revive = (value) => (value?.base64 !== undefined ? new Uint8Array(Buffer.from(value.base64, "base64"))
  : Array.isArray(value) ? value.map(revive) : value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, revive(item)])) : value);
const bits = (fired) => fired.map((layer) => layer.join(""));

test("the very spikes, votes and classes of waves through networks of every kind", () => {
  for (const { network: name, sent, inputs, fired, potentials, votes: counted, classes } of fixtures("wave")) {
    const network = networkOf(revive(sent));
    inputs.forEach((input, sample) => {
      const sentOn = wave(network, input);
      const where = `${name}, sample ${sample}`;
      assert.deepEqual(bits(sentOn.fired), fired[sample], where);
      if (potentials && sample === 0) assert.deepEqual(sentOn.potentials.map((layer) => [...layer]), potentials, where);
      const read = reading(network, sentOn.values[network.output]);
      if (counted) assert.deepEqual(read.votes, counted[sample], where);
      assert.equal(read.best, classes[sample], where);
    });
  }
});

test("a wave that stops after a layer, and what it cannot be sent through", () => {
  const [{ sent, inputs }] = fixtures("wave");
  const network = networkOf(revive(sent));
  assert.deepEqual(wave(network, inputs[0], { upTo: 0 }).fired, wave(network, inputs[0]).fired.slice(0, 1));
  assert.throws(() => wave(network, [1, 2]), /Expected an input of 5 values; got 2/);
  const strange = structuredClone(revive(sent));
  strange.nodes[0].kind = "Magic";
  assert.throws(() => networkOf(strange), /Expected an operation among Dense,.*; got Magic in node dense/);
});

test("the same seed hits the same neurons, thresholds and spikes", () => {
  const known = Object.fromEntries(fixtures("wave").map(({ network, sent }) => [network, networkOf(revive(sent))]));
  for (const { network: name, faults, inputs, fired, classes } of fixtures("faults")) {
    const wrong = { ...SOUND, ...faults };
    const network = damaged(known[name], wrong);
    const fleeting = fleetingFaults(network);
    // Twice, for what was drawn is kept.
    for (const sample of [0, 1, 2, 3, 0, 1, 2, 3]) {
      const where = `${name}, ${JSON.stringify(faults)}, sample ${sample}`;
      const sentOn = wave(network, inputs[sample], { fleeting: fleeting(wrong, sample) });
      assert.deepEqual(bits(sentOn.fired), fired[sample], where);
      assert.equal(reading(network, sentOn.values[network.output]).best, classes[sample], where);
    }
  }
});

test("NumPy's random numbers", () => {
  for (const { seed, uniform, normal, count, rare, last } of fixtures("random")) {
    const { random } = generator(seed);
    assert.deepEqual(uniform.map(random), uniform, `uniform numbers of ${seed}`);
    const drawn = Float64Array.from({ length: count }, generator(seed).normal);
    normal.forEach((value, place) => close(drawn[place], value, `normal number ${place} of ${seed}`));
    rare.places.forEach((place, which) => close(drawn[place], rare.values[which], `beyond the last layer, ${seed}`));
    close(drawn[count - 1], last, `normal numbers of ${seed} are as many`);
  }
});
