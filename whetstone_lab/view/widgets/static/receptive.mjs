// @ts-check
// What a neuron hears: its incoming weights as a picture, and what they bring. Pure.

/** @typedef {import("./wave.mjs").Network} Network */
/** @typedef {import("./wave.mjs").Grid} Grid */
/** @typedef {import("./operations.mjs").Real} Real */
/** Weights in the cells of a grid, the inputs that they weigh, and the bias behind them. @typedef {{ grid: Grid, weights: Float64Array, arriving: Float64Array, bias: number }} Field */

/** How a value is laid out: one that was only given another shape as it was before. @param {Network} network @param {number} value @returns {Grid} */
function gridOf(network, value) {
  if (!value) return network.grid;
  const { kind, from, grid } = network.nodes[value - 1];
  return kind === "Reshape" ? gridOf(network, from[0]) : grid;
}

/** The incoming weights of a neuron; null where it has none of its own: where they lie behind a pool or a sum, or where it hears
 * the input itself. @param {Network} network @param {number} layer @param {number} neuron @param {Real[]} values of a wave @returns {Field | null} */
export function fieldOf(network, layer, neuron, values) {
  let [value] = network.nodes[network.layers[layer]].from;
  while (value && ["Reshape", "Rectify"].includes(network.nodes[value - 1].kind)) [value] = network.nodes[value - 1].from;
  const node = network.nodes[value - 1];
  if (node?.kind === "Dense") return denseField(network, node, neuron, values);
  if (node?.kind === "Conv2D") return convField(node, neuron, values);
  return null;
}

/** @param {Network} network @param {import("./wave.mjs").WaveNode} node @param {number} neuron @param {Real[]} values @returns {Field} */
function denseField(network, { from: [source], arrays }, neuron, values) {
  const { shape: [depth, width], values: weights } = arrays.weights;
  const [output, first] = [neuron % width, Math.floor(neuron / width) * depth];
  const whole = values[source].length === depth;
  return {
    grid: whole ? gridOf(network, source) : { map: [1, 1], across: Math.ceil(Math.sqrt(depth)), gap: 0, order: null, classes: 0 },
    weights: Float64Array.from({ length: depth }, (_, input) => weights[input * width + output]),
    arriving: Float64Array.from({ length: depth }, (_, input) => values[source][first + input]),
    bias: arrays.bias?.values[output] ?? 0,
  };
}

/** @param {import("./wave.mjs").WaveNode} node @param {number} neuron @param {Real[]} values @returns {Field} */
function convField({ from: [source], given: [[rows, columns, channels]], shape: [tall, wide, filters], options, arrays }, neuron, values) {
  const { shape: [down, along, depth], values: weights } = arrays.weights;
  const { strides, padding, dilation, groups } = options;
  const [filter, place] = [neuron % filters, Math.floor(neuron / filters)];
  const start = (/** @type {number} */ axis, /** @type {number} */ size, /** @type {number} */ taps, /** @type {number} */ count, /** @type {number} */ at) => {
    const spare = padding === "same" ? Math.max((count - 1) * strides[axis] + (taps - 1) * dilation[axis] + 1 - size, 0) : 0;
    return at * strides[axis] - Math.floor(spare / 2);
  };
  const [top, left] = [start(0, rows, down, tall, Math.floor(place / wide)), start(1, columns, along, wide, place % wide)];
  const first = Math.floor(filter / (filters / groups)) * depth;
  const [mine, arriving] = [new Float64Array(down * along * depth), new Float64Array(down * along * depth)];
  for (let cell = 0; cell < mine.length; cell++) {
    const [tap, channel] = [Math.floor(cell / depth), cell % depth];
    const [row, column] = [top + Math.floor(tap / along) * dilation[0], left + (tap % along) * dilation[1]];
    mine[cell] = weights[cell * filters + filter];
    if (row >= 0 && column >= 0 && row < rows && column < columns) arriving[cell] = values[source][(row * columns + column) * channels + first + channel];
  }
  return { grid: { map: [down, along], across: Math.ceil(Math.sqrt(depth)), gap: 1, order: null, classes: 0 }, weights: mine, arriving, bias: arrays.bias?.values[filter] ?? 0 };
}

/** The samples that drive a neuron most, the strongest first. @param {Float64Array} potentials @param {number} most */
export const favourites = (potentials, most) => Array.from(potentials.keys()).sort((a, b) => potentials[b] - potentials[a] || a - b).slice(0, most);

/** For how many samples of each class a neuron fires; a label may be of no class that the network reads. @param {Float64Array} potentials @param {number} threshold @param {number[]} labels @param {number} classes */
export function likedClasses(potentials, threshold, labels, classes) {
  const counted = Array.from({ length: classes }, () => ({ fires: 0, shown: 0 }));
  labels.forEach((label, which) => {
    const mine = counted[label];
    if (!mine) return;
    mine.shown += 1;
    if (potentials[which] >= threshold) mine.fires += 1;
  });
  return counted;
}
