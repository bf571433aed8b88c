// @ts-check
// The pictures that a network is shown, on canvases: a row of samples to pick from, and what it sees.
import { bytes } from "./bytes.mjs";
import { painter, samplePicker } from "./raster_samples.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {import("./survey.mjs").Samples} Samples */
/** @typedef {{ rows: number, columns: number, channels: number }} Size */

/** Samples in the row, at the most. */
const ROW = 24;

/** Paints values as a picture: one channel in the ink of the page, three as they are. @param {Size} size @param {[number, number]} range */
export function imagePainter({ rows, columns, channels }, [low, high]) {
  return (/** @type {HTMLCanvasElement} */ canvas, /** @type {ArrayLike<number>} */ values, /** @type {string} */ ink) => {
    const shades = Uint8Array.from(values, (value) => Math.round((255 * (value - low)) / (high - low || 1)));
    painter({ shape: channels === 3 ? [rows, columns, 3] : [rows, columns], values: bytes(shades) })?.(canvas, 0, ink);
  };
}

/** The row of samples. @param {Scope} scope @param {Samples} samples @param {(canvas: HTMLCanvasElement, values: ArrayLike<number>, ink: string) => void} paint @param {(which: number) => void} choose
 * @param {number} [most] how many there are in it */
export function sampleRow(scope, samples, paint, choose, most = ROW) {
  const picker = samplePicker(scope, {
    samples: Math.min(samples.count, most), pictured: true, wrong: () => false, choose,
    words: (which) => `sample ${which}${samples.labels.length ? `, a ${samples.labels[which]}` : ""}`,
  });
  picker.element.hidden = samples.count === 0;
  let inked = "";
  return {
    element: picker.element,
    /** @param {number} sample -1 for none @param {string} ink */
    show(sample, ink) {
      picker.show(sample);
      if (sample < 0 || sample >= most) /** @type {HTMLElement | null} */ (picker.element.firstElementChild)?.setAttribute("tabindex", "0");
      if (ink === inked) return;
      inked = ink;
      picker.canvases.forEach((canvas, which) => paint(canvas, samples.input(which), ink));
    },
  };
}
