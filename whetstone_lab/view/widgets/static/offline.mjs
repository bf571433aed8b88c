// @ts-check
// Views on a page without Jupyter: what stands in for the kernel and for JupyterLab's themes. view/page.py writes such pages.

/** @typedef {import("./page.mjs").Model} Model */

/** A value as it was in Python: where it says `{ "$bytes": number }`, the bytes of that number.
 * @param {any} value @param {DataView[]} bytes @returns {any} */
export function revive(value, bytes) {
  if (Array.isArray(value)) return value.map((item) => revive(item, bytes));
  if (value === null || typeof value !== "object") return value;
  if ("$bytes" in value) return bytes[value.$bytes];
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, revive(item, bytes)]));
}

/** Bytes from base64. @param {string} text */
export const decoded = (text) => new DataView(Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)).buffer);

/** A model without a kernel: it keeps what is set, tells who listens, and what is sent is heard by nobody.
 * @param {Record<string, any>} values @returns {Model} */
export function standIn(values) {
  /** @type {[string, (...args: any[]) => void][]} */
  let listeners = [];
  const tell = (/** @type {string} */ event) => listeners.filter(([heard]) => heard === event).forEach(([, listener]) => listener());
  return {
    get: (name) => values[name],
    set(name, value) {
      if (values[name] === value) return;
      values[name] = value;
      tell(`change:${name}`);
      tell("change");
    },
    on: (event, listener) => void listeners.push([event, listener]),
    off: (event, listener) => void (listeners = listeners.filter(([heard, one]) => heard !== event || one !== listener)),
    save_changes() {},
    send() {},
  };
}

/** Draws every view of the page into its place. One that fails leaves its picture there, and the others are drawn.
 * @param {{ views: { module: string, values: Record<string, any> }[], bytes: string[] }} state
 * @param {Record<string, any>} modules those that the page carries, by name */
export function drawViews(state, modules) {
  const bytes = state.bytes.map(decoded);
  state.views.forEach(({ module, values }, number) => {
    const el = /** @type {HTMLElement} */ (document.querySelector(`[data-wl-place="${number}"]`));
    try {
      modules[module].default.render({ model: standIn(revive(values, bytes)), el });
    } catch (error) {
      el.replaceChildren();
      reportError(error);
    }
  });
}

/** Has a button turn the page from light to dark and back. It begins as the reader's system has it, or as it was left. */
export function themeSwitch() {
  const button = /** @type {HTMLElement} */ (document.querySelector(".wl-theme"));
  const kept = { get: () => localStorage.getItem("wl-theme"), set: (/** @type {string} */ theme) => localStorage.setItem("wl-theme", theme) };
  const where = document.body.dataset;
  const dark = () => (where.jpThemeLight ? where.jpThemeLight === "false" : matchMedia("(prefers-color-scheme: dark)").matches);
  const show = () => button.setAttribute("aria-pressed", String(dark()));
  const turn = (/** @type {boolean} */ toDark) => {
    where.jpThemeLight = String(!toDark);
    show();
  };
  try {
    const theme = kept.get();
    if (theme) turn(theme === "dark");
  } catch {
    // Some browsers keep nothing for a page that is a file.
  }
  show();
  button.hidden = false;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  button.addEventListener("click", () => {
    turn(!dark());
    try {
      kept.set(dark() ? "dark" : "light");
    } catch {
      // It holds for this page then.
    }
  });
}
