// @ts-check
// What a view gives to take away: a picture or its numbers as a file, which the page makes by itself.
import { h } from "./page.mjs";
import { asPng, asSvg } from "./portrait.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */
/** A column's name, and what stands in it. @typedef {[string, ArrayLike<number | string | null>]} Column */

/** A cell of a table: NaN and null are empty, what would be taken for more than one cell stands in quotes.
 * @param {number | string | null} value */
function cell(value) {
  if (value === null || value !== value) return "";
  if (typeof value === "number") return String(Number(value.toPrecision(9)));
  return /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Columns of the same length as comma-separated values. @param {Column[]} columns */
export function csv(columns) {
  const count = columns[0]?.[1].length ?? 0;
  const rows = Array.from({ length: count }, (_, row) => columns.map(([, values]) => cell(values[row])).join(","));
  return [columns.map(([name]) => cell(name)).join(","), ...rows, ""].join("\n");
}

/** Has the browser save a file. @param {Blob} blob @param {string} name */
export function offer(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** The menu in a view's top line: the view as a picture, and its numbers.
 * @param {Scope} scope @param {HTMLElement} root the view @param {HTMLElement} header where the menu goes
 * @param {string} name of the files, without ending @param {() => Column[]} table */
export function saveMenu(scope, root, header, name, table) {
  const menu = h("details", { class: "wl-save" }, h("summary", { class: "wl-button" }, "Save"));
  const choices = h("div", { class: "wl-choices" });
  const choice = (/** @type {string} */ words, /** @type {string} */ ending, /** @type {() => Blob | Promise<Blob>} */ make) => {
    const button = h("button", { type: "button", class: "wl-button" }, words);
    scope.on(button, "click", async () => {
      menu.open = false;
      offer(await make(), `${name}.${ending}`);
    });
    choices.append(button);
  };
  choice("Picture, SVG", "svg", () => new Blob([asSvg(root)], { type: "image/svg+xml" }));
  choice("Picture, PNG", "png", () => asPng(root));
  choice("Numbers, CSV", "csv", () => new Blob([csv(table())], { type: "text/csv" }));
  menu.append(choices);
  header.append(menu);
  const shut = (/** @type {Event} */ event) => menu.contains(/** @type {Node} */ (event.target)) || (menu.open = false);
  scope.on(document, "pointerdown", shut);
  scope.on(menu, "keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.stopPropagation();
    menu.open = false;
    /** @type {HTMLElement} */ (menu.firstElementChild).focus();
  });
}
