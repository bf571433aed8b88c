// @ts-check
// How an answer is judged: the twin of whetstone_lab/course/questions.py. Both are tested by tests/parity/grading.json.

/** @typedef {{ text: string, says: string, right: boolean }} Option */
/** @typedef {{ answer: number, within: number, says_right: string, says_wrong: string, mistakes: { value: number, says: string }[] }} Asked */
/** @typedef {{ id: string, ask: string, kind: string, options: Option[], number: Asked | null, unit: string, waits: string }} Question */
/** @typedef {{ right: boolean | null, says: string }} Verdict */

const NUMBER = /^([+\u2212-]?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?)[ \t\n\r\f\v]*(%?)$/;

/** The number that a text stands for, or null where it is none. @param {string} text */
export function asNumber(text) {
  const match = NUMBER.exec(text.replace(/^[ \t]+|[ \t]+$/g, ""));
  if (!match) return null;
  const value = Number(match[1].replace(",", ".").replace("\u2212", "-")) / (match[2] ? 100 : 1);
  return Number.isFinite(value) ? value : null;
}

/** Whether two numbers are at most `within` apart, but for rounding. @param {number} value @param {number} other @param {number} within */
const near = (value, other, within) => Math.abs(value - other) <= within + 1e-9 * Math.max(1, Math.abs(other));

/** Judges an answer: the text of an option, or a number as it was typed. @param {Question} question @param {string} answer @returns {Verdict} */
export function grade({ options, number, waits, id }, answer) {
  if (waits) throw new RangeError(`The question '${id}' cannot be answered yet: ${waits}`);
  if (!number) {
    const chosen = options.find(({ text }) => text === answer);
    if (!chosen) throw new RangeError(`Expected one of the options; got '${answer}'.`);
    return { right: chosen.right, says: chosen.says };
  }
  const value = asNumber(answer);
  if (value === null) return { right: null, says: "Expected a number, such as 12, 0.5 or 50 %." };
  if (near(value, number.answer, number.within)) return { right: true, says: number.says_right };
  const mistake = number.mistakes.find((known) => near(value, known.value, number.within));
  return { right: false, says: mistake ? mistake.says : number.says_wrong };
}
