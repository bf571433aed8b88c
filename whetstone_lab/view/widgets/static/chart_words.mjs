// @ts-check
// What the sharpener's chart says: signs of decisions, the list of them, and sentences about epochs and replays.
import { layerColour, layerSwatch } from "./canvas.mjs";
import { levels, relativeChange } from "./method.mjs";
import { clamp, percent, plain } from "./numbers.mjs";
import { h } from "./page.mjs";

/** @type {Record<string, { sign: string, colour: string, word: string }>} */
const MARKS = {
  start: { sign: "▶", colour: "sharpening", word: "sharpen" },
  stop: { sign: "■", colour: "stop", word: "stop" },
  sharp: { sign: "◆", colour: "ink", word: "layer sharp" },
  done: { sign: "★", colour: "ink", word: "all sharp" },
  threshold: { sign: "✎", colour: "muted", word: "by hand" },
  warning: { sign: "!", colour: "stop", word: "warning" },
};

/** The sign of a decision and its colour. @param {any} decision */
export function markOf(decision) {
  const mark = MARKS[decision.kind] ?? MARKS.warning;
  return { sign: mark.sign, colour: decision.kind === "sharp" ? layerColour(decision.layer) : mark.colour };
}

/** What a replay has to say, in some sentences.
 * @param {ReturnType<typeof import("./method.mjs").whatIf>["first"]} first @param {string} [judged] what was judged
 * @param {number | null} [begins] after how many epochs the run can go on with the other lines, or null where it cannot */
export function verdict(first, judged = "loss", begins = null) {
  if (!first) return "With these lines every decision would have come out the same.";
  const loss = Number.isFinite(first.change) ? ` (the ${judged} changed by ${percent(first.change, true)})` : "";
  const [would, did] = {
    "goes on": ["have gone on", "it stopped"], stops: ["have stopped", "it went on"],
    starts: ["have started", "it waited"], waits: ["have waited", "it started"],
  }[first.kind] ?? ["", ""];
  return `After epoch ${first.epoch} sharpening would ${would}${loss}; in this run ${did}. ${followed(begins)}`;
}

/** How what is not known can be found out. @param {number | null} begins */
const followed = (begins) => (begins === null
  ? "What would follow is not known: that takes a new training. A run of Laboratory() can go on from there, since the weights of its epochs are kept; here there are none."
  : begins ? `What would follow is not known yet. The weights after epoch ${begins} are kept: run it again from there.`
    : "What would follow is not known yet. No weights from before are kept: run it again from the start.");

/** What moving a line means to a run. @param {{ recorded: boolean, whole: boolean, known: boolean, ended?: boolean, was?: string }} run
 *   `was`: what it was doing when it was recorded, if it went on */
export function remarkWords({ recorded, whole, known, ended = false, was }) {
  if (recorded && !whole) return "A record of so many epochs is drawn thinned, so it cannot be asked what if.";
  if (recorded) return `${was && was !== "failed" ? "The run went on when this was recorded" : "This run is over"}. Move a line, and see which decision would have been the first to come out differently; nothing is trained again.`;
  if (ended) return "This run has ended. What you move holds if you train on; “What if” asks what other lines would have decided.";
  return known ? "What you move holds from the next batch on, also while the run is paused." : "The lines appear after the first epoch.";
}

/** A policy that has no lines to move, in words. @param {Record<string, any>} policy @param {boolean} begun */
export function policyWords(policy, begun) {
  const values = Object.entries(policy).filter(([name, value]) => name !== "name" && value !== null);
  return policy.name ? `Policy: ${policy.name}. ${values.map(([name, value]) => `${name} ${value}`).join(", ")}` : begun ? "Policy: unknown." : "The policy is known as soon as the run begins.";
}

/** An epoch in a sentence. @param {Record<string, number>} row @param {string} [judged] what was judged */
export function epochWords(row, judged = "loss") {
  const relative = relativeChange(row.reference, row.loss);
  const change = Number.isFinite(relative) ? `, ${percent(relative, true)} against the reference of ${plain(row.reference)}` : "";
  return `Epoch ${row.end}: ${judged} ${plain(row.loss)}${change}${row.sharpening ? "; sharpening" : ""}.`;
}

