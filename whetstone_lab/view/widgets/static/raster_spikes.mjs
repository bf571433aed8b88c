// @ts-check
// The spikes of a sample as Python sends them, and the place of a neuron in words.
import { integers } from "./bytes.mjs";

/** The spikes of one layer, by step and then by neuron: spike `i` is that of `neuron[i]` in `step[i]`. `first` has the steps in
 * which a neuron fires for the first time, in order, one for each neuron that fires.
 * @typedef {{ step: Uint32Array, neuron: Uint32Array, first: Uint32Array }} Fired */

/** The spikes of one sample, layer by layer. What is kept grows with the spikes alone, however many layers and steps there are.
 * @param {{ ends: number[], step: any, layer: any, neuron: any }} spikes @param {number} sample @param {number} layers
 * @returns {Fired[]} */
export function spikesOf(spikes, sample, layers) {
  const count = spikes.ends[spikes.ends.length - 1] ?? 0;
  const [step, layer, neuron] = [spikes.step, spikes.layer, spikes.neuron].map((data) => integers(data, count));
  const [start, end] = [sample ? spikes.ends[sample - 1] : 0, spikes.ends[sample]];
  const found = Array.from({ length: layers }, () => ({ step: /** @type {number[]} */ ([]), neuron: /** @type {number[]} */ ([]) }));
  for (let event = start; event < end; event++) {
    found[layer[event]].step.push(step[event]);
    found[layer[event]].neuron.push(neuron[event]);
  }
  return found.map((mine) => {
    const seen = new Set();
    const first = mine.step.filter((_, spike) => seen.size < seen.add(mine.neuron[spike]).size);
    return { step: Uint32Array.from(mine.step), neuron: Uint32Array.from(mine.neuron), first: Uint32Array.from(first) };
  });
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

/** Where a neuron sits in its layer, in words. @param {number} neuron @param {number[]} shape */
export function address(neuron, shape) {
  if (shape.length < 2) return `neuron ${neuron}`;
  const place = [];
  let rest = neuron;
  for (const size of [...shape].reverse()) {
    place.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return shape.length === 3 ? `row ${place[0]}, column ${place[1]}, channel ${place[2]}` : `neuron (${place.join(", ")})`;
}
