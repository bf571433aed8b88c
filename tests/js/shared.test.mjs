import assert from "node:assert/strict";
import { test } from "node:test";

import { activation, ramp } from "../../whetstone_lab/view/widgets/static/method.mjs";
import {
  apart, doubles, epochRows, floats, joinPoints, logTicks, percent, plain, player, Scope, shareBetween, sharpeningSpans, ticks, valueAt,
} from "../../whetstone_lab/view/widgets/static/shared.mjs";

const close = (a, b, within = 1e-6) => assert.ok(Math.abs(a - b) <= within, `${a} is not ${b}`);

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

test("bytes are read from a view that is not aligned", () => {
  const whole = new Uint8Array(11);
  new DataView(whole.buffer).setFloat32(3, 1.5, true);
  new DataView(whole.buffer).setFloat32(7, -2, true);
  assert.deepEqual([...floats(new DataView(whole.buffer, 3, 8))], [1.5, -2]);
  assert.deepEqual([...floats(undefined)], []);
});

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

test("a share of a histogram is spread evenly within its bins", () => {
  assert.equal(shareBetween([0, 1, 2], [1, 3], 0.5, 1.5), 0.5);
  assert.equal(shareBetween([0, 1, 2], [1, 3], -9, 9), 1);
  assert.equal(shareBetween([0, 1, 2], [0, 0], 0, 2), 0);
});

test("axes have round values", () => {
  assert.deepEqual(ticks(0, 41, 8), [0, 10, 20, 30, 40]);
  assert.deepEqual(ticks(-1, 1, 4).map((value) => Number(value.toFixed(6))), [-1, -0.5, 0, 0.5, 1]);
  assert.deepEqual(ticks(1, 1, 4), [1]);
  assert.deepEqual(logTicks(0.15, 2.3).map((value) => Number(value.toPrecision(6))), [0.2, 0.5, 1, 2]);
  assert.ok(logTicks(1e-6, 1e3).every((value) => Number.isInteger(Math.round(Math.log10(value) * 1e6) / 1e6)));
});

test("numbers are short", () => {
  assert.equal(plain(0.123456), "0.123");
  assert.equal(plain(12), "12");
  assert.equal(plain(1.5e-7), "1.5e-7");
  assert.equal(plain(null), "–");
  assert.equal(plain(Number.NaN), "–");
  assert.equal(percent(0.15, true), "+15 %");
  assert.equal(percent(-0.052, true), "−5.2 %");
  assert.equal(percent(0.376), "38 %");
});

const past = { points: new Float32Array([0.5, 2, 0, 1, 1, 0.5]), table: new Float64Array([1, 1.5, NaN, 0.15, 0.1, 1, 0, 0]) };

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

test("a player goes to the end once, and what a scope began ends with it", () => {
  /** @type {Map<number, (time: number) => void>} */
  const frames = new Map();
  let number = 0;
  globalThis.requestAnimationFrame = (draw) => (frames.set(++number, draw), number);
  globalThis.cancelAnimationFrame = (id) => frames.delete(id);
  const scope = new Scope();
  const seen = [];
  const states = [];
  const it = player(scope, { end: () => 10, seconds: () => 1, show: (at) => seen.push(at), changed: (playing) => states.push(playing) });
  it.play(0);
  for (let time = performance.now() + 1; frames.size && seen.length < 50; time += 90) {
    const [[id, draw]] = frames;
    frames.delete(id);
    draw(time);
  }
  assert.equal(seen.at(-1), 10);
  assert.deepEqual(states, [true, false]);
  assert.ok(seen.every((at, i) => i === 0 || at >= seen[i - 1]));

  it.play();
  assert.equal(seen.at(-1), 0, "at the end, playing starts again");
  const target = new EventTarget();
  let heard = 0;
  scope.on(target, "ping", () => (heard += 1));
  const model = { on() {}, off: () => (heard = -1) };
  scope.follow(model, "change:now", () => {});
  scope.end();
  target.dispatchEvent(new Event("ping"));
  assert.equal(heard, -1);
  assert.equal(frames.size, 0);
  scope.frame(() => assert.fail("a scope that has ended draws no more"));
  assert.equal(frames.size, 0);
});
