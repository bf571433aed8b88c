// @ts-check
// Two runs side by side: the network of each, the spikes that one picture sends through it, and the votes, all by the one cursor. The
// neurons that do otherwise in the other run are lit, and can be gone over.
import { besides, differencesOf, differingAt, further, neuronWords, pairWords, samePicture, turned } from "./lab_differences.mjs";
import { laboratoryNetwork, layersIn } from "./lab_network.mjs";
import { firingOf, readWave, waveRaster, waveTools } from "./lab_raster.mjs";
import { picturePicker, waveAsker, waveReading } from "./lab_wave.mjs";
import { Scope, button, h, say } from "./page.mjs";

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./cursor.mjs").Cursor} Cursor */
/** @typedef {import("./lab_raster.mjs").Wave} Wave */
/** @typedef {import("./lab_differences.mjs").Differences} Differences */

/** One of the two: what it is called, its layers, the size of a picture and those that are shown to it, its wave, and why there is none.
 * @typedef {{ title: () => string, layers: () => import("./lab_network.mjs").Layer[], picture: () => any, pictures: () => any, wave: () => Wave | null, empty: () => string }} Side */

/** How high the layers are, in pixels, and how broad a column must be for them to stand in one line. */
const PAIR_TALL = 84;
const PAIR_BROAD = 320;

/** What differs between two sides, worked out once for two waves, and once for a moment of them.
 * @param {Cursor} cursor @param {Side} mine @param {Side} theirs */
function comparison(cursor, mine, theirs) {
  let of = /** @type {(Wave | null)[]} */ ([null, null]);
  let pair = /** @type {{ mine: Differences, theirs: Differences } | null} */ (null);
  let made = { moment: "", at: /** @type {ReturnType<typeof differingAt> | null} */ (null) };
  const waves = () => [mine.wave(), theirs.wave()];
  /** Whether both waves are of the picture that is looked at, or one of them is still on its way. */
  const whole = () => waves().every((wave) => wave?.sample === cursor.sample);
  const same = () => samePicture(mine.pictures(), theirs.pictures(), cursor.sample);
  function differences() {
    const [one, two] = waves();
    if (one === of[0] && two === of[1]) return pair;
    [of, made.moment] = [[one, two], ""];
    if (!one || !two || one.sample !== two.sample || !same()) return (pair = null);
    const found = differencesOf(one, two);
    return (pair = { mine: found, theirs: turned(found) });
  }
  return {
    differences, same, whole,
    further: () => further(mine.wave(), theirs.wave(), cursor),
    /** What differs as far as the wave has come; null where nothing can be compared. */
    now() {
      const [found, wave] = [differences(), further(mine.wave(), theirs.wave(), cursor)];
      const moment = `${cursor.step} ${cursor.unit}`;
      if (!found || !wave) return null;
      if (made.moment !== moment) made = { moment, at: differingAt(found.mine, cursor, wave.about) };
      return made.at;
    },
  };
}

/** @typedef {ReturnType<typeof comparison>} Comparison */

/** @param {Scope} scope @param {Cursor} cursor @param {Side} side
 * @param {{ compared: Comparison, which: "mine" | "theirs", other: () => Wave | null, heed: (event: KeyboardEvent) => boolean, leap: (event: KeyboardEvent) => boolean, drawn: (ink: string) => void }} around
 *   `other`: the wave of the other side; `leap`: goes over the neurons that differ, where a key is for that */
function sideView(scope, cursor, { title, layers, picture, pictures, wave, empty }, { compared, which, other, heed, leap, drawn }) {
  const head = h("div", { class: "wl-kicker" });
  const readout = h("p", { class: "wl-readout" });
  const network = laboratoryNetwork(scope, cursor, {
    layers, picture, pictures, shown: () => wave()?.sample ?? cursor.sample, firing: () => firingOf(wave(), cursor), tall: PAIR_TALL, broad: PAIR_BROAD,
    differing: { now: () => compared.now(), leap, keys: "Page Up and Page Down go over the neurons that differ." },
  });
  const lit = () => {
    const [parts, now] = [compared.differences()?.[which], compared.now()];
    return parts && now ? { parts: parts.layers, first: now.first } : null;
  };
  const raster = waveRaster(scope, cursor, { wave, empty, drawn, told: () => say(readout, raster.words()), heed, lit, leader: () => (which === "theirs" && compared.differences() ? other() : null) });
  const reading = waveReading(scope, cursor, wave, () => (compared.differences() ? other() : null));
  cursor.follow(scope, reading.show);
  return {
    element: h("div", { class: "wl-half" }, head, network.element, h("div", { class: "wl-half-spikes" }, raster.box, reading.element), readout),
    show() {
      const here = wave();
      say(head, `${title()}${here ? `, after epoch ${here.epoch}` : ""}`);
      network.element.hidden = !layers().length;
      network.show();
      reading.show();
      raster.canvas.setAttribute("aria-label", `${title()}: ${raster.facts()}. Arrow keys move over neurons and steps, Enter looks at one everywhere.`);
      raster.redraw();
    },
  };
}

