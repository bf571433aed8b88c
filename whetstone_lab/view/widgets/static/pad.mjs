// @ts-check
// A square to draw on, with a mouse, a finger or keys.
import { line, surface } from "./canvas.mjs";
import { pictured } from "./ink.mjs";
import { clamp } from "./numbers.mjs";
import { h } from "./page.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {import("./ink.mjs").Stroke} Stroke */
/** @typedef {import("./ink.mjs").Preparation} Preparation */
/** @typedef {import("./operations.mjs").Real} Real */

/** What is on the pad: lines, and under them a sample or -1; a sample that is `lent` gives way to the first line.
 * @typedef {{ strokes: Stroke[], sample: number, lent?: boolean }} Drawing */

/** How far a key moves the pen, as a share of the pad, and how far a pointer must go for another point. */
const STEP = 1 / 16;
const APART = 0.008;

/** A drawing, and how to take back what was done to it last. */
export function drawings() {
  /** @type {Drawing[]} */
  const before = [];
  let now = /** @type {Drawing} */ ({ strokes: [], sample: -1 });
  const change = (/** @type {Drawing} */ next) => {
    before.push(now);
    now = next;
  };
  return {
    get now() { return now; },
    get undoable() { return before.length > 0; },
    get empty() { return !now.strokes.length && now.sample < 0; },
    /** Begins a line; `extend` goes on with it. @param {number} x @param {number} y */
    begin: (x, y) => change({ strokes: [...now.strokes, [x, y]], sample: now.lent ? -1 : now.sample }),
    /** @param {number} x @param {number} y */
    extend(x, y) {
      now.strokes[now.strokes.length - 1].push(x, y);
    },
    clear: () => (now.strokes.length || now.sample >= 0) && change({ strokes: [], sample: -1 }),
    /** @param {number} sample @param {boolean} [lent] */
    load: (sample, lent = false) => change({ strokes: [], sample, lent }),
    undo() {
      now = before.pop() ?? now;
    },
  };
}

/** What a network is shown of a drawing. Lines on a sample stay where they are; others are prepared as the pictures of the data set
 * were, unless they are to stay as they were drawn.
 * @param {Drawing} drawing @param {Preparation & { channels: number }} how @param {boolean} raw @param {import("./survey.mjs").Samples} samples @returns {Float64Array} */
export function imageOf({ strokes, sample }, how, raw, samples) {
  const [low, high] = samples.range;
  const ink = pictured(strokes, how, raw || sample >= 0);
  const base = sample >= 0 ? samples.input(sample) : null;
  return Float64Array.from({ length: ink.length * how.channels }, (_, at) => {
    const drawn = low + (high - low) * ink[Math.floor(at / how.channels)];
    return base ? Math.max(base[at], drawn) : drawn;
  });
}

/** The square itself. @param {Scope} scope @param {ReturnType<typeof drawings>} drawing
 * @param {{ how: Preparation, paint: (context: CanvasRenderingContext2D, size: number) => void, changed: (ended: boolean) => void, pen: (words: string) => void }} what
 *   `paint`: draws the sample under the lines; `changed`: something was drawn, and whether a line has ended; `pen`: what the keys' pen does, in words */
