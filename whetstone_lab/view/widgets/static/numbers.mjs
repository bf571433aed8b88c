// @ts-check
// Numbers, and how a reader wants them.

/** @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

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

/** A number of things, such as "1 spike" and "40 spikes". @param {number} count @param {string} what */
export const many = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
