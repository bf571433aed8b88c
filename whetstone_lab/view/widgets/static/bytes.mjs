// @ts-check
// Arrays of numbers as Python sends them.

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

/** Whole numbers from 0, so many of them, each as wide as Python made them for the largest.
 * @param {any} data @param {number} count */
export function integers(data, count) {
  const copied = buffer(data);
  const width = count ? copied.byteLength / count : 1;
  const kind = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[width];
  if (!kind) throw new RangeError(`Expected ${count} whole numbers of 1, 2 or 4 bytes; got ${copied.byteLength} bytes.`);
  return new kind(copied);
}
