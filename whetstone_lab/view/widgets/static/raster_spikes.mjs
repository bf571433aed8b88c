// @ts-check
// The spikes of a sample as Python sends them, and the place of a neuron in words.
import { bytes, integers, shorts } from "./bytes.mjs";

/** The spikes of one sample: for each layer and step, which neurons fired.
 * @param {{ ends: number[], step: any, layer: any, neuron: any }} spikes @param {number} sample
 * @param {number} layers @param {number} steps @returns {number[][][]} */
export function spikesOf(spikes, sample, layers, steps) {
  const found = Array.from({ length: layers }, () => Array.from({ length: steps }, () => /** @type {number[]} */ ([])));
  const [step, layer, neuron] = [shorts(spikes.step), bytes(spikes.layer), integers(spikes.neuron)];
  for (let event = sample ? spikes.ends[sample - 1] : 0; event < spikes.ends[sample]; event++) found[layer[event]][step[event]].push(neuron[event]);
  return found;
}

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
