import assert from "node:assert/strict";
import { test } from "node:test";

import { pulled } from "../../whetstone_lab/view/widgets/static/chart_controls.mjs";
import { axisEnd, layout, lossDomain, placeMarks } from "../../whetstone_lab/view/widgets/static/chart_layout.mjs";
import { epochWords, markOf, policyWords, verdict } from "../../whetstone_lab/view/widgets/static/chart_words.mjs";
import { levels } from "../../whetstone_lab/view/widgets/static/method.mjs";
import { Scope } from "../../whetstone_lab/view/widgets/static/page.mjs";
import { meaning, settable, steering } from "../../whetstone_lab/view/widgets/static/steering.mjs";

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
  const [low, high] = lossDomain(points, [{ loss: 0.25 }, { loss: Infinity }], { reference: 1, up: 1, down: 0.5 });
  assert.ok(low < 0.25 && low > 0.2 && high > 2 && high < 2.5);
  assert.deepEqual(lossDomain({ width: 2, length: 0, values: new Float32Array(0) }, [], null), [0.1, 1]);
});

test("losses below zero are on a linear axis, with the line of a rise above the reference", () => {
  const points = { width: 2, length: 2, values: new Float32Array([1, -1, 2, -3]) };
  const domain = lossDomain(points, [{ loss: -3 }], { reference: -3, up: 1, down: 0.5 });
  assert.ok(domain[0] < -4.5 && domain[1] > 0);
  const linear = layout({ width: 700, height: 400, grips: true, last: 20, domain });
  assert.ok(!linear.log && at.log && linear.shows(-3) && !at.shows(-3) && !linear.shows(NaN));
  close(linear.loss(linear.y(-2.5)), -2.5);
  assert.ok(linear.y(levels(-3, 0.15, 0.15).stop) < linear.y(-3), "above is a smaller height of the page");
  close(pulled("sig_increase", -2.4, -3), 0.2);
  close(pulled("sig_decrease", -3.6, -3), 0.2);
  assert.equal(epochWords({ end: 3, loss: -4, reference: -2, sharpening: 0 }), "Epoch 3: loss -4, −100 % against the reference of -2.");
  const [low] = lossDomain({ width: 2, length: 0, values: new Float32Array(0) }, [{ loss: 1 }], { reference: 1, up: 1, down: 2 });
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
});

test("an epoch and a policy are told in a sentence", () => {
  assert.equal(epochWords({ end: 3, loss: 1.2, reference: 1, sharpening: 1 }), "Epoch 3: loss 1.2, +20 % against the reference of 1; sharpening.");
  assert.equal(epochWords({ end: 1, loss: 1.2, reference: NaN, sharpening: 0 }), "Epoch 1: loss 1.2.");
  assert.equal(policyWords({ name: "stepwise", rate: 0.5, end: null }, true), "Policy: stepwise. rate 0.5");
  assert.match(policyWords({}, false), /^Nothing yet/);
});

test("a pull on a line is a share of the reference, within its range", () => {
  close(pulled("sig_increase", 1.3, 1), 0.3);
  close(pulled("sig_decrease", 0.8, 1), 0.2);
  assert.equal(pulled("sig_decrease", 1.5, 1), 0.01);
  assert.equal(pulled("sig_increase", 99, 1), 9);
  assert.equal(settable("patience", 1.6), 2);
  assert.equal(settable("rate", -1), 0.01);
});

/** A run with a policy, and what was sent to it. */
function steered(recorded) {
  globalThis.window ??= globalThis;
  const scope = new Scope();
  const policy = { sig_increase: 0.15, patience: 1 };
  const sent = [];
  const steer = steering(scope, { send: (message) => sent.push(message) }, { recorded, inForce: () => policy, changed: () => {} });
  return { scope, policy, sent, steer };
}

test("the first drag is sent at once, however young the page", (t) => {
  t.mock.method(performance, "now", () => 1);
  const { scope, sent, steer } = steered(false);
  steer.move("sig_increase", 0.2, false);
  assert.equal(sent.length, 1);
  scope.end();
});

test("a live run hears of a drag now and then, and of its end at once", () => {
  const { scope, policy, sent, steer } = steered(false);
  for (const value of [0.2, 0.25, 0.3]) steer.move("sig_increase", value, false);
  assert.equal(sent.length, 1, "the others wait");
  steer.move("sig_increase", 0.35, true);
  assert.deepEqual(sent.at(-1), { kind: "steer", values: { sig_increase: 0.35 } });
  assert.equal(steer.value("sig_increase"), 0.35);
  policy.sig_increase = 0.35;
  steer.settle("sig_increase");
  assert.ok("sig_increase" in steer.asked, "the finger is still at it");
  steer.settle(null);
  assert.deepEqual(steer.asked, {});
  steer.move("patience", 3, false);
  scope.end();
  assert.deepEqual(sent.at(-1), { kind: "steer", values: { patience: 3 } }, "nothing that was asked is lost");
});

test("a recorded run hears nothing, and a value as it was is no change", () => {
  const { sent, steer } = steered(true);
  steer.move("sig_increase", 0.4, true);
  assert.ok(steer.altered());
  steer.move("sig_increase", 0.15, true);
  assert.ok(!steer.altered());
  assert.deepEqual(sent, []);
});
