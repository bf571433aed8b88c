// @ts-check
// The samples that Python sent along, and what a network makes of all of them: in slices, so that the page goes on answering.
import { bytes, doubles, floats } from "./bytes.mjs";
import { reading, wave } from "./wave.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {import("./wave.mjs").Network} Network */
/** @typedef {import("./operations.mjs").Real} Real */
/** @typedef {{ count: number, labels: number[], input: (which: number) => Real, range: [number, number] }} Samples */

/** Milliseconds of work before the page has its turn. */
const SLICE = 8;

/** @param {any} sent as Samples.sent in scenes/network.py gives them @param {Network} network @param {number} size values of a sample @returns {Samples} */
export function sentSamples({ count, white, values, labels }, network, size) {
  const all = network.zeros(count * size);
  if (white) all.set(bytes(values));
  else if (count) all.set(all instanceof Float64Array ? doubles(values) : floats(values));
  if (white > 1) for (let at = 0; at < all.length; at++) all[at] /= white;
  let [low, high] = [0, count ? 0 : 1];
  for (const value of all) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return { count, labels, input: (which) => all.subarray(which * size, (which + 1) * size), range: [low, high] };
}

/** Work on so many things, a few at a time; what is begun anew ends what went on. However little there is to do, nothing is told
 * before whoever began it has gone on: until then a view may not be ready to hear it. @param {Scope} scope */
export function slices(scope) {
  let [timer, latest] = [0, 0];
  scope.undo.push(() => clearTimeout(timer));
  /** @param {number} count @param {(which: number) => void} each @param {(done: number) => void} shown called after each slice */
  return (count, each, shown) => {
    clearTimeout(timer);
    const mine = ++latest;
    let next = 0;
    const slice = () => {
      const end = performance.now() + SLICE;
      while (next < count && performance.now() < end) each(next++);
      if (next < count) timer = window.setTimeout(slice);
      shown(next);
    };
    queueMicrotask(() => mine === latest && !scope.over && slice());
  };
}

/** How often each neuron fires over all samples: `rates` of each layer once it is known, null before.
 * @param {Scope} scope @param {Network} network @param {Samples} samples @param {() => void} known */
export function firingRates(scope, network, samples, known) {
  const counts = network.layers.map((number) => new Uint32Array(network.nodes[number].thresholds?.length ?? 0));
  const work = slices(scope);
  const found = {
    rates: /** @type {Float64Array[] | null} */ (null), read: new Int32Array(samples.count),
    /** Counts anew: the network is another. What was found before stays until then. */
    again() {
      counts.forEach((layer) => layer.fill(0));
      if (samples.count) work(samples.count, each, told);
    },
  };
  /** @param {number} which */
  function each(which) {
    const { values, fired } = wave(network, samples.input(which));
    fired.forEach((spikes, layer) => spikes.forEach((spike, neuron) => (counts[layer][neuron] += spike)));
    found.read[which] = reading(network, values[network.output]).best;
  }
  /** @param {number} done */
  function told(done) {
    if (done < samples.count) return;
    found.rates = counts.map((layer) => Float64Array.from(layer, (count) => count / samples.count));
    known();
  }
  found.again();
  return found;
}

/** The membrane potential of a neuron over all samples. @param {Scope} scope @param {Network} network @param {Samples} samples */
export function potentialsOver(scope, network, samples) {
  const work = slices(scope);
  /** @param {number} layer @param {number} neuron @param {(potentials: Float64Array) => void} known */
  return (layer, neuron, known) => {
    const found = new Float64Array(samples.count);
    work(samples.count, (which) => (found[which] = wave(network, samples.input(which), { upTo: layer }).potentials[layer][neuron]), (done) => done === samples.count && known(found));
  };
}
