// @ts-check
// Where a neuron sits in its layer, in words: the same ones in every view.

/** @param {number} neuron its number in the layer, row by row @param {number[]} shape of the layer, channels last */
export function address(neuron, shape) {
  if (shape.length < 2) return `neuron ${neuron}`;
  const place = [];
  let rest = neuron;
  for (const size of [...shape].reverse()) {
    place.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return shape.length === 3 ? `row ${place[0]}, column ${place[1]}, channel ${place[2]}` : `neuron (${place.join(", ")})`;
}
