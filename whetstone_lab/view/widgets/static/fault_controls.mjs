// @ts-check
// The sliders of the fault bench, and the picture that is shown, whose pixels a hand can silence.
import { surface } from "./canvas.mjs";
import { mostVoters } from "./faults.mjs";
import { clamp, percent, plain } from "./numbers.mjs";
import { button, h, say } from "./page.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */
/** @typedef {import("./faults.mjs").Faults} Faults */

/** Weights are as they are at this place of the slider for bits. */
const WHOLE = 9;

/** The sliders: which fault, in words, its range and step, and how a value is told. At most so many percent fail: with more, little is left to see.
 * @type {{ name: keyof Faults, words: string, high: number, step: number, tell: (value: number) => string }[]} */
const SLIDERS = [
  { name: "dead", words: "dead neurons", high: 0.5, step: 0.01, tell: (value) => percent(value) },
  { name: "stuck", words: "stuck at firing", high: 0.5, step: 0.01, tell: (value) => percent(value) },
  { name: "silent", words: "silent inputs", high: 0.9, step: 0.01, tell: (value) => percent(value) },
  { name: "lost", words: "lost spikes", high: 0.9, step: 0.01, tell: (value) => percent(value) },
  { name: "jitter", words: "threshold jitter", high: 2, step: 0.05, tell: (value) => `±${plain(value)}` },
  { name: "noise", words: "noise on potentials", high: 2, step: 0.05, tell: (value) => `±${plain(value)}` },
];

/** @param {Scope} scope @param {{ faults: Faults, voters: number, network: import("./wave.mjs").Network }} bench what the sliders set @param {{ changed: () => void, mend: () => void }} what */
export function faultSliders(scope, bench, { changed, mend }) {
  const { key } = bench.network.readout;
  const most = key ? mostVoters(key) : 1;
  /** @type {(() => void)[]} */
  const shown = [];
  const element = h("div", { class: "wl-knobs" });
  /** @param {string} words @param {Record<string, number>} range @param {() => number} value @param {(value: number) => void} set @param {(value: number) => string} tell */
  function slider(words, range, value, set, tell) {
    const input = h("input", { type: "range", min: range.min, max: range.max, step: range.step, "aria-label": words });
    const told = h("b", {});
    element.append(h("div", { class: "wl-knob" }, h("span", {}, words), told, input));
    scope.on(input, "input", () => {
      set(Number(input.value));
      show();
      changed();
    });
    shown.push(() => {
      input.value = String(value());
      say(told, tell(value()));
      input.setAttribute("aria-valuetext", tell(value()));
      told.classList.toggle("wl-on", tell(value()) !== tell(Number(range.rest)));
    });
  }
  const { faults } = bench;
  for (const { name, words, high, step, tell } of SLIDERS)
    slider(words, { min: 0, max: high, step, rest: 0 }, () => faults[name], (value) => (faults[name] = value), tell);
  slider("bits of a weight", { min: 2, max: WHOLE, step: 1, rest: WHOLE }, () => faults.bits || WHOLE, (value) => (faults.bits = value === WHOLE ? 0 : value), (value) => (value === WHOLE ? "all" : String(value)));
  if (most > 1) slider("neurons a class", { min: 1, max: most, step: 1, rest: most }, () => bench.voters, (value) => (bench.voters = value), String);
  const [again, whole] = [button("⚂", "Draw again", { title: "Other neurons, inputs and spikes are hit: another seed" }), button("↺", "Mend all")];
  scope.on(again, "click", () => ((faults.seed += 1), changed()));
  scope.on(whole, "click", () => {
    Object.assign(faults, { dead: 0, stuck: 0, silent: 0, lost: 0, jitter: 0, noise: 0, bits: 0 });
    bench.voters = most;
    mend();
    show();
    changed();
  });
  const show = () => shown.forEach((each) => each());
  show();
  return { elements: [element, h("div", { class: "wl-tools" }, again, whole)], show };
}

/** The picture that the network is shown, whose pixels can be silenced with a click, or with arrows and Enter.
 * @param {Scope} scope @param {{ rows: number, columns: number, channels: number }} size
 * @param {{ paint: (canvas: HTMLCanvasElement, ink: string) => void, silent: (pixel: number) => boolean, toggle: (pixel: number) => void, words: () => string }} what */
export function silencedPicture(scope, { rows, columns }, { paint, silent, toggle, words }) {
  const box = h("div", { class: "wl-square", style: `aspect-ratio: ${columns} / ${rows}` });
  let pixel = -1;
  const { canvas, redraw } = surface(scope, box, ({ context, width, height, colour }) => {
    const grain = h("canvas");
    paint(grain, colour("ink"));
    context.imageSmoothingEnabled = false;
    context.drawImage(grain, 0, 0, width, height);
    const [wide, high] = [width / columns, height / rows];
    context.fillStyle = context.strokeStyle = colour("stop");
    context.lineWidth = Math.max(Math.min(wide / 9, 2), 1);
    context.beginPath();
    for (let at = 0; at < rows * columns; at++) {
      if (!silent(at)) continue;
      const [x, y] = [(at % columns) * wide, Math.floor(at / columns) * high];
      context.moveTo(x + 0.32 * wide, y + 0.32 * high);
      context.lineTo(x + 0.68 * wide, y + 0.68 * high);
      context.moveTo(x + 0.68 * wide, y + 0.32 * high);
      context.lineTo(x + 0.32 * wide, y + 0.68 * high);
    }
    context.stroke();
    canvas.setAttribute("aria-label", `${words()} Arrow keys move over its pixels, Enter silences one.`);
    if (pixel < 0) return;
    context.strokeStyle = colour("focus");
    context.lineWidth = 2;
    context.strokeRect((pixel % columns) * wide + 1, Math.floor(pixel / columns) * high + 1, wide - 2, high - 2);
  }, { tabindex: 0, "aria-roledescription": "picture" });
  scope.on(canvas, "click", (/** @type {PointerEvent} */ event) => {
    pixel = -1;
    const [row, column] = [Math.floor((event.offsetY / canvas.clientHeight) * rows), Math.floor((event.offsetX / canvas.clientWidth) * columns)];
    toggle(clamp(row, 0, rows - 1) * columns + clamp(column, 0, columns - 1));
  });
  scope.on(canvas, "keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (by) pixel = pixel < 0 ? 0 : clamp(Math.floor(pixel / columns) + by[0], 0, rows - 1) * columns + clamp((pixel % columns) + by[1], 0, columns - 1);
    else if (pixel >= 0 && (event.key === "Enter" || event.key === " ")) toggle(pixel);
    else return;
    event.preventDefault();
    redraw();
  });
  scope.on(canvas, "blur", () => ((pixel = -1), redraw()));
  return { element: box, redraw };
}
