// @ts-check
// Lines of very many points: what of them a canvas needs. A rasteriser goes through all edges that cross a row of pixels, so a
// line with thousands of points in a few hundred columns takes it time that grows with their square.

/** Goes along a line and hands on the points that can be seen: of those in one column of pixels the first, the lowest, the
 * highest and the last, in their order. What is no number is left out, and the line goes on behind it.
 * @param {number} length how many points there are @param {(point: number) => number} x in pixels, rising
 * @param {(point: number) => number} y @param {(x: number, y: number) => void} put */
export function seen(length, x, y, put) {
  let [column, first, low, high, last] = [NaN, -1, -1, -1, -1];
  const hand = () => {
    let before = -1;
    for (const point of low < high ? [first, low, high, last] : [first, high, low, last]) {
      if (point !== before) put(x(point), y(point));
      before = point;
    }
  };
  for (let point = 0; point < length; point++) {
    const [here, value] = [Math.floor(x(point)), y(point)];
    if (Number.isNaN(value) || Number.isNaN(here)) continue;
    if (here !== column) {
      if (first >= 0) hand();
      [column, first, low, high] = [here, point, point, point];
    }
    if (value < y(low)) low = point;
    if (value > y(high)) high = point;
    last = point;
  }
  if (first >= 0) hand();
}

/** Draws such a line. @param {CanvasRenderingContext2D} context
 * @param {number} length @param {(point: number) => number} x @param {(point: number) => number} y */
export function trace(context, length, x, y) {
  context.beginPath();
  seen(length, x, y, (left, top) => context.lineTo(left, top));
  context.stroke();
}

/** Stretches of an axis that follow each other, those narrower than a pixel taken together.
 * @template T @param {T[]} stretches @param {(stretch: T) => [number, number]} ends in pixels, rising
 * @returns {{ left: number, right: number, members: T[] }[]} */
export function together(stretches, ends) {
  /** @type {{ left: number, right: number, members: T[] }[]} */
  const found = [];
  for (const stretch of stretches) {
    const [left, right] = ends(stretch);
    const before = found[found.length - 1];
    if (before && right - before.left < 1) {
      before.right = right;
      before.members.push(stretch);
    } else found.push({ left, right, members: [stretch] });
  }
  return found;
}
