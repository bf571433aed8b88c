// @ts-check
// Lines of very many points: what of them a canvas needs. A rasteriser goes through all edges that cross a row of pixels, so a
// line with thousands of points in a few hundred columns takes it time that grows with their square.

/** Goes along a line and hands on the points that can be seen: of those in one column of pixels the first, the lowest, the
 * highest and the last, in their order. What is no number is left out, and the line goes on behind it.
 * @param {number} length how many points there are @param {(point: number) => number} x in pixels, rising
 * @param {(point: number) => number} y @param {(x: number, y: number) => void} put */
export function seen(length, x, y, put) {
  // Of the column at hand: how many points it has, its extremes and the last point, and which of its points these are. In plain
  // variables: this runs thousands of times a frame.
  let [column, count, lowX, low, lowAt, highX, high, highAt, lastX, last] = [NaN, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  const hand = () => {
    const lowFirst = lowAt < highAt;
    if (lowFirst && lowAt > 1 && lowAt < count) put(lowX, low);
    if (highAt > 1 && highAt < count) put(highX, high);
    if (!lowFirst && lowAt > 1 && lowAt < count && lowAt !== highAt) put(lowX, low);
    if (count > 1) put(lastX, last);
  };
  for (let point = 0; point < length; point++) {
    const here = x(point);
    const value = y(point);
    if (value !== value || here !== here) continue;
    if (Math.floor(here) !== column) {
      hand();
      put(here, value);
      column = Math.floor(here);
      count = 0;
    }
    count += 1;
    if (count === 1 || value < low) {
      lowX = here;
      low = value;
      lowAt = count;
    }
    if (count === 1 || value > high) {
      highX = here;
      high = value;
      highAt = count;
    }
    lastX = here;
    last = value;
  }
  hand();
}

/** Points of a line that are drawn at a time. */
const PIECE = 48;

/** Draws such a line, piece by piece; dashes go on from one to the next. @param {CanvasRenderingContext2D} context
 * @param {number} length @param {(point: number) => number} x @param {(point: number) => number} y */
export function trace(context, length, x, y) {
  let [points, way, before, beforeTop] = [0, 0, 0, 0];
  context.beginPath();
  seen(length, x, y, (left, top) => {
    context.lineTo(left, top);
    if (points) way += Math.hypot(left - before, top - beforeTop);
    before = left;
    beforeTop = top;
    points += 1;
    if (points % PIECE) return;
    context.stroke();
    context.beginPath();
    context.moveTo(left, top);
    context.lineDashOffset = way;
  });
  context.stroke();
  context.lineDashOffset = 0;
}

/** Goes along stretches of an axis that follow each other, and hands them on: those narrower than a pixel taken together.
 * @param {number} length how many stretches there are @param {(stretch: number) => number} left in pixels, rising
 * @param {(stretch: number) => number} right @param {(left: number, right: number, first: number, last: number) => void} put */
export function together(length, left, right, put) {
  for (let first = 0; first < length; ) {
    const begin = left(first);
    let last = first;
    while (last + 1 < length && right(last + 1) - begin < 1) last += 1;
    put(begin, right(last), first, last);
    first = last + 1;
  }
}
