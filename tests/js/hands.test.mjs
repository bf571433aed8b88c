// What is behind the drawing pad and the fault bench, without a page.
import assert from "node:assert/strict";
import { test } from "node:test";

import { SOUND, asPython, damaged, differing, mostVoters, quantised, redundantReading, rounded, silenced, votingColumns } from "../../whetstone_lab/view/widgets/static/faults.mjs";
import { inked, pictured } from "../../whetstone_lab/view/widgets/static/ink.mjs";
import { layOut, neuronAt, placesOf, scrolled, scrolledTo, stepped } from "../../whetstone_lab/view/widgets/static/net_layout.mjs";
import { drawings, imageOf } from "../../whetstone_lab/view/widgets/static/pad.mjs";
import { favourites, fieldOf, likedClasses } from "../../whetstone_lab/view/widgets/static/receptive.mjs";
import { firingRates, sentSamples, slices } from "../../whetstone_lab/view/widgets/static/survey.mjs";
import { networkOf, wave } from "../../whetstone_lab/view/widgets/static/wave.mjs";

const DIGITS = { rows: 8, columns: 8, channels: 1, box: [8, 5.5], stretch: true, centre: "box", pen: 1.25, ink: 0.305 };
const MNIST = { rows: 28, columns: 28, channels: 1, box: [20, 20], stretch: false, centre: "mass", pen: 2.4, ink: null };
const ROW = { map: [1, 1], across: 4, gap: 0, order: null, classes: 0 };
const sum = (values) => values.reduce((total, value) => total + value, 0);
/** The first and last of rows or columns that hold ink. */
const extent = (pixels, columns, of) => {
  const found = [...pixels.keys()].filter((at) => pixels[at] > 0).map((at) => of(at, columns));
  return [Math.min(...found), Math.max(...found)];
};
const row = (at, columns) => Math.floor(at / columns);
const column = (at, columns) => at % columns;

