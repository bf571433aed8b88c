// @ts-check
// What a page knows of a run that grows: Python tells the whole when the page opens, and then only what is new.
import { bytes, doubles, floats } from "./bytes.mjs";

/** @typedef {import("./page.mjs").Model} Model */

/** What grows, in the order in which views hear of it: the present comes last, and belongs to all before it. */
const GROWS = ["past", "decisions", "histograms", "accuracies", "now"];

/** Points of a run that a page keeps at the most, and how many of them stay when there are more. */
const MOST = 2048;
const KEPT = 1024;

/** Columns of the table of epochs. */
export const COLUMNS = 9;

/** The arrays of a message, which come beside it, back where they belong. @param {any} message @param {any[]} buffers */
export function unpacked(message, buffers) {
  const { bytes: paths = [], ...rest } = message;
  paths.forEach((/** @type {string[]} */ path, /** @type {number} */ which) => {
    const last = path[path.length - 1];
    path.slice(0, -1).reduce((value, name) => value[name], rest)[last] = buffers[which];
  });
  return rest;
}

/** Two arrays of numbers as one. @template {Float32Array | Float64Array | Uint8Array} T @param {T} before @param {T} after @returns {T} */
export function joined(before, after) {
  const both = /** @type {T} */ (new /** @type {any} */ (before.constructor)(before.length + after.length));
  both.set(before);
  both.set(after, before.length);
  return both;
}

/** Points with those that have come; of the same batch the newer holds. Of very many, those of a sparser row are kept.
 * @param {Float32Array} before @param {Float32Array} after @param {number} width of a row: batches trained, loss, sharpness of each layer */
export function morePoints(before, after, width) {
  let known = before.length;
  while (known && after.length && before[known - width] >= after[0]) known -= width;
  const all = joined(before.subarray(0, known), after);
  const count = all.length / width;
  if (count <= MOST) return all;
  const stride = all[all.length - width] / KEPT;
  const kept = [];
  for (let row = 0; row < count; row++)
    if (row === count - 1 || !row || Math.floor(all[row * width] / stride) > Math.floor(all[(row - 1) * width] / stride)) kept.push(...all.subarray(row * width, (row + 1) * width));
  return new Float32Array(kept);
}

/** What is known with what is new. @param {Record<string, any>} known `past`, `decisions`, `histograms` and `now` @param {any} news of
 * `now` it has what is another now @returns {Record<string, any>} of these, those that are others now */
export function grown(known, news) {
  /** @type {Record<string, any>} */
  const changed = { now: { ...known.now, ...news.now } };
  if (news.rows || news.points?.byteLength) {
    const { past } = known;
    const [width, rows] = [changed.now.sharpness.length + 2, doubles(news.rows)];
    changed.past = {
      ...past, epochs: rows.length ? rows[rows.length - COLUMNS] : past.epochs, points: morePoints(floats(past.points), floats(news.points), width),
      table: rows.length ? joined(doubles(past.table), rows) : past.table,
    };
  }
  if (news.decisions && known.decisions) {
    const { drop, keep, more } = news.decisions;
    changed.decisions = [...known.decisions.slice(drop, drop + keep), ...more];
  }
  if (news.accuracies) changed.accuracies = joined(floats(known.accuracies), floats(news.accuracies));
  if (news.histograms && known.histograms) changed.histograms = moreHistograms(known.histograms, news.histograms);
  return changed;
}

/** @param {any} before @param {any} news */
function moreHistograms(before, news) {
  const both = (/** @type {string} */ name, /** @type {(data: any) => any} */ read) => joined(read(before[name]), read(news[name]));
  return {
    ...before, epochs: [...before.epochs, ...news.epochs], bars: both("bars", bytes), tallest: both("tallest", floats),
    edges: news.edges ?? before.edges, ranges: news.ranges ?? before.ranges, beyond: news.ranges ? news.beyond : both("beyond", floats),
  };
}

/** A model whose run grows: it has what the model has, and the run as it stands now. If a message was missed, it asks for the whole.
 * Python tells all pages of a view each answer, so what this one asks has its name, and answers to others are passed over.
 * @param {Model} model @returns {{ model: Model, end: () => void }} */
export function growing(model) {
  /** @type {Map<string, Set<(...args: any[]) => void>>} */
  const listeners = new Map(["msg:custom", ...GROWS.map((name) => `change:${name}`)].map((event) => [event, new Set()]));
  const page = Math.random().toString(36).slice(2);
  /** @type {Record<string, any>} */
  let known = {};
  let [told, asked] = [0, false];
  const emit = (/** @type {string} */ event, /** @type {any[]} */ ...what) => [...(listeners.get(event) ?? [])].forEach((listener) => listener(...what));
  /** @param {any} content */
  function send(content) {
    try {
      model.send({ ...content, by: page });
    } catch {
      // The kernel has gone, and with it the run: the view says so, and stays what it is.
    }
  }
  function read() {
    known = Object.fromEntries(GROWS.map((name) => [name, model.get(name)]));
    [told, asked] = [model.get("told"), false];
  }
  /** @param {any} message @param {any[]} buffers */
  function hear(message, buffers) {
    if ((message.by ?? page) !== page) return;
    if (message.kind !== "grown") return emit("msg:custom", message, buffers);
    if (message.told <= told) return;
    if (message.told > told + 1) {
      if (!asked) send({ kind: "here", told });
      asked = true;
      return;
    }
    told = message.told;
    const changed = grown(known, unpacked(message, buffers));
    known = { ...known, ...changed };
    GROWS.filter((name) => name in changed).forEach((name) => emit(`change:${name}`));
  }
  // When the whole comes, a part of it may be what the model had before what was told since: the model is silent about it.
  const whole = () => (read(), GROWS.forEach((name) => emit(`change:${name}`)));
  /** @type {[string, (...args: any[]) => void][]} */
  const heard = [["change:about", read], ["change:told", whole], ["msg:custom", hear], ...GROWS.map((name) => /** @type {[string, () => void]} */ ([`change:${name}`, () => ((known[name] = model.get(name)), emit(`change:${name}`))]))];
  heard.forEach(([event, listener]) => model.on(event, listener));
  read();
  return {
    model: {
      get: (name) => (name === "told" ? told : name in known ? known[name] : model.get(name)),
      set: (name, value) => model.set(name, value),
      on: (event, listener) => void (listeners.get(event)?.add(listener) ?? model.on(event, listener)),
      off: (event, listener) => void (listeners.has(event) ? listeners.get(event)?.delete(listener) : model.off(event, listener)),
      save_changes: () => model.save_changes(),
      send,
    },
    end: () => heard.forEach(([event, listener]) => model.off(event, listener)),
  };
}
