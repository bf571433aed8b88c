// @ts-check
// Histograms of what the layers receive.
import { clamp } from "./numbers.mjs";

/** What a layer received: bars as bytes, the height (share over width) that 255 stands for, and which shares lie below and above
 * what is drawn. @typedef {{ bars: Uint8Array, tallest: number, below: number, above: number }} Histogram */

/** The newest histograms that were known at a position of the run, one for each layer.
 * @param {{ epochs: number[], bars: Uint8Array, tallest: Float32Array, beyond: Float32Array }} kept
 * @param {number} layers @param {number} at @returns {Histogram[] | null} */
export function histogramAt({ epochs, bars, tallest, beyond }, layers, at) {
  let row = epochs.length - 1;
  while (row >= 0 && epochs[row] > at + 1e-6) row--;
  if (row < 0 || !layers) return null;
  const bins = bars.length / (epochs.length * layers);
  return Array.from({ length: layers }, (_, layer) => {
    const mine = row * layers + layer;
    return { bars: bars.subarray(mine * bins, (mine + 1) * bins), tallest: tallest[mine], below: beyond[2 * mine], above: beyond[2 * mine + 1] };
  });
}

/** How much of a histogram lies between two values, spread evenly within each bin; from 0 to 1.
 * @param {ArrayLike<number>} edges @param {{ bars: ArrayLike<number>, tallest: number }} histogram @param {number} low @param {number} high */
export function shareBetween(edges, { bars, tallest }, low, high) {
  let inside = 0;
  for (let bin = 0; bin < bars.length; bin++) inside += (bars[bin] * tallest * Math.max(Math.min(high, edges[bin + 1]) - Math.max(low, edges[bin]), 0)) / 255;
  return clamp(inside, 0, 1);
}
