import assert from "node:assert/strict";
import { test } from "node:test";

import { verdict } from "../../whetstone_lab/view/widgets/static/chart_words.mjs";
import { activation, ramp, whatIf } from "../../whetstone_lab/view/widgets/static/method.mjs";

const close = (a, b, within = 1e-6) => assert.ok(Math.abs(a - b) <= within, `${a} is not ${b}`);

const row = (loss, sharpening = 0, sharp = 0) => ({ loss, up: 0.15, down: 0.15, patience: 1, sharpening, sharp });
// Settles at 1, starts after the fourth epoch, rises by 20 % in the fifth, and so stops.
const run = [row(2), row(1), row(1), row(1), row(1.2, 1), row(1.1), row(1.1)];

test("the curves rise from 0 to 1 and become a step", () => {
  for (const [curve, threshold] of [["bounded_relu", 0.5], ["sigmoid", 0]]) {
    for (const sharpness of [0, 0.5, 0.99]) {
      close(activation(curve, threshold, sharpness), 0.5);
      assert.ok(activation(curve, threshold - 3, sharpness) < 0.02);
      assert.ok(activation(curve, threshold + 3, sharpness) > 0.98);
    }
    assert.equal(activation(curve, threshold, 1), 1);
    assert.equal(activation(curve, threshold - 1e-12, 1), 0);
  }
  close(activation("bounded_relu", 0.75, 0.5), 0.25 / 0.501 + 0.5);
});

test("the ramp is as wide as what is left of the sharpness", () => {
  const [low, high] = ramp(0.5, 0.4);
  close(high - low, 0.601);
  assert.deepEqual(ramp(0.5, 1), [0.5, 0.5]);
});

test("without a change a replay decides as the run did", () => {
  const { first, lines } = whatIf(run, {}, 0);
  assert.equal(first, null);
  assert.equal(lines.length, run.length);
  assert.deepEqual(lines.slice(1, 6).map((line) => line.reference), [2, 1, 1, 1, 1.2]);
  assert.match(verdict(first), /the same/);
});

test("the first decision that differs is found, and its reason", () => {
  const later = whatIf(run, { sig_increase: 0.25 }, 0);
  assert.equal(later.first?.kind, "goes on");
  assert.equal(later.first?.epoch, 5);
  assert.match(verdict(later.first), /After epoch 5 sharpening would have gone on \(the loss changed by \+20 %\); in this run it stopped/);
  assert.match(verdict(later.first), /here there are none\.$/);
  assert.match(verdict(later.first, "loss", 4), /The weights after epoch 4 are kept: run it again from there\.$/);
  assert.match(verdict(later.first, "loss", 0), /run it again from the start\.$/);
  assert.equal(later.lines.length, 5, "nothing is known past it");
  assert.equal(whatIf(run, { patience: 2 }, 0).first?.kind, "waits");
  assert.deepEqual(whatIf(run, { patience: 0 }, 0).first, { epoch: 3, kind: "starts", change: 0 });
  assert.equal(whatIf(run, { sig_increase: 0.16 }, 0).first, null);
});

test("a run that is all sharp has nothing left to decide", () => {
  const done = [row(2), row(1), row(1), row(1), row(1.1, 1), row(1.1, 0, 1), row(5, 0, 1)];
  assert.equal(whatIf(done, { sig_increase: 0.05 }, 0).first, null);
});
