// @ts-check
// Moves along a wave of spikes: by itself, by hand, or a time step or a layer at a time.
import { clamp } from "./numbers.mjs";
import { button, h, say } from "./page.mjs";
import { playButton, player } from "./player.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */

/** Where a step leads: on to the next whole step or layer, or back to the one before; on from the end to the first.
 * @param {number} at @param {number} end @param {number} by 1 or -1 */
export function stepTo(at, end, by) {
  if (by > 0) return at >= end ? Math.min(1, end) : Math.floor(at + 1e-9) + 1;
  return Math.max(Math.ceil(at - 1e-9) - 1, 0);
}

/** How far a wave has come, in words. @param {number} at @param {number} end @param {"step" | "layer"} unit */
export function momentWords(at, end, unit) {
  if (at >= end) return `all ${unit}s`;
  return Number.isInteger(at) ? `${at} of ${end} ${unit}s` : `${unit} ${unit === "step" ? Math.floor(at) : Math.floor(at) + 1}`;
}

/** What moves along a wave: its buttons, its slider, where it stands, and what a step is.
 * @param {Scope} scope
 * @param {{ steps: () => number, layers: () => number, show: (at: number, unit: "step" | "layer") => void }} what
 *   `steps`, `layers`: how many there are, of the network that is there now */
export function waveTransport(scope, { steps, layers, show }) {
  const state = { unit: /** @type {"step" | "layer"} */ ("step") };
  const end = () => (state.unit === "step" ? steps() : layers());
  const play = button("▶", "Play", { "aria-label": "Play the wave" });
  const [back, on] = [["‹", "back"], ["›", "on"]].map(([sign, way]) => h("button", { type: "button", class: "wl-button wl-stepper", "data-way": way }, sign));
  const scrub = h("input", { type: "range", min: 0, max: steps(), step: 0.05 });
  const moment = h("output", { class: "wl-moment" });
  const speed = h("select", { "aria-label": "Speed" }, ...[0.25, 0.5, 1, 2, 4].map((factor) => h("option", { value: factor, selected: factor === 1 }, `${factor} ×`)));
  const units = h("select", { "aria-label": "What a step is" }, h("option", { value: "step" }, "step by step"), h("option", { value: "layer" }, "layer by layer"));
  const playback = player(scope, {
    end,
    seconds: () => clamp(0.9 * end(), 1.2, 8) / Number(speed.value),
    show: tell,
    changed: (playing) => playButton(play, playing, "Play the wave"),
  });
  function tell() {
    const { at } = playback;
    scrub.value = String(at);
    say(moment, momentWords(at, end(), state.unit));
    scrub.setAttribute("aria-valuetext", moment.textContent ?? "");
    show(at, state.unit);
  }
  function turn() {
    state.unit = units.value === "layer" ? "layer" : "step";
    units.hidden = layers() < 2;
    scrub.max = String(end());
    scrub.setAttribute("aria-label", state.unit === "step" ? "Time, in steps" : "Layers that have fired");
    back.setAttribute("aria-label", `Back a ${state.unit}`);
    on.setAttribute("aria-label", `On a ${state.unit}`);
    [back.title, on.title] = [`Back a ${state.unit} (Page Down on the spikes)`, `On a ${state.unit} (Page Up on the spikes)`];
  }
  const step = (/** @type {number} */ by) => playback.stop(stepTo(playback.at, end(), by));
  scope.on(play, "click", () => (playback.playing ? playback.stop() : playback.play()));
  scope.on(back, "click", () => step(-1));
  scope.on(on, "click", () => step(1));
  scope.on(scrub, "input", () => playback.stop(Number(scrub.value)));
  scope.on(scrub, "keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowRight: 1, ArrowUp: 1, PageUp: 1, ArrowLeft: -1, ArrowDown: -1, PageDown: -1 }[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault(); // a twentieth of a step is for a finger
    step(by);
  });
  scope.on(units, "change", () => (turn(), playback.stop(end())));
  turn();
  const track = h("div", { class: "wl-track" }, scrub);
  return {
    elements: [play, back, on, track, moment, units, speed],
    parts: { play, back, on, track, units },
    playback, end,
    /** Goes where the wave was taken elsewhere, null for its end. @param {number | null} at @param {"step" | "layer"} unit */
    go(at, unit) {
      if (unit !== state.unit || scrub.max !== String(end())) {
        units.value = unit;
        turn();
      }
      if ((at ?? end()) !== playback.at) playback.stop(at ?? end());
    },
    /** What a key on the raster does to the wave; whether it does anything. @param {KeyboardEvent} event */
    heed(event) {
      const to = { PageUp: () => step(1), PageDown: () => step(-1), Home: () => playback.stop(0), End: () => playback.stop(end()), " ": () => play.click() }[event.key];
      to?.();
      return Boolean(to);
    },
  };
}
