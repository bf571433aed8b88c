// @ts-check
// Draws the raster: a band for each layer, its spikes as far as the wave has come, the steps below.
import { font, layerColour, line, shorten } from "./canvas.mjs";
import { h } from "./page.mjs";
import { rowOf } from "./raster_order.mjs";
import { density } from "./raster_spikes.mjs";
import { ticks } from "./scales.mjs";

/** @typedef {import("./canvas.mjs").Pen} Pen */
/** @typedef {{ layers: string[], sizes: number[], bands: [number, number][], steps: number }} About */
/** @typedef {{ layer: number, neuron: number, step: number }} Cursor */
/** @typedef {ReturnType<typeof rasterRoom>} Room */

/** Where the raster lies in its box, in CSS pixels. @param {About} about @param {number} width @param {number} height
 * @param {boolean} [numbered] whether classes are numbered at its right */
export function rasterRoom({ bands, sizes, steps }, width, height, numbered = false) {
  // Beside a band stands how many of its neurons have fired, which takes room where there are many.
  const [margin, digits] = width < 420 ? [74, 3] : [96, 5];
  const broad = Math.max(String(Math.max(...sizes, 0)).length - digits, 0) * 13;
  const [left, right, top, bottom] = [margin + broad, width - (numbered ? 22 : 6), 6, height - 24];
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
  const made = {
    canvas: sheet,
    /** Whether there are layers of more spikes than pixels. */
    dense: false,
    /** Draws what is another. @param {Pen} pen @param {About} about @param {Room} room @param {import("./raster_spikes.mjs").Fired[]} fired
     * @param {string} name of what is drawn: whatever has another name is drawn anew @param {import("./raster_order.mjs").Rows[]} [rows] of each layer */
    renew({ context, width, colour }, about, room, fired, name, rows = []) {
      const state = [name, room.right, context.canvas.width, context.canvas.height, colour("layer-0"), colour("ground")].join();
      if (state === drawn) return;
      [drawn, made.dense] = [state, false];
      const ratio = context.canvas.width / width;
      [sheet.width, sheet.height] = [context.canvas.width, context.canvas.height];
      const ink = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
      ink.setTransform(ratio, 0, 0, ratio, 0, 0);
      ink.imageSmoothingEnabled = false;
      fired.forEach((mine, layer) => {
        const grid = spikeGrid(about, room, layer, mine, ratio);
        const order = rows[layer];
        const row = order ? mine.neuron.map((neuron) => order.row[neuron]) : mine.neuron;
        ink.fillStyle = colour(layerColour(layer));
        made.dense ||= grid.dense;
        if (grid.dense) drawDensity(ink, grain, density({ step: mine.step, neuron: row }, about.steps, about.sizes[layer], grid.columns, grid.rows), grid, room, room.band(layer));
        else drawSpikes(ink, mine.step, row, grid, room, room.band(layer), ratio);
      });
    },
  };
  return made;
}

/** Spikes one by one, with a sliver between rows and between steps.
 * @param {CanvasRenderingContext2D} ink @param {Uint32Array} step @param {Uint32Array} place the row of each spike @param {ReturnType<typeof spikeGrid>} grid
 * @param {Room} room @param {{ bottom: number }} band @param {number} ratio */