/** The same epoch of another run, beside. @param {Record<string, number>[]} rows @param {number} epoch @param {string} judged @param {import("./method.mjs").Mode} mode */
export function besideWords(rows, epoch, judged, mode) {
  const row = rows.find(({ end }) => end >= epoch);
  if (!row) return rows.length ? ` The other run ended with epoch ${rows[rows.length - 1].end}.` : "";
  const { stop, improve } = levels(row.reference, row.up, row.down, mode);
  const lines = Number.isFinite(stop) && Number.isFinite(improve) ? ` (lines ${plain(stop)}, ${plain(improve)})` : "";
  return ` The other run: ${judged} ${plain(row.loss)}${lines}${row.sharpening ? "; sharpening" : ""}.`;
}

/** Why there is no epoch to speak of yet. @param {string} status @param {boolean} recorded @param {boolean} begun whether a batch was trained */
export function waitingWords(status, recorded, begun) {
  if (status === "ready") return recorded ? "Nothing has been trained yet." : "Press Start, or go one batch or one epoch at a time.";
  if (status === "running" && !begun) return "Getting ready: before the first batch Keras compiles the training step, which takes some seconds.";
  return ["running", "paused"].includes(status) ? "The first epoch is under way." : "No epoch was finished.";
}

/** Which entry of a list a key leads to; null for another key. @param {string} key @param {number} here @param {number} count */
export function listed(key, here, count) {
  const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: count - 1 }[key];
  return to === undefined || !count ? null : clamp(to, 0, count - 1);
}

/** The list of decisions, newest first, and the legend of their signs and of the layers. A click on an entry, or Enter where the arrow
 * keys stand, goes to it. @param {import("./page.mjs").Scope} scope @param {string[]} layers @param {(decision: any) => void} go */
export function decisionList(scope, layers, go) {
  const log = h("ol", { class: "wl-log", tabindex: 0, "aria-label": "Decisions, newest first. Arrow keys and Enter go to one." });
  const legend = h("div", { class: "wl-legend", "aria-hidden": "true" });
  const id = Math.random().toString(36).slice(2);
  let written = "";
  /** Those that are listed, and where the arrow keys stand. */
  let [known, here] = [/** @type {any[]} */ ([]), -1];
  /** @param {number} to */
  function stand(to) {
    here = to;
    [...log.children].forEach((entry, which) => known.length && entry.setAttribute("aria-selected", String(which === here)));
    if (here >= 0) log.setAttribute("aria-activedescendant", `${id}-${here}`);
    else log.removeAttribute("aria-activedescendant");
  }
  scope.on(log, "click", (/** @type {MouseEvent} */ event) => {
    const which = [...log.children].findIndex((entry) => entry.contains(/** @type {Node} */ (event.target)));
    if (!known[which]) return;
    stand(which);
    go(known[which]);
  });
  scope.on(log, "keydown", (/** @type {KeyboardEvent} */ event) => {
    const to = listed(event.key, here, known.length);
    if (to !== null) {
      stand(to);
      log.children[to].scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" && known[here]) go(known[here]);
    else return;
    event.preventDefault();
  });
  return {
    log,
    legend,
    /** @param {any[]} decisions */
    show(decisions) {
      const state = JSON.stringify(decisions);
      if (state === written) return;
      written = state;
      // Whoever stands on a decision goes on standing on it, as newer ones come before it.
      const stood = JSON.stringify(known[here]);
      known = [...decisions].reverse();
      log.replaceChildren(...known.map((decision, which) => {
        const { sign, colour } = markOf(decision);
        return h("li", { role: "option", id: `${id}-${which}`, title: "Go to this moment of the run" }, h("span", { class: "wl-mark", style: `color: var(--wl-${colour})`, "aria-hidden": "true" }, sign),
          h("span", {}, h("b", {}, `epoch ${decision.epoch + 1}`), ` ${decision.reason}`));
      }));
      if (decisions.length) log.setAttribute("role", "listbox");
      else log.removeAttribute("role");
      stand(known.findIndex((decision) => JSON.stringify(decision) === stood));
      if (!decisions.length) log.append(h("li", { class: "wl-none" }, "None yet."));
      legend.replaceChildren(...[...new Set(decisions.map((decision) => decision.kind))].map((kind) => {
        const mark = MARKS[kind] ?? MARKS.warning;
        return h("span", {}, h("span", { style: `color: var(--wl-${mark.colour})` }, mark.sign), ` ${mark.word}`);
      }), ...layers.map((name, layer) => h("span", {}, layerSwatch(layer), ` ${name}`)));
    },
  };
}
