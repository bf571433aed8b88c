// @ts-check
// A canvas's drawing as SVG: what the views draw with, said as shapes.

const CAPS = { left: "start", start: "start", center: "middle", right: "end", end: "end" };
const BASELINES = { top: "text-before-edge", hanging: "hanging", middle: "central", alphabetic: "alphabetic", bottom: "text-after-edge", ideographic: "text-after-edge" };

/** Text as it may stand in XML. @param {string} text */
const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** A number with as many places as can be seen. @param {number} value */
const short = (value) => String(Math.round(value * 100) / 100);

/** The parts of `context.font`: weight, size in pixels, family. @param {string} font */
export function fontParts(font) {
  const [, weight = "400", size = "10", family = "sans-serif"] = /^(?:(?:normal|italic) )*(?:(\d+|bold|normal) )?([\d.]+)px(?:\/\S+)? (.*)$/.exec(font) ?? [];
  return { weight, size: Number(size), family };
}

/** A box as SVG has it. @param {number} x @param {number} y @param {number} w @param {number} h */
const boxed = (x, y, w, h) => `x="${short(Math.min(x, x + w))}" y="${short(Math.min(y, y + h))}" width="${short(Math.abs(w))}" height="${short(Math.abs(h))}"`;

/** A gradient, as a context makes it. */
class Gradient {
  /** @param {number[]} ends */
  constructor(ends) {
    this.ends = ends;
    /** @type {string[]} */
    this.stops = [];
  }

  /** @param {number} at @param {string} colour */
  addColorStop(at, colour) {
    this.stops.push(`<stop offset="${at}" stop-color="${escaped(colour)}"/>`);
  }

  /** @param {string} id */
  text(id) {
    const [x0, y0, x1, y1] = this.ends.map(short);
    return `<linearGradient id="${id}" gradientUnits="userSpaceOnUse" x1="${x0}" y1="${y0}" x2="${x1}" y2="${y1}">${this.stops.join("")}</linearGradient>`;
  }
}

/** What stands in for a canvas's context and remembers what is drawn on it as SVG: so much of a context as the views use.
 * Pictures become PNG within it. */
export class SvgContext {
  /** @param {CanvasRenderingContext2D} real the context of a canvas that measures text, and whose size in pixels counts */
  constructor(real) {
    this.real = real;
    /** @type {{ width: number, height: number }} */
    this.canvas = real.canvas;
    /** @type {string | Gradient} */
    this.fillStyle = "#000";
    /** @type {string | Gradient} */
    this.strokeStyle = "#000";
    this.lineWidth = 1;
    this.lineDashOffset = 0;
    this.globalAlpha = 1;
    this.lineJoin = "miter";
    this.lineCap = "butt";
    this.font = real.font;
    this.textAlign = "start";
    this.textBaseline = "alphabetic";
    this.imageSmoothingEnabled = true;
    /** @type {number[]} */
    this.dash = [];
    /** @type {string[]} */
    this.parts = [];
    /** @type {Record<string, any>[]} */
    this.kept = [];
    this.path = "";
    this.groups = 0;
    this.named = 0;
  }

  save() {
    const { fillStyle, strokeStyle, lineWidth, lineDashOffset, globalAlpha, lineJoin, lineCap, font, textAlign, textBaseline, imageSmoothingEnabled, dash, groups } = this;
    this.kept.push({ fillStyle, strokeStyle, lineWidth, lineDashOffset, globalAlpha, lineJoin, lineCap, font, textAlign, textBaseline, imageSmoothingEnabled, dash, groups });
  }

  restore() {
    const last = this.kept.pop();
    if (!last) return;
    this.close(last.groups);
    Object.assign(this, last);
  }

  /** @param {string} attributes */
  open(attributes) {
    this.groups += 1;
    this.parts.push(`<g ${attributes}>`);
  }

  /** @param {number} groups how many stay open */
  close(groups) {
    for (; this.groups > groups; this.groups -= 1) this.parts.push("</g>");
  }

  /** @param {number} x @param {number} y */
  translate(x, y) {
    this.open(`transform="translate(${short(x)} ${short(y)})"`);
  }

  /** What a shape is painted with; a gradient is defined in front of it. @param {"fill" | "stroke"} what */
  paint(what) {
    const style = what === "fill" ? this.fillStyle : this.strokeStyle;
    const alpha = this.globalAlpha < 1 ? ` opacity="${short(this.globalAlpha)}"` : "";
    if (typeof style === "string") return `${what}="${escaped(style)}"${alpha}`;
    this.named += 1;
    const id = `wl-gradient-${this.named}`;
    this.parts.push(style.text(id));
    return `${what}="url(#${id})"${alpha}`;
  }

  stroked() {
    const join = (this.lineJoin === "miter" ? "" : ` stroke-linejoin="${this.lineJoin}"`) + (this.lineCap === "butt" ? "" : ` stroke-linecap="${this.lineCap}"`);
    const dashes = this.dash.length ? ` stroke-dasharray="${this.dash.map(short).join(" ")}" stroke-dashoffset="${short(this.lineDashOffset)}"` : "";
    return `fill="none" stroke-width="${short(this.lineWidth)}"${join}${dashes} ${this.paint("stroke")}`;
  }

