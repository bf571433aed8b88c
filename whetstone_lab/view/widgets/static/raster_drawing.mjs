// @ts-check
// Draws the raster: a band for each layer, its spikes as far as the wave has come, the steps below.
import { font, layerColour, line } from "./canvas.mjs";
import { h } from "./page.mjs";

/** @typedef {import("./canvas.mjs").Pen} Pen */
/** @typedef {{ layers: string[], sizes: number[], bands: [number, number][], steps: number }} About */
/** @typedef {{ layer: number, neuron: number, step: number }} Cursor */
/** @typedef {ReturnType<typeof rasterRoom>} Room */

/** Where the raster lies in its box, in CSS pixels. @param {About} about @param {number} width @param {number} height */
export function rasterRoom({ bands, sizes, steps }, width, height) {
  const [left, right, top, bottom] = [width < 420 ? 74 : 96, width - 6, 6, height - 24];
  return {
    left, right, top, bottom, column: (right - left) / steps,
    /** The band of a layer, and how high a neuron's row is in it. @param {number} layer */
    band(layer) {
      const [low, high] = bands[layer];
      const place = { top: bottom - high * (bottom - top), bottom: bottom - low * (bottom - top) };
      return { ...place, row: (place.bottom - place.top) / sizes[layer] };
    },
  };
}

/** All spikes of a sample on a canvas of their own, drawn once; the wave uncovers them. */
export function spikeSheet() {
  const sheet = h("canvas");
  let drawn = "";
  return {
    canvas: sheet,
    /** @param {Pen} pen @param {Room} room @param {number[][][]} fired @param {number} sample */
    renew({ context, width, colour }, room, fired, sample) {
      const state = [sample, context.canvas.width, context.canvas.height, colour("layer-0"), colour("ground")].join();
      if (state === drawn) return;
      drawn = state;
      const ratio = context.canvas.width / width;
      [sheet.width, sheet.height] = [context.canvas.width, context.canvas.height];
      const ink = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
      ink.setTransform(ratio, 0, 0, ratio, 0, 0);
      const inset = Math.min(0.09 * room.column, 6);
      const snap = (/** @type {number} */ y) => Math.round(y * ratio) / ratio;
      fired.forEach((steps, layer) => {
        const { row, bottom } = room.band(layer);
        // As thick as a neuron's row with a sliver between, and never thinner than a pixel of the screen.
        const thick = Math.max(Math.round((row > 3 ? row - 1 : row * 0.85) * ratio), 1) / ratio;
        ink.fillStyle = colour(layerColour(layer));
        ink.globalAlpha = row * ratio < 0.25 ? 0.6 : 1;
        steps.forEach((neurons, step) => {
          for (const neuron of neurons) ink.fillRect(room.left + step * room.column + inset, snap(bottom - (neuron + 0.5) * row - thick / 2), room.column - 2 * inset, thick);
        });
      });
    },
  };
}

/** @param {Pen} pen
 * @param {{ about: About, room: Room, sheet: HTMLCanvasElement, at: number, spiking: (layer: number) => number, cursor: Cursor | null }} picture
 *   `at`: how far the wave has come, in steps; `spiking`: how many neurons of a layer have fired by then */
export function drawRaster(pen, { about, room, sheet, at, spiking, cursor }) {
  const { context, width, colour } = pen;
  const { left, right, top, bottom, column } = room;
  const here = left + at * column;
  about.layers.forEach((name, layer) => {
    const place = room.band(layer);
    context.fillStyle = colour(layerColour(layer));
    context.globalAlpha = 0.075;
    context.fillRect(left, place.top, right - left, place.bottom - place.top);
    context.globalAlpha = 1;
    font(pen, 11.5, "600");
    context.fillStyle = colour("ink");
    context.textAlign = "right";
    context.textBaseline = "bottom";
    const middle = (place.top + place.bottom) / 2;
    context.fillText(shorten(context, name, left - 12), left - 8, middle - 1);
    font(pen, 10.5);
    context.fillStyle = colour("muted");
    context.textBaseline = "top";
    context.fillText(`${spiking(layer)} of ${about.sizes[layer]}`, left - 8, middle + 2.5);
  });
  if (!about.layers.length) {
    font(pen, 12.5);
    context.fillStyle = colour("muted");
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText("no neurons in this network", (left + right) / 2, (top + bottom) / 2);
  }
  const ratio = context.canvas.width / width;
  const cut = Math.round(here * ratio);
  if (cut > 0) context.drawImage(sheet, 0, 0, cut, sheet.height, 0, 0, cut / ratio, sheet.height / ratio);
  if (at > 0 && at < about.steps) {
    const glow = context.createLinearGradient(here - 0.5 * column, 0, here, 0);
    glow.addColorStop(0, "transparent");
    glow.addColorStop(1, colour("ink"));
    context.globalAlpha = 0.12;
    context.fillStyle = glow;
    context.fillRect(Math.max(here - 0.5 * column, left), top, Math.min(0.5 * column, here - left), bottom - top);
    context.globalAlpha = 1;
    context.strokeStyle = colour("ink");
    context.lineWidth = 1.4;
    line(context, here, top, here, bottom);
  }
  font(pen, 10.5);
  context.fillStyle = colour("muted");
  context.textAlign = "center";
  context.textBaseline = "top";
  const every = Math.max(1, Math.ceil(34 / column));
  for (let step = 0; step < about.steps; step += every) context.fillText(step === 0 ? "step 0" : String(step), left + (step + 0.5) * column, bottom + 7);
  if (!cursor) return;
  const place = room.band(cursor.layer);
  const [x, tall] = [left + cursor.step * column, Math.max(place.row, 5)];
  context.strokeStyle = colour("ink");
  context.lineWidth = 1.3;
  context.strokeRect(x + 1, place.bottom - (cursor.neuron + 0.5) * place.row - tall / 2, column - 2, tall);
}

/** A name that fits into a width, cut in the middle. @param {CanvasRenderingContext2D} context @param {string} name @param {number} width */
function shorten(context, name, width) {
  let kept = name.length;
  let text = name;
  while (kept > 3 && context.measureText(text).width > width) {
    kept -= 1;
    text = `${name.slice(0, Math.ceil(kept / 2))}…${name.slice(name.length - Math.floor(kept / 2))}`;
  }
  return text;
}
