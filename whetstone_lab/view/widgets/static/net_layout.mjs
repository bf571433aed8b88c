// @ts-check
// Where the neurons of a network lie on a canvas, layer by layer, and the votes beside the output. Pure.
import { clamp } from "./numbers.mjs";

/** How values are laid out in cells, as scenes/network.py has it. @typedef {{ map: number[], across: number, gap: number, order: number[] | null, classes: number }} Grid */
/** The cell of each value, and how many rows and columns of cells there are. @typedef {{ row: Uint16Array, column: Uint16Array, rows: number, columns: number }} Places */
/** A layer on the canvas, or as layer -1 the picture that is shown: its values are squares of `cell` pixels; its name has `room`, and
 * stands above it, or in a crowd, where a higher neighbour would stand in its way, above `head`.
 * @typedef {{ layer: number, left: number, top: number, cell: number, width: number, height: number, room: number, places: Places, head?: number }} Block */
/** A strip of layers, longer than its window, which is seen from `from` to `to` on the canvas, and ends at `end`. @typedef {{ from: number, to: number, end: number }} Strip */
/** The votes: a row for each class that is listed. @typedef {{ left: number, top: number, width: number, row: number, beside: boolean }} Votes */

/** @param {Grid} grid @param {number} count @returns {Places} */
export function placesOf({ map: [high, wide], across, gap, order }, count) {
  const maps = count / (high * wide);
  const [row, column] = [new Uint16Array(count), new Uint16Array(count)];
  let [rows, columns] = [0, 0];
  for (let value = 0; value < count; value++) {
    const [place, number] = [Math.floor(value / maps), value % maps];
    const slot = order ? order[number] : number;
    row[value] = Math.floor(slot / across) * (high + gap) + Math.floor(place / wide);
    column[value] = (slot % across) * (wide + gap) + (place % wide);
    [rows, columns] = [Math.max(rows, row[value] + 1), Math.max(columns, column[value] + 1)];
  }
  return { row, column, rows, columns };
}

/** Pixels of layers at their largest: how high they are, how large a cell is, and that of output neurons class by class. */
const TALL = 216;
const LARGEST = 14;
const CLASS = 22;

/** Pixels between layers, and at the most where a line has room to spare; above them for their names, for the votes at least, and the
 * least that a name takes. */
const GAP = 28;
const FAR = 96;
const CAPTION = 36;
const VOTES = 128;
const NAME = 82;

/** Layers in one line that have less than this, each, are drawn as a crowd; in one of less than that, they stand in a strip instead. */
const CROWDED = 48;
const NARROWEST = 9;

/** Lines of layers that a page takes; of more layers a strip is made, and between two of them there is this, in pixels. */
const LINES = 2;
const CLOSE = 16;

/** A row of votes is no lower than this, or its number cannot be read. */
const LOWEST = 12;

/** How small layers may become before they go on in another line. */
const SMALLEST = 0.66;

/** Lays out layers and votes on a canvas of a width: from left to right, as the wave goes, in as many lines as it takes.
 * @param {{ places: Places, classes: number }[]} layers bottom first @param {number} bars how many classes are listed, 0 for no votes @param {number} width
 * @param {{ picture?: Places | null, tall?: number, most?: number, strip?: number }} [how] `picture`: the cells of a picture that stands before the layers;
 *   `tall`: how high layers are at their largest; `most`: in how many lines at the most; `strip`: how high they are where a page has no room for all of them, 0 where all must be seen
 * @returns {{ blocks: Block[], votes: Votes, height: number, strip?: Strip }} */
export function layOut(layers, bars, width, { picture = null, tall = TALL, most = layers.length, strip = 0 } = {}) {
  const shown = picture ? [{ places: picture, classes: 0 }, ...layers] : layers;
  const parts = shown.map(({ places, classes }, which) => {
    const cell = Math.min(tall / places.rows, classes ? CLASS : LARGEST);
    return { layer: which - (picture ? 1 : 0), places, classes, cell, wide: Math.max(places.columns * cell, NAME) };
  });
  if (most === 1 && parts.length * CROWDED > width) return strip && slotOf(parts, width, tall).slot < NARROWEST ? inStrip(parts, bars, width, strip) : crowd(parts, width, tall);
  const last = parts[parts.length - 1];
  // Rows of output neurons and of votes are one where each class has its own neurons, and there is room for its number.
  const beside = Boolean(last) && last.classes > 0 && last.classes === bars && last.cell >= LOWEST;
  for (let lines = 1; ; lines++) {
    const sets = balanced(parts, lines, bars ? VOTES + GAP : 0);
    const scale = Math.min(1, ...sets.map((set, line) => (width - GAP * (set.length - 1) - (bars && line === sets.length - 1 ? VOTES + GAP / 2 : 0)) / set.reduce((sum, { wide }) => sum + wide, 0)));
    if (scale < SMALLEST && lines < Math.max(most, 1)) {
      if (strip && lines >= LINES) return inStrip(parts, bars, width, strip);
      continue;
    }
    const laid = (/** @type {boolean} */ rows) => place(sets, bars, width, clamp(scale, 0.1, 1), rows, picture ? FAR : GAP);
    const found = laid(beside);
    // Neurons in rows that keep their height may leave the votes no room.
    return beside && width - found.votes.left < NAME ? laid(false) : found;
  }
}

