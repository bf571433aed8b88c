// @ts-check
// What the widgets share of pages and runs. Python joins it and method.mjs in front of each widget's own, so it imports
// nothing.

/**
 * What a widget may use of its model: the part that a page without a kernel can stand in for.
 * @typedef {{
 *   get(name: string): any,
 *   set(name: string, value: any): void,
 *   on(event: string, listener: (...args: any[]) => void): void,
 *   off(event: string, listener: (...args: any[]) => void): void,
 *   save_changes(): void,
 *   send(content: any): void,
 * }} Model
 */

/** @typedef {{ width: number, height: number, context: CanvasRenderingContext2D, colour: (name: string) => string }} Pen */

// -- numbers ----------------------------------------------------------------------------------------------------------

/** Bytes as they came over the wire; copied, since a view need not be aligned.
 * @param {DataView | ArrayBuffer | Uint8Array | undefined} data @returns {ArrayBuffer} */
function buffer(data) {
  if (!data) return new ArrayBuffer(0);
  if (data instanceof ArrayBuffer) return data.slice(0);
  return /** @type {ArrayBuffer} */ (data.buffer).slice(data.byteOffset, data.byteOffset + data.byteLength);
}

/** @param {any} data */
export const floats = (data) => new Float32Array(buffer(data));
/** @param {any} data */
export const doubles = (data) => new Float64Array(buffer(data));
/** @param {any} data */
export const bytes = (data) => new Uint8Array(buffer(data));
/** @param {any} data */
export const shorts = (data) => new Uint16Array(buffer(data));
/** @param {any} data */
export const integers = (data) => new Uint32Array(buffer(data));

/** @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** How much of a histogram lies between two values, spread evenly within each bin; from 0 to 1.
 * @param {ArrayLike<number>} edges @param {ArrayLike<number>} counts @param {number} low @param {number} high */
export function shareBetween(edges, counts, low, high) {
  let inside = 0;
  let all = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    const width = edges[bin + 1] - edges[bin];
    all += counts[bin];
    inside += (counts[bin] * clamp(Math.min(high, edges[bin + 1]) - Math.max(low, edges[bin]), 0, width)) / width;
  }
  return all ? inside / all : 0;
}

/** Round values for an axis from low to high, some `count` of them.
 * @param {number} low @param {number} high @param {number} count */
export function ticks(low, high, count) {
  const rough = (high - low) / Math.max(count, 1);
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * power >= rough * 0.999) ?? 10) * power;
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) found.push(k * step + 0); // + 0: no minus zero
  return found;
}

/** Values 1, 2 and 5 times a power of ten for a logarithmic axis, at most some six.
 * @param {number} low @param {number} high */
export function logTicks(low, high) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const factor of [1, 2, 5]) found.push(factor * 10 ** power);
  const inside = found.filter((value) => value >= low && value <= high);
  return inside.length <= 7 ? inside : inside.filter((value) => Number.isInteger(Math.round(Math.log10(value) * 1e6) / 1e6));
}

/** A number as a reader wants it: three digits that count.
 * @param {number | null | undefined} value */
export function plain(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

/** A share as a percentage, with a sign if asked.
 * @param {number} value @param {boolean} [signed] */
export function percent(value, signed) {
  const text = `${Math.abs(value * 100) < 9.95 ? Math.abs(value * 100).toFixed(1).replace(/\.0$/, "") : Math.round(Math.abs(value * 100))} %`;
  return (value < 0 ? "−" : signed ? "+" : "") + text;
}

// -- the run ----------------------------------------------------------------------------------------------------------

/** Rows of points: position in epochs, loss, sharpness of each layer.
 * @typedef {{ width: number, length: number, values: Float32Array }} Points */

/** The points of the past and those of the open epoch, as one.
 * @param {any} past @param {any} now @param {number} layers @returns {Points} */
export function joinPoints(past, now, layers) {
  const width = layers + 2;
  const [before, tail] = [floats(past.points), floats(now.tail)];
  const values = new Float32Array(before.length + tail.length);
  values.set(before);
  values.set(tail, before.length);
  return { width, length: values.length / width, values };
}

/** Column `column` at position `at`, in between by a straight line.
 * @param {Points} points @param {number} at @param {number} column */
export function valueAt(points, at, column) {
  const { values, width, length } = points;
  if (!length) return 0;
  let [low, high] = [0, length - 1];
  if (at <= values[0]) return values[column];
  if (at >= values[high * width]) return values[high * width + column];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (values[middle * width] <= at) low = middle;
    else high = middle;
  }
  const [a, b] = [values[low * width], values[high * width]];
  const part = b > a ? (at - a) / (b - a) : 1;
  return values[low * width + column] * (1 - part) + values[high * width + column] * part;
}

