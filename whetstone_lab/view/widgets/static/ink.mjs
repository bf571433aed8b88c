// @ts-check
// What is drawn by hand, made into a picture as those of the data set were. Nothing here touches the page.
import { clamp } from "./numbers.mjs";

/** A line as it was drawn: x and y in turn, from 0 to 1 over the pad, y downwards. @typedef {number[]} Stroke */

/** How pictures were made: drawings are scaled to fill a box of so many rows and columns of the picture's pixels, both ways alike or
 * each by itself, and centred, by the box or by their mass. The pen is so many pixels wide, or as wide as it takes to ink a share
 * of the picture. @typedef {{ rows: number, columns: number, box: [number, number], stretch: boolean, centre: "box" | "mass", pen: number, ink: number | null }} Preparation */

/** A pixel is so many small squares high and wide, which are inked or not: it is as dark as many of them are, as with the digits. */
const SQUARES = 4;

/** A drawing is magnified no more than if it filled this share of the pad. */
const LEAST = 0.3;

/** Lines on a grid of small squares: 1 where the middle of a square is within a distance of one of the lines.
 * @param {Stroke[]} lines in squares @param {number} reach @param {number} high @param {number} wide */
export function inked(lines, reach, high, wide) {
  const squares = new Uint8Array(high * wide);
  for (const line of lines)
    for (let at = 0; at < line.length; at += 2) {
      const [x, y] = [line[at], line[at + 1]];
      const [dx, dy] = at + 3 < line.length ? [line[at + 2] - x, line[at + 3] - y] : [0, 0];
      const length = dx * dx + dy * dy;
      const [left, right] = [Math.max(Math.floor(Math.min(x, x + dx) - reach), 0), Math.min(Math.ceil(Math.max(x, x + dx) + reach), wide)];
      const [top, bottom] = [Math.max(Math.floor(Math.min(y, y + dy) - reach), 0), Math.min(Math.ceil(Math.max(y, y + dy) + reach), high)];
      for (let row = top; row < bottom; row++)
        for (let column = left; column < right; column++) {
          const [px, py] = [column + 0.5 - x, row + 0.5 - y];
          const part = length ? clamp((px * dx + py * dy) / length, 0, 1) : 0;
          if ((px - part * dx) ** 2 + (py - part * dy) ** 2 <= reach * reach) squares[row * wide + column] = 1;
        }
    }
  return squares;
}

/** From where to where a drawing reaches: left, right, top and bottom. @param {Stroke[]} strokes */
function reaches(strokes) {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const stroke of strokes)
    for (let at = 0; at < stroke.length; at += 2) {
      [left, right] = [Math.min(left, stroke[at]), Math.max(right, stroke[at])];
      [top, bottom] = [Math.min(top, stroke[at + 1]), Math.max(bottom, stroke[at + 1])];
    }
  return { left, right, top, bottom };
}

/** The squares of a drawing that is scaled to its box, with a pen of so many squares. @param {Stroke[]} strokes @param {Preparation} how @param {number} pen */
function scaled(strokes, { rows, columns, box, stretch, centre }, pen) {
  const { left, right, top, bottom } = reaches(strokes);
  const [high, wide] = [rows * SQUARES, columns * SQUARES];
  const [tall, broad] = box.map((length) => Math.max(length * SQUARES - pen, 1));
  let [across, down] = [broad / Math.max(right - left, LEAST * box[1] / columns), tall / Math.max(bottom - top, LEAST * box[0] / rows)];
  if (!stretch) across = down = Math.min(across, down);
  const place = (/** @type {number} */ toX, /** @type {number} */ toY) =>
    strokes.map((stroke) => stroke.map((value, at) => (at % 2 ? (value - (top + bottom) / 2) * down + toY : (value - (left + right) / 2) * across + toX)));
  const squares = inked(place(wide / 2, high / 2), pen / 2, high, wide);
  if (centre === "box") return squares;
  let [mass, x, y] = [0, 0, 0];
  squares.forEach((ink, square) => ink && ([mass, x, y] = [mass + 1, x + (square % wide) + 0.5, y + Math.floor(square / wide) + 0.5]));
  if (!mass) return squares;
  // To whole pixels, as pictures were moved.
  const by = (/** @type {number} */ length, /** @type {number} */ sum) => Math.round((length / 2 - sum / mass) / SQUARES) * SQUARES;
  return inked(place(wide / 2 + by(wide, x), high / 2 + by(high, y)), pen / 2, high, wide);
}

/** How dark each pixel is, in sixteenths. @param {Uint8Array} squares @param {number} rows @param {number} columns */
function darkness(squares, rows, columns) {
  const pixels = new Float64Array(rows * columns);
  squares.forEach((ink, square) => {
    if (ink) pixels[Math.floor(square / (columns * SQUARES * SQUARES)) * columns + Math.floor((square % (columns * SQUARES)) / SQUARES)] += 1 / SQUARES ** 2;
  });
  return pixels;
}

/** A drawing as a picture: how dark each pixel is, from 0 to 1. @param {Stroke[]} strokes @param {Preparation} how @param {boolean} [raw] left where and as large as it was drawn */
export function pictured(strokes, how, raw = false) {
  const { rows, columns, pen, ink } = how;
  if (!strokes.length) return new Float64Array(rows * columns);
  if (raw) {
    const lines = strokes.map((stroke) => stroke.map((value, at) => value * SQUARES * (at % 2 ? rows : columns)));
    return darkness(inked(lines, (pen * SQUARES) / 2, rows * SQUARES, columns * SQUARES), rows, columns);
  }
  if (ink === null) return darkness(scaled(strokes, how, pen * SQUARES), rows, columns);
  // A wider pen inks more, so the width that inks the share is found by halving.
  let [thin, thick] = [0.5 * pen * SQUARES, 2 * pen * SQUARES];
  for (let turn = 0; turn < 6; turn++) {
    const middle = (thin + thick) / 2;
    const share = scaled(strokes, how, middle).reduce((sum, square) => sum + square, 0) / (rows * columns * SQUARES * SQUARES);
    if (share < ink) thin = middle;
    else thick = middle;
  }
  return darkness(scaled(strokes, how, thin), rows, columns);
}
