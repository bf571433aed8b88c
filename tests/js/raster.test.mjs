import assert from "node:assert/strict";
import { test } from "node:test";

import { integers } from "../../whetstone_lab/view/widgets/static/bytes.mjs";
import { address } from "../../whetstone_lab/view/widgets/static/neurons.mjs";
import { namedLayers, rasterRoom, reachOf, shade, spikeGrid } from "../../whetstone_lab/view/widgets/static/raster_drawing.mjs";
import { classGroups } from "../../whetstone_lab/view/widgets/static/raster_order.mjs";
import { classShares, listedClasses, matchWords, told } from "../../whetstone_lab/view/widgets/static/raster_reading.mjs";
import { cursorAt, moved } from "../../whetstone_lab/view/widgets/static/raster_pointing.mjs";
import { density, firedBefore, firingAt, readSpikes, spikesOf } from "../../whetstone_lab/view/widgets/static/raster_spikes.mjs";
import { momentWords, stepTo } from "../../whetstone_lab/view/widgets/static/raster_transport.mjs";

test("spikes are sorted by layer and step", () => {
  const spikes = readSpikes({
    ends: [2, 6], step: new Uint16Array([0, 1, 0, 1, 1, 300]), layer: new Uint8Array([0, 1, 0, 1, 1, 1]), neuron: new Uint32Array([7, 1, 4, 0, 2, 2]),
  });
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
  const left = (size, width) => rasterRoom({ layers: ["a"], sizes: [size], bands: [[0, 1]], steps: 4 }, width, 130).left;
  assert.deepEqual([left(100, 400), left(4096, 400), left(4096, 900), left(262_144, 900)], [74, 87, 96, 109], "room for its count");
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

test("a grid tells what share of its neurons and steps fire in each cell", () => {
  const spikes = { step: [0, 0, 1, 3, 4], neuron: [0, 1, 4, 4, 4] };
  assert.deepEqual([...density(spikes, 5, 5, 5, 5)].map((share, cell) => share && [Math.floor(cell / 5), cell % 5]).filter(Boolean), [[0, 0], [1, 0], [4, 1], [4, 3], [4, 4]]);
  // Neurons 0 to 2 and 3 to 4, steps 0 to 2 and 3 to 4.
  assert.deepEqual([...density(spikes, 5, 5, 2, 2)].map((share) => Number(share.toFixed(4))), [0.2222, 0, 0.1667, 0.5]);
  const full = { step: Array.from({ length: 700 }, (_, spike) => spike % 7), neuron: Array.from({ length: 700 }, (_, spike) => Math.floor(spike / 7)) };
  for (const [columns, rows] of [[7, 100], [3, 100], [7, 33], [1, 1], [5, 60]]) assert.ok(density(full, 7, 100, columns, rows).every((share) => Math.abs(share - 1) < 1e-6));
  assert.equal(density({ step: [], neuron: [] }, 3, 3, 1, 1)[0], 0);
});

test("spikes that outnumber the pixels are drawn as a density", () => {
  const about = { layers: ["a"], sizes: [4096], bands: [[0, 1]], steps: 4 };
  const room = rasterRoom(about, 900, 340);
  const fired = (count, steps = 1) => ({ step: Array.from({ length: count }, (_, spike) => Math.floor((spike * steps) / count)) });
  const grid = spikeGrid(about, room, 0, fired(1000), 1);
  assert.deepEqual([grid.rows, grid.columns, grid.dense], [310, 4, true]);
  assert.equal(spikeGrid(about, room, 0, fired(1000), 2).rows, 620);
  assert.ok(!spikeGrid(about, room, 0, fired(100), 1).dense, "few of very many neurons are drawn one by one");
  assert.ok(!spikeGrid(about, room, 0, fired(300, 4), 1).dense);
  assert.ok(!spikeGrid({ ...about, sizes: [100] }, room, 0, fired(100), 1).dense, "each neuron has its row");
  const long = spikeGrid({ ...about, sizes: [100], steps: 5000 }, room, 0, fired(80_000, 5000), 1);
  assert.deepEqual([long.columns, long.dense], [798, true]);
  assert.ok(!spikeGrid({ ...about, sizes: [100], steps: 5000 }, room, 0, fired(2, 5000), 1).dense);
  const shades = [0, 0.001, 0.25, 1, 7].map(shade);
  assert.ok(shades[0] === 0 && shades[1] > 0.3 && shades[2] < 0.6 && shades[3] === 1 && shades[4] === 1);
});

test("a place on the raster and an arrow key lead to a neuron and a step", () => {
  const about = { layers: ["a", "b"], sizes: [10, 5], bands: [[0, 0.5], [0.6, 1]], steps: 4 };
  const room = rasterRoom(about, 502, 130);
  const fired = [{ step: new Uint32Array([2]), neuron: new Uint32Array([3]) }, { step: new Uint32Array(0), neuron: new Uint32Array(0) }];
  assert.deepEqual(cursorAt(about, room, fired, 350, 106 - 4.4 * 5), { layer: 0, step: 2, neuron: 4 });
  fired[0].neuron[0] = 0;
  assert.deepEqual(cursorAt(about, room, fired, 350, 106 - 0.5), { layer: 0, step: 2, neuron: 0 });
  assert.equal(cursorAt(about, room, fired, 20, 100), null);
  assert.equal(cursorAt(about, room, fired, 350, 53), null, "between two layers");
  assert.deepEqual(moved(about, null, "ArrowUp"), { layer: 0, neuron: 0, step: 0 });
  assert.deepEqual(moved(about, { layer: 0, neuron: 9, step: 3 }, "ArrowUp"), { layer: 1, neuron: 0, step: 3 });
  assert.deepEqual(moved(about, { layer: 1, neuron: 0, step: 3 }, "ArrowDown"), { layer: 0, neuron: 9, step: 3 });
  assert.deepEqual(moved(about, { layer: 1, neuron: 4, step: 3 }, "ArrowRight"), { layer: 1, neuron: 4, step: 3 });
  assert.equal(moved(about, null, "Enter"), null);
  assert.equal(moved({ ...about, layers: [] }, null, "ArrowUp"), null);
});

test("of very many classes the true one and the one decided are always listed", () => {
  const votes = Array.from({ length: 64 }, (_, number) => 64 - number);
  assert.deepEqual(listedClasses(votes, [], 3), [0, 1, 2]);
  assert.deepEqual(listedClasses(votes, [0, 63], 3), [0, 1, 63]);
  assert.deepEqual(listedClasses(votes, [0, undefined], 2), [0, 1]);
  assert.deepEqual(listedClasses([1, 5, 5], [], 9), [0, 1, 2]);
});

test("a pointer and keys mean the neuron that stands in a row, whatever the order", () => {
  const about = { layers: ["a", "b"], sizes: [10, 5], bands: [[0, 0.5], [0.6, 1]], steps: 4 };
  const [room, turned] = [rasterRoom(about, 502, 130), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]];
  const rows = [{ row: Uint32Array.from(turned), neuron: Uint32Array.from(turned) }, null];
  const fired = [{ step: new Uint32Array([2]), neuron: new Uint32Array([5]) }, { step: new Uint32Array(0), neuron: new Uint32Array(0) }];
  assert.deepEqual(cursorAt(about, room, fired, 150, 106 - 0.5, rows), { layer: 0, step: 0, neuron: 9 });
  assert.deepEqual(cursorAt(about, room, fired, 350, 106 - 4.5 * 5, rows), { layer: 0, step: 2, neuron: 5 }, "the spike in row 4");
  assert.deepEqual(moved(about, { layer: 0, neuron: 5, step: 0 }, "ArrowUp", rows), { layer: 0, neuron: 4, step: 0 });
  assert.deepEqual(moved(about, { layer: 0, neuron: 0, step: 0 }, "ArrowUp", rows), { layer: 1, neuron: 0, step: 0 });
  assert.deepEqual(moved(about, { layer: 1, neuron: 0, step: 0 }, "ArrowDown", rows), { layer: 0, neuron: 0, step: 0 });
  assert.deepEqual(moved(about, null, "ArrowUp", rows), { layer: 0, neuron: 9, step: 0 });
});

test("neurons that vote for the same class are a group", () => {
  assert.deepEqual(classGroups(null, [-1, 2, 2, 0, 1, 1]), [{ number: 2, from: 1, to: 3 }, { number: 0, from: 3, to: 4 }, { number: 1, from: 4, to: 6 }]);
  assert.deepEqual(classGroups(null, [-1]), []);
});

test("a wave goes on and back by whole steps, and by whole layers", () => {
  assert.deepEqual([0, 0.3, 1, 2.95, 3].map((at) => stepTo(at, 3, 1)), [1, 1, 2, 3, 1], "on from the end it begins anew");
  assert.deepEqual([0, 0.3, 1, 2.95, 3].map((at) => stepTo(at, 3, -1)), [0, 0, 0, 2, 2]);
  assert.equal(stepTo(0, 0, 1), 0);
  assert.deepEqual([0, 0.4, 2, 3].map((at) => momentWords(at, 3, "step")), ["0 of 3 steps", "step 0", "2 of 3 steps", "all steps"]);
  assert.deepEqual([0, 0.4, 2, 3].map((at) => momentWords(at, 3, "layer")), ["0 of 3 layers", "layer 1", "2 of 3 layers", "all layers"]);
  assert.deepEqual([0, 1, 2].map(reachOf(1.5, "layer", 8)), [8, 4, 0]);
  assert.deepEqual([0, 1, 2].map(reachOf(1.5, "step", 8)), [1.5, 1.5, 1.5]);
});
