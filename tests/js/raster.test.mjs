import assert from "node:assert/strict";
import { test } from "node:test";

import { rasterRoom } from "../../whetstone_lab/view/widgets/static/raster_drawing.mjs";
import { classShares, told } from "../../whetstone_lab/view/widgets/static/raster_reading.mjs";
import { address, spikesOf } from "../../whetstone_lab/view/widgets/static/raster_spikes.mjs";

test("spikes are sorted by layer and step", () => {
  const spikes = {
    ends: [2, 5], step: new Uint16Array([0, 1, 0, 1, 1]), layer: new Uint8Array([0, 1, 0, 1, 1]), neuron: new Uint32Array([7, 1, 4, 0, 2]),
  };
  assert.deepEqual(spikesOf(spikes, 0, 2, 2), [[[7], []], [[], [1]]]);
  assert.deepEqual(spikesOf(spikes, 1, 2, 2), [[[4], []], [[], [0, 2]]]);
});

test("a neuron is named by its place", () => {
  assert.equal(address(12, [64]), "neuron 12");
  assert.equal(address(1 * 4 * 3 + 2 * 3 + 1, [5, 4, 3]), "row 1, column 2, channel 1");
  assert.equal(address(5, [2, 3]), "neuron (1, 2)");
});

test("the lines of the raster are where its layers are", () => {
  const room = rasterRoom({ layers: ["a", "b"], sizes: [10, 5], bands: [[0, 0.5], [0.6, 1]], steps: 4 }, 502, 130);
  assert.deepEqual([room.left, room.right, room.column], [96, 496, 100]);
  assert.deepEqual(room.band(0), { top: 56, bottom: 106, row: 5 });
  assert.equal(room.band(1).top, 6);
});

test("a map of classes has a share for each class that is on it", () => {
  assert.deepEqual(classShares(new Uint16Array([2, 0, 2, 2])), [{ number: 0, share: 0.25 }, { number: 2, share: 0.75 }]);
  assert.deepEqual(classShares([]), []);
});

test("what all outputs were read as is told in Python's words", () => {
  const kind = { name: "kind", words: ["read as 1, which is right", "read as 0"] };
  const odd = { name: "", words: ["read as 1", "read as 0, in truth 1"] };
  assert.equal(told([kind, odd], 0), "kind read as 1, which is right; read as 1");
  assert.equal(told([odd], 1), "read as 0, in truth 1");
  assert.equal(told([], 0), "");
});
