import assert from "node:assert/strict";
import { test } from "node:test";

import { histogramAt, shareBetween } from "../../whetstone_lab/view/widgets/static/histograms.mjs";

test("the newest histogram that was known is shown", () => {
  const counts = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]); // two epochs, two layers, two bins
  const kept = { epochs: [2, 5] };
  assert.equal(histogramAt(kept, counts, 2, 1.9), null);
  assert.deepEqual(histogramAt(kept, counts, 2, 4.9)?.map((row) => [...row]), [[1, 2], [3, 4]]);
  assert.deepEqual(histogramAt(kept, counts, 2, 5)?.map((row) => [...row]), [[5, 6], [7, 8]]);
  assert.equal(histogramAt({ epochs: [] }, new Uint8Array(0), 2, 5), null);
});

test("a share of a histogram is spread evenly within its bins", () => {
  assert.equal(shareBetween([0, 1, 2], [1, 3], 0.5, 1.5), 0.5);
  assert.equal(shareBetween([0, 1, 2], [1, 3], -9, 9), 1);
  assert.equal(shareBetween([0, 1, 2], [0, 0], 0, 2), 0);
});
