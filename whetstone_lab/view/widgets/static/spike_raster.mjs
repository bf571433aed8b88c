// @ts-check
import { Scope, button, bytes, calm, clamp, font, h, header, integers, keepKeys, layerColour, line, plain, player, say, shorts, surface, watchKernel, whenSeen } from "./shared.mjs";

/** @typedef {import("./shared.mjs").Model} Model */
/** @typedef {import("./shared.mjs").Pen} Pen */

/** The spikes of one sample: for each layer and step, which neurons fired.
 * @param {{ ends: number[], step: any, layer: any, neuron: any }} spikes @param {number} sample
 * @param {number} layers @param {number} steps @returns {number[][][]} */
export function spikesOf(spikes, sample, layers, steps) {
  const found = Array.from({ length: layers }, () => Array.from({ length: steps }, () => /** @type {number[]} */ ([])));
  const [step, layer, neuron] = [shorts(spikes.step), bytes(spikes.layer), integers(spikes.neuron)];
  for (let event = sample ? spikes.ends[sample - 1] : 0; event < spikes.ends[sample]; event++) found[layer[event]][step[event]].push(neuron[event]);
  return found;
}

/** Where a neuron sits in its layer, in words. @param {number} neuron @param {number[]} shape */
export function address(neuron, shape) {
  if (shape.length < 2) return `neuron ${neuron}`;
  const place = [];
  let rest = neuron;
  for (const size of [...shape].reverse()) {
    place.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return shape.length === 3 ? `row ${place[0]}, column ${place[1]}, channel ${place[2]}` : `neuron (${place.join(", ")})`;
}

/** @param {{ model: Model, el: HTMLElement }} view */
function render({ model, el }) {
  const scope = new Scope();
  const about = model.get("about");
  const spikes = model.get("spikes");
  const pictures = model.get("pictures");
  const count = about.layers.length;
  const hasPictures = Boolean(pictures.shape);
  const values = bytes(pictures.values);
  const classes = about.votes[0].length;

  let sample = model.get("sample");
  let fired = spikesOf(spikes, sample, count, about.steps);
  /** @type {{ layer: number, neuron: number, step: number } | null} */
  let cursor = null;

  // -- what there is ----------------------------------------------------------------------------------------------------
  const head = header("Spikes");
  head.element.children[1].remove();
  const shown = h("canvas", { class: "wl-input", role: "img" });
  const box = h("div", { class: "wl-raster" });
  const readout = h("p", { class: "wl-readout", role: "status" });
  const votes = h("div", { class: "wl-votes", role: "img" });
  const verdict = h("div", { class: "wl-verdict" });
  const picker = h("div", { class: "wl-picker", role: "radiogroup", "aria-label": "Sample" });
  const body = h("div", { class: "wl-body" }, h("div", { class: "wl-middle" }, box));
  if (hasPictures) body.prepend(h("div", { class: "wl-shown" }, h("div", { class: "wl-label" }, "shown"), shown));
  if (classes) body.append(h("div", { class: "wl-tally" }, h("div", { class: "wl-label" }, "votes"), votes, verdict));
  const play = button("▶", "Play", { "aria-label": "Send the wave" });
  const scrub = h("input", { type: "range", min: 0, max: about.steps, step: 0.05, "aria-label": "Time, in steps" });
  const moment = h("output", { class: "wl-moment" });
  const speed = h("select", { "aria-label": "Speed" }, ...[0.25, 0.5, 1, 2, 4].map((factor) => h("option", { value: factor, selected: factor === 1 }, `${factor} ×`)));
  const root = h("div", { class: "wl wl-spikes" }, head.element, picker, body, readout,
    h("div", { class: "wl-transport" }, play, h("div", { class: "wl-track" }, scrub), moment, speed));
  root.classList.toggle("wl-no-picture", !hasPictures);
  root.classList.toggle("wl-no-votes", !classes);
  el.append(root);
  keepKeys(scope, root);
  watchKernel(scope, model, root);

  const raster = surface(scope, box, draw, { tabindex: 0, "aria-roledescription": "spike raster" });

  // The classes that can be shown at a glance; of very many only the ones with most votes.
  const listed = Array.from({ length: classes }, (_, number) => number);
  const bars = listed.slice(0, 24).map(() => {
    const [name, bar, value] = [h("span", { class: "wl-class" }), h("i"), h("span", { class: "wl-count" })];
    const row = h("div", { class: "wl-vote" }, name, h("span", { class: "wl-gauge" }, bar), value);
    votes.append(row);
    return { row, name, bar, value };
  });

  const right = (/** @type {number} */ which) => (about.labels.length ? about.classes[which] === about.labels[which] : true);
  const picks = Array.from({ length: about.samples }, (_, which) => {
    const words = `sample ${which}${about.labels.length ? `, a ${about.labels[which]}` : ""}${classes ? `, read as ${about.classes[which]}` : ""}`;
    const pick = h("button", { type: "button", class: "wl-pick", role: "radio", "aria-label": words, title: words });
    if (hasPictures) {
      const canvas = h("canvas", { "aria-hidden": "true" });
      pick.append(canvas);
    } else pick.append(String(which));
    if (classes && !right(which)) pick.append(h("span", { class: "wl-wrong", "aria-hidden": "true" }, "✗"));
    scope.on(pick, "click", () => choose(which));
    picker.append(pick);
    return pick;
  });
  scope.on(picker, "keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    choose((sample + by + about.samples) % about.samples);
    picks[sample].focus();
  });
  picker.hidden = about.samples < 2;

  // -- the wave ---------------------------------------------------------------------------------------------------------
  const wave = player(scope, {
    end: () => about.steps,
    seconds: () => clamp(0.9 * about.steps, 1.2, 8) / Number(speed.value),
    show: () => show(),
    changed: (playing) => {
      say(play.children[0], playing ? "❚❚" : "▶");
      say(play.children[1], playing ? "Pause" : "Play");
      play.setAttribute("aria-label", playing ? "Pause" : "Send the wave");
    },
  });

  /** Shows another sample, and tells Python which. @param {number} which */
  function choose(which) {
    model.set("sample", which);
    model.save_changes();
    if (which === sample) start();
  }

  function start() {
    if (calm()) wave.stop(about.steps);
    else wave.play(0);
  }

  /** All spikes of the sample, drawn once; the wave uncovers them. */
  const all = h("canvas");
  let drawn = "";

  const room = () => ({ left: box.clientWidth < 420 ? 74 : 96, right: box.clientWidth - 6, top: 6, bottom: box.clientHeight - 24 });
  /** @param {number} layer */
  const band = (layer) => {
    const { top, bottom } = room();
    const [low, high] = about.bands[layer];
    return { top: bottom - high * (bottom - top), bottom: bottom - low * (bottom - top) };
  };

  /** @param {Pen} pen */
  function drawAll({ context, width, height, colour }) {
    const ratio = context.canvas.width / width;
    const state = [sample, context.canvas.width, context.canvas.height, colour("layer-0"), colour("ground")].join();
    if (state === drawn) return;
    drawn = state;
    [all.width, all.height] = [context.canvas.width, context.canvas.height];
    const ink = /** @type {CanvasRenderingContext2D} */ (all.getContext("2d"));
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    const { left, right } = room();
    const column = (right - left) / about.steps;
    const inset = Math.min(0.09 * column, 6);
    for (let layer = 0; layer < count; layer++) {
      const place = band(layer);
      const row = (place.bottom - place.top) / about.sizes[layer];
      // As thick as a neuron's row with a sliver between, and never thinner than a pixel of the screen.
      const thick = Math.max(Math.round((row > 3 ? row - 1 : row * 0.85) * ratio), 1) / ratio;
      const snap = (/** @type {number} */ y) => Math.round(y * ratio) / ratio;
      ink.fillStyle = colour(layerColour(layer));
      ink.globalAlpha = row * ratio < 0.25 ? 0.6 : 1;
      fired[layer].forEach((neurons, step) => {
        for (const neuron of neurons) ink.fillRect(left + step * column + inset, snap(place.bottom - (neuron + 0.5) * row - thick / 2), column - 2 * inset, thick);
      });
    }
  }

  /** @param {Pen} pen */
  function draw(pen) {
    const { context, width, colour } = pen;
    drawAll(pen);
    paintAll();
    const { left, right, top, bottom } = room();
    const column = (right - left) / about.steps;
    const here = left + wave.at * column;
    for (let layer = 0; layer < count; layer++) {
      const place = band(layer);
      context.fillStyle = colour(layerColour(layer));
      context.globalAlpha = 0.075;
      context.fillRect(left, place.top, right - left, place.bottom - place.top);
      context.globalAlpha = 1;
      font(pen, 11.5, "600");
      context.fillStyle = colour("ink");
      context.textAlign = "right";
      context.textBaseline = "bottom";
      const middle = (place.top + place.bottom) / 2;
      context.fillText(shorten(context, about.layers[layer], left - 12), left - 8, middle - 1);
      font(pen, 10.5);
      context.fillStyle = colour("muted");
      context.textBaseline = "top";
      context.fillText(`${spiking(layer)} of ${about.sizes[layer]}`, left - 8, middle + 2.5);
    }
    const ratio = context.canvas.width / width;
    const cut = Math.round(here * ratio);
    if (cut > 0) context.drawImage(all, 0, 0, cut, all.height, 0, 0, cut / ratio, all.height / ratio);
    if (wave.at > 0 && wave.at < about.steps) {
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
    if (cursor) {
      const place = band(cursor.layer);
      const row = (place.bottom - place.top) / about.sizes[cursor.layer];
      const [x, tall] = [left + cursor.step * column, Math.max(row, 5)];
      context.strokeStyle = colour("ink");
      context.lineWidth = 1.3;
      context.strokeRect(x + 1, place.bottom - (cursor.neuron + 0.5) * row - tall / 2, column - 2, tall);
    }
  }

  /** How many neurons of a layer have fired by now. @param {number} layer */
  const spiking = (layer) => new Set(fired[layer].slice(0, Math.ceil(wave.at)).flat()).size;

  function show() {
    scrub.value = String(wave.at);
    const step = Math.min(Math.floor(wave.at), about.steps - 1);
    say(moment, wave.at >= about.steps ? "all steps" : `step ${step}`);
    scrub.setAttribute("aria-valuetext", moment.textContent ?? "");
    const total = fired.flat(2).length;
    const neurons = about.sizes.reduce((/** @type {number} */ sum, /** @type {number} */ size) => sum + size, 0);
    say(head.element.children[1], `sample ${sample}${about.labels.length ? `, a ${about.labels[sample]}` : ""}  ·  ${total} spikes from ${neurons} neurons in ${about.steps} steps`);
    tally(clamp(wave.at - (about.steps - 1), 0, 1));
    raster.canvas.setAttribute("aria-label", about.layers.map((/** @type {string} */ name, /** @type {number} */ layer) => `${name}: ${spiking(layer)} of ${about.sizes[layer]} neurons fired`).join("; ") + ". Arrow keys move over neurons and steps.");
    raster.redraw();
  }

  /** The votes, which come with the spikes of the last layer. @param {number} part */
  function tally(part) {
    if (!classes) return;
    const mine = about.votes[sample].map((/** @type {number | null} */ vote) => vote ?? 0);
    const order = classes <= bars.length ? listed : [...listed].sort((a, b) => mine[b] - mine[a]).slice(0, bars.length).sort((a, b) => a - b);
    const [low, high] = [Math.min(0, ...mine), Math.max(0, ...mine)];
    const [winner, label] = [about.classes[sample], about.labels[sample]];
    const settled = part >= 1;
    order.forEach((number, which) => {
      const { row, name, bar, value } = bars[which];
      say(name, String(number));
      row.classList.toggle("wl-winner", settled && number === winner);
      row.classList.toggle("wl-false", !right(sample));
      row.classList.toggle("wl-truth", number === label);
      const width = (100 * Math.abs(mine[number]) * part) / (high - low || 1);
      const zero = (-100 * low) / (high - low || 1);
      bar.style.left = `${mine[number] < 0 ? zero - width : zero}%`;
      bar.style.width = `${width}%`;
      say(value, settled ? plain(mine[number]) : "");
    });
    say(verdict, !settled ? "no output yet" : label === undefined ? `read as ${winner}` : winner === label ? `read as ${winner}, which is right` : `read as ${winner}, in truth ${label}`);
    verdict.classList.toggle("wl-false", settled && !right(sample));
    votes.setAttribute("aria-label", settled ? `Votes: ${order.map((number) => `class ${number} ${plain(mine[number])}`).join(", ")}` : "No votes yet");
  }

  /** Grey values in ink on the ground, or colours as they are.
   * @param {HTMLCanvasElement} canvas @param {number} which */
  function paint(canvas, which) {
    const [rows, columns, channels = 1] = pictures.shape;
    [canvas.width, canvas.height] = [columns, rows];
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const image = context.createImageData(columns, rows);
    const probe = h("canvas").getContext("2d");
    const ink = [28, 36, 48];
    if (probe) {
      // The theme's ink in any notation, read back as numbers.
      probe.fillStyle = getComputedStyle(root).color;
      probe.fillRect(0, 0, 1, 1);
      ink.splice(0, 3, ...probe.getImageData(0, 0, 1, 1).data.slice(0, 3));
    }
    for (let pixel = 0; pixel < rows * columns; pixel++) {
      const from = (which * rows * columns + pixel) * channels;
      image.data.set(channels === 3 ? [values[from], values[from + 1], values[from + 2], 255] : [...ink, values[from]], 4 * pixel);
    }
    context.putImageData(image, 0, 0);
  }

  let [painted, inked] = [-1, ""];
  function paintAll() {
    const ink = getComputedStyle(root).color;
    if (!hasPictures || (painted === sample && inked === ink)) return;
    paint(shown, sample);
    shown.setAttribute("aria-label", `What was shown: sample ${sample}`);
    if (inked !== ink) picks.forEach((pick, which) => paint(/** @type {HTMLCanvasElement} */ (pick.firstChild), which));
    [painted, inked] = [sample, ink];
  }

  function change() {
    sample = clamp(model.get("sample"), 0, about.samples - 1);
    fired = spikesOf(spikes, sample, count, about.steps);
    cursor = null;
    hint();
    picks.forEach((pick, which) => {
      pick.setAttribute("aria-checked", String(which === sample));
      pick.tabIndex = which === sample ? 0 : -1;
    });
  }

  // -- pointing ---------------------------------------------------------------------------------------------------------
  function hint() {
    if (!cursor) return say(readout, "Point at a spike to see whose it is.");
    const { layer, neuron, step } = cursor;
    const when = fired[layer].flatMap((neurons, at) => (neurons.includes(neuron) ? [at] : []));
    const what = step + 1 > wave.at + 1e-9 ? "not reached yet" : when.includes(step) ? "fires" : "silent";
    say(readout, `${about.layers[layer]}, ${address(neuron, about.shapes[layer])}, step ${step}: ${what}.`);
  }

  const point = (/** @type {PointerEvent} */ event) => {
    const { left, right } = room();
    const step = Math.floor(((event.offsetX - left) / (right - left)) * about.steps);
    const layer = about.bands.findIndex((/** @type {unknown} */ _, /** @type {number} */ which) => event.offsetY >= band(which).top && event.offsetY <= band(which).bottom);
    cursor = null;
    if (layer >= 0 && step >= 0 && step < about.steps) {
      const place = band(layer);
      const row = (place.bottom - place.top) / about.sizes[layer];
      const at = clamp(Math.floor((place.bottom - event.offsetY) / row), 0, about.sizes[layer] - 1);
      // Rows are thin: the nearest spike within reach is meant.
      const near = fired[layer][step].reduce((best, neuron) => (Math.abs(neuron - at) < Math.abs(best - at) ? neuron : best), Infinity);
      cursor = { layer, step, neuron: Math.abs(near - at) * row <= 4 ? near : at };
    }
    hint();
    raster.redraw();
  };
  scope.on(raster.canvas, "pointermove", point);
  scope.on(raster.canvas, "pointerdown", point); // a finger that taps does not move
  scope.on(raster.canvas, "pointerleave", (/** @type {PointerEvent} */ event) => {
    if (event.pointerType === "touch") return; // a finger always leaves; what it pointed at stays to be read
    cursor = null;
    hint();
    raster.redraw();
  });
  scope.on(raster.canvas, "keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key];
    if (!by) return;
    event.preventDefault();
    cursor ??= { layer: 0, neuron: -1, step: 0 };
    cursor.step = clamp(cursor.step + by[1], 0, about.steps - 1);
    cursor.neuron += by[0];
    if (cursor.neuron >= about.sizes[cursor.layer] && cursor.layer < count - 1) [cursor.layer, cursor.neuron] = [cursor.layer + 1, 0];
    if (cursor.neuron < 0 && cursor.layer > 0) [cursor.layer, cursor.neuron] = [cursor.layer - 1, about.sizes[cursor.layer - 1] - 1];
    cursor.neuron = clamp(cursor.neuron, 0, about.sizes[cursor.layer] - 1);
    hint();
    raster.redraw();
  });

  scope.on(play, "click", () => (wave.playing ? wave.stop() : wave.play()));
  scope.on(scrub, "input", () => wave.stop(Number(scrub.value)));
  scope.follow(model, "change:sample", () => {
    change();
    start();
  });

  change();
  wave.stop(about.steps);
  if (!calm()) whenSeen(scope, root, start);
  return () => scope.end();
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

export default { render };
