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

/** The cursors of the runs that are shown on this page, by the name of the run: each with the kinds of view that go by it. Views of
 * different kinds have modules of their own, so what they share is the page's. @returns {Map<string, { cursor: Cursor, kinds: Set<string> }[]>} */
const onPage = () => (/** @type {any} */ (globalThis)[Symbol.for("whetstone_lab.cursors")] ??= new Map());

/** The cursor by which one more view goes: that of the views of other kinds that show the same run on this page. A second view of its kind
 * has another, so that two copies can stand at two moments. @param {import("./page.mjs").Scope} scope @param {import("./page.mjs").Model} model
 * @param {string} kind the name of its module @returns {Cursor} */
export function cursorOn(scope, model, kind) {
  const [all, run] = [onPage(), model.get("trace")];
  if (!run) return cursorOf();
  const groups = all.get(run) ?? [];
  const group = groups.find(({ kinds }) => !kinds.has(kind)) ?? { cursor: cursorOf(), kinds: new Set() };
  if (!groups.includes(group)) groups.push(group);
  all.set(run, groups);
  group.kinds.add(kind);
  // The same views may come to show another run, as those of a laboratory do.
  scope.follow(model, "change:trace", () => all.set(model.get("trace"), groups));
  scope.undo.push(() => {
    group.kinds.delete(kind);
    if (!group.kinds.size) groups.splice(groups.indexOf(group), 1);
    if (!groups.length) [...all].forEach(([name, others]) => others === groups && all.delete(name));
  });
  return group.cursor;
}
