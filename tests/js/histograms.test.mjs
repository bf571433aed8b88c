import assert from "node:assert/strict";
import { test } from "node:test";

import { histogramAt, shareBetween } from "../../whetstone_lab/view/widgets/static/histograms.mjs";

test("the newest histogram that was known is shown", () => {
  // Two epochs, two layers, two bins.
  const kept = {
    epochs: [2, 5], bars: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]), tallest: new Float32Array([1, 2, 3, 4]),
    beyond: new Float32Array([0, 0.5, 0.25, 0, 0, 0, 0.125, 0.75]),
  };
  assert.equal(histogramAt(kept, 2, 1.9), null);
  assert.deepEqual(histogramAt(kept, 2, 4.9)?.map(({ bars, tallest }) => [...bars, tallest]), [[1, 2, 1], [3, 4, 2]]);
  assert.deepEqual(histogramAt(kept, 2, 5)?.map(({ bars, tallest, below, above }) => [...bars, tallest, below, above]), [[5, 6, 3, 0, 0], [7, 8, 4, 0.125, 0.75]]);
  assert.equal(histogramAt({ ...kept, epochs: [] }, 2, 5), null);
  assert.equal(histogramAt(kept, 0, 5), null);
});

test("a share of a histogram is spread evenly within its bins, however wide they are", () => {
  const histogram = { bars: [85, 255, 0], tallest: 0.3 }; // 0.1 over a width of 1, 0.3 over 2: 0.7 of all, and 0.3 beyond
  assert.ok(Math.abs(shareBetween([0, 1, 3, 4], histogram, 0.5, 2) - 0.35) < 1e-12);
  assert.ok(Math.abs(shareBetween([0, 1, 3, 4], histogram, -9, 9) - 0.7) < 1e-12);
  assert.equal(shareBetween([0, 1, 3, 4], { bars: [0, 0, 0], tallest: 1e-12 }, 0, 2), 0);
});
