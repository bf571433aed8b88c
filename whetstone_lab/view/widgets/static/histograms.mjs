// @ts-check
// Histograms of what the layers receive.
import { clamp } from "./numbers.mjs";

/** The newest histogram that was known at a position of the run, one array of counts for each layer.
 * @param {{ epochs: number[] }} kept @param {Uint8Array} counts @param {number} layers @param {number} at
 * @returns {Uint8Array[] | null} */
export function histogramAt(kept, counts, layers, at) {
  let row = kept.epochs.length - 1;
  while (row >= 0 && kept.epochs[row] > at + 1e-6) row--;
  if (row < 0 || !layers) return null;
  const bins = counts.length / (kept.epochs.length * layers);
  return Array.from({ length: layers }, (_, layer) => counts.subarray((row * layers + layer) * bins, (row * layers + layer + 1) * bins));
}

/** How much of a histogram lies between two values, spread evenly within each bin; from 0 to 1.
 * @param {ArrayLike<number>} edges @param {ArrayLike<number>} counts @param {number} low @param {number} high */
export function shareBetween(edges, counts, low, high) {
  let inside = 0;
  let all = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    const width = edges[bin + 1] - edges[bin];
    all += counts[bin];
    inside += (counts[bin] * clamp(Math.min(high, edges[bin + 1]) - Math.max(low, edges[bin]), 0, width)) / width;
  }
  return all ? inside / all : 0;
}
