// @ts-check
// The wave of spikes in the browser: what the simulator computes, from a network that Python sent (scenes/network.py). Nothing
// here draws.
//
// It gives the very spikes of Python. Where all sums are exact, as with weights in quarters, that holds also where a sum lies right
// on its threshold. Otherwise Python adds products in float32, in whatever order its library takes, and its sum of n terms lies
// within n u / (1 - n u) * sum |x_i w_i| of the true one (u = 2^-24); here it is true to the last digit but one of a double and
// rounded once. So a neuron could differ only if its potential is as close to its threshold as that, which is also how close two
// batch sizes in Python are to each other. tests/parity holds both sides together.
import { doubles, floats } from "./bytes.mjs";
import { votes, winner } from "./method.mjs";
import { OPERATIONS, broadcast, volume } from "./operations.mjs";

/** @typedef {import("./operations.mjs").Real} Real */
/** @typedef {import("./net_layout.mjs").Grid} Grid */
/** A node, with `thresholds`, one for each, where it holds neurons.
 * @typedef {import("./operations.mjs").Node & { name: string, kind: string, from: number[], step: number, grid: Grid, thresholds?: Real }} WaveNode */
/** How an output is read; `key` has a row of zeros and ones for each class. @typedef {{ kind: string, key: number[][] | null, threshold: number }} Readout */
/** A network: values are numbered, 0 for the input and number + 1 for the output of a node; `layers` are the numbers of the nodes
 * that hold neurons. @typedef {{ input: number[], grid: Grid, nodes: WaveNode[], layers: number[], output: number, readout: Readout, zeros: (count: number) => Real }} Network */
/** What comes anew with each wave: noise on the potentials of a layer, and which of its spikes arrive; null for none.
 * @typedef {{ noise: (layer: number) => Real | null, arrive: (layer: number) => Uint8Array | null }} Fleeting */

/** A network as Python sends it, unpacked. @param {any} sent @returns {Network} */
export function networkOf(sent) {
  const double = sent.dtype === "float64";
  const zeros = (/** @type {number} */ count) => (double ? new Float64Array(count) : new Float32Array(count));
  const shapes = [sent.input, ...sent.nodes.map((/** @type {any} */ node) => node.shape)];
  const nodes = sent.nodes.map((/** @type {any} */ node) => {
    /** @type {WaveNode["arrays"]} */
    const arrays = {};
    for (const [name, { shape, values }] of Object.entries(/** @type {Record<string, any>} */ (node.arrays))) arrays[name] = { shape, values: double ? doubles(values) : floats(values) };
    const thresholds = node.kind === "Neurons" ? broadcast(arrays.threshold, node.shape, zeros) : undefined;
    return { ...node, arrays, zeros, given: node.from.map((/** @type {number} */ value) => shapes[value]), thresholds };
  });
  const unknown = nodes.find((/** @type {WaveNode} */ { kind }) => kind !== "Neurons" && !OPERATIONS[kind]);
  if (unknown) throw new TypeError(`Expected an operation among ${Object.keys(OPERATIONS)}; got ${unknown.kind} in node ${unknown.name}.`);
  const layers = nodes.flatMap((/** @type {WaveNode} */ { kind }, /** @type {number} */ number) => (kind === "Neurons" ? [number] : []));
  return { input: sent.input, grid: sent.grid, nodes, layers, output: sent.output, readout: sent.readout, zeros };
}

/** Sends a wave of spikes through a network.
 * @param {Network} network @param {ArrayLike<number>} input one sample, flat
 * @param {{ fleeting?: Fleeting, upTo?: number }} [options] what comes anew; after which layer to stop
 * @returns {{ values: Real[], potentials: Real[], fired: Uint8Array[] }} all values by their number, and of each layer the membrane
 *   potentials before the reset and which neurons fired */
export function wave(network, input, { fleeting, upTo = Infinity } = {}) {
  const size = volume(network.input);
  if (input.length !== size) throw new RangeError(`Expected an input of ${size} values; got ${input.length}.`);
  const shown = network.zeros(size);
  shown.set(input);
  /** @type {{ values: Real[], potentials: Real[], fired: Uint8Array[] }} */
  const { values, potentials, fired } = { values: [shown], potentials: [], fired: [] };
  for (const node of network.nodes) {
    if (fired.length > upTo) break;
    const given = node.from.map((number) => values[number]);
    const [layer, { thresholds }] = [fired.length, node];
    if (!thresholds) {
      values.push(OPERATIONS[node.kind](node, given));
      continue;
    }
    const [noise, arrive] = [fleeting?.noise(layer), fleeting?.arrive(layer)];
    const potential = noise ? given[0].map((value, neuron) => value + noise[neuron]) : given[0];
    const spikes = new Uint8Array(thresholds.length);
    for (let neuron = 0; neuron < spikes.length; neuron++) spikes[neuron] = potential[neuron] >= thresholds[neuron] && (!arrive || arrive[neuron]) ? 1 : 0;
    potentials.push(potential);
    fired.push(spikes);
    const out = network.zeros(spikes.length);
    out.set(spikes);
    values.push(out);
  }
  return { values, potentials, fired };
}

/** What the output of a wave is read as: the votes, and the class that wins, or -1 where it stands for none.
 * @param {Network} network @param {Real} output */
export function reading({ readout: { kind, key, threshold }, zeros }, output) {
  if (kind === "key" && key) return decided(votes(output, key));
  if (kind === "linear" || kind === "softmax") return decided([...output]);
  if (kind === "spikes" || kind === "values") return { votes: kind === "values" ? [...output] : [], best: -1 };
  const [beyond] = zeros(1).fill(threshold).map((value) => output[0] - value);
  return decided([-beyond, beyond]);
}

/** @param {number[]} counted */
const decided = (counted) => ({ votes: counted, best: winner(counted) });
