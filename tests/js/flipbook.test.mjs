// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { across, pictureAt } from "../../whetstone_lab/view/widgets/static/flipbook.mjs";

test("the last control moves fastest, as itertools.product has it", () => {
  const controls = /** @type {any[]} */ ([2, 2, 3].map((count) => ({ values: Array(count).fill("") })));
  const places = [];
  for (const row of [0, 1]) for (const loud of [0, 1]) for (const word of [0, 1, 2]) places.push(pictureAt(controls, [row, loud, word]));
  assert.deepEqual(places, [...Array(12).keys()]);
});

test("an array is drawn as large as there is room, each of its places with the same whole number of pixels", () => {
  assert.deepEqual([[8, 8], [28, 92], [90, 60], [300, 300], [2, 5000]].map(([rows, columns]) => across(rows, columns)), [320, 460, 180, 300, 5000]);
});
