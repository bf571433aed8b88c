// @ts-check
// The spikes of a sample as Python sends them.
import { integers } from "./bytes.mjs";

/** The spikes of one layer, by step and then by neuron: spike `i` is that of `neuron[i]` in `step[i]`. `first` has the steps in
 * which a neuron fires for the first time, in order, one for each neuron that fires.
 * @typedef {{ step: Uint32Array, neuron: Uint32Array, first: Uint32Array }} Fired */

/** All spikes, as Python sends them. @typedef {{ ends: number[], step: Events, layer: Events, neuron: Events }} Spikes */
/** @typedef {Uint8Array | Uint16Array | Uint32Array} Events */

/** Reads the spikes of all samples, once: to copy them again and again takes longer than to draw them.
 * @param {{ ends: number[], step: any, layer: any, neuron: any }} sent @returns {Spikes} */
export function readSpikes({ ends, step, layer, neuron }) {
  const count = ends[ends.length - 1] ?? 0;
  return { ends, step: integers(step, count), layer: integers(layer, count), neuron: integers(neuron, count) };
}

/** The spikes of one sample, layer by layer. What is kept grows with the spikes alone, however many layers and steps there are.
 * @param {Spikes} spikes @param {number} sample @param {number} layers
 * @returns {Fired[]} */
export function spikesOf({ ends, step, layer, neuron }, sample, layers) {
  const [start, end] = [sample ? ends[sample - 1] : 0, ends[sample]];
  const [counts, broad] = [new Uint32Array(layers), new Uint32Array(layers)];
  for (let event = start; event < end; event++) {
    counts[layer[event]] += 1;
    if (neuron[event] >= broad[layer[event]]) broad[layer[event]] = neuron[event] + 1;
  }
  const found = Array.from(counts, (count) => ({ step: new Uint32Array(count), neuron: new Uint32Array(count), first: new Uint32Array(0) }));
  counts.fill(0);
  for (let event = start; event < end; event++) {
    const [mine, at] = [found[layer[event]], counts[layer[event]]++];
    mine.step[at] = step[event];
    mine.neuron[at] = neuron[event];
  }
  found.forEach((mine, which) => (mine.first = firsts(mine, broad[which])));
  return found;
}

/** The steps in which neurons fire for the first time, in order. @param {{ step: Uint32Array, neuron: Uint32Array }} spikes @param {number} broad */
function firsts({ step, neuron }, broad) {
  const seen = new Uint8Array(broad);
  return step.filter((_, spike) => !seen[neuron[spike]] && (seen[neuron[spike]] = 1));
}

/** What share of the neurons and steps that fall into each cell of a grid fire there, as Python's `scenes.density`.
 * @param {{ step: ArrayLike<number>, neuron: ArrayLike<number> }} spikes @param {number} steps @param {number} neurons
 * @param {number} columns at most as many as there are steps @param {number} rows at most as many as there are neurons
 * @returns {Float32Array} row by row, the lowest neurons first */
export function density({ step, neuron }, steps, neurons, columns, rows) {
  const shares = new Float32Array(rows * columns);
  const [across, up] = [places(steps, columns), places(neurons, rows)];
  for (let spike = 0; spike < step.length; spike++) shares[up[neuron[spike]] * columns + across[step[spike]]] += 1;
  if (columns === steps && rows === neurons) return shares;
  const [wide, high] = [counted(across, columns), counted(up, rows)];
  for (let row = 0, cell = 0; row < rows; row++) for (let column = 0; column < columns; column++, cell++) shares[cell] /= wide[column] * high[row];
  return shares;
}

/** Into which of fewer parts each of some things falls. @param {number} things @param {number} parts */
const places = (things, parts) => Uint32Array.from({ length: things }, (_, thing) => Math.floor((thing * parts) / things));

/** How many fall into each part. @param {Uint32Array} where @param {number} parts */
function counted(where, parts) {
  const found = new Uint32Array(parts);
  for (const part of where) found[part] += 1;
  return found;
}

/** How many of some numbers in rising order are less than a limit. @param {Uint32Array} sorted @param {number} limit */
function below(sorted, limit) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many neurons of a layer have fired before a step. @param {Fired} fired @param {number} step */
export const firedBefore = ({ first }, step) => below(first, step);

/** The neurons of a layer that fire in a step. @param {Fired} fired @param {number} step */
export const firingAt = (fired, step) => fired.neuron.subarray(below(fired.step, step), below(fired.step, step + 1));
