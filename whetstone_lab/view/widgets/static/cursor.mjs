// @ts-check
// One cursor for all that is shown of a run, so that a move in one place moves the others.

/** Where the cursor is: a moment of the run in epochs (null: the present), a layer and a neuron of it, and a picture that is shown; how
 * far the wave of that picture has come, in steps or in layers (null: to its end); and in which order the neurons of a layer stand.
 * @typedef {{ at: number | null, layer: number | null, neuron: number | null, sample: number, step: number | null,
 *   unit: "step" | "layer", order: string }} Place */

/** @typedef {ReturnType<typeof cursorOf>} Cursor */

/** Makes a cursor at the present. */
export function cursorOf() {
  /** @type {Place} */
  let place = { at: null, layer: null, neuron: null, sample: 0, step: null, unit: "step", order: "number" };
  /** @type {Set<(place: Place, before: Place) => void>} */
  const listeners = new Set();
  return {
    get at() { return place.at; },
    get layer() { return place.layer; },
    get neuron() { return place.neuron; },
    get sample() { return place.sample; },
    /** After how many whole epochs it is. @param {number} present how many there are so far */
    epoch: (present) => (place.at === null ? present : Math.floor(place.at + 1e-6)),
    get step() { return place.step; },
    get unit() { return place.unit; },
    get order() { return place.order; },
    /** Goes somewhere else; those who follow hear of it if it is somewhere else. @param {Partial<Place>} to */
    move(to) {
      const before = place;
      if (Object.entries(to).every(([name, value]) => before[/** @type {keyof Place} */ (name)] === value)) return;
      place = { ...before, ...to };
      [...listeners].forEach((listener) => listener(place, before));
    },
    /** @param {import("./page.mjs").Scope} scope @param {(place: Place, before: Place) => void} listener */
    follow(scope, listener) {
      listeners.add(listener);
      scope.undo.push(() => listeners.delete(listener));
    },
  };
}