/** What is told of both, and the way over the neurons that differ. @param {Scope} scope @param {Cursor} cursor @param {Comparison} compared
 * @param {Side} mine @param {Side} theirs @param {() => string} name of the other */
function differingTools(scope, cursor, compared, mine, theirs, name) {
  const words = h("p", { class: "wl-readout wl-pair-words", role: "status" });
  const neuron = h("p", { class: "wl-readout", role: "status" });
  const [back, on] = [button("◂", "Previous that differs", { title: "The neuron before that differs (Page Up)" }), button("▸", "Next that differs", { title: "The next neuron that differs (Page Down)" })];
  /** @param {1 | -1} by */
  function leap(by) {
    const to = besides(compared.now()?.known ?? [], cursor, by);
    if (to) cursor.move(to);
    return to !== null;
  }
  scope.on(back, "click", () => leap(-1));
  scope.on(on, "click", () => leap(1));
  function show() {
    const now = compared.now();
    const found = compared.differences()?.mine ?? null;
    const lacking = [mine, theirs].find((side) => !side.wave());
    say(words, lacking ? `${lacking.title()}: ${lacking.empty()}` : !compared.same() || compared.whole() ? pairWords(mine.wave(), theirs.wave(), found, name(), cursor) : "");
    say(neuron, neuronWords(cursor, mine.wave(), theirs.wave(), found, now?.known ?? [], name(), cursor));
    back.disabled = on.disabled = !now?.known.length;
  }
  cursor.follow(scope, show);
  return {
    element: h("div", { class: "wl-pair-foot" }, h("div", { class: "wl-back" }, back, on), h("div", {}, words, neuron)), show,
    /** @param {KeyboardEvent} event */
    leap: (event) => (event.key === "PageDown" ? leap(1) : event.key === "PageUp" && leap(-1)),
  };
}

/** What stands behind the tab. @param {Scope} scope @param {Cursor} cursor @param {Side} mine @param {Side} theirs @param {() => string} name of the other */
function pairSheet(scope, cursor, mine, theirs, name) {
  const compared = comparison(cursor, mine, theirs);
  const tools = waveTools(scope, cursor, compared.further);
  const picker = picturePicker(scope, cursor, mine.pictures().count ? mine.pictures() : theirs.pictures());
  const foot = differingTools(scope, cursor, compared, mine, theirs, name);
  const around = { compared, heed: tools.heed, leap: foot.leap, drawn: picker.paint };
  const halves = [sideView(scope, cursor, mine, { ...around, which: "mine", other: theirs.wave }), sideView(scope, cursor, theirs, { ...around, which: "theirs", other: mine.wave })];
  return {
    parts: [h("div", { class: "wl-pair-top" }, picker.element, tools.order, tools.steps), h("div", { class: "wl-halves" }, ...halves.map(({ element }) => element)), foot.element],
    show() {
      picker.show(mine.wave(), compared.same() ? theirs.wave() : null);
      tools.show();
      halves.forEach((half) => half.show());
      foot.show();
    },
  };
}

/** @param {Scope} scope @param {Model} model asked for the waves of the other run @param {Cursor} cursor
 * @param {{ mine: Side, other: () => { number: number, rows: Record<string, number>[], pictures: any, picture: any } | null, words: (number: number) => string }} what
 *   `mine`: the run that is shown; `other`: the one that is compared with it; `words`: what an experiment is called */
export function pairView(scope, model, cursor, { mine, other, words }) {
  let [of, wave, bare] = [0, /** @type {Wave | null} */ (null), false];
  /** @type {ReturnType<typeof pairSheet> | null} */
  let sheet = null;
  let own = new Scope();
  scope.undo.push(() => own.end());
  const element = h("div", { class: "wl-pair" });
  const number = () => other()?.number ?? 0;
  const asker = waveAsker(scope, model, cursor, () => other()?.rows.slice(-1)[0]?.end ?? 0, () => other() && { number: number() });
  const theirs = {
    title: () => words(number()), layers: () => (wave ? layersIn(wave) : []), picture: () => other()?.picture ?? mine.picture(), pictures: () => other()?.pictures ?? {}, wave: () => wave,
    empty: () => (bare ? "No network of it was kept up to this epoch, so there are no spikes." : cursor.at !== null && cursor.at < 1 ? mine.empty() : "The spikes are on their way."),
  };
  function show() {
    if (!other()) return;
    if (!sheet) {
      sheet = pairSheet(own, cursor, mine, theirs, () => `experiment ${number()}`);
      element.replaceChildren(...sheet.parts);
    }
    sheet.show();
  }
  return {
    element, show,
    /** Another run is compared, or none. */
    begin() {
      if (of !== number()) {
        [of, wave, bare, sheet] = [number(), null, false, null];
        own.end();
        own = new Scope();
        asker.forget();
      }
      asker.ask();
      show();
    },
    /** The wave of a run that was compared has come. @param {any} message */
    heard(message) {
      if (message.number === of) [wave, bare] = message.about ? [readWave(message), false] : [null, true];
      asker.heard();
      show();
    },
  };
}