test("a line inks the squares whose middle is near it, a point a disc", () => {
  assert.deepEqual([...inked([[0.5, 1.5, 3.5, 1.5]], 0.4, 3, 5)], [0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
  assert.equal(sum(inked([[2, 2]], 1, 4, 4)), 4);
});

test("a drawing is as high, as dark and in the middle as the digits are, wherever and however small it was drawn", () => {
  const three = [[0.3, 0.2, 0.6, 0.15, 0.65, 0.35, 0.45, 0.45, 0.65, 0.6, 0.6, 0.8, 0.3, 0.8]];
  const moved = three.map((stroke) => stroke.map((value, at) => 0.6 * value + (at % 2 ? 0.3 : 0.05)));
  const pictures = [three, moved].map((strokes) => pictured(strokes, DIGITS));
  for (const pixels of pictures) {
    assert.ok(Math.abs(sum(pixels) / 64 - 0.305) < 0.02, `ink ${sum(pixels) / 64}`);
    assert.deepEqual(extent(pixels, 8, row), [0, 7]);
    assert.deepEqual(extent(pixels, 8, column), [1, 6]);
    assert.ok(pixels.every((shade) => Number.isInteger(16 * shade)), "a pixel is a share of 16 squares");
  }
  assert.deepEqual(pictures[0], pictures[1]);
  // An upright line is no broader for it, but thicker.
  const one = pictured([[0.5, 0.1, 0.5, 0.9]], DIGITS);
  assert.deepEqual(extent(one, 8, column), [2, 5]);
});

test("as with MNIST a drawing keeps its proportions within 20x20 pixels, and its mass is in the middle", () => {
  const pixels = pictured([[0.4, 0.1, 0.4, 0.5], [0.4, 0.5, 0.6, 0.5]], MNIST);
  const [top, bottom] = extent(pixels, 28, row);
  assert.ok(Math.abs(bottom - top + 1 - 20) <= 1, `${top} to ${bottom}`);
  const centre = (of) => sum([...pixels].map((shade, at) => shade * (of(at, 28) + 0.5))) / sum(pixels);
  assert.ok(Math.abs(centre(row) - 14) <= 0.75 && Math.abs(centre(column) - 14) <= 0.75, `${centre(row)} ${centre(column)}`);
});

test("what is drawn may stay where it is, nothing is nothing, and a dot is no digit", () => {
  assert.equal(sum(pictured([], DIGITS)), 0);
  assert.deepEqual(extent(pictured([[0.1, 0.1, 0.2, 0.1]], DIGITS, true), 8, row), [0, 1]);
  assert.ok(sum(pictured([[0.5, 0.5]], DIGITS)) / 64 < 0.12);
});

const SENT = { count: 2, white: 16, values: new Uint8Array([0, 8, 16, 4, 0, 0, 0, 16]), labels: [1, 0] };
const plain = { zeros: (count) => new Float32Array(count) };

test("samples come back as they were, and a drawing lies on them", () => {
  const samples = sentSamples(SENT, plain, 4);
  assert.deepEqual([...samples.input(0)], [0, 0.5, 1, 0.25]);
  assert.deepEqual(samples.range, [0, 1]);
  const how = { ...DIGITS, rows: 2, columns: 2, pen: 0.5 };
  const drawing = drawings();
  drawing.load(1);
  assert.deepEqual([...imageOf(drawing.now, how, false, samples)], [0, 0, 0, 1]);
  drawing.begin(0.25, 0.25);
  const [first, ...others] = imageOf(drawing.now, how, false, samples);
  assert.ok(first > 0);
  assert.deepEqual(others, [0, 0, 1]);
  const doubles = sentSamples({ count: 1, white: 0, values: new Uint8Array(new Float64Array([0.1, -2]).buffer), labels: [] }, { zeros: (count) => new Float64Array(count) }, 2);
  assert.deepEqual([[...doubles.input(0)], doubles.range], [[0.1, -2], [-2, 0.1]]);
});

test("what was done to a drawing is taken back, line by line", () => {
  const drawing = drawings();
  assert.ok(drawing.empty && !drawing.undoable);
  drawing.begin(0, 0);
  drawing.extend(1, 1);
  drawing.begin(0.5, 0.5);
  drawing.clear();
  assert.ok(drawing.empty);
  drawing.undo();
  assert.deepEqual(drawing.now.strokes, [[0, 0, 1, 1], [0.5, 0.5]]);
  drawing.undo();
  assert.deepEqual(drawing.now.strokes, [[0, 0, 1, 1]]);
  drawing.load(3);
  assert.equal(drawing.now.sample, 3);
  drawing.undo();
  drawing.undo();
  assert.ok(drawing.empty && !drawing.undoable);
});

test("neurons lie in rows, maps side by side, and class by class", () => {
  const line = placesOf({ ...ROW, across: 2 }, 5);
  assert.deepEqual([[...line.row], [...line.column], line.rows, line.columns], [[0, 0, 1, 1, 2], [0, 1, 0, 1, 0], 3, 2]);
  const maps = placesOf({ map: [2, 2], across: 2, gap: 1, order: null, classes: 0 }, 12);
  assert.deepEqual([maps.rows, maps.columns], [5, 5]);
  assert.deepEqual([maps.row[0], maps.column[0], maps.row[1], maps.column[1], maps.row[2], maps.column[2]], [0, 0, 0, 3, 3, 0]);
  assert.deepEqual([maps.row[11], maps.column[11]], [4, 1]);
  const byClass = placesOf({ map: [1, 1], across: 2, gap: 0, order: [2, 0, 3, 1], classes: 2 }, 4);
  assert.deepEqual([[...byClass.row], [...byClass.column]], [[1, 0, 1, 0], [0, 0, 1, 1]]);
});

const LAYERS = [[256, 16, 0], [64, 8, 0], [100, 10, 10]].map(([count, across, classes]) => ({ places: placesOf({ ...ROW, across }, count), classes }));

test("a network fits its width, from one line to as many as it has layers", () => {
  for (const width of [340, 420, 700, 1200]) {
    const { blocks, votes, height } = layOut(LAYERS, 10, width);
    assert.equal(blocks.length, 3);
    for (const { left, top, width: wide, height: high } of blocks) assert.ok(left >= 0 && left + wide <= width + 0.5 && top + high <= height, `${width}: ${left} ${wide}`);
    assert.ok(votes.left + votes.width <= width + 0.5 && votes.width > 90, `${width}: ${votes.left} ${votes.width}`);
    assert.ok(votes.beside && Math.abs(votes.row - blocks[2].cell) < 1e-9, "a row of output neurons is a row of votes");
  }
  assert.equal(new Set(layOut(LAYERS, 10, 1200).blocks.map(({ top, height }) => top + height / 2)).size, 1, "in one line");
  assert.ok(layOut(LAYERS, 10, 380).blocks[2].top > layOut(LAYERS, 10, 380).blocks[0].top + 100);
  const forty = layOut(Array.from({ length: 40 }, () => LAYERS[1]), 3, 500);
  assert.ok(forty.blocks.every(({ left, width }) => left + width <= 500.5));
  assert.deepEqual(layOut([], 3, 500).blocks, []);
  const crowd = layOut(Array.from({ length: 40 }, () => LAYERS[1]), 0, 580, { tall: 68, most: 1 }).blocks;
  crowd.forEach(({ left, top, width, height, places, cell }, layer) => {
    assert.ok(left + width <= 580 && (!layer || left >= crowd[layer - 1].left + crowd[layer - 1].width) && height <= 68 + 1e-9);
    for (const neuron of [0, places.row.length - 1]) assert.deepEqual(neuronAt(crowd, left + (places.column[neuron] + 0.5) * cell, top + (places.row[neuron] + 0.5) * cell), { layer, neuron });
  });
  assert.ok(crowd.filter(({ room }) => room > 40).length >= 5, "some of them have room for their names");
  const uneven = layOut([...Array.from({ length: 40 }, () => ({ places: placesOf({ ...ROW, across: 6 }, 30), classes: 0 })), LAYERS[2]], 0, 580, { tall: 134, most: 1 }).blocks;
  const tops = uneven.map(({ top }) => top);
  assert.notEqual(tops[40], tops[0]);
  assert.ok(uneven.every(({ head }) => head === Math.min(...tops)), "no name runs into a layer that is higher than its own");
  const many = layOut([{ places: placesOf({ ...ROW, across: 2 }, 200), classes: 100 }], 24, 600);
  assert.ok(!many.votes.beside, "rows of a hundred classes are too low for numbers");
  const broad = layOut([LAYERS[0], { places: placesOf({ ...ROW, across: 100 }, 1000), classes: 10 }], 10, 640, { tall: 134, most: 1 });
  const { left, width } = broad.blocks[1];
  assert.ok(!broad.votes.beside && broad.votes.left >= left + width && broad.votes.left + broad.votes.width <= 640.5, "neurons of very broad rows leave room for the votes");
});

test("a picture stands before the layers, and where little height is left, all stand in one line as high as that", () => {
  const picture = placesOf({ map: [28, 28], across: 1, gap: 0, order: null, classes: 0 }, 784);
  for (const width of [300, 620]) {
    const { blocks, height } = layOut(LAYERS, 0, width, { picture, tall: 68, most: 1 });
    assert.deepEqual(blocks.map(({ layer }) => layer), [-1, 0, 1, 2]);
    assert.ok(height <= 68 + 36 + 14 && new Set(blocks.map(({ top, height: high }) => (top + high / 2).toFixed(6))).size === 1);
    blocks.forEach(({ left, width: wide, height: high, room }, which) => {
      assert.ok(high <= 68 + 1e-9 && left + wide <= width + 0.5);
      if (which) assert.ok(blocks[which - 1].left + blocks[which - 1].room <= left, "a name has room up to the next");
    });
  }
  const [shown, ...crowd] = layOut(Array.from({ length: 40 }, () => LAYERS[1]), 0, 580, { picture, tall: 68, most: 1 }).blocks;
  assert.ok(shown.width === 68 && shown.height === 68 && shown.room >= 80, "before very many layers it keeps its shape and the room for its name");
  crowd.forEach(({ left, width }, layer) => assert.ok(left >= (layer ? crowd[layer - 1].left + crowd[layer - 1].width : shown.room) && left + width <= 580));
  assert.ok(crowd[0].room > 40);
  const ofLayers = layOut(LAYERS, 0, 620, { picture, tall: 68, most: 1 }).blocks.filter(({ layer }) => layer >= 0);
  assert.equal(neuronAt(ofLayers, 4, 70), null, "a picture has no neurons");
  assert.deepEqual(stepped(ofLayers, { layer: 0, neuron: 0 }, "ArrowLeft"), { layer: 0, neuron: 0 });
});

test("more layers than a page has room for stand in a strip as high as one line, and one comes into sight", () => {
  const picture = placesOf({ map: [28, 28], across: 1, gap: 0, order: null, classes: 0 }, 784);
  const big = { places: placesOf({ map: [1, 1], across: 64, gap: 0, order: null, classes: 0 }, 4096), classes: 0 };
  for (const [width, bars] of [[390, 0], [390, 10], [420, 24]]) for (const count of [9, 12, 40]) {
    const layout = layOut([big, ...Array.from({ length: count - 1 }, () => LAYERS[1])], bars, width, { picture, strip: 68 });
    const { blocks, strip, votes, height } = layout;
    assert.ok(strip && height <= 36 + 14 + Math.max(68, bars * 15), `${height}`);
    assert.ok(blocks[0].layer === -1 && blocks[0].left + blocks[0].width <= strip.from && (!bars || (votes.left >= strip.to && votes.left + votes.width <= width)));
    blocks.slice(1).forEach(({ left, width: wide, height: high }, layer) => assert.ok(high <= 68 + 1e-9 && (!layer || left >= blocks[layer].left + blocks[layer].width) && wide <= strip.to - strip.from && left + wide <= strip.end + 1e-9));
    let by = 0;
    for (const layer of [0, 3, count - 1, 1]) {
      by = scrolledTo(layout, layer, by);
      const seen = scrolled(layout, by);
      const { left, width: wide } = seen.blocks.find((block) => block.layer === layer);
      assert.ok(by >= 0 && left >= strip.from && left + wide <= strip.to + 0.5 && seen.first <= layer && seen.last >= layer, `${width} ${layer}: ${left}`);
      assert.equal(scrolledTo(layout, layer, by), by, "it is in sight already");
    }
    assert.equal(seenPicture(scrolled(layout, by).blocks).left, 0, "the picture stays");
  }
  assert.equal(layOut(LAYERS, 0, 390, { picture, strip: 68 }).strip, undefined, "three layers stand in two lines");
  assert.ok(layOut(Array.from({ length: 40 }, () => LAYERS[1]), 0, 440, { picture, tall: 84, most: 1, strip: 84 }).strip, "too narrow for a crowd");
});
const seenPicture = (blocks) => blocks.find(({ layer }) => layer < 0);

test("keys go from neuron to neuron and from layer to layer, and a pointer means what is under it", () => {
  const { blocks } = layOut(LAYERS, 10, 1200);
  assert.deepEqual(stepped(blocks, null, "ArrowRight"), { layer: 0, neuron: 0 });
  assert.deepEqual(stepped(blocks, { layer: 0, neuron: 0 }, "ArrowRight"), { layer: 0, neuron: 1 });
  assert.deepEqual(stepped(blocks, { layer: 0, neuron: 0 }, "ArrowDown"), { layer: 0, neuron: 16 });
  assert.deepEqual(stepped(blocks, { layer: 0, neuron: 0 }, "ArrowLeft"), { layer: 0, neuron: 0 });
  const { layer, neuron } = stepped(blocks, { layer: 0, neuron: 15 + 8 * 16 }, "ArrowRight");
  assert.deepEqual([layer, neuron % 8], [1, 0]);
  assert.deepEqual(stepped(blocks, { layer: 1, neuron }, "ArrowLeft").layer, 0);
  assert.equal(stepped(blocks, { layer: 0, neuron: 0 }, "x"), null);
  for (const { layer: mine, left, top, cell, places } of blocks)
    assert.deepEqual(neuronAt(blocks, left + (places.column[7] + 0.5) * cell, top + (places.row[7] + 0.5) * cell), { layer: mine, neuron: 7 });
  assert.equal(neuronAt(blocks, -5, 5), null);
});

/** A network of two inputs, a dense layer and a convolution over nothing but itself. */
const node = (name, kind, from, shape, arrays, options = {}) => ({ name, kind, from, shape, step: 0, grid: { ...ROW }, options, arrays: Object.fromEntries(Object.entries(arrays).map(([key, [size, values]]) => [key, { shape: size, values: new Uint8Array(new Float32Array(values).buffer) }])) });
const small = networkOf({ dtype: "float32", input: [2, 2, 1], grid: { ...ROW, map: [2, 2] }, output: 5, readout: { kind: "spikes", key: null, threshold: 0 }, nodes: [
  node("conv", "Conv2D", [0], [2, 2, 2], { weights: [[2, 2, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8]], bias: [[2], [0.5, -0.5]] }, { strides: [1, 1], dilation: [1, 1], groups: 1, padding: "same" }),
  node("fires", "Neurons", [1], [2, 2, 2], { threshold: [[], [4]] }),
  node("flat", "Reshape", [2], [8], {}),
  node("dense", "Dense", [3], [2], { weights: [[8, 2], Array.from({ length: 16 }, (_, at) => at / 4)] }),
  node("output", "Neurons", [4], [2], { threshold: [[2], [1, 9]] }),
] });

test("a neuron's incoming weights, what they bring, and that they make its potential", () => {
  const sent = wave(small, [1, 0, 0.5, 2]);
  for (const [layer, count] of [[0, 8], [1, 2]])
    for (let neuron = 0; neuron < count; neuron++) {
      const { weights, arriving, bias } = fieldOf(small, layer, neuron, sent.values);
      assert.equal(sum([...weights].map((weight, at) => weight * arriving[at])) + bias, sent.potentials[layer][neuron], `${layer} ${neuron}`);
    }
  const { grid } = fieldOf(small, 1, 0, sent.values);
  assert.equal(grid, small.nodes[1].grid, "what was only flattened is shown as it was");
  const bare = { ...small, layers: [1], nodes: [small.nodes[0], { ...small.nodes[1], from: [0] }] };
  assert.equal(fieldOf(bare, 0, 0, sent.values), null);
});

test("what a neuron likes", () => {
  const potentials = Float64Array.from([0.1, 0.9, 0.9, -1, 0.5]);
  assert.deepEqual(favourites(potentials, 3), [1, 2, 4]);
  assert.deepEqual(likedClasses(potentials, 0.5, [7, 1, 1, -1, 7], 2), [{ fires: 0, shown: 0 }, { fires: 2, shown: 2 }]);
  assert.deepEqual(likedClasses(potentials, 0.5, [0, 1, 1, 0, 0], 3), [{ fires: 1, shown: 3 }, { fires: 2, shown: 2 }, { fires: 0, shown: 0 }]);
});

test("a hand kills and sticks neurons and silences inputs, whatever the seed did", () => {
  assert.equal(damaged(small, SOUND), small, "what is sound is not made anew");
  const fates = new Map([["0 0", "dead"], ["0 1", "stuck"], ["1 0", "dead"]]);
  const sent = wave(damaged(small, { ...SOUND, stuck: 0.99, seed: 2 }, fates), [9, 9, 9, 9]);
  assert.deepEqual([sent.fired[0][0], sent.fired[0][1], sent.fired[1][0]], [0, 1, 0]);
  const input = Float32Array.from([1, 2, 3, 4]);
  assert.equal(silenced(input, SOUND), input);
  assert.deepEqual([...silenced(input, SOUND, new Set([1]))], [1, 0, 3, 4]);
  assert.deepEqual([...silenced(input, { ...SOUND, silent: 1 })], [0, 0, 0, 0]);
});

test("weights of a few bits, halves to the even level as NumPy rounds", () => {
  assert.deepEqual([0.5, 1.5, 2.5, -0.5, -1.5, 0.49].map(rounded).map((value) => value + 0), [0, 2, 2, 0, -2, 0]);
  assert.deepEqual([...quantised(Float32Array.from([0.8, -0.4, 1, 0.5]), 2)].map((value) => value + 0), [1, 0, 1, 0]);
  assert.deepEqual([...quantised(new Float32Array(2), 4)], [0, 0]);
});

test("fewer neurons a class", () => {
  const key = [[1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1, 0]];
  assert.equal(mostVoters(key), 3);
  assert.deepEqual(votingColumns(key, 1), [0, 3]);
  assert.deepEqual(votingColumns(key, 2), [0, 1, 3, 4]);
  assert.deepEqual(votingColumns(key, 3), [0, 1, 2, 3, 4, 5, 6], "all of them, and those of no class too");
  assert.deepEqual(votingColumns([[1, 0, 1], [0, 1, 1]], 1), [0, 1]);
});

test("what fewer neurons a class read", () => {
  const read = redundantReading({ readout: { kind: "key", key: [[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]], threshold: 0 } });
  assert.deepEqual(read([0, 1, 1, 1, 0, 0]), [1, 0, 0], "of one neuron each, the one of the second class fires; on a tie the first wins");
  assert.deepEqual(redundantReading({ readout: { kind: "linear", key: null, threshold: 0 } })([1, 3, 2]), [1]);
});

test("the first neuron that differs is the first that fires, wherever its layer stands", () => {
  const network = { layers: [0, 1], nodes: [{ step: 1 }, { step: 0 }] };
  const layers = (...bits) => bits.map((each) => Uint8Array.from(each));
  const { first, differ } = differing(network, layers([1, 0], [0, 0, 1]), layers([0, 0], [0, 1, 0]));
  assert.deepEqual(first, { layer: 1, neuron: 1 });
  assert.deepEqual(differ.map((layer) => [...layer]), [[1, 0], [0, 1, 1]]);
  assert.equal(differing(network, layers([1], [0]), layers([1], [0])).first, null);
});

test("what the sliders broke, as Python breaks it", () => {
  assert.equal(asPython(SOUND), "");
  assert.equal(asPython({ ...SOUND, seed: 3, silent: 0.5 }), "");
  assert.equal(asPython({ ...SOUND, dead: 0.1, bits: 4, seed: 3 }), "Faults(dead=0.1, bits=4, seed=3)");
});

const scope = () => /** @type {any} */ ({ undo: [], over: false });

test("little work is told of as much is: once whoever began it has gone on", async () => {
  const told = [];
  slices(scope())(2, (which) => told.push(which), (done) => told.push(`${done} done`));
  assert.deepEqual(told, []);
  await null;
  assert.deepEqual(told, [0, 1, "2 done"]);
});

test("work that is begun anew, and that of a view that has gone, is never told of", async () => {
  const [told, here] = [[], scope()];
  const work = slices(here);
  work(1, () => told.push("old"), () => {});
  work(1, () => told.push("new"), () => {});
  await null;
  assert.deepEqual(told, ["new"]);
  work(1, () => told.push("late"), () => {});
  here.over = true;
  await null;
  assert.deepEqual(told, ["new"]);
});

test("how often neurons fire for a single sample is known after the view has been made", async () => {
  const node = { name: "fire", kind: "Neurons", from: [0], step: 1, shape: [2], grid: {}, options: {}, arrays: { threshold: { shape: [], values: new Uint8Array(new Float32Array([0.5]).buffer) } } };
  const network = networkOf({ dtype: "float32", input: [2], grid: {}, nodes: [node], output: 1, readout: { kind: "key", key: [[1, 0], [0, 1]], threshold: 0 } });
  const samples = sentSamples({ count: 1, white: 1, values: new Uint8Array([0, 1]), labels: [] }, network, 2);
  let view = null;
  const found = firingRates(scope(), network, samples, () => view.redraw());
  let drawn = 0;
  view = { redraw: () => (drawn += 1) };
  await null;
  assert.deepEqual([drawn, found.rates.map((layer) => [...layer])], [1, [[0, 1]]]);
});
