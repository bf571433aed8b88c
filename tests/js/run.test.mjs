import assert from "node:assert/strict";
import { test } from "node:test";

import { doubles } from "../../whetstone_lab/view/widgets/static/bytes.mjs";
import { courseOf, epochRows, placedPoints, sharpeningSpans, valueAt } from "../../whetstone_lab/view/widgets/static/run.mjs";

const close = (a, b, within = 1e-6) => assert.ok(Math.abs(a - b) <= within, `${a} is not ${b}`);
const past = { points: new Float32Array([10, 2, 0, 20, 1, 0.5, 30, 0.8, 0.6]), table: new Float64Array([1, 20, 1.5, NaN, 0.15, 0.1, 1, 0, 0]) };

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

test("points stand where the ends of epochs say", () => {
  const rows = epochRows(past);
  const points = placedPoints(past, rows, { batch: 30, at: 1.5 }, 1);
  assert.deepEqual([points.length, points.width, [0, 1, 2].map((row) => points.values[3 * row])], [3, 3, [0.5, 1, 1.5]]);
  close(valueAt(points, 0, 2), 0);
  close(valueAt(points, 0.75, 2), 0.25);
  close(valueAt(points, 1.25, 2), 0.55);
  close(valueAt(points, 9, 2), 0.6);
  assert.equal(valueAt(placedPoints({ points: undefined }, [], { batch: 0, at: 0 }, 1), 1, 2), 0);
  // Of a thinned table every second epoch is there, and the second epoch was longer than was thought.
  const thinned = placedPoints({ points: new Float32Array([5, 1, 0, 30, 1, 0, 60, 1, 0]) }, [{ batches: 10, end: 1 }, { batches: 50, end: 3 }], { batch: 60, at: 3.25 }, 1);
  assert.deepEqual([0, 1, 2].map((row) => thinned.values[3 * row]), [0.5, 2, 3.25]);
});

test("another run is drawn from its past alone", () => {
  const { rows, points } = courseOf({ ...past, points: new Float32Array([10, 2, 0, 20, 1, 0.5]) }, 1);
  assert.equal(rows.length, 1);
  assert.deepEqual([...points.values], [0.5, 2, 0, 1, 1, 0.5]);
  assert.deepEqual([courseOf({ points: new Float32Array(0) }, 2).points.length, courseOf({}, 2).rows.length], [0, 0]);
});

test("the table of epochs is read by name", () => {
  assert.equal(doubles(past.table).length, 9);
  const [row] = epochRows(past);
  assert.deepEqual({ ...row, reference: null }, { end: 1, batches: 20, loss: 1.5, reference: null, up: 0.15, down: 0.1, patience: 1, sharpening: 0, sharp: 0 });
  assert.ok(Number.isNaN(row.reference));
});
