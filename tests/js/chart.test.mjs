import assert from "node:assert/strict";
import { test } from "node:test";

import { pulled } from "../../whetstone_lab/view/widgets/static/chart_controls.mjs";
import { axisEnd, layout, lossDomain, lossExtent, placeMarks } from "../../whetstone_lab/view/widgets/static/chart_layout.mjs";
import { nearestMark } from "../../whetstone_lab/view/widgets/static/chart_pointing.mjs";
import { epochWords, listed, markOf, policyWords, verdict, waitingWords } from "../../whetstone_lab/view/widgets/static/chart_words.mjs";
import { levels } from "../../whetstone_lab/view/widgets/static/method.mjs";
import { momentOf } from "../../whetstone_lab/view/widgets/static/sharpener_chart.mjs";
import { Scope } from "../../whetstone_lab/view/widgets/static/page.mjs";
import { PARAMETERS, meaning, range, settable, steering } from "../../whetstone_lab/view/widgets/static/steering.mjs";

const close = (a, b, within = 1e-9) => assert.ok(Math.abs(a - b) <= within, `${a} is not ${b}`);
const at = layout({ width: 700, height: 400, grips: true, last: 20, domain: [0.1, 10] });

test("places and values lead to each other", () => {
  assert.deepEqual([at.x(0), at.x(20)], [at.left, at.right]);
  assert.deepEqual([at.y(0.1), at.y(10)], [at.bottom, at.top]);
  close(at.y(1), (at.top + at.bottom) / 2, 1e-9);
  close(at.loss(at.y(0.7)), 0.7);
  close(at.epoch(at.x(13)), 13);
  assert.ok(at.bottom < at.low && at.strip(1) > at.low && at.strip(0) < at.end);
  assert.ok(Number.isFinite(at.y(-1)), "a loss that no log scale has is still somewhere");
});

test("every loss and the lines in force are within the domain", () => {
  const points = { width: 2, length: 3, values: new Float32Array([1, 0.5, 2, NaN, 3, 0]) };
  const [low, high] = lossDomain(lossExtent(points, [{ loss: 0.25 }, { loss: Infinity }]), { reference: 1, up: 1, down: 0.5 });
  assert.ok(low < 0.25 && low > 0.2 && high > 2 && high < 2.5);
  assert.deepEqual(lossDomain(lossExtent({ width: 2, length: 0, values: new Float32Array(0) }, []), null), [0.1, 1]);
});

test("losses below zero are on a linear axis, with the line of a rise above the reference", () => {
  const points = { width: 2, length: 2, values: new Float32Array([1, -1, 2, -3]) };
  const domain = lossDomain(lossExtent(points, [{ loss: -3 }]), { reference: -3, up: 1, down: 0.5 });
  assert.ok(domain[0] < -4.5 && domain[1] > 0);
  const linear = layout({ width: 700, height: 400, grips: true, last: 20, domain });
  assert.ok(!linear.log && at.log && linear.shows(-3) && !at.shows(-3) && !linear.shows(NaN));
  close(linear.loss(linear.y(-2.5)), -2.5);
  assert.ok(linear.y(levels(-3, 0.15, 0.15).stop) < linear.y(-3), "above is a smaller height of the page");
  close(pulled("sig_increase", -2.4, -3), 0.2);
  close(pulled("sig_decrease", -3.6, -3), 0.2);
  assert.equal(epochWords({ end: 3, loss: -4, reference: -2, sharpening: 0 }), "Epoch 3: loss -4, −100 % against the reference of -2.");
  const [low] = lossDomain(lossExtent({ width: 2, length: 0, values: new Float32Array(0) }, [{ loss: 1 }]), { reference: 1, up: 1, down: 2 });
  assert.ok(low > 0, "a line alone does not turn the axis into another");
});

test("of what should rise, the line of a setback lies below, and words say what it is", () => {
  const { stop, improve } = levels(0.8, 0.25, 0.125, "max");
  assert.deepEqual([stop, improve], [0.8 - 0.2, 0.8 + 0.1]);
  close(pulled("sig_increase", 0.6, 0.8, "max"), 0.25);
  close(pulled("sig_decrease", 0.88, 0.8, "max"), 0.1);
  assert.equal(meaning("sig_increase", "max"), "a fall that stops sharpening");
  assert.equal(meaning("sig_increase", "min"), "a rise of the loss that stops sharpening");
  assert.equal(meaning("rate", "max"), meaning("rate", "min"));
  assert.equal(epochWords({ end: 2, loss: 0.6, reference: 0.8, sharpening: 0 }, "accuracy"), "Epoch 2: accuracy 0.6, −25 % against the reference of 0.8.");
  assert.match(verdict({ epoch: 4, kind: "stops", change: -0.25 }, "accuracy"), /^After epoch 4 sharpening would have stopped \(the accuracy changed by −25 %\)/);
});

