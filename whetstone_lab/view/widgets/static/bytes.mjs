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
/** @param {any} data */
export const shorts = (data) => new Uint16Array(buffer(data));
/** @param {any} data */
export const integers = (data) => new Uint32Array(buffer(data));
