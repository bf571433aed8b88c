// @ts-check
// What is wrong with the hardware that a network runs on, as in simulator/faults.py: the same seed hits the same neurons,
// thresholds and spikes. Besides, what a hand has done to single neurons and inputs, and class keys of fewer neurons.
import { votes, winner } from "./method.mjs";
import { generator } from "./random.mjs";
import { reading } from "./wave.mjs";

/** @typedef {import("./wave.mjs").Network} Network */
/** @typedef {import("./wave.mjs").Fleeting} Fleeting */
/** @typedef {import("./operations.mjs").Real} Real */
/** The faults, as the arguments of Faults in Python are called; `bits` is 0 for weights as they are. `silent` is the share of the
 * inputs that are always 0, drawn from the seed and 4.
 * @typedef {{ dead: number, stuck: number, jitter: number, noise: number, lost: number, bits: number, silent: number, seed: number }} Faults */
/** What a hand has done to neurons, by `${layer} ${neuron}`. @typedef {Map<string, "dead" | "stuck">} Fates */

/** Nothing is wrong. @type {Faults} */
export const SOUND = { dead: 0, stuck: 0, jitter: 0, noise: 0, lost: 0, bits: 0, silent: 0, seed: 0 };

/** Which of the draws comes from the seed and which number, as in Python; the last is the page's own. */
const [NOISE, LOST, JITTER, FATE, SILENT] = [0, 1, 2, 3, 4];

/** @param {number} count @param {() => number} draw */
const drawn = (count, draw) => Float64Array.from({ length: count }, draw);

/** To the nearest whole number, halves to the even one, as NumPy rounds. @param {number} value */
export function rounded(value) {
  const whole = Math.round(value); // halves go up
  return whole - value === 0.5 && whole % 2 ? whole - 1 : whole;
}

/** Weights rounded to 2^bits - 1 levels, as many below zero as above, up to the largest. @param {Real} weights @param {number} bits */
export function quantised(weights, bits) {
  let largest = 0;
  for (const weight of weights) largest = Math.max(largest, Math.abs(weight));
  if (!largest) return weights;
  const step = largest / (2 ** (bits - 1) - 1);
  return weights.map((weight) => rounded(weight / step) * step);
}

/** The network with the faults that last. @param {Network} network @param {Faults} faults @param {Fates} [fates] @returns {Network} */
export function damaged(network, faults, fates = new Map()) {
  if (!(faults.dead || faults.stuck || faults.jitter || faults.bits || fates.size)) return network;
  let layer = -1;
  const never = network.zeros(0) instanceof Float32Array ? 3.4028234663852886e38 : Number.MAX_VALUE;
  const nodes = network.nodes.map((node) => {
    const { weights } = node.arrays;
    if (weights && faults.bits) return { ...node, arrays: { ...node.arrays, weights: { ...weights, values: quantised(weights.values, faults.bits) } } };
    if (!node.thresholds) return node;
    layer += 1;
    const count = node.thresholds.length;
    const jitter = faults.jitter ? drawn(count, generator([faults.seed, JITTER, layer]).normal) : null;
    const fate = faults.dead || faults.stuck ? drawn(count, generator([faults.seed, FATE, layer]).random) : null;
    const thresholds = node.thresholds.map((threshold, neuron) => {
      const byHand = fates.get(`${layer} ${neuron}`);
      if (byHand) return byHand === "dead" ? never : -never;
      if (fate && fate[neuron] >= 1 - faults.stuck) return -never;
      if (fate && fate[neuron] < faults.dead) return never;
      return jitter ? threshold + faults.jitter * jitter[neuron] : threshold;
    });
    return { ...node, thresholds };
  });
  return { ...network, nodes };
}

/** Uniform numbers that are kept for the next time at the most; each takes 8 bytes. */
const REMEMBERED = 2_000_000;

/** The faults that come anew with each wave. What was drawn from a seed is kept, for only the shares change under a slider.
 * @param {Network} network */
