// @ts-check
// Draws the raster: a band for each layer, its spikes as far as the wave has come, the steps below.
import { font, layerColour, line } from "./canvas.mjs";
import { h } from "./page.mjs";
import { ticks } from "./scales.mjs";

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

/** Which layers have room for their names beside their bands, and whether also for a second line: of very many layers only every
 * so-manieth is named. @param {Room} room @param {number} layers */
export function namedLayers(room, layers) {
  const middles = Array.from({ length: layers }, (_, layer) => (room.band(layer).top + room.band(layer).bottom) / 2);
  const pitch = middles.reduce((least, y, layer) => (layer ? Math.min(least, middles[layer - 1] - y) : least), Infinity);
  return { every: Math.max(Math.ceil(13 / pitch), 1), counted: pitch >= 27 };
}

/** All spikes of a sample on a canvas of their own, drawn once; the wave uncovers them. */
export function spikeSheet() {
  const sheet = h("canvas");
  let drawn = "";
  return {
    canvas: sheet,
    /** @param {Pen} pen @param {Room} room @param {import("./raster_spikes.mjs").Fired[]} fired @param {number} sample */
    renew({ context, width, colour }, room, fired, sample) {
      const state = [sample, context.canvas.width, context.canvas.height, colour("layer-0"), colour("ground")].join();
      if (state === drawn) return;
      drawn = state;
      const ratio = context.canvas.width / width;
      [sheet.width, sheet.height] = [context.canvas.width, context.canvas.height];
      const ink = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
      ink.setTransform(ratio, 0, 0, ratio, 0, 0);
      // Of very many steps each is narrower than a pixel, and a spike still has one.
      const inset = Math.min(0.09 * room.column, 6);
      const wide = Math.max(room.column - 2 * inset, 1 / ratio);
      const snap = (/** @type {number} */ y) => Math.round(y * ratio) / ratio;
      fired.forEach(({ step, neuron }, layer) => {
        const { row, bottom } = room.band(layer);
        // As thick as a neuron's row with a sliver between, and never thinner than a pixel of the screen.
        const thick = Math.max(Math.round((row > 3 ? row - 1 : row * 0.85) * ratio), 1) / ratio;
        ink.fillStyle = colour(layerColour(layer));
        ink.globalAlpha = row * ratio < 0.25 ? 0.6 : 1;
        for (let spike = 0; spike < step.length; spike++) ink.fillRect(Math.min(room.left + step[spike] * room.column + inset, room.right - wide), snap(bottom - (neuron[spike] + 0.5) * row - thick / 2), wide, thick);
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
  const { every, counted } = namedLayers(room, about.layers.length);
  about.layers.forEach((name, layer) => {
    const place = room.band(layer);
    context.fillStyle = colour(layerColour(layer));
    context.globalAlpha = 0.075;
    context.fillRect(left, place.top, right - left, place.bottom - place.top);
    context.globalAlpha = 1;
    if (layer % every) return;
    font(pen, 11.5, "600");
    context.fillStyle = colour("ink");
    context.textAlign = "right";
    context.textBaseline = counted ? "bottom" : "middle";
    const middle = (place.top + place.bottom) / 2;
    context.fillText(shorten(context, name, left - 12), left - 8, counted ? middle - 1 : middle);
    if (!counted) return;
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
  for (const step of ticks(0, about.steps - 1, (right - left) / 40)) if (Number.isInteger(step)) context.fillText(step === 0 ? "step 0" : String(step), left + (step + 0.5) * column, bottom + 7);
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
