// @ts-check
// How many of the samples a damaged network still reads right, with all the neurons that a class has and with fewer.
import { dot, font, line, surface } from "./canvas.mjs";
import { h, say } from "./page.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */
/** Of so many samples that were counted, how many are read right with one neuron a class, two, and so on. @typedef {{ counted: number, right: Uint32Array }} Score */

/** @param {number} share */
const inPercent = (share) => `${(100 * share).toFixed(1)} %`;

/** @param {Scope} scope @param {{ scores: () => { sound: Score, broken: Score, samples: number, voters: number } }} what */
export function accuracyPanel(scope, { scores }) {
  const [number, words] = [h("div", { class: "wl-percentage" }), h("div", { class: "wl-meaning" })];
  const plot = h("div", { class: "wl-redundancy" });
  const chart = surface(scope, plot, (pen) => drawRedundancy(pen, scores()));
  const label = h("div", { class: "wl-label" }, "accuracy by neurons a class");
  const element = h("div", { class: "wl-score" }, h("div", { role: "status" }, number, words), h("div", {}, label, plot));
  return {
    element,
    show() {
      const { sound, broken, samples, voters } = scores();
      const share = (/** @type {Score} */ { counted, right }) => (counted ? right[voters - 1] / counted : 0);
      const only = broken.right.length < 2;
      label.hidden = plot.hidden = only;
      say(number, broken.counted ? inPercent(share(broken)) : "–");
      // Only what is settled is said, so that whoever listens hears one figure.
      say(words, broken.counted < samples ? `right of ${samples} samples` : `right of ${samples} samples; unbroken${only ? "" : " with all its neurons"} ${sound.counted ? inPercent(sound.right[sound.right.length - 1] / sound.counted) : ""}`);
      const told = [...broken.right].map((right, fewer) => `${fewer + 1}: ${inPercent(right / (broken.counted || 1))}`);
      chart.canvas.setAttribute("aria-label", `Accuracy by neurons a class: ${told.join(", ")}`);
      chart.redraw();
    },
  };
}

/** @param {import("./canvas.mjs").Pen} pen @param {{ sound: Score, broken: Score, voters: number }} scores */
function drawRedundancy(pen, { sound, broken, voters }) {
  const { context, width, height, colour } = pen;
  const [left, right, top, bottom] = [40, width - 10, 8, height - 18];
  const most = broken.right.length;
  const x = (/** @type {number} */ fewer) => left + 6 + (most > 1 ? fewer / (most - 1) : 0.5) * (right - left - 12);
  const y = (/** @type {number} */ share) => bottom - share * (bottom - top);
  font(pen, 10.5);
  context.lineWidth = 1;
  context.strokeStyle = colour("line");
  context.fillStyle = colour("muted");
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const share of [0, 0.5, 1]) {
    line(context, left, Math.round(y(share)) + 0.5, right, Math.round(y(share)) + 0.5);
    context.fillText(`${100 * share} %`, left - 5, y(share));
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  const every = Math.ceil(most / Math.max((right - left) / 18, 1));
  for (let fewer = 0; fewer < most; fewer++) if ((fewer + 1) % every === 0 || !fewer) context.fillText(String(fewer + 1), x(fewer), bottom + 5);
  for (const { score, ink, wide } of [{ score: sound, ink: "faint", wide: 1.6 }, { score: broken, ink: "ink", wide: 2.2 }]) {
    if (!score.counted) continue;
    context.strokeStyle = context.fillStyle = colour(ink);
    context.lineWidth = wide;
    context.beginPath();
    score.right.forEach((count, fewer) => context.lineTo(x(fewer), y(count / score.counted)));
    context.stroke();
    score.right.forEach((count, fewer) => dot(context, x(fewer), y(count / score.counted), wide + 0.4));
  }
  if (!broken.counted) return;
  context.fillStyle = colour("ground");
  context.strokeStyle = colour("stop");
  context.lineWidth = 2.4;
  const [here, high] = [x(voters - 1), y(broken.right[voters - 1] / broken.counted)];
  dot(context, here, high, 5);
  context.beginPath();
  context.arc(here, high, 5, 0, 2 * Math.PI);
  context.stroke();
}
