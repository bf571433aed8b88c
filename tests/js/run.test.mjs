import assert from "node:assert/strict";
import { test } from "node:test";

import { doubles } from "../../whetstone_lab/view/widgets/static/bytes.mjs";
import { epochRows, joinPoints, sharpeningSpans, valueAt } from "../../whetstone_lab/view/widgets/static/run.mjs";

const close = (a, b, within = 1e-6) => assert.ok(Math.abs(a - b) <= within, `${a} is not ${b}`);
const past = { points: new Float32Array([0.5, 2, 0, 1, 1, 0.5]), table: new Float64Array([1, 1.5, NaN, 0.15, 0.1, 1, 0, 0]) };

test("epochs of sharpening that follow each other are one span, up to the present", () => {
  const row = (end, sharpening) => ({ end, sharpening });
  const still = { sharpening: false, at: 5, sharpness: [0.5] };
  assert.deepEqual(sharpeningSpans([], { ...still, sharpening: true }), []);
  assert.deepEqual(sharpeningSpans([row(1, 0), row(2, 1), row(3, 1), row(4, 0), row(5, 1)], still), [[1, 3], [4, 5]]);
  assert.deepEqual(sharpeningSpans([row(4, 1)], { sharpening: true, at: 4.5, sharpness: [1, 0.5] }), [[3, 4.5]]);
  assert.deepEqual(sharpeningSpans([row(4, 1)], { sharpening: true, at: 4.5, sharpness: [1, 1] }), [[3, 4]]);
  // Every second epoch was sent.
  assert.deepEqual(sharpeningSpans([row(1, 0), row(3, 1), row(5, 1)], still), [[1, 5]]);
});

test("points of the past and the open epoch are one row", () => {
  const points = joinPoints(past, { tail: new Float32Array([1.5, 0.8, 0.6]) }, 1);
  assert.equal(points.length, 3);
  assert.equal(points.width, 3);
  close(valueAt(points, 0, 2), 0);
  close(valueAt(points, 0.75, 2), 0.25);
  close(valueAt(points, 1.25, 2), 0.55);
  close(valueAt(points, 9, 2), 0.6);
  assert.equal(valueAt(joinPoints({ points: undefined }, { tail: undefined }, 1), 1, 2), 0);
});

test("the table of epochs is read by name", () => {
  assert.equal(doubles(past.table).length, 8);
  const [row] = epochRows(past);
  assert.deepEqual({ ...row, reference: null }, { end: 1, loss: 1.5, reference: null, up: 0.15, down: 0.1, patience: 1, sharpening: 0, sharp: 0 });
  assert.ok(Number.isNaN(row.reference));
});
