// @ts-check
// What the reader asks of the parameters of an adaptive policy, and how a live run hears of it.

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {ReturnType<typeof steering>} Steering */

/** @typedef {import("./method.mjs").Mode} Mode */

/** What a parameter of the policy means, where what is judged should rise. @type {Record<string, string>} */
const RISING = { sig_increase: "a fall that stops sharpening", sig_decrease: "a rise that counts as one", patience: "epochs without a rise before sharpening" };

/** What a parameter means to a run. @param {string} name @param {Mode} mode */
export const meaning = (name, mode) => (mode === "max" ? RISING[name] : undefined) ?? parameter(name).means;

/** The parameters that can be moved: range, step, what they mean, and whether a recorded run can say what they would do. */
export const PARAMETERS = [
  { name: "sig_increase", low: 0.01, high: 1, step: 0.01, share: true, replays: true, means: "a rise of the loss that stops sharpening" },
  { name: "sig_decrease", low: 0.01, high: 0.9, step: 0.01, share: true, replays: true, means: "a fall of the loss that counts as one" },
  { name: "patience", low: 0, high: 10, step: 1, share: false, replays: true, means: "epochs without a fall before sharpening" },
  { name: "rate", low: 0.01, high: 1, step: 0.01, share: false, replays: false, means: "sharpness gained in an epoch" },
  { name: "cz_rate", low: 0.01, high: 1, step: 0.01, share: false, replays: false, means: "the same, past the critical sharpness" },
  { name: "critical", low: 0, high: 1, step: 0.01, share: false, replays: false, means: "sharpness at which the slower rate begins" },
];

/** A parameter by its name. @param {string} name */
export const parameter = (name) => PARAMETERS.find((what) => what.name === name) ?? PARAMETERS[0];

/** A value of a parameter as it can be set: in steps, and not below its range. @param {string} name @param {number} wanted */
export function settable(name, wanted) {
  const { step, low } = parameter(name);
  return Math.max(step === 1 ? Math.round(wanted) : Math.round(wanted * 1000) / 1000, low);
}

/** Keeps what was asked for and not yet confirmed. On a live run it is sent, at most some ten times a second.
 * @param {Scope} scope @param {Model} model
 * @param {{ recorded: boolean, inForce: () => Record<string, any>, changed: () => void }} run */
export function steering(scope, model, { recorded, inForce, changed }) {
  /** @type {Record<string, number>} */
  const asked = {};
  /** @type {Record<string, number>} */
  let unsent = {};
  let [sentAt, timer] = [-Infinity, 0];
  function send() {
    clearTimeout(timer);
    timer = 0;
    if (!Object.keys(unsent).length) return;
    sentAt = performance.now();
    model.send({ kind: "steer", values: unsent });
    unsent = {};
  }
  scope.undo.push(send);
  return {
    asked,
    /** A parameter in force, or what the reader made of it. @param {string} name @returns {number} */
    value: (name) => asked[name] ?? inForce()[name],
    altered: () => Object.keys(asked).some((name) => asked[name] !== inForce()[name]),
    /** Asks for a value; `last` is false while the finger still moves. @param {string} name @param {number} wanted @param {boolean} last */
    move(name, wanted, last) {
      asked[name] = settable(name, wanted);
      if (recorded && asked[name] === inForce()[name]) delete asked[name];
      if (!recorded) {
        unsent[name] = asked[name];
        if (last || performance.now() - sentAt > 100) send();
        else if (!timer) timer = window.setTimeout(send, 100);
      }
      changed();
    },
    /** What the run has taken over is asked for no longer, unless the finger is still at it. @param {string | null} held */
    settle(held) {
      if (!recorded) for (const name of Object.keys(asked)) if (name !== held && Math.abs(asked[name] - inForce()[name]) < 1e-9) delete asked[name];
    },
    forget() {
      for (const name of Object.keys(asked)) delete asked[name];
    },
  };
}
