// @ts-check
// Drawing on a canvas.
import { h } from "./page.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {{ width: number, height: number, context: CanvasRenderingContext2D, colour: (name: string) => string, family: string,
 *   layer: (name: string, of: unknown[], draw: (pen: Pen) => void) => void }} Pen
 * `family`: the fonts of the page; `layer`: draws what is kept, by its name, and made anew only when one of the things that it is made of is
 * another one */

/** How each canvas is drawn, on its own context or on one that stands in for it.
 * @type {WeakMap<HTMLCanvasElement, (context: CanvasRenderingContext2D) => void>} */
const DRAWINGS = new WeakMap();

/** How a canvas is drawn, if it is a surface. @param {HTMLCanvasElement} canvas */
export const drawingOf = (canvas) => DRAWINGS.get(canvas);

/** Canvases behind a canvas: what changes seldom is drawn on one of its own, and copied from there. @param {HTMLCanvasElement} canvas
 * @returns {(pen: Pen, name: string, of: unknown[], draw: (pen: Pen) => void) => void} */
function layersBehind(canvas) {
  /** @type {Map<string, { sheet: HTMLCanvasElement, of: unknown[], colours: Record<string, string> }>} */
  const kept = new Map();
  return (pen, name, of, draw) => {
    const known = [...of, canvas.width, canvas.height];
    const layer = kept.get(name) ?? { sheet: h("canvas"), of: [], colours: {} };
    const { sheet } = layer;
    // As a theme gives way to another, each colour may become another at a moment of its own.
    const recoloured = Object.entries(layer.colours).some(([colour, value]) => pen.colour(colour) !== value);
    if (recoloured || known.length !== layer.of.length || known.some((one, which) => one !== layer.of[which])) {
      /** @type {Record<string, string>} */
      const colours = {};
      kept.set(name, { sheet, of: known, colours });
      [sheet.width, sheet.height] = [canvas.width, canvas.height];
      const context = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
      context.setTransform(pen.context.getTransform());
      draw({ ...pen, context, colour: (colour) => (colours[colour] = pen.colour(colour)) });
    }
    pen.context.save();
    pen.context.resetTransform();
    pen.context.drawImage(sheet, 0, 0);
    pen.context.restore();
  };
}

/** A canvas that fills its box, sharp at any pixel ratio, drawn again when its size or the theme changes.
 * @param {Scope} scope @param {HTMLElement} box @param {(pen: Pen) => void} draw @param {Record<string, any>} [attributes] */
export function surface(scope, box, draw, attributes = {}) {
  const canvas = h("canvas", { class: "wl-canvas", role: "img", ...attributes });
  box.append(canvas);
  const own = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const behind = layersBehind(canvas);
  const drawOn = (/** @type {CanvasRenderingContext2D} */ context, width = box.clientWidth, height = box.clientHeight) => {
    const properties = getComputedStyle(canvas);
    /** @type {Record<string, string>} */
    const colours = {}; // to ask the page for one takes longer than to draw a line with it
    /** @type {Pen} */
    const pen = {
      width, height, context, family: properties.fontFamily, colour: (name) => (colours[name] ??= properties.getPropertyValue(`--wl-${name}`).trim() || "#888"),
      // What is drawn for a file is drawn as it is: nothing that was made for the screen is as fine.
      layer: (name, of, draw) => (context === own ? behind(pen, name, of, draw) : draw(pen)),
    };
    draw(pen);
  };
  DRAWINGS.set(canvas, drawOn);
  const redraw = scope.once(() => {
    const [width, height] = [box.clientWidth, box.clientHeight];
    if (!width || !height) return;
    const ratio = globalThis.devicePixelRatio || 1;
    const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
    own.setTransform(ratio, 0, 0, ratio, 0, 0);
    own.clearRect(0, 0, width, height);
    drawOn(own, width, height);
  });
  const sizes = new ResizeObserver(redraw);
  sizes.observe(box);
  const themes = new MutationObserver(redraw);
  // JupyterLab names the theme first, and then takes one sheet away and loads another. VS Code has a class, and Colab an attribute at the top.
  themes.observe(document.body, { childList: true, attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
  themes.observe(document.documentElement, { attributes: true, attributeFilter: ["theme"] });
  scope.on(document, "load", redraw, true);
  scope.undo.push(() => (sizes.disconnect(), themes.disconnect()));
  scope.on(matchMedia("(prefers-color-scheme: dark)"), "change", redraw);
  return { canvas, redraw };
}

/** The colour of a layer; a seventh starts again at the first. @param {number} index */
export const layerColour = (index) => `layer-${index % 6}`;

/** Dashes of lines, as in palette.py: each colour comes with each of them before one comes again with the same. */
const DASHES = [[], [7, 3], [2, 2.5], [9, 2.5, 2, 2.5]];

/** The dashes of a layer's line, which tell layers apart without their colours. @param {number} index @returns {number[]} */
export const layerDash = (index) => DASHES[(index + Math.floor(index / 6)) % DASHES.length];

/** @param {Pen} pen @param {number} [size] @param {string} [weight] */
export function font(pen, size = 11, weight = "400") {
  pen.context.font = `${weight} ${size}px ${pen.family}`;
}

/** @param {CanvasRenderingContext2D} context @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 */
export function line(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} radius */
export function dot(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

/** A name that fits into a width, cut in the middle. @param {CanvasRenderingContext2D} context @param {string} name @param {number} width */
export function shorten(context, name, width) {
  let kept = name.length;
  let text = name;
  while (kept > 3 && context.measureText(text).width > width) {
    kept -= 1;
    text = `${name.slice(0, Math.ceil(kept / 2))}…${name.slice(name.length - Math.floor(kept / 2))}`;
  }
  return text;
}

/** A piece of a layer's line, for legends. @param {number} layer */
export function layerSwatch(layer) {
  const colour = `var(--wl-${layerColour(layer)})`;
  let at = 0;
  const parts = layerDash(layer).map((length, part) => `${part % 2 ? "transparent" : colour} ${at}px ${(at += length)}px`);
  return h("i", { class: "wl-swatch", style: `background: ${parts.length ? `repeating-linear-gradient(90deg, ${parts.join(", ")})` : colour}` });
}