/** A row for each epoch, by name.
 * @param {any} past */
export function epochRows(past) {
  const names = ["end", "loss", "reference", "up", "down", "patience", "sharpening", "sharp"];
  const table = doubles(past.table);
  return Array.from({ length: table.length / names.length }, (_, row) =>
    /** @type {Record<string, number>} */ (
      Object.fromEntries(names.map((name, column) => [name, table[row * names.length + column]]))
    ),
  );
}

/** From where to where sharpening went on, in epochs: those that follow each other as one, the open epoch up to now.
 * Of thinned rows each stands for all the epochs since the one before it.
 * @param {Record<string, number>[]} rows @param {any} now @returns {[number, number][]} */
export function sharpeningSpans(rows, now) {
  /** @type {[number, number][]} */
  const found = [];
  const add = (/** @type {number} */ from, /** @type {number} */ to) => {
    const before = found[found.length - 1];
    if (before && before[1] === from) before[1] = to;
    else found.push([from, to]);
  };
  let end = 0;
  for (const row of rows) {
    if (row.sharpening) add(end || row.end - 1, row.end);
    end = row.end;
  }
  if (now.sharpening && rows.length && now.at > end && now.sharpness.some((/** @type {number} */ s) => s < 1)) add(end, now.at);
  return found;
}

/** Marks that would cover each other, moved apart within low and high, none by more than two marks' breadth, as in scene.py.
 * @param {number[]} places in rising order @param {number} breadth @param {number} low @param {number} high */
export function apart(places, breadth, low, high) {
  const moved = places.map((place) => clamp(place, low, high));
  for (let i = 1; i < moved.length; i++) moved[i] = clamp(moved[i - 1] + breadth, moved[i], moved[i] + 2 * breadth);
  for (let i = moved.length - 1, limit = high; i >= 0; limit = moved[i--] - breadth) moved[i] = Math.min(moved[i], Math.max(limit, places[i] - 2 * breadth, low));
  return moved;
}

/** What a run is doing, in words.
 * @type {Record<string, string>} */
export const STATUS = {
  ready: "ready", running: "training", paused: "paused", stopped: "stopped", finished: "finished", failed: "failed",
  recorded: "recorded run",
};

// -- the page ---------------------------------------------------------------------------------------------------------

/** Makes an element; `class`, `text` and handlers aside, attributes are set as they are named.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, any>} [attributes] @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[T]} */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** Sets the text of an element if it is another. @param {Node} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Everything that a view has to undo when it goes: listeners, observers, timers, frames. */
export class Scope {
  constructor() {
    /** @type {(() => void)[]} */
    this.undo = [];
    /** @type {Set<number>} */
    this.frames = new Set();
    this.over = false;
  }

  /** @param {EventTarget} target @param {string} type @param {(event: any) => void} listener @param {any} [options] */
  on(target, type, listener, options) {
    target.addEventListener(type, listener, options);
    this.undo.push(() => target.removeEventListener(type, listener, options));
  }

  /** @param {Model} model @param {string} event @param {(...args: any[]) => void} listener */
  follow(model, event, listener) {
    model.on(event, listener);
    this.undo.push(() => model.off(event, listener));
  }

  /** @param {(time: number) => void} draw */
  frame(draw) {
    if (this.over) return;
    const id = requestAnimationFrame((time) => {
      this.frames.delete(id);
      draw(time);
    });
    this.frames.add(id);
  }

  /** Calls `draw` once in the next frame, however often it is asked. @param {() => void} draw */
  once(draw) {
    let asked = false;
    return () => {
      if (asked) return;
      asked = true;
      this.frame(() => {
        asked = false;
        draw();
      });
    };
  }

  end() {
    this.over = true;
    this.frames.forEach((id) => cancelAnimationFrame(id));
    this.undo.splice(0).reverse().forEach((undo) => undo());
  }
}

/** A canvas that fills its box, sharp at any pixel ratio, drawn again when its size or the theme changes.
 * @param {Scope} scope @param {HTMLElement} box @param {(pen: Pen) => void} draw @param {Record<string, any>} [attributes] */
export function surface(scope, box, draw, attributes = {}) {
  const canvas = h("canvas", { class: "wl-canvas", role: "img", ...attributes });
  box.append(canvas);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const redraw = scope.once(() => {
    const [width, height] = [box.clientWidth, box.clientHeight];
    if (!width || !height) return;
    const ratio = globalThis.devicePixelRatio || 1;
    const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const properties = getComputedStyle(canvas);
    draw({ width, height, context, colour: (name) => properties.getPropertyValue(`--wl-${name}`).trim() || "#888" });
  });
  const sizes = new ResizeObserver(redraw);
  sizes.observe(box);
  const themes = new MutationObserver(redraw);
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
  scope.undo.push(() => (sizes.disconnect(), themes.disconnect()));
  scope.on(matchMedia("(prefers-color-scheme: dark)"), "change", redraw);
  return { canvas, redraw };
}

