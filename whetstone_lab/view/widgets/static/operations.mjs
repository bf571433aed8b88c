// @ts-check
// What a network is made of, kind by kind, as in simulator/operations: shapes are without the axis of samples, channels last.
//
// Sums of products are added up in double precision and rounded to the network's type once, before the bias is added: no order of
// float32 comes closer to the true sum. Everything else is rounded as it is in Python, after each step and in Python's order.

/** @typedef {Float32Array | Float64Array} Real */
/** @typedef {{ shape: number[], values: Real }} Numbers */
/** What a node needs to know to be computed. `shape` is that of its output, `given` are those of its inputs.
 * @typedef {{ shape: number[], given: number[][], options: Record<string, any>, arrays: Record<string, Numbers>, zeros: (count: number) => Real }} Node */
/** @typedef {(node: Node, inputs: Real[]) => Real} Operation */

/** How many values have a shape. @param {number[]} shape */
export const volume = (shape) => shape.reduce((product, length) => product * length, 1);

/** The windows of convolutions and pools along rows or columns: how many there are, and the padding before the first.
 * @param {number} size @param {number} taps @param {number} stride @param {string} padding @param {number} [gap] from tap to tap */
export function windows(size, taps, stride, padding, gap = 1) {
  const span = (taps - 1) * gap + 1;
  const count = padding === "same" ? Math.ceil(size / stride) : Math.floor((size - span) / stride) + 1;
  return { count, before: padding === "same" ? Math.floor(Math.max((count - 1) * stride + span - size, 0) / 2) : 0 };
}

/** An array repeated along the axes that it lacks, so that it has a value for each place. @param {Numbers} numbers @param {number[]} shape @param {(count: number) => Real} zeros */
export function broadcast({ shape: small, values }, shape, zeros) {
  const out = zeros(volume(shape));
  const lacking = shape.length - small.length;
  for (let place = 0; place < out.length; place++) {
    let [rest, at, pace] = [place, 0, 1];
    for (let axis = shape.length - 1; axis >= lacking; axis--) {
      const length = small[axis - lacking];
      if (length > 1) at += (rest % shape[axis]) * pace;
      pace *= length;
      rest = Math.floor(rest / shape[axis]);
    }
    out[place] = values[at];
  }
  return out;
}

/** Rounds sums to the type of the network, and then adds the bias, if there is one. @param {Float64Array} sums @param {Node} node */
function withBias(sums, { arrays: { bias }, zeros }) {
  const out = zeros(sums.length);
  out.set(sums);
  const width = bias?.values.length;
  if (width) for (let at = 0; at < out.length; at++) out[at] += bias.values[at % width];
  return out;
}

/** @type {Operation} */
function dense(node, [x]) {
  const { shape: [depth, width], values: weights } = node.arrays.weights;
  const sums = new Float64Array((x.length / depth) * width);
  for (let at = 0; at < x.length; at++) {
    const value = x[at];
    if (!value) continue;
    const [to, from] = [Math.floor(at / depth) * width, (at % depth) * width];
    for (let o = 0; o < width; o++) sums[to + o] += value * weights[from + o];
  }
  return withBias(sums, node);
}

/** @type {Operation} */
function conv(node, [x]) {
  const { given: [[rows, columns, channels]], shape: [tall, wide, filters], options: { strides, padding, dilation, groups } } = node;
  const { shape: [down, along, depth], values: weights } = node.arrays.weights;
  const sums = new Float64Array(tall * wide * filters);
  const [top, left] = [windows(rows, down, strides[0], padding, dilation[0]).before, windows(columns, along, strides[1], padding, dilation[1]).before];
  const broad = filters / groups;
  for (let place = 0; place < tall * wide; place++) {
    const [high, far] = [Math.floor(place / wide) * strides[0] - top, (place % wide) * strides[1] - left];
    for (let tap = 0; tap < down * along; tap++) {
      const [row, column] = [high + Math.floor(tap / along) * dilation[0], far + (tap % along) * dilation[1]];
      if (row < 0 || column < 0 || row >= rows || column >= columns) continue;
      const from = (row * columns + column) * channels;
      for (let channel = 0; channel < channels; channel++) {
        const value = x[from + channel];
        if (!value) continue;
        // Filters see the channels of their own group alone.
        const first = Math.floor(channel / depth) * broad;
        const [kernel, to] = [(tap * depth + (channel % depth)) * filters + first, place * filters + first];
        for (let filter = 0; filter < broad; filter++) sums[to + filter] += value * weights[kernel + filter];
      }
    }
  }
  return withBias(sums, node);
}

/** @type {Operation} */
function convTranspose(node, [x]) {
  const { given: [[rows, columns, channels]], shape: [tall, wide, filters], options: { strides, dilation, start } } = node;
  const { shape: [down, along], values: weights } = node.arrays.weights;
  const sums = new Float64Array(tall * wide * filters);
  for (let at = 0; at < x.length; at++) {
    const [value, channel, place] = [x[at], at % channels, Math.floor(at / channels)];
    if (!value || place >= rows * columns) continue;
    const [high, far] = [Math.floor(place / columns) * strides[0] - start[0], (place % columns) * strides[1] - start[1]];
    for (let tap = 0; tap < down * along; tap++) {
      const [row, column] = [high + Math.floor(tap / along) * dilation[0], far + (tap % along) * dilation[1]];
      if (row < 0 || column < 0 || row >= tall || column >= wide) continue;
      const [kernel, to] = [(tap * channels + channel) * filters, (row * wide + column) * filters];
      for (let filter = 0; filter < filters; filter++) sums[to + filter] += value * weights[kernel + filter];
    }
  }
  return withBias(sums, node);
}

