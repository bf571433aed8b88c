// @ts-check
// The network as a drawing: a block of neurons for each layer, the input at the left. Layers and neurons can be picked.
import { font, layerColour, surface } from "./canvas.mjs";
import { clamp, many } from "./numbers.mjs";
import { h, say } from "./page.mjs";
import { address } from "./raster_spikes.mjs";

/** @typedef {import("./canvas.mjs").Pen} Pen */
/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {import("./cursor.mjs").Cursor} Cursor */

/** A layer to draw: its name, how many neurons it has, and in which shape. @typedef {{ name: string, size: number, shape: number[] }} Layer */

/** A block of neurons: where it lies, and its cells. @typedef {{ left: number, top: number, columns: number, rows: number, cell: number, size: number }} Block */

/** Where the blocks lie: each in a slot of its own, as large as the slot and the height allow.
 * @param {number[]} sizes @param {number} width @param {number} height @param {number} [broad] columns of the first block, where they are
 *   those of a picture @returns {Block[]} */
export function networkBlocks(sizes, width, height, broad) {
  const slot = width / Math.max(sizes.length, 1);
  return sizes.map((size, which) => {
    // As many rows as give cells that are as large as can be.
    let best = { columns: size, rows: 1, cell: 0 };
    for (let columns = (!which && broad) || 1; columns <= size; columns++) {
      const rows = Math.ceil(size / columns);
      const cell = Math.min((slot * 0.62) / columns, height / rows, 12);
      if (cell > best.cell + 1e-9) best = { columns, rows, cell };
      if ((!which && broad) || (slot * 0.62) / columns < best.cell) break;
    }
    const { columns, rows, cell } = best;
    return { left: (which + 0.5) * slot - (columns * cell) / 2, top: (height - rows * cell) / 2, columns, rows, cell, size };
  });
}

/** The neuron at a place, or null. @param {Block[]} blocks @param {number} x @param {number} y @returns {{ block: number, neuron: number } | null} */
export function neuronAt(blocks, x, y) {
  const slack = 3;
  const block = blocks.findIndex(({ left, top, columns, rows, cell }) => x >= left - slack && x <= left + columns * cell + slack && y >= top - slack && y <= top + rows * cell + slack);
  if (block < 0) return null;
  const { left, top, columns, rows, cell, size } = blocks[block];
  const [column, row] = [clamp(Math.floor((x - left) / cell), 0, columns - 1), clamp(Math.floor((y - top) / cell), 0, rows - 1)];
  return { block, neuron: Math.min(row * columns + column, size - 1) };
}

/** Where an arrow key leads from a neuron: over the cells of its block, and left and right of it to the blocks beside.
 * @param {Block[]} blocks of the layers @param {number} layer @param {number | null} neuron @param {string} key */
export function stepped(blocks, layer, neuron, key) {
  const { columns, size } = blocks[layer];
  const here = neuron ?? 0;
  const column = here % columns;
  const beside = (/** @type {number} */ other) => (blocks[other] ? { layer: other, neuron: Math.min(Math.floor((Math.floor(here / columns) * blocks[other].rows) / blocks[layer].rows) * blocks[other].columns, blocks[other].size - 1) } : null);
  if (key === "ArrowRight") return column + 1 < columns && here + 1 < size ? { layer, neuron: here + 1 } : beside(layer + 1);
  if (key === "ArrowLeft") return column > 0 ? { layer, neuron: here - 1 } : beside(layer - 1);
  if (key === "ArrowDown") return here + columns < size ? { layer, neuron: here + columns } : null;
  return key === "ArrowUp" && here - columns >= 0 ? { layer, neuron: here - columns } : null;
}

/** What is fired by a picture, a byte for each neuron of each layer. @typedef {(Uint8Array | undefined)[]} Firing */

/** The drawing. @param {Scope} scope @param {Cursor} cursor
 * @param {{ layers: () => Layer[], pixels: () => number[], picture: () => Uint8Array | null, firing: () => Firing }} what
 *   `pixels`: rows, columns and channels of a picture; `picture`: the values of the one that is shown; `firing`: empty as long as
 *   nothing is known */