test("a run that goes on has room before it", () => {
  assert.equal(axisEnd({ status: "recorded", at: 7.5 }), 7.5);
  assert.equal(axisEnd({ status: "running", at: 7.5 }), 8);
  assert.equal(axisEnd({ status: "ready", at: 0 }), 1);
});

test("marks stand at their epochs", () => {
  const [one, other] = placeMarks(at, [{ at: 5 }, { at: 15 }]);
  assert.deepEqual([one.x, other.x], [at.x(5), at.x(15)]);
  assert.deepEqual(markOf({ kind: "sharp", layer: 7 }), { sign: "◆", colour: "layer-1" });
  assert.equal(markOf({ kind: "a kind of a later version" }).sign, "!");
  const decisions = [{ at: 5 }, { at: 15 }];
  assert.equal(nearestMark(at, decisions, at.x(15) - 11), decisions[1]);
  assert.equal(nearestMark(at, decisions, at.x(10)), null);
});

test("an epoch and a policy are told in a sentence", () => {
  assert.equal(epochWords({ end: 3, loss: 1.2, reference: 1, sharpening: 1 }), "Epoch 3: loss 1.2, +20 % against the reference of 1; sharpening.");
  assert.equal(epochWords({ end: 1, loss: 1.2, reference: NaN, sharpening: 0 }), "Epoch 1: loss 1.2.");
  assert.equal(policyWords({ name: "stepwise", rate: 0.5, end: null }, true), "Policy: stepwise. rate 0.5");
  assert.equal(policyWords({}, false), "The policy is known as soon as the run begins.");
  assert.match(waitingWords("running", false, false), /^Getting ready: .* compiles/);
  assert.equal(waitingWords("running", false, true), "The first epoch is under way.");
});

test("a pull on a line is a share of the reference, within its range", () => {
  close(pulled("sig_increase", 1.3, 1), 0.3);
  close(pulled("sig_decrease", 0.8, 1), 0.2);
  assert.equal(pulled("sig_decrease", 1.5, 1), 0.01);
  assert.equal(pulled("sig_increase", 99, 1), 1, "as far as the slider goes");
  assert.equal(pulled("sig_increase", 99, 1, "min", 3), 3, "or as far as it stands already");
  assert.equal(settable("patience", 1.6), 2);
  assert.equal(settable("rate", -1), 0.01);
});

test("a slider, a line and a key have one range, which holds what is in force", () => {
  for (const { name, low, high } of PARAMETERS) {
    assert.deepEqual(range(name, low), { low, high });
    assert.deepEqual(range(name, 2 * high + 1), { low, high: 2 * high + 1 });
    assert.ok(pulled(name, 1e9, 1) <= high);
  }
});

/** A run with a policy, the time of the page, and what was sent to the run. */
function steered(t, recorded = false) {
  globalThis.window ??= globalThis;
  const clock = { now: 1, tick(by) { clock.now += by; t.mock.timers.tick(by); } };
  t.mock.timers.enable({ apis: ["setTimeout"] });
  t.mock.method(performance, "now", () => clock.now);
  const scope = new Scope();
  t.after(() => scope.end());
  const policy = { sig_increase: 0.15, patience: 1 };
  const sent = [];
  const steer = steering(scope, { send: (message) => sent.push(message) }, { recorded, inForce: () => policy, changed: () => {} });
  /** The run carries out what was sent up to a message, in order, and says so as Python does. */
  const follow = (number = sent.length) => {
    Object.assign(policy, ...sent.slice(0, number).map(({ values }) => values));
    steer.settle(sent[number - 1].mark);
  };
  return { scope, policy, sent, steer, clock, follow, values: () => sent.map(({ values }) => values) };
}

test("the first move is sent at once, however young the page, and others now and then", (t) => {
  const { steer, values, clock, scope } = steered(t);
  for (const value of [0.2, 0.25, 0.3]) steer.move("sig_increase", value);
  assert.deepEqual(values(), [{ sig_increase: 0.2 }]);
  clock.tick(60);
  assert.deepEqual(values(), [{ sig_increase: 0.2 }, { sig_increase: 0.3 }]);
  steer.move("patience", 3);
  scope.end();
  assert.deepEqual(values().at(-1), { patience: 3 }, "nothing that was asked is lost");
});

test("what a finger let go of is shown until it has been in force, and then what is in force", (t) => {
  const { steer, sent, clock, follow, policy } = steered(t);
  steer.grab("sig_increase");
  steer.move("sig_increase", 0.2);
  clock.tick(60);
  steer.move("sig_increase", 0.3);
  steer.drop();
  assert.deepEqual(sent.map(({ values }) => values.sig_increase), [0.2, 0.3], "what it let go of is sent at once");
  policy.sig_increase = 0.2;
  follow(1);
  assert.equal(steer.value("sig_increase"), 0.3, "no jump back while the run is on the way");
  follow();
  assert.ok(!steer.asks("sig_increase"));
  assert.equal(steer.value("sig_increase"), 0.3);
});

