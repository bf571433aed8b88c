// @ts-check
// Moves along a run or a wave.
import { clamp } from "./numbers.mjs";
import { say } from "./page.mjs";

/** What the button says that plays and pauses. @param {HTMLElement} button @param {boolean} playing @param {string} what its name while it does not play */
export function playButton(button, playing, what) {
  say(button.children[0], playing ? "❚❚" : "▶");
  say(button.children[1], playing ? "Pause" : "Play");
  button.setAttribute("aria-label", playing ? "Pause" : what);
}

/** @typedef {import("./page.mjs").Scope} Scope */

/** Moves along a run or a wave, by itself or by hand: calls `show` with the position.
 * @param {Scope} scope
 * @param {{ end: () => number, seconds: () => number, show: (at: number) => void, changed: (playing: boolean) => void }} what */
export function player(scope, what) {
  let playing = false;
  let at = 0;
  let last = 0;
  /** @param {number} time */
  const tick = (time) => {
    if (!playing) return;
    // A page that was hidden must not leap ahead when it is seen again.
    const passed = clamp(time - last, 0, 100) / 1000;
    last = time;
    at += (passed / what.seconds()) * what.end();
    if (at >= what.end()) return self.stop(what.end());
    what.show(at);
    scope.frame(tick);
  };
  const self = {
    get playing() { return playing; },
    get at() { return at; },
    /** @param {number} [from] */
    play(from) {
      at = from ?? (at >= what.end() ? 0 : at);
      last = performance.now();
      if (!playing) scope.frame(tick);
      playing = true;
      what.changed(true);
      what.show(at);
    },
    /** @param {number} [where] */
    stop(where) {
      playing = false;
      at = where ?? at;
      what.changed(false);
      what.show(at);
    },
  };
  return self;
}