  /** @param {string} shape @param {string} painted */
  put(shape, painted, within = "") {
    const name = shape.split(" ", 1)[0];
    this.parts.push(`<${shape} ${painted}${within ? `>${within}</${name}>` : "/>"}`);
  }

  beginPath() {
    this.path = "";
  }

  closePath() {
    this.path += "Z";
  }

  /** @param {number} x @param {number} y */
  moveTo(x, y) {
    this.path += `M${short(x)} ${short(y)}`;
  }

  /** @param {number} x @param {number} y */
  lineTo(x, y) {
    this.path += `${this.path ? "L" : "M"}${short(x)} ${short(y)}`;
  }

  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  rect(x, y, w, h) {
    this.path += `M${short(x)} ${short(y)}h${short(w)}v${short(h)}h${short(-w)}Z`;
  }

  /** @param {number} x @param {number} y @param {number} w @param {number} h @param {number} r how far its corners are round */
  roundRect(x, y, w, h, r) {
    const corner = (/** @type {number} */ across, /** @type {number} */ down) => `a${short(r)} ${short(r)} 0 0 1 ${short(across)} ${short(down)}`;
    this.path += `M${short(x + r)} ${short(y)}h${short(w - 2 * r)}${corner(r, r)}v${short(h - 2 * r)}${corner(-r, r)}h${short(2 * r - w)}${corner(-r, -r)}v${short(2 * r - h)}${corner(r, -r)}Z`;
  }

  /** A whole circle: no view draws a part of one. @param {number} x @param {number} y @param {number} r */
  arc(x, y, r) {
    const half = `a${short(r)} ${short(r)} 0 1 0`;
    this.path += `M${short(x - r)} ${short(y)}${half} ${short(2 * r)} 0${half} ${short(-2 * r)} 0Z`;
  }

  clip() {
    this.named += 1;
    this.parts.push(`<clipPath id="wl-clip-${this.named}"><path d="${this.path}"/></clipPath>`);
    this.open(`clip-path="url(#wl-clip-${this.named})"`);
  }

  fill() {
    this.put(`path d="${this.path}"`, this.paint("fill"));
  }

  stroke() {
    if (this.path) this.put(`path d="${this.path}"`, this.stroked());
  }

  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  fillRect(x, y, w, h) {
    if (w && h) this.put(`rect ${boxed(x, y, w, h)}`, this.paint("fill"));
  }

  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  strokeRect(x, y, w, h) {
    this.put(`rect ${boxed(x, y, w, h)}`, this.stroked());
  }

  /** @param {number[]} lengths */
  setLineDash(lengths) {
    this.dash = [...lengths];
  }

  /** @param {number[]} ends x and y of the first, then of the last point */
  createLinearGradient(...ends) {
    return new Gradient(ends);
  }

  /** @param {string} text */
  measureText(text) {
    this.real.font = this.font;
    return this.real.measureText(text);
  }

  /** @param {string} text @param {number} x @param {number} y */
  fillText(text, x, y) {
    const { weight, size, family } = fontParts(this.font);
    const [anchor, baseline] = [CAPS[/** @type {keyof CAPS} */ (this.textAlign)], BASELINES[/** @type {keyof BASELINES} */ (this.textBaseline)]];
    this.put(`text x="${short(x)}" y="${short(y)}" font-family="${escaped(family)}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}" dominant-baseline="${baseline}"`, this.paint("fill"), escaped(text));
  }

  /** A canvas, or a piece of it: from where, how broad and high, then the same of where to. @param {HTMLCanvasElement} source @param {number[]} places */
  drawImage(source, ...places) {
    const [sx, sy, sw, sh, x, y, w, h] = places.length === 8 ? places : [0, 0, source.width, source.height, ...places];
    if (sw < 1 || sh < 1) return;
    const alpha = this.globalAlpha < 1 ? ` opacity="${short(this.globalAlpha)}"` : "";
    this.put(`image ${boxed(x, y, w, h)} preserveAspectRatio="none" href="${piece(source, sx, sy, sw, sh)}"`, `style="image-rendering: ${this.imageSmoothingEnabled ? "auto" : "pixelated"}"${alpha}`);
  }

  /** All that was drawn, as a file. @param {number} width @param {number} height */
  file(width, height) {
    this.close(0);
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${short(width)}" height="${short(height)}" viewBox="0 0 ${short(width)} ${short(height)}">\n${this.parts.join("\n")}\n</svg>\n`;
  }
}

/** A piece of a canvas as the address of a PNG. @param {HTMLCanvasElement} source @param {number} x @param {number} y @param {number} w @param {number} h */
function piece(source, x, y, w, h) {
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [Math.round(w), Math.round(h)];
  copy.getContext("2d")?.drawImage(source, x, y, w, h, 0, 0, copy.width, copy.height);
  return copy.toDataURL();
}
