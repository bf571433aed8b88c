// @ts-check
// Hands on the network at the cursor: a pad to draw on, and a bench on which it is broken.
import { mountPad } from "./drawing_pad.mjs";
import { mountBench } from "./fault_bench.mjs";
import { asking } from "./lab_asking.mjs";
import { standIn } from "./offline.mjs";
import { drawings } from "./pad.mjs";
import { h, say } from "./page.mjs";

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {import("./cursor.mjs").Cursor} Cursor */

/** How high the layers of the network are, how many votes are listed, and how often a page asks for the network of a run that goes on, in milliseconds. */
const HANDS_TALL = 134;
const VOTES_LISTED = 10;
const ASKED = 1000;

/** What hands do, by the name of the tab. @type {Record<string, (view: any) => () => void>} */
const HANDS = { Draw: mountPad, Break: mountBench };

/** Asks for the network at the cursor while hands are on it. @param {Scope} scope @param {Model} model @param {Cursor} cursor
 * @param {{ epochs: () => number, wanted: () => boolean, known: () => number | null }} what `known`: after how many epochs that at hand was */
function networkAsker(scope, model, cursor, { epochs, wanted, known }) {
  let last = -Infinity;
  const asker = asking(scope, model, "network", {
    wish() {
      const epoch = cursor.epoch(epochs());
      return wanted() && epoch >= 1 ? { epoch } : null;
    },
    besides() {
      last = performance.now();
      return { first: known() === null };
    },
    // A run that goes on is followed at a walk: each network takes more to send than all else together.
    wait: () => (cursor.at === null ? last + ASKED - performance.now() : 0),
  });
  cursor.follow(scope, asker.ask);
  return asker;
}

/** The panels behind the tabs that put hands on the network. @param {Scope} scope @param {Model} model @param {Cursor} cursor
 * @param {{ epochs: () => number, why: () => string, shown: () => number, drawing: ReturnType<typeof drawings> }} what `why`: why there are none, empty
 *   where there are; `shown`: how many samples are looked at on the page; `drawing`: what is on the pad */
export function handsView(scope, model, cursor, { epochs, why, shown, drawing }) {
  const moment = h("span", { class: "wl-facts wl-of-epoch" });
  /** @type {Record<string, { element: HTMLElement, empty: HTMLElement, leave: (() => void) | null }>} */
  const made = {};
  for (const name of Object.keys(HANDS)) {
    const empty = h("p", { class: "wl-note wl-none" });
    made[name] = { element: h("div", { class: "wl-hands" }, empty), empty, leave: null };
    scope.undo.push(() => made[name].leave?.());
  }
  /** @type {{ epoch: number, values: Model } | null} */
  let at = null;
  let open = "";
  const asker = networkAsker(scope, model, cursor, { epochs, wanted: () => open !== "" && !why(), known: () => at?.epoch ?? null });

  function show() {
    say(moment, at && made[open]?.leave ? `the network after epoch ${at.epoch}, as if every neuron spiked` : "");
    const words = why() || (epochs() < 1 ? "There is a network to put hands on as soon as the first epoch has ended." : at ? "" : "The network is on its way.");
    for (const [name, { empty, leave }] of Object.entries(made)) {
      const told = words || lacking(name);
      empty.hidden = leave !== null || !told;
      say(empty, told);
    }
  }
  /** Why the network that is there is not enough. @param {string} name of a tab */
  const lacking = (name) => (name === "Break" && at && !at.values.get("samples").labels.length ? "To break neurons is to count what is still read right: that takes samples and their true classes." : "");
  /** Draws what is behind the open tab, the first time that there is a network. */
  function mount() {
    const hand = made[open];
    if (hand && !hand.leave && at && !lacking(open)) hand.leave = HANDS[open]({ model: at.values, el: hand.element, around: { cursor, drawing, shown: shown(), tall: HANDS_TALL, bars: VOTES_LISTED } });
    show();
  }
  return {
    moment, panels: Object.entries(made).map(([name, { element }]) => /** @type {[string, Node[]]} */ ([name, [element]])),
    /** A tab was opened. @param {string} name */
    open(name) {
      open = name in HANDS ? name : "";
      asker.ask();
      mount();
    },
    /** The run has gone on. */
    show: () => (asker.ask(), show()),
    /** A network has come. @param {any} message */
    heard({ epoch, network, samples, about }) {
      if (network && at) {
        at.epoch = epoch;
        at.values.set("network", network);
      } else if (network) at = { epoch, values: standIn({ network, samples, about, still: "" }) };
      asker.heard();
      mount();
    },
  };
}