/** Very many layers in one line: each a narrow column of its neurons in their order, with room for the name of every few of them.
 * A picture before them keeps its shape. @param {{ layer: number, places: Places, cell: number }[]} parts @param {number} width @param {number} tall */
function crowd(parts, width, tall) {
  const { start, slot } = slotOf(parts, width, tall);
  const named = Math.ceil(NAME / slot);
  /** @type {Block[]} */
  const blocks = parts.map(({ layer, places: own, cell: most }) => {
    const [left, slots] = layer < 0 ? [0, tall] : [start + layer * slot, slot - 3];
    const places = layer < 0 ? own : narrow(own, slots / tall);
    const cell = Math.min(most, slots / places.columns, tall / places.rows);
    const [wide, high] = [places.columns * cell, places.rows * cell];
    const room = layer < 0 ? start - 8 : layer % named ? 0 : Math.min(named * slot, width - left) - 8;
    return { layer, places, cell, left, top: CAPTION + (tall - high) / 2, width: wide, height: high, room };
  });
  const head = Math.min(...blocks.filter(({ layer }) => layer >= 0).map(({ top }) => top));
  for (const block of blocks) if (block.layer >= 0) block.head = head;
  return { blocks, votes: { left: 0, top: CAPTION, width, row: 0, beside: false }, height: Math.ceil(CAPTION + tall + 14) };
}

/** Where a crowd begins, and what each of its layers has. @param {{ layer: number }[]} parts @param {number} width @param {number} tall */
function slotOf(parts, width, tall) {
  const ahead = parts[0].layer < 0 ? 1 : 0;
  const start = ahead * (Math.max(tall, NAME) + GAP);
  return { start, slot: (width - start) / (parts.length - ahead) };
}

/** More layers than a page has room for, in a strip that is scrolled between the picture and the votes, which stay.
 * @param {{ layer: number, places: Places, cell: number }[]} parts @param {number} bars @param {number} width @param {number} tall */
function inStrip(parts, bars, width, tall) {
  const strip = { from: parts[0].layer < 0 ? Math.max(tall, NAME) + CLOSE : 0, to: width - (bars ? VOTES + CLOSE : 0), end: 0 };
  const row = Math.min(Math.max(tall / Math.max(bars, 1), LOWEST * 1.25), CLASS);
  const high = Math.max(tall, row * bars);
  let next = strip.from;
  const blocks = parts.map(({ layer, places, cell: most }) => {
    const cell = Math.min(most, tall / places.rows, (0.9 * (strip.to - strip.from)) / places.columns);
    const [wide, deep, left] = [places.columns * cell, places.rows * cell, layer < 0 ? 0 : next];
    const slot = Math.max(wide, NAME) + CLOSE;
    if (layer >= 0) next += slot;
    return { layer, places, cell, left, top: CAPTION + (high - deep) / 2, width: wide, height: deep, room: slot - 8 };
  });
  strip.end = next - CLOSE;
  return { blocks, votes: { left: strip.to + CLOSE, top: CAPTION + (high - row * bars) / 2, width: VOTES, row: bars ? row : 0, beside: false }, height: Math.ceil(CAPTION + high + 14), strip };
}

/** What is seen of a strip that is scrolled by some pixels: its blocks where they are then, and the first and the last layer of which
 * more than half is seen. @template {{ blocks: Block[], strip?: Strip }} T @param {T} layout @param {number} by
 * @returns {T & { first: number, last: number }} */
export function scrolled(layout, by) {
  const { blocks, strip } = layout;
  if (!strip) return { ...layout, first: 0, last: blocks.length };
  const moved = blocks.map((block) => (block.layer < 0 ? block : { ...block, left: block.left - by }));
  const seen = moved.filter(({ layer, left, width }) => layer >= 0 && left + width / 2 >= strip.from && left + width / 2 <= strip.to);
  return { ...layout, blocks: moved.filter(({ layer, left, room }) => layer < 0 || (left + room > strip.from && left < strip.to)), first: seen[0]?.layer ?? 0, last: seen[seen.length - 1]?.layer ?? 0 };
}

/** By how much a strip must be scrolled so that a layer is seen, from where it is. @param {{ blocks: Block[], strip?: Strip }} layout @param {number} layer @param {number} by */
export function scrolledTo({ blocks, strip }, layer, by) {
  const block = blocks.find((each) => each.layer === layer);
  if (!strip || !block) return by;
  const [most, least] = [block.left - strip.from - CLOSE, block.left + Math.max(block.width, NAME) - strip.to + CLOSE];
  return Math.max(clamp(by, Math.min(least, most), most), 0);
}

/** The cells of a layer in rows, so broad for their height. @param {Places} places @param {number} shape width by height @returns {Places} */
function narrow({ row }, shape) {
  const columns = Math.max(Math.round(Math.sqrt(row.length * shape)), 1);
  return { row: row.map((_, at) => Math.floor(at / columns)), column: row.map((_, at) => at % columns), rows: Math.ceil(row.length / columns), columns };
}