export function networkView(scope, cursor, { layers, pixels, picture, firing }) {
  const box = h("div", { class: "wl-blocks" });
  const readout = h("p", { class: "wl-readout", role: "status" });
  const NAMES = 17;
  const blocksOf = () => networkBlocks([pixels().reduce((all, some) => all * some, 1), ...layers().map(({ size }) => size)], box.clientWidth, box.clientHeight - NAMES - 6, pixels()[1] * pixels()[2]).map((block) => ({ ...block, top: block.top + 4 }));
  const surfaced = surface(scope, box, (pen) => drawNetwork(pen, { blocks: blocksOf(), layers: layers(), firing: firing(), picture: picture(), cursor }), { tabindex: 0, "aria-roledescription": "network" });
  const { canvas } = surfaced;
  scope.on(canvas, "click", (/** @type {MouseEvent} */ event) => {
    const found = neuronAt(blocksOf(), event.offsetX, event.offsetY);
    if (!found || !found.block) return cursor.move({ layer: null, neuron: null });
    cursor.move({ layer: found.block - 1, neuron: found.neuron });
  });
  scope.on(canvas, "keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape") return cursor.move({ layer: null, neuron: null });
    if (!event.key.startsWith("Arrow") || !layers().length) return;
    event.preventDefault();
    const to = cursor.layer === null ? { layer: 0, neuron: 0 } : stepped(blocksOf().slice(1), Math.min(cursor.layer, layers().length - 1), cursor.neuron, event.key);
    if (to) cursor.move(to);
  });
  function show() {
    const [known, fired] = [layers(), firing()];
    const { layer, neuron } = cursor;
    const count = (/** @type {number} */ which) => fired[which]?.reduce((sum, one) => sum + one, 0) ?? 0;
    const total = known.reduce((sum, { size }) => sum + size, 0);
    const chosen = layer !== null ? known[layer] : undefined;
    const words = !chosen || layer === null ? `${many(total, "neuron")} in ${many(known.length, "layer")}. Click one, or move with the arrow keys.`
      : neuron === null ? `${chosen.name}: ${fired[layer] ? `${count(layer)} of ${many(chosen.size, "neuron")} fire for this picture.` : many(chosen.size, "neuron")}`
        : `${chosen.name}, ${address(neuron, chosen.shape)}: ${fired[layer] ? (fired[layer]?.[neuron] ? "fires for this picture." : "silent for this picture.") : "not run yet."}`;
    say(readout, words);
    canvas.setAttribute("aria-label", `The network: ${known.map(({ name, size }, which) => `${name}, ${size} neurons${fired[which] ? `, of which ${count(which)} fire` : ""}`).join("; ")}. ${words}`);
    surfaced.redraw();
  }
  cursor.follow(scope, show);
  return { element: h("div", { class: "wl-part wl-net" }, box, readout), show };
}

/** @param {Pen} pen @param {{ blocks: Block[], layers: Layer[], firing: Firing, picture: Uint8Array | null, cursor: Cursor }} what */
function drawNetwork(pen, { blocks, layers, firing, picture, cursor }) {
  const { context, width, height, colour } = pen;
  const edge = (/** @type {Block} */ { left, top, columns, rows, cell }) => ({ left, right: left + columns * cell, top, bottom: top + rows * cell });
  context.fillStyle = colour("line");
  context.globalAlpha = 0.4;
  for (let which = 1; which < blocks.length; which++) { // what each layer receives from the one before
    const [from, to] = [edge(blocks[which - 1]), edge(blocks[which])];
    context.beginPath();
    context.moveTo(from.right + 3, from.top);
    context.lineTo(to.left - 3, to.top);
    context.lineTo(to.left - 3, to.bottom);
    context.lineTo(from.right + 3, from.bottom);
    context.fill();
  }
  context.globalAlpha = 1;
  blocks.forEach((block, which) => {
    const layer = which - 1;
    const [lit, dim] = which ? [colour(layerColour(layer)), colour("faint")] : [colour("ink"), colour("ink")];
    const fired = firing[layer];
    for (let neuron = 0; neuron < block.size; neuron++) {
      const on = which > 0 && fired?.[neuron];
      context.fillStyle = on ? lit : dim;
      context.globalAlpha = on ? 1 : which ? (fired ? 0.3 : 0.55) : 0.06 + 0.94 * ((picture?.[neuron] ?? 16) / 255);
      const [x, y] = [block.left + (neuron % block.columns) * block.cell, block.top + Math.floor(neuron / block.columns) * block.cell];
      const gap = block.cell > 3 ? 1 : block.cell * 0.15;
      context.fillRect(x + gap / 2, y + gap / 2, block.cell - gap, block.cell - gap);
    }
    context.globalAlpha = 1;
    if (cursor.layer === layer && which && cursor.neuron !== null && cursor.neuron < block.size) {
      context.strokeStyle = colour("ink");
      context.lineWidth = 2;
      const [x, y] = [block.left + (cursor.neuron % block.columns) * block.cell, block.top + Math.floor(cursor.neuron / block.columns) * block.cell];
      context.strokeRect(x - 1.5, y - 1.5, block.cell + 3, block.cell + 3);
    }
    font(pen, 11, which && cursor.layer === layer ? "700" : "500");
    context.fillStyle = which ? colour("ink") : colour("muted");
    context.textAlign = "center";
    context.textBaseline = "bottom";
    const slot = width / blocks.length;
    context.fillText(which ? layers[layer].name : "picture", (which + 0.5) * slot, height - 1, slot - 6);
  });
}
