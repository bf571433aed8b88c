// @ts-check
// In which order the neurons of a layer stand on the raster, as scenes/order.py has it.

/** In which row each neuron of a layer stands, from the lowest, and whose each row is; null where each stands in the row of its number.
 * @typedef {{ row: Uint32Array, neuron: Uint32Array } | null} Rows */

/** @param {Rows} rows @param {number} neuron */
export const rowOf = (rows, neuron) => (rows ? rows.row[neuron] : neuron);

/** @param {Rows} rows @param {number} row */
export const neuronIn = (rows, row) => (rows ? rows.neuron[row] : row);

/** How often each neuron of each layer fires, in all samples. @param {import("./raster_spikes.mjs").Spikes} spikes @param {number[]} sizes */
export function spikeCounts({ layer, neuron }, sizes) {
  const counts = sizes.map((size) => new Uint32Array(size));
  for (let spike = 0; spike < neuron.length; spike++) counts[layer[spike]][neuron[spike]] += 1;
  return counts;
}

/** The rows of each layer. @param {string} order as they are numbered, by `"rate"`, or by `"class"`
 * @param {number[]} sizes @param {() => Uint32Array[]} counts how often each neuron fires
 * @param {Record<string, number[]>} keyed of layers whose neurons vote the class of each, -1 for none; by the number of the layer
 * @returns {Rows[]} */
export function rowsBy(order, sizes, counts, keyed) {
  if (order === "number") return sizes.map(() => null);
  const fired = counts();
  return sizes.map((size, layer) => {
    const classes = order === "class" ? keyed[layer] : undefined;
    const by = classes ? classes.map((number) => (number < 0 ? -Infinity : -number)) : fired[layer];
    const neuron = Uint32Array.from({ length: size }, (_, number) => number).sort((a, b) => by[a] - by[b] || a - b);
    const row = new Uint32Array(size);
    neuron.forEach((number, place) => (row[number] = place));
    return { row, neuron };
  });
}

/** The groups of neurons that vote for the same class, from the lowest: from which row to which. Those of no class are in none.
 * @param {Rows} rows @param {number[]} classes @returns {{ number: number, from: number, to: number }[]} */
export function classGroups(rows, classes) {
  /** @type {{ number: number, from: number, to: number }[]} */
  const groups = [];
  for (let row = 0; row < classes.length; row++) {
    const number = classes[neuronIn(rows, row)];
    const last = groups[groups.length - 1];
    if (number < 0) continue;
    if (last?.number === number) last.to = row + 1;
    else groups.push({ number, from: row, to: row + 1 });
  }
  return groups;
}
