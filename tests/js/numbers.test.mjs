import assert from "node:assert/strict";
import { test } from "node:test";

import { many, percent, plain } from "../../whetstone_lab/view/widgets/static/numbers.mjs";
import { floats } from "../../whetstone_lab/view/widgets/static/bytes.mjs";

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

test("bytes are read from a view that is not aligned", () => {
  const whole = new Uint8Array(11);
  new DataView(whole.buffer).setFloat32(3, 1.5, true);
  new DataView(whole.buffer).setFloat32(7, -2, true);
  assert.deepEqual([...floats(new DataView(whole.buffer, 3, 8))], [1.5, -2]);
  assert.deepEqual([...floats(undefined)], []);
});

test("things are counted", () => {
  assert.deepEqual([0, 1, 40].map((count) => many(count, "spike")), ["0 spikes", "1 spike", "40 spikes"]);
});
