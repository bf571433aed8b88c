import assert from "node:assert/strict";
import { test } from "node:test";

import { apart, beside, logTicks, ticks } from "../../whetstone_lab/view/widgets/static/scales.mjs";

test("axes have round values", () => {
  assert.deepEqual(ticks(0, 41, 8), [0, 10, 20, 30, 40]);
  assert.deepEqual(ticks(-1, 1, 4).map((value) => Number(value.toFixed(6))), [-1, -0.5, 0, 0.5, 1]);
  assert.deepEqual(ticks(1, 1, 4), [1]);
  assert.deepEqual(logTicks(0.15, 2.3).map((value) => Number(value.toPrecision(6))), [0.2, 0.5, 1, 2]);
  const written = (/** @type {number[]} */ values) => values.map((value) => Number(value.toPrecision(6)));
  assert.deepEqual(written(logTicks(1e-3, 1e2, 0.15)), [1e-3, 1e-2, 0.1, 1, 10, 100], "no two numbers cover each other");
  assert.deepEqual(written(logTicks(1e-3, 1e2, 0.3)), [1e-3, 0.1, 10]);
  assert.deepEqual(written(logTicks(0.04, 2.5, 0.3)), [0.1, 1]);
  assert.deepEqual(written(logTicks(0.2, 0.8, 0.3)), [0.2, 0.5], "where no power of ten lies, others stand in");
});

test("marks that would cover each other stand apart, near where they belong", () => {
  assert.deepEqual(apart([], 10, 0, 100), []);
  assert.deepEqual(apart([5, 40, 90], 10, 0, 100), [5, 40, 90]);
  assert.deepEqual(apart([40, 40, 45], 10, 0, 100), [40, 50, 60]);
  assert.deepEqual(apart([99, 100, 100], 10, 0, 100), [80, 90, 100], "at the edge they make room to the other side");
  assert.deepEqual(apart([0, 0, 0, 0], 10, 0, 100), [0, 0, 10, 20]);
  const crowd = apart(Array(9).fill(50), 10, 0, 100);
  assert.ok(crowd.every((place) => Math.abs(place - 50) <= 20));
  assert.ok(crowd.every((place, i) => i === 0 || place >= crowd[i - 1]));
});

test("lines that coincide lie side by side within their room", () => {
  assert.deepEqual([0, 1, 2].map((line) => beside(line, 3, 12)), [-2, 0, 2]);
  assert.equal(beside(0, 1, 12), 0);
  const many = Array.from({ length: 60 }, (_, line) => beside(line, 60, 12));
  assert.ok(many[59] - many[0] < 12 && many.every((place, line) => !line || place > many[line - 1]));
});
