// @ts-check
// The samples of a raster: what was shown, as pictures in the ink of the page, and the row from which one is picked.
import { bytes } from "./bytes.mjs";
import { h } from "./page.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */

/** Paints samples onto canvases: grey values in ink on the ground, or colours as they are.
 * @param {{ shape?: number[], values?: any }} pictures @returns {null | ((canvas: HTMLCanvasElement, which: number, ink: string) => void)} */
export function painter(pictures) {
  if (!pictures.shape) return null;
  const [rows, columns, channels = 1] = pictures.shape;
  const values = bytes(pictures.values);
  return (canvas, which, ink) => {
    [canvas.width, canvas.height] = [columns, rows];
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const image = context.createImageData(columns, rows);
    const grey = numbersOf(ink);
    for (let pixel = 0; pixel < rows * columns; pixel++) {
      const from = (which * rows * columns + pixel) * channels;
      image.data.set(channels === 3 ? [values[from], values[from + 1], values[from + 2], 255] : [...grey, values[from]], 4 * pixel);
    }
    context.putImageData(image, 0, 0);
  };
}

/** A colour in any notation, read back as red, green and blue. @param {string} colour */
export function numbersOf(colour) {
  const probe = h("canvas").getContext("2d");
  if (!probe) return [28, 36, 48];
  probe.fillStyle = colour;
  probe.fillRect(0, 0, 1, 1);
  return [...probe.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

/** The row of samples. @param {Scope} scope
 * @param {{ samples: number, words: (which: number) => string, wrong: (which: number) => boolean, pictured: boolean, choose: (which: number) => void }} what */
export function samplePicker(scope, { samples, words, wrong, pictured, choose }) {
  const element = h("div", { class: "wl-picker", role: "radiogroup", "aria-label": "Sample" });
  let chosen = 0;
  const picks = Array.from({ length: samples }, (_, which) => {
    const pick = h("button", { type: "button", class: "wl-pick", role: "radio", "aria-label": words(which), title: words(which) },
      pictured ? h("canvas", { "aria-hidden": "true" }) : String(which));
    if (wrong(which)) pick.append(h("span", { class: "wl-wrong", "aria-hidden": "true" }, "✗"));
    scope.on(pick, "click", () => choose(which));
    element.append(pick);
    return pick;
  });
  scope.on(element, "keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    choose((chosen + by + samples) % samples);
    picks[chosen].focus();
  });
  element.hidden = samples < 2;
  return {
    element,
    canvases: pictured ? picks.map((pick) => /** @type {HTMLCanvasElement} */ (pick.firstChild)) : [],
    /** @param {number} sample */
    show(sample) {
      chosen = sample;
      picks.forEach((pick, which) => {
        pick.setAttribute("aria-checked", String(which === sample));
        pick.tabIndex = which === sample ? 0 : -1;
      });
    },
  };
}
