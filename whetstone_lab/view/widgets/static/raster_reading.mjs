// @ts-check
// What each output was read as: the votes for each class; where each place has a class of its own, a map of classes;
// and where the output stands for no classes, its values.
import { integers } from "./bytes.mjs";
import { percent, plain } from "./numbers.mjs";
import { h, say } from "./page.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */

/** What stands beside the raster: it comes with the spikes of the last layer, of which `part`, in [0, 1], has passed.
 * @typedef {{ element: HTMLElement, show: (sample: number, part: number, other?: Output) => void }} Reading `other`: what another network makes of
 *   the same sample, to be marked beside */

/** Classes that are shown at a glance, at the most: bars of votes, and names in the legend of a map. */
export const MOST_BARS = 24;
const MOST_NAMES = 16;

/** An output as Python tells of it: how it is shown, and for each sample what was decided, the votes, of how many
 * output neurons where a key reads them, what is true, and what it was read as in words, and whether that is known to
 * be wrong.
 * @typedef {{ name: string, shown: "votes" | "values" | "map", classes: number[], votes: (number | null)[][], voters: number | null, truth: any[], words: string[], wrong: boolean[], colours: string[] }} Output */

/** What all outputs were read as. @param {Output[]} outputs @param {number} sample */
export const told = (outputs, sample) => outputs.map(({ name, words }) => `${name} ${words[sample]}`.trim()).join("; ");

/** What votes say of the output neurons: how many do as the key of the class says, fire or stay silent, and how many do not.
 * @param {number} votes @param {number} voters */
export function matchWords(votes, voters) {
  const matching = (voters + votes) / 2;
  return `${matching} of ${voters} output neurons do as its key says, ${voters - matching} do not: ${matching} − ${voters - matching} = ${plain(votes).replace("-", "−")} votes`;
}

/** The head of a panel. @param {Output} output @param {string} what */
const label = ({ name }, what) => h("div", { class: "wl-label" }, name ? `${name}: ${what}` : what);

/** What stands for an output beside the raster. @param {Scope} scope @param {Output} output @param {{ shape: number[], values: any }} map
 * @param {number} [most] how many votes are listed @returns {Reading} */
export const panel = (scope, output, map, most = MOST_BARS) => (output.shown === "map" ? mapPanel(scope, output, map) : barsPanel(output, most));

/** Which classes are listed, at most so many: those with the most votes, and whatever else they are, those that must be seen.
 * @param {number[]} votes @param {number[]} must @param {number} limit @returns {number[]} in rising order */
export function listedClasses(votes, must, limit) {
  const most = votes.map((_, number) => number).sort((a, b) => Number(must.includes(b)) - Number(must.includes(a)) || votes[b] - votes[a] || a - b);
  return most.slice(0, limit).sort((a, b) => a - b);
}

/** A bar of votes for each class, or for each value; of very many only the largest, with the class that was decided and the true one.
 * @param {Output} output @param {number} most @returns {Reading} */
function barsPanel(output, most) {
  const { shown, truth, classes, votes, voters } = output;
  const bars = h("div", { class: "wl-votes", role: "img" });
  const words = h("div", { class: "wl-verdict" });
  const meaning = h("div", { class: "wl-meaning" });
  const voted = shown === "votes";
  const made = votes[0].slice(0, most).map(() => {
    const [name, bar, tick, value] = [h("span", { class: "wl-class" }), h("i"), h("b", { hidden: true }), h("span", { class: "wl-count" })];
    const row = h("div", { class: "wl-vote" }, name, h("span", { class: "wl-gauge" }, bar, tick), value);
    bars.append(row);
    return { row, name, bar, tick, value };
  });
  return {
    element: h("div", { class: "wl-tally" }, label(output, `${voters ? `votes, of at most ${voters}` : voted ? "votes" : "values"}${made.length < votes[0].length ? `; ${made.length} of ${votes[0].length}` : ""}`), bars, words, meaning),
    show(sample, part, other) {
      const mine = votes[sample].map((vote) => vote ?? 0);
      const theirs = other && other.shown === shown && other.votes[sample].length === mine.length ? other.votes[sample].map((vote) => vote ?? 0) : null;
      // Where two stand side by side, both list the same classes, and a bar is as long for as many votes.
      const must = voted ? [classes[sample], truth[sample], ...(theirs && other ? [other.classes[sample], other.truth[sample]] : [])] : [];
      const order = listedClasses(theirs ? mine.map((vote, number) => Math.max(vote, theirs[number])) : mine, must, made.length);
      const [low, high] = [Math.min(0, ...mine, ...(theirs ?? [])), Math.max(0, ...mine, ...(theirs ?? []))];
      const wrong = output.wrong[sample];
      const settled = part >= 1;
      order.forEach((number, which) => {
        const { row, name, bar, tick, value } = made[which];
        say(name, String(number));
        row.classList.toggle("wl-winner", settled && voted && number === classes[sample]);
        row.classList.toggle("wl-false", settled && wrong);
        row.classList.toggle("wl-truth", voted && number === truth[sample]);
        const width = (100 * Math.abs(mine[number]) * part) / (high - low || 1);
        const zero = (-100 * low) / (high - low || 1);
        bar.style.left = `${mine[number] < 0 ? zero - width : zero}%`;
        bar.style.width = `${width}%`;
        tick.hidden = !theirs || !settled || theirs[number] === mine[number];
        if (theirs) tick.style.left = `min(${(100 * (theirs[number] - low)) / (high - low || 1)}%, 100% - 2px)`;
        say(value, settled ? plain(mine[number]) : "");
        row.title = settled && voters ? `class ${number}: ${matchWords(mine[number], voters)}` : "";
      });
      say(words, settled ? output.words[sample] : "no output yet");
      words.classList.toggle("wl-false", settled && wrong);
      say(meaning, settled && voters ? `Class ${classes[sample]}: ${matchWords(mine[classes[sample]], voters)}.` : "");
      const what = voted ? "Votes" : "Values";
      bars.setAttribute("aria-label", settled ? `${what}: ${order.map((number) => `${voted ? "class" : "value"} ${number} ${plain(mine[number])}${theirs && theirs[number] !== mine[number] ? `, in the other run ${plain(theirs[number])}` : ""}`).join(theirs ? "; " : ", ")}` : `No ${what.toLowerCase()} yet`);
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
 * @param {Scope} scope @param {Output} output @param {{ shape: number[], values: any }} maps @returns {Reading} */
function mapPanel(scope, output, maps) {
  const { colours, words: { length: samples } } = output;
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
    element: h("div", { class: "wl-tally" }, label(output, "class of each place"), canvas, legend, words),
    show(sample, part) {
      paint(sample);
      settled = part >= 1;
      canvas.style.opacity = legend.style.opacity = String(part);
      tell();
    },
  };
}
