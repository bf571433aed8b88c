// @ts-check
// Round values for axes, and marks along them that make room for each other.
import { clamp } from "./numbers.mjs";

/** Round values for an axis from low to high, some `count` of them.
 * @param {number} low @param {number} high @param {number} count */
export function ticks(low, high, count) {
  const rough = (high - low) / Math.max(count, 1);
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * power >= rough * 0.999) ?? 10) * power;
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) found.push(k * step + 0); // + 0: no minus zero
  return found;
}

/** Values 1, 2 and 5 times a power of ten for a logarithmic axis, where there is little room powers of ten above all.
 * @param {number} low @param {number} high @param {number} [room] what share of the axis there must be from one to the next */
export function logTicks(low, high, room = 0) {
  /** @type {number[]} */
  const found = [];
  const apart = (/** @type {number} */ one, /** @type {number} */ other) => Math.abs(Math.log(one / other) / Math.log(high / low));
  for (const factor of [1, 5, 2])
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      const value = factor * 10 ** power;
      if (value >= low && value <= high && found.every((other) => apart(value, other) >= room)) found.push(value);
    }
  return found.sort((a, b) => a - b);
}

/** How far above its values one of several lines is drawn that may coincide, in pixels: each a hair's breadth above the one before
 * it, so that lines of equal values lie side by side, where otherwise the last would hide the others.
 * @param {number} index of the line @param {number} count of all lines @param {number} room for them all */
export const beside = (index, count, room) => (index - (count - 1) / 2) * Math.min(2, room / count);

/** Marks that would cover each other, moved apart within low and high, none by more than two marks' breadth, as in scenes/marks.py.
 * @param {number[]} places in rising order @param {number} breadth @param {number} low @param {number} high */
export function apart(places, breadth, low, high) {
  const moved = places.map((place) => clamp(place, low, high));
  for (let i = 1; i < moved.length; i++) moved[i] = clamp(moved[i - 1] + breadth, moved[i], moved[i] + 2 * breadth);
  for (let i = moved.length - 1, limit = high; i >= 0; limit = moved[i--] - breadth) moved[i] = Math.min(moved[i], Math.max(limit, places[i] - 2 * breadth, low));
  return moved;
}
