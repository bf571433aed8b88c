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

/** Values 1, 2 and 5 times a power of ten for a logarithmic axis, at most some six.
 * @param {number} low @param {number} high */
export function logTicks(low, high) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const factor of [1, 2, 5]) found.push(factor * 10 ** power);
  const inside = found.filter((value) => value >= low && value <= high);
  return inside.length <= 7 ? inside : inside.filter((value) => Number.isInteger(Math.round(Math.log10(value) * 1e6) / 1e6));
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
