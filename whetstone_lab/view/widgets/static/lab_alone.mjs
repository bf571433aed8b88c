// @ts-check
// What stands in for Python on a page of the laboratory without a kernel: the page computes the spikes by itself, and looks at the
// experiments that it took along.
import { networkOf, reading, wave } from "./wave.mjs";
import { sentSamples } from "./survey.mjs";
import { volume } from "./operations.mjs";

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./wave.mjs").Network} Network */
/** The networks of a run as hands.py takes them along: after which `epochs` they were. `waves` in place of networks where the page
 * cannot compute them. @typedef {{ epochs?: number[], networks?: any[], waves?: any[][], samples?: any, about?: any, facts?: any }} Taken */

/** Which of some epochs is the last up to a moment; -1 for none. @param {number[]} epochs @param {number} at */
export const lastUpTo = (epochs, at) => epochs.reduce((found, epoch, which) => (epoch <= at + 1e-6 ? which : found), -1);

/** What a picture was read as, as `Reading.words` in Python has it. @param {number} best @param {number | undefined} truth */
export const readWords = (best, truth) => `read as ${best}${truth === undefined ? "" : truth === best ? ", which is right" : `, in truth ${truth}`}`;

/** The waves of a run, as Python would tell of them: `null` before the first network. @param {Taken} taken @param {number} shown how many of the samples are looked at */
export function wavesOf({ epochs = [], networks = [], waves, samples, facts }, shown) {
  /** @type {Map<number, { network: Network, classes: number[], counts: Uint32Array[] }>} */
  const known = new Map();
  /** A network, as which class it reads each of the samples, and how often each of its neurons fires in them.
   * @param {number} which @param {Network} network @param {(sample: number) => import("./operations.mjs").Real} input */
  function surveyed(which, network, input) {
    const found = known.get(which) ?? { network, classes: /** @type {number[]} */ ([]), counts: network.layers.map((number) => new Uint32Array(volume(network.nodes[number].shape))) };
    for (let sample = found.classes.length; sample < shown; sample++) {
      const { values, fired } = wave(network, input(sample));
      found.classes.push(reading(network, values[network.output]).best);
      fired.forEach((spikes, layer) => spikes.forEach((spike, neuron) => (found.counts[layer][neuron] += spike)));
    }
    known.set(which, found);
    return found;
  }
  /** @param {number} at @param {number} sample */
  return (at, sample) => {
    const which = lastUpTo(epochs, at);
    if (which < 0) return null;
    if (waves) return waves[which][sample];
    if (!facts) return null;
    const first = known.get(which)?.network ?? networkOf(networks[which]);
    const { input, labels } = sentSamples(samples, first, volume(first.input));
    const { network, classes, counts } = surveyed(which, first, input);
    const { values, fired } = wave(network, input(sample));
    const { votes, best } = reading(network, values[network.output]);
    const truth = labels[sample];
    const read = { ...facts.readings[0], classes: [best], votes: [votes], truth: truth === undefined ? [] : [truth], words: [readWords(best, truth)], wrong: [truth !== undefined && truth !== best] };
    return { epoch: epochs[which], sample, about: { ...facts, readings: [read] }, fired: fired.map((spikes, layer) => firedOf(spikes, network.nodes[network.layers[layer]].step)), classes, counts };
  };
}

/** The spikes of a layer whose neurons fire in one step. @param {Uint8Array} spikes @param {number} step @returns {import("./raster_spikes.mjs").Fired} */
function firedOf(spikes, step) {
  const neuron = Uint32Array.from([...spikes.keys()].filter((each) => spikes[each]));
  const steps = new Uint32Array(neuron.length).fill(step);
  return { neuron, step: steps, first: steps };
}

/** A model that answers by itself what a kernel would be asked: what is sent is answered a moment later, as from afar.
 * @param {Model} model of a page without a kernel @returns {Model} */
export function alone(model) {
  /** What is shown in place of what the page began with. @type {Record<string, any>} */
  let shown = {};
  /** @type {[string, (...args: any[]) => void][]} */
  let listeners = [];
  const get = (/** @type {string} */ name) => (name in shown ? shown[name] : model.get(name));
  const tell = (/** @type {string} */ event, /** @type {any[]} */ ...what) => listeners.filter(([heard]) => heard === event).forEach(([, listener]) => listener(...what));
  /** The waves of the run that is shown, and of the one that is compared with it. @type {Map<any, ReturnType<typeof wavesOf>>} */
  const waves = new Map();
  function waveAt(/** @type {any} */ { epoch, sample, number }) {
    const { networks: taken, pictures } = number === undefined ? { networks: get("networks"), pictures: get("pictures") } : runs()[number];
    if (!waves.has(taken)) waves.set(taken, wavesOf(taken, pictures.count ?? 0));
    return { kind: "wave", ...waves.get(taken)?.(epoch, sample), ...(number === undefined ? {} : { number }) };
  }
  function networkAt(/** @type {any} */ { epoch }) {
    const { epochs = [], networks = [], samples, about } = get("networks");
    const which = lastUpTo(epochs, epoch);
    return { kind: "network", ...(which < 0 || !networks.length ? {} : { epoch: epochs[which], network: networks[which], samples, about }) };
  }
  const runs = () => model.get("taken").runs;
  /** @type {Record<string, (content: any) => any>} */
  const answers = {
    wave: waveAt,
    network: networkAt,
    compare({ number }) {
      if (number === null) return { kind: "compared" };
      const { about, past, accuracies, setup, pictures } = runs()[number];
      return { kind: "compared", number, layers: about.layers.length, past, accuracies, picture: setup.picture, pictures };
    },
    code: ({ number }) => ({ kind: "code", text: number === undefined ? get("script") ?? model.get("taken").script : runs()[number].script }),
    open: ({ number }) => ((shown = runs()[number]), tell("change:about"), null),
  };
  return {
    get, set: (name, value) => model.set(name, value), save_changes() {},
    on: (event, listener) => (listeners.push([event, listener]), model.on(event, listener)),
    off: (event, listener) => ((listeners = listeners.filter(([heard, one]) => heard !== event || one !== listener)), model.off(event, listener)),
    send(content) {
      if (answers[content.kind]) setTimeout(() => {
        const answer = answers[content.kind](content);
        if (answer) tell("msg:custom", answer, []);
      });
    },
  };
}
