// @ts-check
// The method in the browser: what Python computes too. Nothing here draws, and nothing is imported. What the two sides
// give is held equal by tests/parity: Python writes what must come out, and both are tested against it.

// -- curves, as in method/curves.py -----------------------------------------------------------------------------------

/** A sharpening curve: what a neuron puts out, in [0, 1].
 * @param {string} curve "bounded_relu" or "sigmoid" @param {number} x the pre-activation @param {number} sharpness in [0, 1] */
export function activation(curve, x, sharpness) {
  const width = 1 - sharpness + 1e-3;
  if (curve === "sigmoid") {
    if (sharpness >= 1) return x >= 0 ? 1 : 0;
    return 0.5 * (Math.tanh((2 * Math.log(2 + Math.sqrt(3)) * x) / width) + 1);
  }
  if (sharpness >= 1) return x >= 0.5 ? 1 : 0;
  return Math.min(Math.max((x - 0.5) / width + 0.5, 0), 1);
}

/** Where a curve is neither 0 nor 1, from knee to knee.
 * @param {number} threshold @param {number} sharpness */
export function ramp(threshold, sharpness) {
  const half = sharpness >= 1 ? 0 : 0.5 * (1 - sharpness + 1e-3);
  return [threshold - half, threshold + half];
}

// -- judging, as in method/judging.py ---------------------------------------------------------------------------------

/** How what is judged gets better: as it falls, as a loss does, or as it rises. @typedef {"min" | "max"} Mode */

/** What an adaptive policy goes by: the loss to compare with (NaN where there is none yet), the epochs since the loss
 * last fell, and whether batches sharpen now.
 * @typedef {{ reference: number, waiting: number, sharpening: boolean }} Judged */

/** When an epoch is judged: the relative changes for the worse and for the better that count (of a loss, a rise and a
 * fall), the epochs without the latter that are borne, whether the epoch is so early that only the reference moves,
 * whether every layer is sharp, and how what is judged gets better.
 * @typedef {{ up: number, down: number, patience: number, early?: boolean, sharp?: boolean, mode?: Mode }} Rules */

/** The change of a loss relative to the size of the reference; infinite, and for the better, where there is none.
 * @param {number} reference NaN for none @param {number} loss @param {Mode} [mode] */
export function relativeChange(reference, loss, mode = "min") {
  if (Number.isNaN(reference)) return mode === "max" ? Infinity : -Infinity;
  if (reference === 0) return loss ? Math.sign(loss) * Infinity : 0;
  return (loss - reference) / Math.abs(reference);
}

/** From where on it has got worse, and from where on better: of a loss, above the reference and below it.
 * @param {number} reference @param {number} up @param {number} down @param {Mode} [mode] */
export function levels(reference, up, down, mode = "min") {
  const size = mode === "max" ? -Math.abs(reference) : Math.abs(reference);
  return { stop: reference + up * size, improve: reference - down * size };
}

/** Judges the loss of an epoch: what the policy then goes by, what it decided, and the change of the loss.
 * `wait` is decided only while nothing sharpens; `none`: nothing was. A loss that is no finite number is left out.
 * @param {Judged} state @param {number} loss @param {Rules} rules
 * @returns {{ state: Judged, kind: "start" | "stop" | "improve" | "wait" | "warning" | "none", change: number }} */
export function judge(state, loss, { up, down, patience, early = false, sharp = false, mode = "min" }) {
  if (!Number.isFinite(loss)) return { state, kind: "warning", change: NaN };
  const change = relativeChange(state.reference, loss, mode);
  const worse = mode === "max" ? -change : change;
  const anew = { ...state, reference: loss };
  if (early) return { state: anew, kind: "none", change };
  const improved = worse <= -down;
  const waiting = improved ? 0 : state.waiting + 1;
  if (state.sharpening && worse >= up) return { state: { ...anew, waiting: 0, sharpening: false }, kind: "stop", change };
  if (!state.sharpening && waiting > patience && !sharp) return { state: { ...anew, waiting: 0, sharpening: true }, kind: "start", change };
  if (improved) return { state: { ...anew, waiting: 0 }, kind: Number.isNaN(state.reference) ? "none" : "improve", change };
  return { state: { ...state, waiting }, kind: state.sharpening || sharp ? "none" : "wait", change };
}

/** The adaptive rule on recorded losses, with some parameters changed: the lines that would have been in force, and the
 * first decision that would have been another. Up to there the training would have been the same; past it nothing is
 * known.
 * @param {Record<string, number>[]} rows the epochs of a run, see `epochRows`
 * @param {Record<string, number>} changes `sig_increase`, `sig_decrease` and `patience`, those that are changed
 * @param {number} early epochs, from 0, in which only the reference moves
 * @param {Mode} [mode] how what was judged gets better
 * @returns {{ lines: { reference: number, up: number, down: number }[], first: null | { epoch: number, kind: string, change: number } }} */
export function whatIf(rows, changes, early, mode = "min") {
  const lines = [];
  /** @type {Judged} */
  let state = { reference: NaN, waiting: 0, sharpening: false };
  for (const [epoch, row] of rows.entries()) {
    const [up, down, patience] = [changes.sig_increase ?? row.up, changes.sig_decrease ?? row.down, changes.patience ?? row.patience];
    lines.push({ reference: state.reference, up, down });
    const next = rows[epoch + 1];
    const sharp = next?.sharp === 1;
    const was = state.sharpening;
    const judged = judge(state, row.loss, { up, down, patience, early: epoch < early, sharp, mode });
    state = judged.state;
    if (epoch < early || !Number.isFinite(row.loss)) continue;
    if (sharp) return { lines, first: null };
    if (next && state.sharpening !== (next.sharpening === 1)) {
      const kind = state.sharpening ? (was ? "goes on" : "starts") : was ? "stops" : "waits";
      return { lines, first: { epoch: epoch + 1, kind, change: judged.change } };
    }
  }
  return { lines, first: null };
}

// -- votes, as in keys.py ---------------------------------------------------------------------------------------------

/** How well output spikes match the key of each class: outputs that agree with it minus those that do not.
 * @param {ArrayLike<number>} spikes zeros and ones @param {ArrayLike<number>[]} key a row of zeros and ones for each class
 * @returns {number[]} */
export function votes(spikes, key) {
  return key.map((row) => {
    let sum = 0;
    for (let i = 0; i < row.length; i++) sum += (2 * spikes[i] - 1) * (2 * row[i] - 1);
    return sum;
  });
}

/** The class with the most votes, the lowest on a tie. @param {ArrayLike<number>} counted */
export function winner(counted) {
  let best = 0;
  for (let i = 1; i < counted.length; i++) if (counted[i] > counted[best]) best = i;
  return best;
}
