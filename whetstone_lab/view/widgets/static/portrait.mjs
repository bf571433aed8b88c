// @ts-check
// A view as it stands on the page, as a picture for a paper: its canvases and words, without what it is worked by.
import { drawingOf } from "./canvas.mjs";
import { SvgContext } from "./svg.mjs";

/** What a picture leaves out. */
const TOOLS = ".wl-save, .wl-panel, .wl-transport, .wl-commands, .wl-picker, .wl-readout, .wl-check, .wl-side, button, input, select, style";

/** How high an empty band across a picture is at the most, in CSS pixels. */
const BAND = 14;

/** Room around a picture, in CSS pixels, and how many pixels of a PNG there are for one of these. */
const MARGIN = 14;
const FINE = 2;

/** @typedef {{ x: number, y: number, width: number, height: number }} Box */
/** @typedef {{ box: Box, paint: (context: any, x: number, y: number) => void }} Piece what there is to paint, and where */

/** What there is to see within an element, in the order in which it is painted. @param {Element} element @returns {Piece[]} */
function piecesOf(element) {
  const [box, style] = [element.getBoundingClientRect(), getComputedStyle(element)];
  const nothing = (!box.width || !box.height) && style.display !== "contents";
  if (element.matches(TOOLS) || nothing || style.visibility === "hidden") return [];
  if (element instanceof HTMLCanvasElement) return [{ box, paint: (context, x, y) => paintCanvas(context, element, x, y, box) }];
  const ground = groundOf(element, style, box);
  return [...(ground ? [ground] : []), ...[...element.childNodes].flatMap((node) => (node instanceof Element ? piecesOf(node) : node instanceof Text ? wordsOf(node, style) : []))];
}

/** The ground of an element that has one of its own, such as a bar or the piece of a line in a legend.
 * @param {Element} element @param {CSSStyleDeclaration} style @param {Box} box @returns {Piece | null} */
function groundOf(element, style, box) {
  const [dashed, colour] = [/repeating-linear-gradient/.test(style.backgroundImage), style.backgroundColor];
  if (dashed) return { box, paint: (context, x, y) => paintDashes(context, style.backgroundImage, x, y, box) };
  if (element.matches(".wl-mark")) return { box, paint: (context, x, y) => paintMark(context, style, getComputedStyle(element, "::after"), x, y, box) };
  if (element.matches(".wl") || /^(transparent|rgba\(.*, 0\))$/.test(colour)) return null;
  return { box, paint: (context, x, y) => { context.fillStyle = colour; context.fillRect(x, y, box.width, box.height); } };
}

/** A mark of a legend: a square or a disc, the ring that its shadow makes, and the sign on it. @param {any} context @param {CSSStyleDeclaration} style
 * @param {CSSStyleDeclaration} sign @param {number} x @param {number} y @param {Box} box */
function paintMark(context, style, sign, x, y, { width, height }) {
  const ring = /^(rgba?\([^)]*\)).* ([\d.]+)px inset$/.exec(style.boxShadow);
  const inset = ring ? Number(ring[2]) / 2 : 0;
  const round = Math.min(style.borderTopLeftRadius.endsWith("%") ? width / 2 : parseFloat(style.borderTopLeftRadius) || 0, width / 2) - inset;
  context.beginPath();
  context.roundRect(x + inset, y + inset, width - 2 * inset, height - 2 * inset, Math.max(round, 0));
  [context.fillStyle, context.strokeStyle, context.lineWidth] = [style.backgroundColor, ring?.[1] ?? "transparent", 2 * inset];
  if (ring) context.stroke();
  else context.fill();
  const words = /^"(.*)"$/.exec(sign.content)?.[1];
  if (!words) return;
  context.font = `${sign.fontWeight} ${sign.fontSize} ${sign.fontFamily}`;
  [context.fillStyle, context.textAlign, context.textBaseline] = [sign.color, "center", "middle"];
  context.fillText(words, x + width / 2, y + height / 2);
}

/** The dashes of a legend: stops of colour, in pairs from where to where. @param {any} context @param {string} gradient @param {number} x @param {number} y @param {Box} box */
function paintDashes(context, gradient, x, y, { width, height }) {
  const stops = [...gradient.matchAll(/(rgba?\([^)]*\)) ([\d.]+)px(?: ([\d.]+)px)?/g)].flatMap(([, colour, from, to]) => [from, to].filter(Boolean).map((at) => ({ colour, at: Number(at) })));
  const period = stops[stops.length - 1]?.at;
  if (!period) return;
  for (let start = 0; start < width; start += period)
    for (let stop = 0; stop + 1 < stops.length; stop += 2) {
      const [from, to] = [start + stops[stop].at, Math.min(start + stops[stop + 1].at, width)];
      if (to <= from || / 0\)$/.test(stops[stop].colour)) continue;
      context.fillStyle = stops[stop].colour;
      context.fillRect(x + from, y, to - from, height);
    }
}

