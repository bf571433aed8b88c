// @ts-check
// What the reader can take hold of on the sharpener's chart: commands to the run, parameters, and the two lines.
import { clamp, percent, plain } from "./numbers.mjs";
import { button, h, say } from "./page.mjs";
import { PARAMETERS, meaning, parameter } from "./steering.mjs";

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
  const made = movable.map(({ name, low, high, step }) => {
    const means = meaning(name, mode);
    const slider = h("input", { type: "range", min: low, step, max: high, "aria-label": `${name}: ${means}` });
    const field = h("input", { type: "number", min: low, step, max: name === "patience" ? 1000 : name.startsWith("sig") ? 100 : 1, "aria-label": name });
    const element = h("div", { class: "wl-knob", "data-name": name },
      h("div", { class: "wl-knob-top" }, h("code", {}, name), field), slider, h("div", { class: "wl-means" }, means));
    scope.on(slider, "input", () => steer.move(name, Number(slider.value), false));
    scope.on(slider, "change", () => steer.move(name, Number(slider.value), true));
    scope.on(field, "change", () => field.value !== "" && steer.move(name, Number(field.value), true));
    return { name, slider, field, element };
  });
  const elements = made.map(({ element }) => element);
  if (told.length) elements.push(h("div", { class: "wl-means" }, told.map(({ name }) => `${name} ${plain(policy[name])}`).join("  ·  ")));
  return {
    elements,
    show() {
      for (const { name, slider, field, element } of made) {
        const value = steer.value(name);
        slider.value = String(value);
        if (document.activeElement !== field || !(name in steer.asked)) field.value = String(value);
        slider.setAttribute("aria-valuetext", name.startsWith("sig") ? percent(value) : String(value));
        element.classList.toggle("wl-asked", name in steer.asked);
      }
    },
  };
}

/** Whether a line lies above the reference: of a loss, that of a rise. @param {string} name @param {Mode} mode */
const above = (name, mode) => (name === "sig_increase") === (mode !== "max");

/** What a pull on a line to a loss makes of its parameter.
 * @param {string} name @param {number} loss @param {number} reference @param {Mode} [mode] */
export function pulled(name, loss, reference, mode = "min") {
  const { step, low, high } = parameter(name);
  const share = ((above(name, mode) ? 1 : -1) * (loss - reference)) / Math.abs(reference);
  return clamp(Math.round(share / step) * step, low, name === "sig_increase" ? 9 : high);
}

/** The two lines, to be taken hold of at the right edge of the chart.
 * @param {Scope} scope @param {HTMLElement} box @param {Steering} steer
 * @param {{ lossAt: (clientY: number) => number, reference: () => number, changed: (held: string | null) => void, mode: Mode }} chart
 *   `lossAt`: the loss at a height of the page; `changed`: called with the line that is held, or null */
export function grips(scope, box, steer, { lossAt, reference, changed, mode }) {
  /** @type {string | null} */
  let held = null;
  const made = ["sig_increase", "sig_decrease"].map((name) => {
    const { low, high, step } = parameter(name);
    const means = meaning(name, mode);
    const grip = h("div", { class: "wl-grip", role: "slider", tabindex: 0, "data-name": name, title: `${name}: ${means}. Drag it.`, "aria-label": `${name}: ${means}`, "aria-orientation": "vertical", "aria-valuemin": low, "aria-valuemax": high });
    box.append(grip);
    const pull = (/** @type {PointerEvent} */ event) => pulled(name, lossAt(event.clientY), reference(), mode);
    scope.on(grip, "pointerdown", (/** @type {PointerEvent} */ event) => {
      grip.setPointerCapture(event.pointerId);
      held = name;
      changed(held);
      event.preventDefault();
      grip.focus({ preventScroll: true });
    });
    scope.on(grip, "pointermove", (/** @type {PointerEvent} */ event) => held === name && steer.move(name, pull(event), false));
    const drop = (/** @type {PointerEvent} */ event) => {
      if (held !== name) return;
      const value = pull(event);
      held = null;
      changed(held);
      if (event.type === "pointerup") steer.move(name, value, true);
    };
    scope.on(grip, "pointerup", drop);
    scope.on(grip, "pointercancel", drop);
    scope.on(grip, "keydown", (/** @type {KeyboardEvent} */ event) => {
      const up = above(name, mode) ? 1 : -1;
      const steps = { ArrowUp: up, ArrowDown: -up, ArrowRight: 1, ArrowLeft: -1, PageUp: 5 * up, PageDown: -5 * up }[event.key];
      if (steps === undefined) return;
      event.preventDefault();
      steer.move(name, steer.value(name) + steps * step, true);
    });
    return { name, grip };
  });
  return {
    get held() { return held; },
    /** @param {boolean} known whether there are lines yet */
    show(known) {
      for (const { name, grip } of made) {
        const words = percent((above(name, mode) ? 1 : -1) * steer.value(name), true);
        grip.hidden = !known;
        say(grip, words);
        grip.setAttribute("aria-valuenow", String(steer.value(name)));
        grip.setAttribute("aria-valuetext", words);
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
