// @ts-check
// What the reader can take hold of on the sharpener's chart: commands to the run, parameters, and the two lines.
import { clamp, percent, plain } from "./numbers.mjs";
import { button, h, say } from "./page.mjs";
import { PARAMETERS, meaning, parameter, range } from "./steering.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {import("./steering.mjs").Steering} Steering */
/** @typedef {import("./steering.mjs").Mode} Mode */

/** The buttons that start, pause, step and stop a run.
 * @param {Scope} scope @param {() => string} status @param {(name: string, unit?: string) => void} command */
export function commandBar(scope, status, command) {
  const go = button("▶", "Start");
  const batch = button("›", "Batch", { "aria-label": "Train one more batch", title: "Train one more batch, then pause" });
  const epoch = button("»", "Epoch", { "aria-label": "Train to the end of the epoch", title: "Train to the end of the epoch, then pause" });
  const stop = button("■", "Stop", { title: "End training after this batch" });
  scope.on(go, "click", () => command(status() === "running" ? "pause" : status() === "paused" ? "resume" : "start"));
  scope.on(batch, "click", () => command("step", "batch"));
  scope.on(epoch, "click", () => command("step", "epoch"));
  scope.on(stop, "click", () => command("stop"));
  return {
    element: h("div", { class: "wl-commands", role: "group", "aria-label": "Commands to the run" }, go, batch, epoch, stop),
    show() {
      const now = status();
      say(go.children[0], now === "running" ? "❚❚" : "▶");
      say(go.children[1], now === "running" ? "Pause" : now === "paused" ? "Resume" : now === "ready" ? "Start" : "Train on");
      stop.disabled = !["running", "paused"].includes(now);
      batch.disabled = epoch.disabled = now === "running";
    },
  };
}

/** A slider and a field for each parameter that can be moved; those of a recorded run that nothing follows from are told.
 * @param {Scope} scope @param {Steering} steer @param {{ adaptive: boolean, recorded: boolean, policy: Record<string, any>, mode: Mode }} run */
export function knobs(scope, steer, { adaptive, recorded, policy, mode }) {
  const movable = PARAMETERS.filter((what) => adaptive && (what.replays || !recorded));
  const told = PARAMETERS.filter((what) => adaptive && !movable.includes(what));
  const made = movable.map(({ name, low, high, most, step }) => {
    const means = meaning(name, mode);
    const slider = h("input", { type: "range", min: low, step, max: high, "aria-label": `${name}: ${means}` });
    const field = h("input", { type: "number", min: low, step, max: most, "aria-label": name });
    const element = h("div", { class: "wl-knob", "data-name": name },
      h("div", { class: "wl-knob-top" }, h("code", {}, name), field), slider, h("div", { class: "wl-means" }, means));
    scope.on(slider, "pointerdown", () => steer.grab(name));
    scope.on(slider, "input", () => steer.move(name, Number(slider.value)));
    scope.on(field, "change", () => field.value !== "" && steer.move(name, Number(field.value)));
    return { name, slider, field, element };
  });
  // Wherever the finger leaves the page, a slider is let go of.
  for (const end of ["pointerup", "pointercancel"]) scope.on(window, end, () => made.some(({ name }) => name === steer.held) && steer.drop());
  const elements = made.map(({ element }) => element);
  if (told.length) elements.push(h("div", { class: "wl-means" }, told.map(({ name }) => `${name} ${plain(policy[name])}`).join("  ·  ")));
  return {
    elements,
    show() {
      for (const { name, slider, field, element } of made) {
        const value = steer.value(name);
        if (steer.held !== name) slider.max = String(range(name, value).high);
        slider.value = String(value);
        if (document.activeElement !== field || !steer.asks(name)) field.value = String(value);
        slider.setAttribute("aria-valuetext", name.startsWith("sig") ? percent(value) : String(value));
        element.classList.toggle("wl-asked", steer.asks(name));
      }
    },
  };
}

/** Whether a line lies above the reference: of a loss, that of a rise. @param {string} name @param {Mode} mode */
const above = (name, mode) => (name === "sig_increase") === (mode !== "max");

/** What a pull on a line to a loss makes of its parameter.
 * @param {string} name @param {number} loss @param {number} reference @param {Mode} [mode] @param {number} [from] where it stood */
