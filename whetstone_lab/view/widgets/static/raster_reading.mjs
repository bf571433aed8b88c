// @ts-check
// What the output was read as: the votes for each class, or where each place has a class of its own, a map of classes.
import { integers } from "./bytes.mjs";
import { percent, plain } from "./numbers.mjs";
import { h, say } from "./page.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */

/** What stands beside the raster: it comes with the spikes of the last layer, of which `part`, in [0, 1], has passed.
 * @typedef {{ element: HTMLElement, show: (sample: number, part: number) => void }} Reading */

/** Classes that are shown at a glance, at the most: bars of votes, and names in the legend of a map. */
const MOST_BARS = 24;
const MOST_NAMES = 16;

/** What votes say of the output neurons: how many do as the key of the class says, fire or stay silent, and how many do not.
 * @param {number} votes @param {number} voters */
export function matchWords(votes, voters) {
  const matching = (voters + votes) / 2;
  return `${matching} of ${voters} output neurons do as its key says, ${voters - matching} do not: ${matching} − ${voters - matching} = ${plain(votes).replace("-", "−")} votes`;
}

/** A bar of votes for each class; of very many classes only those with most votes.
 * @param {{ labels: number[], classes: number[], votes: (number | null)[][], voters: number | null }} about @returns {Reading} */
export function votesPanel({ labels, classes, votes, voters }) {
  const bars = h("div", { class: "wl-votes", role: "img" });
  const words = h("div", { class: "wl-verdict" });
  const meaning = h("div", { class: "wl-meaning" });
  const listed = votes[0].map((_, number) => number);
  const made = listed.slice(0, MOST_BARS).map(() => {
    const [name, bar, value] = [h("span", { class: "wl-class" }), h("i"), h("span", { class: "wl-count" })];
    const row = h("div", { class: "wl-vote" }, name, h("span", { class: "wl-gauge" }, bar), value);
    bars.append(row);
    return { row, name, bar, value };
  });
  return {
    element: h("div", { class: "wl-tally" }, h("div", { class: "wl-label" }, voters ? `votes, of at most ${voters}` : "votes"), bars, words, meaning),
    show(sample, part) {
      const mine = votes[sample].map((vote) => vote ?? 0);
      const most = [...listed].sort((a, b) => mine[b] - mine[a]).slice(0, made.length);
      const order = most.sort((a, b) => a - b);
      const [low, high] = [Math.min(0, ...mine), Math.max(0, ...mine)];
      const [best, label] = [classes[sample], labels[sample]];
      const right = label === undefined || best === label;
      const settled = part >= 1;
      order.forEach((number, which) => {
        const { row, name, bar, value } = made[which];
        say(name, String(number));
        row.classList.toggle("wl-winner", settled && number === best);
        row.classList.toggle("wl-false", !right);
        row.classList.toggle("wl-truth", number === label);
        const width = (100 * Math.abs(mine[number]) * part) / (high - low || 1);
        const zero = (-100 * low) / (high - low || 1);
        bar.style.left = `${mine[number] < 0 ? zero - width : zero}%`;
        bar.style.width = `${width}%`;
        say(value, settled ? plain(mine[number]) : "");
        row.title = settled && voters ? `class ${number}: ${matchWords(mine[number], voters)}` : "";
      });
      say(words, !settled ? "no output yet" : label === undefined ? `read as ${best}` : right ? `read as ${best}, which is right` : `read as ${best}, in truth ${label}`);
      words.classList.toggle("wl-false", settled && !right);
      say(meaning, settled && voters ? `Class ${best}: ${matchWords(mine[best], voters)}.` : "");
      bars.setAttribute("aria-label", settled ? `Votes: ${order.map((number) => `class ${number} ${plain(mine[number])}`).join(", ")}` : "No votes yet");
    },
  };
}

/** The classes on a map with the share of places that each has, the lowest class first. @param {ArrayLike<number>} map */
export function classShares(map) {
  const found = new Map();
  for (let place = 0; place < map.length; place++) found.set(map[place], (found.get(map[place]) ?? 0) + 1);
  return [...found].sort(([a], [b]) => a - b).map(([number, places]) => ({ number, share: places / map.length }));
}

/** A small picture of the class of each place, with its legend. It can be pointed at.
 * @param {Scope} scope @param {string[]} colours of the classes @param {{ shape: number[], values: any }} maps @param {number} samples
 * @returns {Reading} */
export function mapPanel(scope, colours, maps, samples) {
  const [rows, columns] = maps.shape;
  const values = integers(maps.values, samples * rows * columns);
  // Tall maps are as high as the raster allows, and small ones are made of large squares.
  const canvas = h("canvas", { class: "wl-map", role: "img", width: columns, height: rows, style: `width: min(100%, ${Math.round((210 * columns) / rows)}px)` });
  const legend = h("div", { class: "wl-classes" });
  const words = h("div", { class: "wl-verdict" });
  let [map, painted, settled] = [values.subarray(0, 0), -1, false];
  /** @type {[number, number] | null} */
  let pointed = null;

  function paint(/** @type {number} */ sample) {
    if (painted === sample) return;
    painted = sample;
    map = values.subarray(sample * rows * columns, (sample + 1) * rows * columns);
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    map.forEach((number, place) => {
      context.fillStyle = colours[number];
      context.fillRect(place % columns, Math.floor(place / columns), 1, 1);
    });
    const shares = classShares(map);
    const named = [...shares].sort((a, b) => b.share - a.share).slice(0, MOST_NAMES).sort((a, b) => a.number - b.number);
    legend.replaceChildren(...named.map(({ number, share }) =>
      h("span", { class: "wl-entry" }, h("i", { style: `background: ${colours[number]}` }), h("b", {}, String(number)), ` ${percent(share)}`)));
    if (named.length < shares.length) legend.append(h("span", { class: "wl-entry" }, `and ${shares.length - named.length} more`));
    canvas.setAttribute("aria-label", `The class of each place: ${named.map(({ number, share }) => `class ${number} at ${percent(share)}`).join(", ")}`);
  }

  function tell() {
    const found = pointed && settled ? map[pointed[0] * columns + pointed[1]] : null;
    const place = pointed && rows > 1 ? `row ${pointed[0]}, column ${pointed[1]}` : `place ${pointed?.[1]}`;
    say(words, !settled ? "no output yet" : found === null ? "Point at a place to read its class." : `${place}: class ${found}`);
    words.classList.toggle("wl-hint", found === null);
  }

  const point = (/** @type {PointerEvent} */ event) => {
    const [row, column] = [Math.floor((event.offsetY / canvas.clientHeight) * rows), Math.floor((event.offsetX / canvas.clientWidth) * columns)];
    pointed = row >= 0 && row < rows && column >= 0 && column < columns ? [row, column] : null;
    tell();
  };
  scope.on(canvas, "pointermove", point);
  scope.on(canvas, "pointerdown", point); // a finger that taps does not move
  scope.on(canvas, "pointerleave", (/** @type {PointerEvent} */ event) => {
    if (event.pointerType === "touch") return; // a finger always leaves; what it pointed at stays to be read
    pointed = null;
    tell();
  });
  return {
    element: h("div", { class: "wl-tally" }, h("div", { class: "wl-label" }, "class of each place"), canvas, legend, words),
    show(sample, part) {
      paint(sample);
      settled = part >= 1;
      canvas.style.opacity = legend.style.opacity = String(part);
      tell();
    },
  };
}