export function fleetingFaults(network) {
  const sizes = network.layers.map((number) => network.nodes[number].thresholds?.length ?? 0);
  let [seed, kept] = [-1, 0];
  /** @type {Map<string, Float64Array>} */
  const memory = new Map();
  /** @param {number} what @param {number} layer @param {number} sample @param {"random" | "normal"} kind */
  function draws(what, layer, sample, kind) {
    const name = `${what} ${layer} ${sample}`;
    const known = memory.get(name);
    if (known) return known;
    const fresh = drawn(sizes[layer], generator([seed, what, layer, sample])[kind]);
    if ((kept += sizes[layer]) <= REMEMBERED) memory.set(name, fresh);
    return fresh;
  }
  /** What comes anew when a sample is shown, by its number; undefined for nothing.
   * @param {Faults} faults @param {number} sample @returns {Fleeting | undefined} */
  return (faults, sample) => {
    const { noise, lost } = faults;
    if (!noise && !lost) return undefined;
    if (faults.seed !== seed) [seed, kept] = [faults.seed, (memory.clear(), 0)];
    return {
      noise: (layer) => (noise ? network.zeros(sizes[layer]).map((_, neuron) => noise * draws(NOISE, layer, sample, "normal")[neuron]) : null),
      arrive: (layer) => (lost ? Uint8Array.from(draws(LOST, layer, sample, "random"), (draw) => (draw >= lost ? 1 : 0)) : null),
    };
  };
}

/** A sample some of whose inputs are silent: a share of them, and those that a hand has silenced.
 * @param {Real} input @param {Faults} faults @param {Set<number>} [byHand] @returns {Real} */
export function silenced(input, { silent, seed }, byHand = new Set()) {
  if (!silent && !byHand.size) return input;
  const fate = silent ? drawn(input.length, generator([seed, SILENT]).random) : null;
  return input.map((value, place) => (byHand.has(place) || (fate && fate[place] < silent) ? 0 : value));
}

/** How many neurons fire for the class that has most of them in a class key. @param {number[][]} key */
export const mostVoters = (key) => Math.max(...key.map((row) => row.reduce((total, bit) => total + bit, 0)));

/** The columns of a class key that are left when each class keeps only its first neurons; all, where it keeps as many as it has.
 * @param {number[][]} key @param {number} voters neurons a class, at least 1 */
export function votingColumns(key, voters) {
  const all = key[0].map((_, column) => column);
  if (voters >= mostVoters(key)) return all;
  const kept = new Set(key.flatMap((row) => all.filter((column) => row[column]).slice(0, voters)));
  return all.filter((column) => kept.has(column));
}

/** Which class an output is read as when each class keeps only its first neurons: one, two and so on up to as many as it has. Where no
 * key reads the output there is one answer. @param {Network} network @returns {(output: Real) => number[]} */
export function redundantReading(network) {
  const { key } = network.readout;
  if (!key) return (output) => [reading(network, output).best];
  const kept = Array.from({ length: mostVoters(key) }, (_, fewer) => votingColumns(key, fewer + 1));
  const keys = kept.map((columns) => key.map((row) => columns.map((column) => row[column])));
  return (output) => kept.map((columns, fewer) => winner(votes(columns.map((column) => output[column]), keys[fewer])));
}

/** The first neuron, in the order in which they fire, that does in one wave what it does not in another, and all that differ.
 * @param {Network} network @param {Uint8Array[]} sound @param {Uint8Array[]} broken */
export function differing(network, sound, broken) {
  const differ = sound.map((layer, which) => layer.map((spike, neuron) => (spike === broken[which][neuron] ? 0 : 1)));
  const order = differ.map((_, layer) => layer).sort((a, b) => network.nodes[network.layers[a]].step - network.nodes[network.layers[b]].step || a - b);
  const layer = order.find((which) => differ[which].includes(1));
  return { differ, first: layer === undefined ? null : { layer, neuron: differ[layer].indexOf(1) } };
}

/** The slider's faults as Python has them, such as "Faults(dead=0.1, seed=3)"; empty for none. @param {Faults} faults */
export function asPython(faults) {
  const named = ["dead", "stuck", "jitter", "noise", "lost", "bits"].flatMap((name) => {
    const value = faults[/** @type {keyof Faults} */ (name)];
    return value ? [`${name}=${value}`] : [];
  });
  return named.length ? `Faults(${[...named, ...(faults.seed ? [`seed=${faults.seed}`] : [])].join(", ")})` : "";
}