/** Splits parts into so many lines, none much longer than another. @template {{ wide: number }} T @param {T[]} parts @param {number} lines @param {number} extra what the last line has besides @returns {T[][]} */
function balanced(parts, lines, extra) {
  const total = parts.reduce((sum, { wide }) => sum + wide + GAP, extra);
  /** @type {T[][]} */
  const sets = [[]];
  let filled = 0;
  parts.forEach((part, number) => {
    const [open, left] = [lines - sets.length, parts.length - number];
    if (open && sets[sets.length - 1].length && (filled + part.wide / 2 > (total / lines) * sets.length || left <= open)) sets.push([]);
    sets[sets.length - 1].push(part);
    filled += part.wide + GAP;
  });
  return sets;
}

/** @param {{ layer: number, places: Places, classes: number, cell: number, wide: number }[][]} sets @param {number} bars @param {number} width @param {number} scale @param {boolean} beside
 * @param {number} far pixels between layers at the most */
function place(sets, bars, width, scale, beside, far) {
  /** @type {Block[]} */
  const blocks = [];
  let top = 0;
  let votes = { left: 0, top: CAPTION, width, row: 0, beside };
  sets.forEach((set, line) => {
    const ends = bars > 0 && line === sets.length - 1;
    // Rows of votes keep their height, however narrow the page is.
    const cells = set.map(({ cell, classes }) => (beside && classes ? Math.max(cell * scale, Math.min(cell, 18)) : cell * scale));
    const tall = Math.max(...set.map(({ places }, which) => places.rows * cells[which]), ends && !beside ? bars * LOWEST * 1.25 : 0);
    const broad = set.reduce((sum, { places }, which) => sum + Math.max(places.columns * cells[which], NAME * scale), 0);
    const gap = clamp((width - broad) / Math.max(set.length - 1, 1), GAP, far);
    let left = 0;
    set.forEach(({ layer, places }, which) => {
      const [cell, high] = [cells[which], places.rows * cells[which]];
      const wide = places.columns * cell;
      const room = Math.max(wide, NAME * scale);
      const block = { layer, places, cell, left, top: top + CAPTION + (tall - high) / 2, width: wide, height: high, room: Math.min(room + gap - 8, width - left) };
      blocks.push(block);
      left += room + gap;
      if (ends && which === set.length - 1) {
        const [start, row] = [block.left + Math.max(block.width, beside ? 0 : NAME * scale) + GAP / 2, beside ? cell : Math.min(tall / bars, CLASS)];
        votes = { left: start, top: beside ? block.top : top + CAPTION + (tall - row * bars) / 2, width: Math.min(width - start, 230), row, beside };
      }
    });
    top += CAPTION + tall + 14;
  });
  if (!sets[0].length) [votes.row, top] = [CLASS, CAPTION + bars * CLASS];
  return { blocks, votes, height: Math.ceil(top) };
}

/** The neuron at a place on the canvas. @param {Block[]} blocks of layers @param {number} x @param {number} y @returns {{ layer: number, neuron: number } | null} */
export function neuronAt(blocks, x, y) {
  for (const { layer, left, top, cell, places } of blocks) {
    const [row, column] = [Math.floor((y - top) / cell), Math.floor((x - left) / cell)];
    if (row < 0 || column < 0 || row >= places.rows || column >= places.columns) continue;
    const neuron = places.row.findIndex((mine, which) => mine === row && places.column[which] === column);
    if (neuron >= 0) return { layer, neuron };
  }
  return null;
}

/** Where an arrow key leads: to the next neuron of the layer that way, and from its edge on to the layer beside it.
 * @param {Block[]} blocks @param {{ layer: number, neuron: number } | null} from @param {string} key */
export function stepped(blocks, from, key) {
  const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key];
  if (!by || !blocks.length) return null;
  if (!from) return { layer: blocks[0].layer, neuron: nearest(blocks[0].places, 0, 0) };
  const at = blocks.findIndex(({ layer }) => layer === from.layer);
  const { places, cell, top } = blocks[at];
  const [row, column] = [places.row[from.neuron], places.column[from.neuron]];
  // Over the gap between two maps.
  for (let far = 1; far <= 2; far++) {
    const found = places.row.findIndex((mine, which) => mine === row + far * by[0] && places.column[which] === column + far * by[1]);
    if (found >= 0) return { layer: from.layer, neuron: found };
  }
  const next = blocks[at + by[1]];
  if (!next) return from;
  const level = Math.round((top + (row + 0.5) * cell - next.top) / next.cell - 0.5);
  return { layer: next.layer, neuron: nearest(next.places, clamp(level, 0, next.places.rows - 1), by[1] > 0 ? 0 : next.places.columns - 1) };
}

/** @param {Places} places @param {number} row @param {number} column */
function nearest(places, row, column) {
  let [best, far] = [0, Infinity];
  for (let which = 0; which < places.row.length; which++) {
    const off = (places.row[which] - row) ** 2 + (places.column[which] - column) ** 2;
    if (off < far) [best, far] = [which, off];
  }
  return best;
}