test("a value that was overtaken in the run is shown no longer", (t) => {
  const { steer, sent, policy, clock } = steered(t);
  steer.move("sig_increase", 0.3);
  policy.sig_increase = 0.2; // by run.steer, right behind ours, before anything was heard of it
  steer.settle(sent[0].mark);
  assert.equal(steer.value("sig_increase"), 0.2);
  // Nor does one that changed nothing leave the page behind.
  clock.tick(60);
  steer.move("sig_increase", 0.25);
  policy.sig_increase = 0.6;
  steer.settle("what another page asked");
  assert.equal(steer.value("sig_increase"), 0.25);
  steer.settle(sent[1].mark);
  assert.equal(steer.value("sig_increase"), 0.6);
});

test("nothing moves under a finger that keeps still", (t) => {
  const { steer, follow, policy } = steered(t);
  steer.grab("sig_increase");
  steer.move("sig_increase", 0.4);
  follow();
  policy.sig_increase = 0.7;
  assert.equal(steer.value("sig_increase"), 0.4, "the finger is still at it");
  steer.drop();
  assert.equal(steer.value("sig_increase"), 0.7);
});

test("a drag is one gesture, and so is a row of keys", (t) => {
  const { steer, sent, clock } = steered(t);
  const gestures = () => [...new Set(sent.map(({ gesture }) => gesture))].length;
  const drag = (values) => {
    steer.grab("sig_increase");
    values.forEach((value) => (steer.move("sig_increase", value), clock.tick(400)));
    clock.tick(3000);
    steer.move("sig_increase", values[0] + 0.1);
    steer.drop();
  };
  drag([0.2, 0.3, 0.4, 0.5]);
  assert.deepEqual([sent.length, gestures()], [5, 1]);
  drag([0.6, 0.7]);
  assert.equal(gestures(), 2, "another drag, at once");
  for (const patience of [2, 3, 4]) (steer.move("patience", patience), clock.tick(300));
  assert.equal(gestures(), 3);
  clock.tick(1000);
  steer.move("patience", 5);
  assert.equal(gestures(), 4);
});

test("gestures are undone one by one", (t) => {
  const { steer, values, clock, follow } = steered(t);
  assert.ok(!steer.undoable());
  steer.grab("sig_increase");
  for (const value of [0.2, 0.3, 0.4]) (steer.move("sig_increase", value), clock.tick(60));
  steer.undo();
  assert.equal(steer.value("sig_increase"), 0.4, "not under the finger");
  steer.drop();
  for (const patience of [2, 3]) steer.move("patience", patience);
  clock.tick(60);
  follow();
  steer.undo();
  clock.tick(60);
  assert.deepEqual(values().at(-1), { patience: 1 });
  steer.undo();
  clock.tick(60);
  assert.deepEqual(values().at(-1), { sig_increase: 0.15 });
  assert.ok(!steer.undoable());
  steer.undo();
  clock.tick(60);
  follow();
  assert.ok(!steer.asks("sig_increase") && !steer.asks("patience"));
});

test("a recorded run hears nothing, and a value as it was is no change", (t) => {
  const { sent, steer } = steered(t, true);
  steer.move("sig_increase", 0.4);
  assert.ok(steer.altered());
  steer.move("sig_increase", 0.15);
  assert.ok(!steer.altered());
  steer.grab("patience");
  steer.move("patience", 4);
  steer.drop();
  assert.deepEqual({ ...steer.asked }, { patience: 4 }, "what a finger asks of a record stays asked");
  steer.undo();
  assert.ok(!steer.altered());
  assert.deepEqual(sent, []);
});

test("keys lead along the list of decisions, and one leads to its moment and its layer", () => {
  assert.deepEqual(["ArrowDown", "ArrowUp", "Home", "End", "x"].map((key) => listed(key, 2, 4)), [3, 1, 0, 3, null]);
  assert.deepEqual([listed("ArrowDown", -1, 4), listed("ArrowDown", 3, 4), listed("ArrowUp", 0, 4), listed("ArrowDown", -1, 0)], [0, 3, 0, null]);
  assert.deepEqual(momentOf({ at: 7, layer: null }, 12), { at: 7 });
  assert.deepEqual(momentOf({ at: 7.5, layer: 0 }, 12), { at: 7.5, layer: 0, neuron: null });
  assert.deepEqual(momentOf({ at: 12, layer: 2 }, 12), { at: null, layer: 2, neuron: null }, "the end is the present");
});
