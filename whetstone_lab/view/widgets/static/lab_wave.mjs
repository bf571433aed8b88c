// @ts-check
// The spikes that one picture sends through the network, as it is at the moment of the cursor, and what they are read as.
import { asking } from "./lab_asking.mjs";
import { along, outputPart, waveRaster, waveTools } from "./lab_raster.mjs";
import { Scope, h, say } from "./page.mjs";
import { panel } from "./raster_reading.mjs";
import { painter, samplePicker } from "./raster_samples.mjs";
import { momentWords } from "./raster_transport.mjs";

/** @typedef {import("./page.mjs").Model} Model */
/** @typedef {import("./cursor.mjs").Cursor} Cursor */
/** @typedef {import("./lab_raster.mjs").Wave} Wave */

/** Votes that are listed at the most. */
const LISTED = 10;

/** Asks for the wave at the cursor. @param {Scope} scope @param {Model} model @param {Cursor} cursor @param {() => number} epochs that were trained
 * @param {() => Record<string, any> | null} [of] of which other run, null for none of any
 * @param {() => number | null} [first] after how many epochs the first network is known, where that is given: it is looked at before too */
export function waveAsker(scope, model, cursor, epochs, of = () => ({}), first = () => null) {
  const asker = asking(scope, model, "wave", {
    wish() {
      const [known, other] = [first(), of()];
      const epoch = Math.max(cursor.epoch(epochs()), known ?? 0);
      return (known === null && epoch < 1) || !other ? null : { epoch, sample: cursor.sample, ...other };
    },
  });
  cursor.follow(scope, asker.ask);
  return asker;
}

/** The row of pictures to pick one from, with a cross on those that a wave tells are read wrongly. @param {Scope} scope @param {Cursor} cursor @param {any} pictures */
export function picturePicker(scope, cursor, pictures) {
  const paint = painter(pictures);
  const truth = /** @type {number[]} */ (pictures.truth ?? []);
  const picker = samplePicker(scope, { samples: pictures.count ?? 0, words: (which) => `picture ${which}${truth.length ? `, a ${truth[which]}` : ""}`, wrong: () => true, pictured: paint !== null, choose: (which) => cursor.move({ sample: which }) });
  const picks = [...picker.element.children];
  const crosses = picks.map((pick) => /** @type {HTMLElement} */ (pick.querySelector(".wl-wrong")));
  const unlike = picks.map((pick) => pick.appendChild(h("span", { class: "wl-unlike", "aria-hidden": "true", hidden: true }, "≠")));
  const names = picks.map((pick) => pick.getAttribute("aria-label") ?? "");
  let inked = "";
  cursor.follow(scope, ({ sample }, before) => sample !== before.sample && picker.show(sample));
  return {
    element: picker.element,
    /** @param {string} ink */
    paint(ink) {
      if (paint && inked !== ink) picker.canvases.forEach((canvas, which) => paint(canvas, which, ink));
      inked = ink;
    },
    /** @param {Wave | null} wave @param {Wave | null} [other] that of another run, which is shown the same pictures */
    show(wave, other = null) {
      picker.show(cursor.sample);
      crosses.forEach((cross, which) => (cross.hidden = !wave || !truth.length || !wave.classes.length || wave.classes[which] === truth[which]));
      unlike.forEach((mark, which) => {
        mark.hidden = !wave || !other?.classes.length || wave.classes[which] === other.classes[which];
        const name = mark.hidden ? names[which] : `${names[which]}: the two read it otherwise, as ${wave?.classes[which]} and as ${other?.classes[which]}`;
        if (picks[which].getAttribute("aria-label") !== name) for (const attribute of ["aria-label", "title"]) picks[which].setAttribute(attribute, name);
      });
    },
  };
}

/** What a wave is read as, once it has come to the output; what stands there goes with the wave. @param {Scope} scope @param {Cursor} cursor @param {() => Wave | null} wave
 * @param {() => Wave | null} [other] the wave of the same picture in another run, whose votes are marked beside */
export function waveReading(scope, cursor, wave, other = () => null) {
  const element = h("div", { class: "wl-read" });
  /** @type {{ of: Wave | null, panel: ReturnType<typeof panel> | null }} */
  let made = { of: null, panel: null };
  let own = new Scope();
  scope.undo.push(() => own.end());
  return {
    element,
    show() {
      const here = wave();
      if (here !== made.of) {
        own.end();
        own = new Scope();
        made = { of: here, panel: here?.about.readings.length ? panel(own, here.about.readings[0], here.maps?.[0], LISTED) : null };
        element.replaceChildren(...(made.panel ? [made.panel.element] : []));
      }
      if (here) made.panel?.show(0, outputPart(cursor, here.about), other()?.about.readings[0]);
    },
  };
}

/** @param {Scope} scope @param {Cursor} cursor @param {{ pictures: any, wave: () => Wave | null }} what */
export function waveView(scope, cursor, { pictures, wave }) {
  const picker = picturePicker(scope, cursor, pictures);
  const tools = waveTools(scope, cursor, wave);
  const readout = h("p", { class: "wl-readout", role: "status" });
  const head = h("div", { class: "wl-kicker" }, "Spikes");
  const raster = waveRaster(scope, cursor, { wave, empty: () => "The spikes come after the first epoch.", drawn: picker.paint, told: () => say(readout, raster.words()), heed: tools.heed });
  const reading = waveReading(scope, cursor, wave);

  /** What goes with the moment of the wave. */
  function tell() {
    const here = wave();
    say(head, !here ? "Spikes" : cursor.step === null ? `Spikes after epoch ${here.epoch}` : `After epoch ${here.epoch}, ${momentWords(cursor.step, along(cursor, here.about).end, cursor.unit)}`);
    reading.show();
    say(readout, raster.words());
  }
  function show() {
    picker.show(wave());
    tools.show();
    raster.canvas.setAttribute("aria-label", `${raster.facts()}. Arrow keys move over neurons and steps, Enter looks at one everywhere, Page Up and Page Down go a step on and back, space plays.`);
    tell();
    raster.redraw();
  }
  cursor.follow(scope, tell);
  return { element: h("div", { class: "wl-part wl-wave" }, h("div", { class: "wl-wave-top" }, head, tools.order), picker.element, h("div", { class: "wl-wave-sides" }, raster.box, reading.element), tools.steps, readout), show };
}