/** The colour of a layer; a seventh starts again at the first. @param {number} index */
export const layerColour = (index) => `layer-${index % 6}`;

/** @param {Pen} pen @param {number} [size] @param {string} [weight] */
export function font(pen, size = 11, weight = "400") {
  pen.context.font = `${weight} ${size}px ${getComputedStyle(pen.context.canvas).fontFamily}`;
}

/** @param {CanvasRenderingContext2D} context @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 */
export function line(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

/** Shows that the kernel has gone, by the class `wl-gone`, until something is heard from it again. JupyterLab has a class
 * of its own for that, but anywidget 0.11 takes the listener that sets it away from the view.
 * @param {Scope} scope @param {Model} model @param {HTMLElement} root */
export function watchKernel(scope, model, root) {
  scope.follow(model, "comm_live_update", () => root.classList.add("wl-gone"));
  scope.follow(model, "change", () => root.classList.remove("wl-gone"));
}

/** Keeps the keys that a control understands to the control: a notebook would take arrows for moves between cells.
 * @param {Scope} scope @param {HTMLElement} root */
export function keepKeys(scope, root) {
  const keys = new Set(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End", " ", "Enter"]);
  scope.on(root, "keydown", (/** @type {KeyboardEvent} */ event) => {
    if (keys.has(event.key) && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey) event.stopPropagation();
  });
}

/** Moves along a run or a wave, by itself or by hand: calls `show` with the position.
 * @param {Scope} scope
 * @param {{ end: () => number, seconds: () => number, show: (at: number) => void, changed: (playing: boolean) => void }} what */
export function player(scope, what) {
  let playing = false;
  let at = 0;
  let last = 0;
  /** @param {number} time */
  const tick = (time) => {
    if (!playing) return;
    // A page that was hidden must not leap ahead when it is seen again.
    const passed = clamp(time - last, 0, 100) / 1000;
    last = time;
    at += (passed / what.seconds()) * what.end();
    if (at >= what.end()) return self.stop(what.end());
    what.show(at);
    scope.frame(tick);
  };
  const self = {
    get playing() { return playing; },
    get at() { return at; },
    /** @param {number} [from] */
    play(from) {
      at = from ?? (at >= what.end() ? 0 : at);
      last = performance.now();
      if (!playing) scope.frame(tick);
      playing = true;
      what.changed(true);
      what.show(at);
    },
    /** @param {number} [where] */
    stop(where) {
      playing = false;
      at = where ?? at;
      what.changed(false);
      what.show(at);
    },
  };
  return self;
}

/** Calls `first` the first time that an element is seen. @param {Scope} scope @param {Element} element @param {() => void} first */
export function whenSeen(scope, element, first) {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    first();
  }, { threshold: 0.3 });
  observer.observe(element);
  scope.undo.push(() => observer.disconnect());
}

/** A button with a sign and words. @param {string} sign @param {string} words @param {Record<string, any>} [attributes] */
export function button(sign, words, attributes = {}) {
  return h("button", { type: "button", class: "wl-button", ...attributes },
    h("span", { "aria-hidden": "true", class: "wl-sign" }, sign), h("span", {}, words));
}

/** The top line of a widget: what it is, and what the run is doing.
 * @param {string} title */
export function header(title) {
  const chip = h("span", { class: "wl-chip", role: "status" });
  const facts = h("span", { class: "wl-facts" });
  const element = h("div", { class: "wl-header" }, h("span", { class: "wl-title" }, title), chip, facts);
  return {
    element,
    /** @param {string} status @param {string} text */
    show(status, text) {
      chip.dataset.status = status;
      say(chip, STATUS[status] ?? status);
      say(facts, text);
    },
  };
}

/** What is worth saying of a run in one line. @param {any} now */
export function runFacts(now) {
  const accuracy = now.logs.val_accuracy ?? now.logs.accuracy;
  return [
    `epoch ${now.epochs}`, `batch ${now.batch}`, ...(now.loss === null ? [] : [`loss ${plain(now.loss)}`]),
    ...(accuracy === undefined || accuracy === null ? [] : [`${"val_accuracy" in now.logs ? "validation " : ""}accuracy ${(100 * accuracy).toFixed(1)} %`]),
  ].join("  ·  ");
}