export function pulled(name, loss, reference, mode = "min", from = parameter(name).low) {
  const { step } = parameter(name);
  const share = ((above(name, mode) ? 1 : -1) * (loss - reference)) / Math.abs(reference);
  const { low, high } = range(name, from);
  return clamp(Math.round(share / step) * step, low, high);
}

/** What was taken hold of: the line, how far from it the finger is, where it stood, and what it is measured by.
 * @typedef {{ offset: number, y: number, from: number, reference: number }} Hold */

/** The two lines, to be taken hold of at the right edge of the chart.
 * @param {Scope} scope @param {HTMLElement} box @param {Steering} steer
 * @param {{ lossAt: (clientY: number) => number, heightOf: (name: string) => number, reference: () => number, hold: (held: boolean) => void, mode: Mode }} chart
 *   `lossAt`: the loss at a height of the page; `heightOf`: the height of a line; `hold`: called before a line is held, and after:
 *   in between nothing that a finger is measured by may move */
export function grips(scope, box, steer, { lossAt, heightOf, reference, hold, mode }) {
  const made = ["sig_increase", "sig_decrease"].map((name) => {
    const means = meaning(name, mode);
    const grip = h("div", { class: "wl-grip", role: "slider", tabindex: 0, "data-name": name, title: `${name}: ${means}. Drag it.`, "aria-label": `${name}: ${means}`, "aria-orientation": "vertical" });
    box.append(grip);
    takeHold(scope, grip, {
      take: (/** @type {number} */ y) => {
        hold(true);
        steer.grab(name);
        return { offset: y - heightOf(name), y, from: steer.value(name), reference: reference() };
      },
      pull: (/** @type {number} */ y, /** @type {Hold} */ { offset, from, reference }) => steer.move(name, pulled(name, lossAt(y - offset), reference, mode, from)),
      drop: () => {
        hold(false);
        steer.drop();
      },
    });
    scope.on(grip, "keydown", (/** @type {KeyboardEvent} */ event) => {
      const up = above(name, mode) ? 1 : -1;
      const steps = { ArrowUp: up, ArrowDown: -up, ArrowRight: 1, ArrowLeft: -1, PageUp: 5 * up, PageDown: -5 * up }[event.key];
      if (steps === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const { low, high } = range(name, steer.value(name));
      steer.move(name, clamp(steer.value(name) + steps * parameter(name).step, low, high));
    });
    return { name, grip };
  });
  return {
    /** @param {boolean} known whether there are lines yet */
    show(known) {
      for (const { name, grip } of made) {
        const value = steer.value(name);
        const words = percent((above(name, mode) ? 1 : -1) * value, true);
        const { low, high } = range(name, value);
        grip.hidden = !known;
        say(grip, words);
        for (const [what, told] of Object.entries({ valuemin: low, valuemax: high, valuenow: value, valuetext: words })) grip.setAttribute(`aria-${what}`, String(told));
      }
    },
    /** Puts the grips beside their lines, and apart from each other.
     * @param {number} x @param {number} stop the height of the line that stops sharpening @param {number} improve of the other */
    place(x, stop, improve) {
      const room = Math.max(22 - Math.abs(improve - stop), 0) / 2;
      made.forEach(({ name, grip }, which) => {
        const y = (which ? improve : stop) + (above(name, mode) ? -room : room);
        grip.style.transform = `translate(${x}px, ${y}px) translateY(-50%)`;
      });
    },
  };
}

/** Lets a finger take hold of a grip, pull it up and down, and let it go. A finger that keeps still pulls nothing, whatever else
 * moves, and letting go pulls nothing either.
 * @param {Scope} scope @param {HTMLElement} grip
 * @param {{ take: (y: number) => Hold, pull: (y: number, held: Hold) => void, drop: () => void }} what */
function takeHold(scope, grip, { take, pull, drop }) {
  /** @type {Hold | null} */
  let held = null;
  scope.on(grip, "pointerdown", (/** @type {PointerEvent} */ event) => {
    if (event.button) return;
    grip.setPointerCapture(event.pointerId);
    held = take(event.clientY);
    event.preventDefault();
    grip.focus({ preventScroll: true });
  });
  scope.on(grip, "pointermove", (/** @type {PointerEvent} */ event) => {
    if (!held || event.clientY === held.y) return;
    held.y = event.clientY;
    pull(event.clientY, held);
  });
  const leave = () => {
    if (!held) return;
    held = null;
    drop();
  };
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) scope.on(grip, end, leave);
  scope.undo.push(leave);
}
