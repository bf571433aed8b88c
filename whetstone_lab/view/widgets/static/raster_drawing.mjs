// @ts-check
// Draws the raster: a band for each layer, its spikes as far as the wave has come, the steps below.
import { font, layerColour, line, shorten } from "./canvas.mjs";
import { h } from "./page.mjs";
import { density } from "./raster_spikes.mjs";
import { ticks } from "./scales.mjs";

/** @typedef {import("./canvas.mjs").Pen} Pen */
/** @typedef {{ layers: string[], sizes: number[], bands: [number, number][], steps: number }} About */
/** @typedef {{ layer: number, neuron: number, step: number }} Cursor */
/** @typedef {ReturnType<typeof rasterRoom>} Room */

/** Where the raster lies in its box, in CSS pixels. @param {About} about @param {number} width @param {number} height */
export function rasterRoom({ bands, sizes, steps }, width, height) {
  // Beside a band stands how many of its neurons have fired, which takes room where there are many.
  const [margin, digits] = width < 420 ? [74, 3] : [96, 5];
  const broad = Math.max(String(Math.max(...sizes, 0)).length - digits, 0) * 13;
  const [left, right, top, bottom] = [margin + broad, width - 6, 6, height - 24];
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

/** Spikes that are drawn one by one at the most, and always: of more, a picture of how many there are is made. */
const SINGLE = 30_000;
const ALWAYS = 50;

/** The grid on which the spikes of a layer are drawn: a cell for each neuron and step, or where these are finer than the pixels of
 * the screen, one for each pixel. `dense`: whether it is drawn as a picture of how many fire, since spike by spike they would
 * cover each other: there are more than half as many as pixels in the columns in which something fires.
 * @param {About} about @param {Room} room @param {number} layer @param {{ step: ArrayLike<number> }} fired
 * @param {number} ratio pixels of the screen in a CSS pixel */
export function spikeGrid({ sizes, steps }, room, layer, { step }, ratio) {
  const { top, bottom, row } = room.band(layer);
  const columns = Math.max(Math.min(steps, Math.round((room.right - room.left) * ratio)), 1);
  const rows = Math.max(Math.min(sizes[layer], Math.round((bottom - top) * ratio)), 1);
  let used = 0;
  for (let spike = 0, before = -1; spike < step.length && spike < SINGLE; spike++) {
    const column = Math.floor((step[spike] * columns) / steps);
    if (column !== before) used += 1;
    before = column;
  }
  const fine = rows < sizes[layer] || columns < steps;
  return { columns, rows, dense: step.length > SINGLE || (fine && step.length > Math.max(0.5 * rows * used, ALWAYS)), inset: Math.min(0.09 * room.column, 6), row };
}

/** How dark a cell is in which a share of what could fire does: a single spike among many is still seen. @param {number} share */
export const shade = (share) => (share > 0 ? 0.35 + 0.65 * Math.min(share, 1) : 0);

/** All spikes of a sample on a canvas of their own, drawn once; the wave uncovers them. */
export function spikeSheet() {
  const [sheet, grain] = [h("canvas"), h("canvas")];
  let drawn = "";
  return {
    canvas: sheet,
    /** @param {Pen} pen @param {About} about @param {Room} room @param {import("./raster_spikes.mjs").Fired[]} fired @param {number} sample */
    renew({ context, width, colour }, about, room, fired, sample) {
      const state = [sample, context.canvas.width, context.canvas.height, colour("layer-0"), colour("ground")].join();
      if (state === drawn) return;
      drawn = state;
      const ratio = context.canvas.width / width;
      [sheet.width, sheet.height] = [context.canvas.width, context.canvas.height];
      const ink = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
      ink.setTransform(ratio, 0, 0, ratio, 0, 0);
      ink.imageSmoothingEnabled = false;
      fired.forEach((mine, layer) => {
        const grid = spikeGrid(about, room, layer, mine, ratio);
        ink.fillStyle = colour(layerColour(layer));
        if (grid.dense) drawDensity(ink, grain, density(mine, about.steps, about.sizes[layer], grid.columns, grid.rows), grid, room, room.band(layer));
        else drawSpikes(ink, mine, grid, room, room.band(layer), ratio);
      });
    },
  };
}

/** Spikes one by one, with a sliver between rows and between steps.
 * @param {CanvasRenderingContext2D} ink @param {import("./raster_spikes.mjs").Fired} spikes @param {ReturnType<typeof spikeGrid>} grid
 * @param {Room} room @param {{ bottom: number }} band @param {number} ratio */
function drawSpikes(ink, { step, neuron }, { inset, row }, { left, right, column }, { bottom }, ratio) {
  const wide = Math.max(column - 2 * inset, 1 / ratio);
  const thick = Math.max(Math.round((row > 3 ? row - 1 : row * 0.85) * ratio), 1) / ratio;
  const snap = (/** @type {number} */ y) => Math.round(y * ratio) / ratio;
  for (let spike = 0; spike < step.length; spike++) ink.fillRect(Math.min(left + step[spike] * column + inset, right - wide), snap(bottom - (neuron[spike] + 0.5) * row - thick / 2), wide, thick);
}

/** A picture of how many spikes there are in each cell, column by column where there is room between steps.
 * @param {CanvasRenderingContext2D} ink @param {HTMLCanvasElement} grain a canvas to work on @param {Float32Array} shares
 * @param {ReturnType<typeof spikeGrid>} grid @param {Room} room @param {{ top: number, bottom: number }} band */
function drawDensity(ink, grain, shares, { columns, rows, inset }, { left, right, column }, { top, bottom }) {
  [grain.width, grain.height] = [columns, rows];
  const context = /** @type {CanvasRenderingContext2D} */ (grain.getContext("2d"));
  context.fillStyle = ink.fillStyle;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
  const image = context.createImageData(columns, rows);
  const pixels = image.data;
  for (let row = 0, cell = 0; row < rows; row++) {
    let at = 4 * (rows - 1 - row) * columns; // the lowest neurons at the bottom
    for (let across = 0; across < columns; across++, cell++, at += 4) {
      if (!shares[cell]) continue;
      [pixels[at], pixels[at + 1], pixels[at + 2]] = [red, green, blue];
      pixels[at + 3] = Math.round(255 * shade(shares[cell]));
    }
  }
  context.putImageData(image, 0, 0);
  if (inset < 1) return ink.drawImage(grain, left, top, right - left, bottom - top);
  for (let across = 0; across < columns; across++) ink.drawImage(grain, across, 0, 1, rows, left + across * column + inset, top, column - 2 * inset, bottom - top);
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