function drawSpikes(ink, step, place, { inset, row }, { left, right, column }, { bottom }, ratio) {
  const wide = Math.max(column - 2 * inset, 1 / ratio);
  const thick = Math.max(Math.round((row > 3 ? row - 1 : row * 0.85) * ratio), 1) / ratio;
  const snap = (/** @type {number} */ y) => Math.round(y * ratio) / ratio;
  for (let spike = 0; spike < step.length; spike++) ink.fillRect(Math.min(left + step[spike] * column + inset, right - wide), snap(bottom - (place[spike] + 0.5) * row - thick / 2), wide, thick);
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

/** How far the wave has come: in steps, all layers alike, or layer by layer. @param {number} at @param {"step" | "layer"} unit @param {number} steps
 * @returns {(layer: number) => number} of a layer the steps that have passed */
export const reachOf = (at, unit, steps) => (unit === "step" ? () => at : (layer) => steps * Math.min(Math.max(at - layer, 0), 1));

/** @param {Pen} pen
 * @param {{ about: About, room: Room, sheet: HTMLCanvasElement, at: number, unit?: "step" | "layer", spiking: (layer: number) => number, cursor: Cursor | null,
 *   rows?: import("./raster_order.mjs").Rows[], groups?: Record<number, { number: number, from: number, to: number }[]> }} picture
 *   `at`: how far the wave has come, in steps or in layers; `spiking`: how many neurons of a layer have fired by then; `rows`: in which each neuron
 *   stands; `groups`: of a layer the classes that its neurons vote for */
export function drawRaster(pen, { about, room, sheet, at, unit = "step", spiking, cursor, rows = [], groups = {} }) {
  const { context, width, colour } = pen;
  const { left, right, top, bottom } = room;
  drawBands(pen, about, room, spiking);
  Object.entries(groups).forEach(([layer, found]) => drawGroups(pen, room, Number(layer), found));
  if (!about.layers.length) {
    font(pen, 12.5);
    context.fillStyle = colour("muted");
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText("no neurons in this network", (left + right) / 2, (top + bottom) / 2);
  }
  const reach = reachOf(at, unit, about.steps);
  if (unit === "step") uncover(pen, sheet, room, reach(0), about.steps, { top: 0, bottom: sheet.height * (width / context.canvas.width) }, room);
  else about.layers.forEach((_, layer) => uncover(pen, sheet, room, reach(layer), about.steps, room.band(layer), room.band(layer)));
  drawSteps(pen, about.steps, room);
  if (!cursor) return;
  const place = room.band(cursor.layer);
  const [x, tall] = [left + cursor.step * room.column, Math.max(place.row, 5)];
  context.strokeStyle = colour("ink");
  context.lineWidth = 1.3;
  context.strokeRect(x + 1, place.bottom - (rowOf(rows[cursor.layer] ?? null, cursor.neuron) + 0.5) * place.row - tall / 2, room.column - 2, tall);
}

/** The ground of each layer, its name, and how many of its neurons have fired. @param {Pen} pen @param {About} about @param {Room} room @param {(layer: number) => number} spiking */
function drawBands(pen, about, room, spiking) {
  const { context, colour } = pen;
  const { left, right } = room;
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
}

/** The classes that the neurons of a layer vote for, with lines between them and as many numbers as there is room for.
 * @param {Pen} pen @param {Room} room @param {number} layer @param {{ number: number, from: number, to: number }[]} groups */
function drawGroups(pen, room, layer, groups) {
  const { context, colour } = pen;
  const { bottom, row } = room.band(layer);
  font(pen, 9);
  context.strokeStyle = colour("line");
  context.lineWidth = 1;
  context.fillStyle = colour("muted");
  context.textAlign = "left";
  context.textBaseline = "middle";
  let free = Infinity;
  for (const { number, from, to } of groups) {
    const [low, high] = [bottom - from * row, bottom - to * row];
    if (low - high >= 3) line(context, room.left, Math.round(high) + 0.5, room.right, Math.round(high) + 0.5);
    if ((low + high) / 2 + 3.2 > free) continue;
    context.fillText(String(number), room.right + 5, (low + high) / 2);
    free = (low + high) / 2 - 5;
  }
}

/** The spikes of a piece of the raster as far as the wave has come, and its front.
 * @param {Pen} pen @param {HTMLCanvasElement} sheet @param {Room} room @param {number} at in steps @param {number} steps
 * @param {{ top: number, bottom: number }} piece @param {{ top: number, bottom: number }} front */
function uncover({ context, width, colour }, sheet, { left, column }, at, steps, piece, front) {
  const [ratio, here] = [context.canvas.width / width, left + at * column];
  const [cut, from, to] = [Math.round(here * ratio), Math.round(piece.top * ratio), Math.round(piece.bottom * ratio)];
  if (cut > 0 && at > 0 && to > from) context.drawImage(sheet, 0, from, cut, to - from, 0, from / ratio, cut / ratio, (to - from) / ratio);
  if (at <= 0 || at >= steps) return;
  const glow = context.createLinearGradient(here - 0.5 * column, 0, here, 0);
  glow.addColorStop(0, "transparent");
  glow.addColorStop(1, colour("ink"));
  context.globalAlpha = 0.12;
  context.fillStyle = glow;
  context.fillRect(Math.max(here - 0.5 * column, left), front.top, Math.min(0.5 * column, here - left), front.bottom - front.top);
  context.globalAlpha = 1;
  context.strokeStyle = colour("ink");
  context.lineWidth = 1.4;
  line(context, here, front.top, here, front.bottom);
}

/** The numbers of the steps. @param {Pen} pen @param {number} steps @param {Room} room */
function drawSteps(pen, steps, { left, right, bottom, column }) {
  const { context, colour } = pen;
  font(pen, 10.5);
  context.fillStyle = colour("muted");
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const step of ticks(0, steps - 1, (right - left) / 40)) if (Number.isInteger(step)) context.fillText(step === 0 ? "step 0" : String(step), left + (step + 0.5) * column, bottom + 7);
}
