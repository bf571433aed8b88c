// @ts-check
// Which neurons do otherwise in two waves of one picture, each through a network of its own. Pure.
import { bytes } from "./bytes.mjs";
import { along, firingOf, outputPart, passedOf } from "./lab_raster.mjs";
import { address } from "./neurons.mjs";
import { many } from "./numbers.mjs";

/** @typedef {import("./lab_raster.mjs").Wave} Wave */
/** @typedef {import("./lab_raster.mjs").Moment} Moment */
/** @typedef {import("./net_drawing.mjs").Neuron} Neuron */

/** A layer that both networks have: the step, counted from 1, in which each neuron first does otherwise, 0 where it never does, and
 * whether it fires then here. @typedef {{ since: Uint32Array, here: Uint8Array }} Parting */

/** Of each layer where its neurons part, null from the first on that the other network has not alike; and all that differ, in the order in which they
 * do. @typedef {{ layers: (Parting | null)[], all: (Neuron & { step: number })[] }} Differences */

/** Layers up to this many are told of one by one. */
const TOLD = 4;

/** @param {Wave} mine @param {Wave} other @returns {Differences} */
export function differencesOf(mine, other) {
  /** @type {Differences} */
  const found = { layers: [], all: [] };
  let alike = true; // a neuron is known by what it listens to: above a layer that is another, none can be told from another
  mine.about.sizes.forEach((/** @type {number} */ size, /** @type {number} */ layer) => {
    alike &&= String(mine.about.shapes[layer]) === String(other.about.shapes[layer]);
    found.layers.push(alike ? parting(mine.fired[layer], other.fired[layer], size, (neuron, step) => found.all.push({ layer, neuron, step })) : null);
  });
  found.all.sort((a, b) => a.step - b.step || a.layer - b.layer);
  return found;
}

/** The spikes of two layers, which are in order, are gone through side by side.
 * @param {import("./raster_spikes.mjs").Fired} mine @param {import("./raster_spikes.mjs").Fired} other @param {number} size
 * @param {(neuron: number, step: number) => void} note called once for each neuron that differs @returns {Parting} */
function parting(mine, other, size, note) {
  const [since, here] = [new Uint32Array(size), new Uint8Array(size)];
  const place = (/** @type {import("./raster_spikes.mjs").Fired} */ { step, neuron }, /** @type {number} */ at) => (at < step.length ? step[at] * size + neuron[at] : Infinity);
  for (let [a, b] = [0, 0]; a < mine.step.length || b < other.step.length; ) {
    const [one, two] = [place(mine, a), place(other, b)];
    const neuron = Math.min(one, two) % size;
    const step = Math.floor(Math.min(one, two) / size);
    if (one !== two && !since[neuron]) [since[neuron], here[neuron]] = [step + 1, Number(one < two)], note(neuron, step);
    if (one <= two) a += 1;
    if (two <= one) b += 1;
  }
  return { since, here };
}

/** The same from the other side. @param {Differences} differences @returns {Differences} */
export const turned = ({ layers, all }) => ({ all, layers: layers.map((parts) => parts && { since: parts.since, here: parts.here.map((fires) => 1 - fires) }) });

/** What differs as far as a wave has come: a byte for each neuron of each layer, all of them in order, and the first.
 * @param {Differences} differences @param {Moment} moment @param {any} about of the wave that goes further */
export function differingAt({ layers, all }, moment, about) {
  const reach = passedOf(moment, about);
  const known = all.filter(({ layer, step }) => step < reach(layer));
  const marks = layers.map((parts) => parts && new Uint8Array(parts.since.length));
  for (const { layer, neuron } of known) /** @type {Uint8Array} */ (marks[layer])[neuron] = 1;
  return { marks, known, first: known[0] ?? null };
}

/** Which of the neurons that differ comes before or after one; from another place, the last or the first of them.
 * @param {Neuron[]} known @param {{ layer: number | null, neuron: number | null }} from @param {1 | -1} by @returns {Neuron | null} */
export function besides(known, from, by) {
  if (!known.length) return null;
  const at = placeOf(known, from);
  const { layer, neuron } = known[at < 0 ? (by > 0 ? 0 : known.length - 1) : (at + by + known.length) % known.length];
  return { layer, neuron };
}

/** @param {Neuron[]} known @param {{ layer: number | null, neuron: number | null }} one */
const placeOf = (known, one) => known.findIndex(({ layer, neuron }) => layer === one.layer && neuron === one.neuron);

