// @ts-check
// What the reader asks of the parameters of an adaptive policy, how a live run hears of it, and how it is taken back.
import { clamp } from "./numbers.mjs";

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {ReturnType<typeof steering>} Steering */

/** @typedef {import("./method.mjs").Mode} Mode */

/** What a parameter of the policy means, where what is judged should rise. @type {Record<string, string>} */
const RISING = { sig_increase: "a fall that stops sharpening", sig_decrease: "a rise that counts as one", patience: "epochs without a rise before sharpening" };

/** What a parameter means to a run. @param {string} name @param {Mode} mode */
export const meaning = (name, mode) => (mode === "max" ? RISING[name] : undefined) ?? parameter(name).means;

/** The parameters that can be moved: the range of a slider or a line, the most that can be typed, the step, what they mean, and
 * whether a recorded run can say what they would do. */
export const PARAMETERS = [
  { name: "sig_increase", low: 0.01, high: 1, most: 100, step: 0.01, share: true, replays: true, means: "a rise of the loss that stops sharpening" },
  { name: "sig_decrease", low: 0.01, high: 0.9, most: 100, step: 0.01, share: true, replays: true, means: "a fall of the loss that counts as one" },
  { name: "patience", low: 0, high: 10, most: 1000, step: 1, share: false, replays: true, means: "epochs without a fall before sharpening" },
  { name: "rate", low: 0.01, high: 1, most: 1, step: 0.01, share: false, replays: false, means: "sharpness gained in an epoch" },
  { name: "cz_rate", low: 0.01, high: 1, most: 1, step: 0.01, share: false, replays: false, means: "the same, past the critical sharpness" },
  { name: "critical", low: 0, high: 1, most: 1, step: 0.01, share: false, replays: false, means: "sharpness at which the slower rate begins" },
];

/** A parameter by its name. @param {string} name */
export const parameter = (name) => PARAMETERS.find((what) => what.name === name) ?? PARAMETERS[0];

/** The range within which a hand can move a parameter, by a slider as by a line: its own, and further where it stands already.
 * @param {string} name @param {number} value where it stands */
export function range(name, value) {
  const { low, high } = parameter(name);
  return { low: Math.min(low, value), high: Math.max(high, value) };
}

/** A value of a parameter as it can be set: in steps, and within what can be typed. @param {string} name @param {number} wanted */
export function settable(name, wanted) {
  const { step, low, most } = parameter(name);
  return clamp(step === 1 ? Math.round(wanted) : Math.round(wanted * 1000) / 1000, low, most);
}

/** Milliseconds between two messages to the run, and after which a key begins another gesture. */
const BETWEEN = 50;
const PAUSE = 1000;

/** Sends what is asked of a live run, not too often, and knows how far the run has followed.
 * @param {Scope} scope @param {Model} model */
function messenger(scope, model) {
  const page = Math.random().toString(36).slice(2);
  /** @type {Record<string, number>} */
  let unsent = {};
  let [sentAt, timer, marks, confirmed, gesture] = [-Infinity, 0, 0, 0, 0];
  function send() {
    clearTimeout(timer);
    timer = 0;
    if (!Object.keys(unsent).length) return;
    sentAt = performance.now();
    marks += 1;
    model.send({ kind: "steer", values: unsent, gesture: `${page} ${gesture}`, mark: `${page} ${marks}` });
    unsent = {};
  }
  scope.undo.push(send);
  return {
    send,
    /** What follows is another gesture. */
    begin() {
      send();
      gesture += 1;
    },
    /** @param {string} name @param {number} value */
    put(name, value) {
      unsent[name] = value;
      const wait = BETWEEN - (performance.now() - sentAt);
      if (wait <= 0) send();
      else if (!timer) timer = window.setTimeout(send, wait);
    },
    /** Takes note that the run has followed a message. @param {string} mark */
    confirm(mark) {
      if (mark === `${page} ${marks}`) confirmed = marks; // else it is not the last one, or that of another page
    },
    /** Whether the run has followed all that was asked. */
    get followed() { return confirmed === marks && !Object.keys(unsent).length; },
    forget() {
      clearTimeout(timer);
      [unsent, timer] = [{}, 0];
    },
  };
}

/** Keeps what was asked for until the run says that it has been in force; from then on what is in force is shown, whoever has
 * set it. What one drag, or one row of keys, makes of a parameter is one gesture: one decision of the run, and undone at once.
 * @param {Scope} scope @param {Model} model
 * @param {{ recorded: boolean, inForce: () => Record<string, any>, changed: (byHand: boolean) => void }} run
 *   `changed`: called when what is asked for is another, by the reader's hand or as the run has followed */
export function steering(scope, model, { recorded, inForce, changed }) {
  const messages = messenger(scope, model);
  /** @type {Record<string, number>} */
  let asked = {};
  /** What gestures have moved, and from where. @type {{ name: string, before: number }[]} */
  let made = [];
  /** The parameter that a finger is at. @type {string | null} */
  let held = null;
  /** The parameter that the last gesture moves, and when it did. @type {{ name: string | null, at: number }} */
  let gesture = { name: null, at: -Infinity };
  const value = (/** @type {string} */ name) => asked[name] ?? inForce()[name];

  /** @param {string} name @param {number} wanted */
  function ask(name, wanted) {
    asked[name] = settable(name, wanted);
    if (!recorded) messages.put(name, asked[name]);
    else if (asked[name] === inForce()[name]) delete asked[name];
    changed(true);
  }

  /** What has been in force is asked for no longer, unless the finger is still at it. */
  function settle() {
    if (!recorded && messages.followed) asked = held !== null && held in asked ? { [held]: asked[held] } : {};
    changed(false);
  }

  return {
    /** A parameter in force, or what the reader made of it. */
    value,
    get held() { return held; },
    /** Whether a parameter is not yet as the reader wants it. @param {string} name */
    asks: (name) => name in asked,
    /** What the reader made of a recorded run. @returns {Record<string, number>} */
    get asked() { return asked; },
    altered: () => Object.keys(asked).some((name) => asked[name] !== inForce()[name]),
    undoable: () => made.length > 0,
    /** A finger takes hold of a parameter: what moves now is a gesture of its own. @param {string} name */
    grab(name) {
      held = name;
      gesture.name = null;
    },
    /** It lets go: what it asked for last holds. */
    drop() {
      if (held === null) return;
      [held, gesture.name] = [null, null];
      messages.send();
      settle();
    },
    /** Asks for a value. @param {string} name @param {number} wanted */
    move(name, wanted) {
      const [before, now] = [value(name), performance.now()];
      if (settable(name, wanted) === before) return;
      if (gesture.name !== name || (held !== name && now - gesture.at >= PAUSE)) {
        messages.begin();
        made.push({ name, before });
      }
      gesture = { name, at: now };
      ask(name, wanted);
    },
    /** Takes the last gesture back. */
    undo() {
      const last = held === null ? made.pop() : undefined;
      if (!last) return;
      messages.begin();
      gesture.name = null;
      ask(last.name, last.before);
    },
    /** The run says up to where it has followed. @param {string} mark */
    settle(mark) {
      messages.confirm(mark);
      settle();
    },
    /** Asks for nothing any more. */
    forget() {
      messages.forget();
      [asked, made] = [{}, []];
      changed(false);
    },
  };
}
