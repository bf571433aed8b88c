import assert from "node:assert/strict";
import { test } from "node:test";

import { integers } from "../../whetstone_lab/view/widgets/static/bytes.mjs";
import { namedLayers, rasterRoom } from "../../whetstone_lab/view/widgets/static/raster_drawing.mjs";
import { classShares, matchWords, told } from "../../whetstone_lab/view/widgets/static/raster_reading.mjs";
import { address, firedBefore, firingAt, spikesOf } from "../../whetstone_lab/view/widgets/static/raster_spikes.mjs";

test("spikes are sorted by layer and step", () => {
  const spikes = {
    ends: [2, 6], step: new Uint16Array([0, 1, 0, 1, 1, 300]), layer: new Uint8Array([0, 1, 0, 1, 1, 1]), neuron: new Uint32Array([7, 1, 4, 0, 2, 2]),
  };
  const plain = (fired) => fired.map(({ step, neuron, first }) => [[...step], [...neuron], [...first]]);
  assert.deepEqual(plain(spikesOf(spikes, 0, 2)), [[[0], [7], [0]], [[1], [1], [1]]]);
  const [, upper] = spikesOf(spikes, 1, 2);
  assert.deepEqual(plain([upper]), [[[1, 1, 300], [0, 2, 2], [1, 1]]]);
  assert.deepEqual([0, 1, 2, 300].map((step) => [...firingAt(upper, step)]), [[], [0, 2], [], [2]]);
  assert.deepEqual([0, 1, 2, 999].map((step) => firedBefore(upper, step)), [0, 0, 2, 2]);
});

test("whole numbers are as wide as their bytes", () => {
  for (const kind of [Uint8Array, Uint16Array, Uint32Array]) {
    const numbers = new kind([3, 200, 7]);
    assert.deepEqual([...integers(new DataView(numbers.buffer), 3)], [3, 200, 7]);
  }
  assert.equal(integers(new DataView(new ArrayBuffer(0)), 0).length, 0);
  assert.throws(() => integers(new DataView(new ArrayBuffer(9)), 3), /Expected 3 whole numbers of 1, 2 or 4 bytes; got 9 bytes/);
});

test("of very many layers those are named that have room", () => {
  const room = (layers) => ({ band: (layer) => ({ top: 300 - ((layer + 1) * 300) / layers, bottom: 300 - (layer * 300) / layers }) });
  assert.deepEqual(namedLayers(room(3), 3), { every: 1, counted: true });
  assert.deepEqual(namedLayers(room(20), 20), { every: 1, counted: false });
  assert.deepEqual(namedLayers(room(300), 300), { every: 13, counted: false });
  assert.deepEqual(namedLayers(room(1), 1), { every: 1, counted: true });
  assert.equal(namedLayers(room(1), 0).every, 1);
});

test("votes are told in neurons", () => {
  assert.equal(matchWords(60, 100), "80 of 100 output neurons do as its key says, 20 do not: 80 − 20 = 60 votes");
  assert.equal(matchWords(-4, 10), "3 of 10 output neurons do as its key says, 7 do not: 3 − 7 = −4 votes");
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