/** Whether two runs are shown the same picture. @param {any} mine the pictures of one, as Python sends them @param {any} other @param {number} sample */
export function samePicture(mine, other, sample) {
  if (String(mine.shape) !== String(other.shape) || sample >= Math.min(mine.count, other.count) || mine.truth?.[sample] !== other.truth?.[sample]) return false;
  if (!mine.shape) return true;
  const size = mine.shape.reduce((/** @type {number} */ all, /** @type {number} */ side) => all * side, 1);
  const [one, two] = [mine, other].map(({ values }) => bytes(values).subarray(sample * size, (sample + 1) * size));
  return one.every((value, at) => value === two[at]);
}

/** What is to be said of two runs that are shown one picture. @param {Wave | null} mine @param {Wave | null} other
 * @param {Differences | null} differences null where they are shown different pictures @param {string} name of the other @param {Moment} [moment] by default the end */
export function pairWords(mine, other, differences, name, moment = { step: null, unit: "step" }) {
  if (!mine || !other) return "";
  if (!differences) return "The two are shown different pictures, so their neurons cannot be compared one by one.";
  const { layers, sizes } = mine.about;
  const counts = differences.layers.map((parts) => parts && parts.since.reduce((sum, step) => sum + Number(step > 0), 0));
  const [total, shared] = [differences.all.length, counts.filter((count) => count !== null).length];
  const ofLayer = (/** @type {number} */ layer) => `${counts[layer]} of ${many(sizes[layer], "neuron")} of ${layers[layer]}`;
  const found = !shared ? "The two networks have other layers, so their neurons cannot be compared one by one."
    : !total ? `Every neuron${shared < Math.max(layers.length, other.about.layers.length) ? " that both have" : ""} does the same in both.`
      : `For this picture they differ in ${shared <= TOLD ? counts.flatMap((count, layer) => (count === null ? [] : [ofLayer(layer)])).join(", ") : `${many(total, "neuron")} of ${counts.filter(Boolean).length} of ${shared} layers, first in ${ofLayer(differences.all[0].layer)}`}.`;
  const others = [mine, other].flatMap(({ about }) => about.layers.filter((/** @type {string} */ _, /** @type {number} */ layer) => !differences.layers[layer])).length;
  return [found, shared && others ? "Other layers are not the same in both, and are not compared." : "", verdictWords(mine, other, name, moment)].filter(Boolean).join(" ");
}

/** What each of them reads, once both have read. @param {Wave} mine @param {Wave} other @param {string} name @param {Moment} moment */
function verdictWords(mine, other, name, moment) {
  const [here, there] = [mine, other].map(({ about }) => (outputPart(moment, about) < 1 ? undefined : about.readings[0]?.classes?.[0]));
  if (typeof here !== "number" || typeof there !== "number") return "";
  return here === there ? `Both read ${here}.` : `This run reads ${here}, ${name} reads ${there}.`;
}

/** What a neuron does in both. @param {{ layer: number | null, neuron: number | null }} at @param {Wave | null} mine @param {Wave | null} other
 * @param {Differences | null} differences @param {Neuron[]} known those that differ so far @param {string} name of the other @param {Moment} moment */
export function neuronWords(at, mine, other, differences, known, name, moment) {
  const { layer, neuron } = at;
  const parts = layer === null ? null : differences?.layers[layer];
  if (!mine || !other || layer === null || neuron === null || !parts || neuron >= parts.since.length) return "";
  const [here, there] = [mine, other].map((wave) => firingOf(wave, moment)[layer]?.[neuron]);
  const where = `${mine.about.layers[layer]}, ${address(neuron, mine.about.shapes[layer])}`;
  if (here === undefined || there === undefined) return `${where}: not run yet.`;
  const place = placeOf(known, { layer, neuron });
  const does = here && there ? "fires in both" : here ? `fires in this run, silent in ${name}` : there ? `silent in this run, fires in ${name}` : "silent in both";
  const steps = place >= 0 && here && there ? `, but not in the same steps; in step ${parts.since[neuron] - 1} only ${parts.here[neuron] ? "in this run" : `in ${name}`}` : "";
  return `${where}: ${does}${steps}.${place < 0 ? "" : ` Number ${place + 1} of ${known.length} that differ.`}`;
}

/** The wave that goes further, by which both are gone along. @param {Wave | null} mine @param {Wave | null} other @param {Moment} moment */
export function further(mine, other, moment) {
  if (!mine || !other) return mine ?? other;
  return along({ ...moment, step: null }, other.about).end > along({ ...moment, step: null }, mine.about).end ? other : mine;
}