/** What each window of a pool sees of each channel, tap by tap: `visit` hears of the place in the output and that in the input.
 * @param {Node} node @param {(to: number, from: number) => void} visit @returns {Uint32Array} how many taps of each window lie on the image */
function pooled({ given: [[rows, columns, channels]], shape: [tall, wide], options: { size, strides, padding } }, visit) {
  const [top, left] = [windows(rows, size[0], strides[0], padding).before, windows(columns, size[1], strides[1], padding).before];
  const seen = new Uint32Array(tall * wide);
  for (let place = 0; place < tall * wide; place++) {
    for (let tap = 0; tap < size[0] * size[1]; tap++) {
      const [row, column] = [Math.floor(place / wide) * strides[0] - top + Math.floor(tap / size[1]), (place % wide) * strides[1] - left + (tap % size[1])];
      if (row < 0 || column < 0 || row >= rows || column >= columns) continue;
      seen[place] += 1;
      for (let channel = 0; channel < channels; channel++) visit(place * channels + channel, (row * columns + column) * channels + channel);
    }
  }
  return seen;
}

/** @type {Operation} */
function maxPool(node, [x]) {
  const out = node.zeros(volume(node.shape)).fill(-Infinity);
  pooled(node, (to, from) => x[from] > out[to] && (out[to] = x[from]));
  return out;
}

/** @type {Operation} */
function averagePool(node, [x]) {
  const out = node.zeros(volume(node.shape)); // rounds after each tap
  const seen = pooled(node, (to, from) => (out[to] += x[from]));
  return out.map((total, at) => total / seen[Math.floor(at / node.shape[2])]);
}

/** @type {Operation} */
function globalMax({ given: [[, , channels]], zeros }, [x]) {
  const out = zeros(channels).fill(-Infinity);
  x.forEach((value, at) => value > out[at % channels] && (out[at % channels] = value));
  return out;
}

/** @type {Operation} */
function globalAverage({ given: [[rows, columns, channels]], zeros }, [x]) {
  const [sums, out] = [new Float64Array(channels), zeros(channels)];
  x.forEach((value, at) => (sums[at % channels] += value));
  out.set(sums);
  return out.map((total) => total / (rows * columns));
}

/** @type {Operation} */
function permute({ given: [given], shape, options: { axes }, zeros }, [x]) {
  const out = zeros(x.length);
  const pace = given.map((_, axis) => volume(given.slice(axis + 1)));
  for (let place = 0; place < out.length; place++) {
    let [rest, from] = [place, 0];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += (rest % shape[axis]) * pace[axes[axis]];
      rest = Math.floor(rest / shape[axis]);
    }
    out[place] = x[from];
  }
  return out;
}

/** An image whose places come from others of the input, or are 0. @param {Node} node @param {Real} x @param {(row: number) => number} rowOf @param {(column: number) => number} columnOf */
function shifted({ given: [[rows, columns, channels]], shape: [tall, wide], zeros }, x, rowOf, columnOf) {
  const out = zeros(tall * wide * channels);
  for (let place = 0; place < tall * wide; place++) {
    const [row, column] = [rowOf(Math.floor(place / wide)), columnOf(place % wide)];
    if (row < 0 || column < 0 || row >= rows || column >= columns) continue;
    const from = (row * columns + column) * channels;
    out.set(x.subarray(from, from + channels), place * channels);
  }
  return out;
}

/** @type {Operation} */
function concatenate({ given, shape, options, zeros }, inputs) {
  const axis = options.axis < 0 ? shape.length + options.axis : options.axis;
  const out = zeros(volume(shape));
  const runs = inputs.map((_, which) => volume(given[which].slice(axis))); // so many values of each stand side by side
  let to = 0;
  for (let part = 0; to < out.length; part++)
    inputs.forEach((x, which) => {
      out.set(x.subarray(part * runs[which], (part + 1) * runs[which]), to);
      to += runs[which];
    });
  return out;
}

/** @type {Operation} */
function scale({ shape, arrays: { factor, offset }, zeros }, [x]) {
  const [factors, offsets] = [broadcast(factor, shape, zeros), broadcast(offset, shape, zeros)];
  const out = x.map((value, at) => value * factors[at]); // rounds after the product, and again after the sum
  return out.map((value, at) => value + offsets[at]);
}

/** @type {Operation} */
function add(_, [first, ...more]) {
  const out = first.slice();
  for (const x of more) for (let at = 0; at < out.length; at++) out[at] += x[at];
  return out;
}

/** Kind of an operation, by the name that files have for it -> what it does. Neurons are wave.mjs's.
 * @type {Record<string, Operation>} */
export const OPERATIONS = {
  Dense: dense, Conv2D: conv, Conv2DTranspose: convTranspose, MaxPool2D: maxPool, AveragePool2D: averagePool,
  GlobalMaxPool2D: globalMax, GlobalAveragePool2D: globalAverage, Permute: permute, Concatenate: concatenate, Scale: scale, Add: add,
  Reshape: (_, [x]) => x,
  Rectify: (_, [x]) => x.map((value) => Math.max(value, 0)),
  Pad2D: (node, [x]) => shifted(node, x, (row) => row - node.options.rows[0], (column) => column - node.options.columns[0]),
  UpSample2D: (node, [x]) => shifted(node, x, (row) => Math.floor(row / node.options.size[0]), (column) => Math.floor(column / node.options.size[1])),
};