export function drawingSquare(scope, drawing, { how, paint, changed, pen }) {
  const box = h("div", { class: "wl-square" });
  const keys = { x: 0.5, y: 0.5, down: false, seen: false };
  const { canvas, redraw } = surface(scope, box, (drawn) => drawSquare(drawn, drawing.now, how, paint, keys), {
    tabindex: 0, role: "application", "aria-roledescription": "drawing pad", "aria-label": "Draw a picture here. Arrow keys move the pen, space puts it down and lifts it, Escape lifts it.",
  });
  let pointer = -1;
  const place = (/** @type {PointerEvent} */ event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return /** @type {[number, number]} */ ([clamp((event.clientX - left) / width, 0, 1), clamp((event.clientY - top) / height, 0, 1)]);
  };
  /** @param {number} x @param {number} y @param {boolean} anew @param {boolean} ended */
  function ink(x, y, anew, ended) {
    if (anew) drawing.begin(x, y);
    else drawing.extend(x, y);
    redraw();
    changed(ended);
  }
  scope.on(canvas, "pointerdown", (/** @type {PointerEvent} */ event) => {
    if (pointer >= 0 || event.button) return;
    canvas.setPointerCapture(pointer = event.pointerId);
    [keys.down, keys.seen] = [false, false];
    ink(...place(event), true, false);
  });
  scope.on(canvas, "pointermove", (/** @type {PointerEvent} */ event) => {
    if (event.pointerId !== pointer) return;
    const [x, y] = place(event);
    const [before] = drawing.now.strokes.slice(-1);
    if (Math.hypot(x - before[before.length - 2], y - before[before.length - 1]) >= APART) ink(x, y, false, false);
  });
  const lift = (/** @type {PointerEvent} */ event) => {
    if (event.pointerId !== pointer) return;
    pointer = -1;
    changed(true);
  };
  for (const end of ["pointerup", "pointercancel"]) scope.on(canvas, end, lift);

  scope.on(canvas, "keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
    if (!by && event.key !== " " && event.key !== "Escape") return;
    event.preventDefault();
    keys.seen = true;
    if (by) {
      [keys.x, keys.y] = [clamp(keys.x + by[0] * STEP, 0, 1), clamp(keys.y + by[1] * STEP, 0, 1)];
      if (keys.down) ink(keys.x, keys.y, false, true);
    } else if (event.key === " " && !keys.down) {
      keys.down = true;
      ink(keys.x, keys.y, true, true);
    } else keys.down = false;
    pen(`Pen ${keys.down ? "down" : "up"}, ${Math.round(100 * keys.x)} % from the left, ${Math.round(100 * keys.y)} % from the top.`);
    redraw();
  });
  scope.on(canvas, "blur", () => ([keys.down, keys.seen] = [false, false], redraw()));
  scope.on(canvas, "focus", () => ((keys.seen = canvas.matches(":focus-visible")), redraw()));
  return {
    element: box, redraw,
    /** What was drawn is another now, so the keys' pen draws no further. */
    lift: () => (keys.down = false),
  };
}

/** @param {import("./canvas.mjs").Pen} pen @param {Drawing} drawing @param {Preparation} how @param {(context: CanvasRenderingContext2D, size: number) => void} paint
 * @param {{ x: number, y: number, down: boolean, seen: boolean }} keys */
function drawSquare({ context, width, colour }, { strokes, sample }, { rows, columns, pen }, paint, keys) {
  if (sample >= 0) paint(context, width);
  context.strokeStyle = colour("line");
  context.lineWidth = 1;
  const [down, along] = [rows > 16 ? rows / 4 : rows, columns > 16 ? columns / 4 : columns];
  for (let row = 1; row < down; row++) line(context, 0, Math.round((row * width) / down) + 0.5, width, Math.round((row * width) / down) + 0.5);
  for (let column = 1; column < along; column++) line(context, Math.round((column * width) / along) + 0.5, 0, Math.round((column * width) / along) + 0.5, width);
  context.strokeStyle = context.fillStyle = colour("ink");
  context.lineWidth = Math.max((pen * width) / columns, 3) * (sample >= 0 ? 1 : 0.75);
  context.lineCap = context.lineJoin = "round";
  for (const stroke of strokes) {
    context.beginPath();
    context.moveTo(stroke[0] * width, stroke[1] * width);
    for (let at = 0; at < stroke.length; at += 2) context.lineTo(stroke[at] * width, stroke[at + 1] * width);
    context.stroke();
  }
  if (!keys.seen) return;
  context.lineWidth = 2;
  context.strokeStyle = colour("focus");
  context.fillStyle = colour(keys.down ? "focus" : "ground");
  context.beginPath();
  context.arc(keys.x * width, keys.y * width, 6, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
}
