import assert from "node:assert/strict";
import { test } from "node:test";

import { seen, together } from "../../whetstone_lab/view/widgets/static/lines.mjs";

/** The points that are seen of a line. */
function points(x, y) {
  const found = [];
  seen(x.length, (i) => x[i], (i) => y[i], (...point) => found.push(point));
  return found;
}

test("a line with a point in each column is drawn as it is", () => {
  assert.deepEqual(points([0, 1, 2.5], [3, 1, 2]), [[0, 3], [1, 1], [2.5, 2]]);
  assert.deepEqual(points([], []), []);
  assert.deepEqual(points([0, 1, 2], [3, NaN, 2]), [[0, 3], [2, 2]], "what is no number is left out");
  assert.deepEqual(points([NaN], [1]), []);
});

test("of many points in a column the first, the extremes and the last are seen, in their order", () => {
  assert.deepEqual(points([0.1, 0.2, 0.3, 0.4, 0.5, 1], [5, 9, 6, 1, 4, 0]), [[0.1, 5], [0.2, 9], [0.4, 1], [0.5, 4], [1, 0]]);
  assert.deepEqual(points([0, 0, 0], [1, 1, 1]), [[0, 1], [0, 1]], "all equal: its ends");
});

test("what is seen of a long line grows with the columns, and loses no extreme", () => {
  const length = 100_000;
  const value = (i) => Math.sin(i * 12.9898) * ((i * 7919) % 101);
  const found = [];
  seen(length, (i) => (i / length) * 600, value, (x, y) => found.push([x, y]));
  assert.ok(found.length <= 4 * 600);
  assert.ok(found.every(([x], i) => !i || x >= found[i - 1][0]));
  for (const column of [0, 17, 599]) {
    const all = Array.from({ length }, (_, i) => i).filter((i) => Math.floor((i / length) * 600) === column).map(value);
    const kept = found.filter(([x]) => Math.floor(x) === column).map(([, y]) => y);
    assert.deepEqual([Math.min(...kept), Math.max(...kept), kept[0], kept.at(-1)], [Math.min(...all), Math.max(...all), all[0], all.at(-1)]);
  }
});

test("stretches narrower than a pixel are taken together", () => {
  const joined = (stretches) => {
    const found = [];
    together(stretches.length, (i) => stretches[i][0], (i) => stretches[i][1], (...stretch) => found.push(stretch));
    return found;
  };
  assert.deepEqual(joined([]), []);
  assert.deepEqual(joined([[0, 0.4], [0.4, 0.8], [0.8, 5], [5, 9]]), [[0, 0.8, 0, 1], [0.8, 5, 2, 2], [5, 9, 3, 3]]);
  const many = joined(Array.from({ length: 9999 }, (_, i) => [i / 100, (i + 1) / 100]));
  assert.ok(many.length <= 102 && many.every(([, , first], i) => !i || first === many[i - 1][3] + 1), "each is in one of them");
});