/** @param {any} context @param {HTMLCanvasElement} canvas @param {number} x @param {number} y @param {Box} box */
function paintCanvas(context, canvas, x, y, { width, height }) {
  const draw = drawingOf(canvas);
  if (!draw) {
    context.imageSmoothingEnabled = false; // a picture of few pixels
    if (canvas.width && canvas.height) context.drawImage(canvas, x, y, width, height);
    return;
  }
  const size = { width: Math.round(FINE * width), height: Math.round(FINE * height) };
  if (context instanceof SvgContext) {
    context.canvas = size; // what is made of pixels within it is as fine as a PNG
    context.translate(x, y);
    return draw(/** @type {any} */ (context));
  }
  const copy = Object.assign(document.createElement("canvas"), size);
  const own = /** @type {CanvasRenderingContext2D} */ (copy.getContext("2d"));
  own.scale(FINE, FINE);
  draw(own);
  context.drawImage(copy, x, y, width, height);
}

/** The words of a text, line by line as the page breaks them. @param {Text} text @param {CSSStyleDeclaration} style @returns {Piece[]} */
function wordsOf(text, style) {
  /** @type {{ words: string, box: Box }[]} */
  const lines = [];
  const range = document.createRange();
  for (const { 0: word, index } of text.data.matchAll(/\S+/g)) {
    range.setStart(text, index);
    range.setEnd(text, index + word.length);
    const { x, y, right, width, height } = range.getBoundingClientRect();
    if (!width) continue;
    const line = lines[lines.length - 1];
    if (line && Math.abs(line.box.y - y) < height / 2) [line.words, line.box.width] = [`${line.words} ${word}`, right - line.box.x];
    else lines.push({ words: word, box: { x, y, width, height } });
  }
  const { color, fontWeight, fontSize, fontFamily } = style;
  return lines.map(({ words, box }) => ({
    box,
    paint(context, x, y) {
      context.font = `${fontWeight} ${fontSize} ${fontFamily}`;
      [context.fillStyle, context.textAlign, context.textBaseline] = [color, "left", "middle"];
      context.fillText(words, x, y + box.height / 2);
    },
  }));
}

/** By how much each of some boxes moves up so that no empty band across the picture is higher than `most`: what it leaves out leaves
 * bands. @param {{ y: number, height: number }[]} boxes @param {number} most @returns {number[]} */
export function movedUp(boxes, most) {
  const order = [...boxes.keys()].sort((a, b) => boxes[a].y - boxes[b].y);
  const moved = boxes.map(() => 0);
  let [bottom, up] = [-Infinity, 0];
  for (const which of order) {
    const { y, height } = boxes[which];
    if (bottom > -Infinity) up += Math.max(y - bottom - most, 0);
    moved[which] = up;
    bottom = Math.max(bottom, y + height);
  }
  return moved;
}

/** The pieces without the room of what the picture leaves out: what stands above a stage begins where the stage does.
 * @param {HTMLElement} root @returns {Piece[]} */
function composed(root) {
  const [head, stage] = [".wl-lab-top", ".wl-stage"].map((part) => root.querySelector(part)?.getBoundingClientRect());
  const right = (/** @type {Box} */ { y, height }) => (head && stage && y + height <= head.bottom + 1 ? stage.x - head.x : 0);
  const pieces = piecesOf(root).map(({ box: { x, y, width, height }, paint }) => ({ box: { x: x + right({ x, y, width, height }), y, width, height }, paint }));
  const moved = movedUp(pieces.map(({ box }) => box), BAND);
  return pieces.map(({ box, paint }, which) => ({ box: { ...box, y: box.y - moved[which] }, paint }));
}

/** What is to be painted, as broad and high as it is. @param {HTMLElement} root */
function portrait(root) {
  const pieces = composed(root);
  const least = (/** @type {(box: Box) => number} */ of) => Math.min(...pieces.map(({ box }) => of(box)));
  const [left, top] = [least(({ x }) => x), least(({ y }) => y)];
  return {
    width: -least(({ x, width }) => -x - width) - left + 2 * MARGIN,
    height: -least(({ y, height }) => -y - height) - top + 2 * MARGIN,
    /** @param {any} context @param {number} width @param {number} height */
    paint(context, width, height) {
      context.fillStyle = getComputedStyle(root).backgroundColor;
      context.fillRect(0, 0, width, height);
      for (const { box, paint } of pieces) {
        context.save();
        paint(context, box.x - left + MARGIN, box.y - top + MARGIN);
        context.restore();
      }
    },
  };
}

/** The view as SVG: lines and words as such, and only what is made of pixels as pixels. @param {HTMLElement} root */
export function asSvg(root) {
  const { width, height, paint } = portrait(root);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.ceil(width), Math.ceil(height)];
  const context = new SvgContext(/** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")));
  paint(context, width, height);
  return context.file(width, height);
}

/** The view as PNG, twice as fine as the page has it. @param {HTMLElement} root @returns {Promise<Blob>} */
export function asPng(root) {
  const { width, height, paint } = portrait(root);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.ceil(FINE * width), Math.ceil(FINE * height)];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.scale(FINE, FINE);
  paint(context, width, height);
  return new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("The browser made no picture."))), "image/png"));
}
