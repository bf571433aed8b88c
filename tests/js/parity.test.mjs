// What Python and the browser both compute is the same on both sides: see tests/parity/make_fixtures.py.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { asNumber, grade } from "../../whetstone_lab/view/widgets/static/grading.mjs";
import { activation, judge, levels, ramp, relativeChange, votes, wave, whatIf, winner } from "../../whetstone_lab/view/widgets/static/method.mjs";

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

test("the wave through a network", () => {
  for (const { layers, key, samples } of fixtures("wave"))
    for (const { inputs, potentials, spikes, votes: counted, class: best } of samples) {
      const steps = wave(layers, inputs);
      assert.deepEqual(steps.map((step) => [...step.potentials]), potentials);
      assert.deepEqual(steps.map((step) => [...step.spikes]), spikes);
      assert.deepEqual(votes(steps[steps.length - 1].spikes, key), counted);
      assert.equal(winner(counted), best);
    }
  assert.throws(() => wave([{ weights: [1, 2, 3], thresholds: [0.5] }], [1, 0]), /Expected 2 weights in layer 0, for 2 inputs and 1 neurons; got 3/);
});
