// @ts-check
import { Scope, h, keepKeys, renderer, say } from "./page.mjs";

/** @typedef {{ name: string, kind: "slider" | "switch" | "list", values: string[] }} Control */

/** Where the picture of a position lies among all, the last control moving fastest.
 * @param {Control[]} controls @param {number[]} at the place of each control among its values */
export const pictureAt = (controls, at) => controls.reduce((place, { values }, number) => place * values.length + at[number], 0);

/** Pixels across that an array is drawn with: the same whole number for each of its columns, and for each of its rows.
 * @param {number} rows @param {number} columns */
export const across = (rows, columns) => columns * Math.max(Math.floor(Math.min(480 / columns, 320 / rows)), 1);

/** One control, which tells at which of its values it stands.
 * @param {Scope} scope @param {Control} control @param {number} start @param {(place: number) => void} moved */
function controlOf(scope, { name, kind, values }, start, moved) {
  if (kind === "switch") {
    const element = h("button", { type: "button", class: "wl-button wl-switch" }, name);
    element.setAttribute("aria-pressed", String(start === 1));
    scope.on(element, "click", () => {
      const place = element.getAttribute("aria-pressed") === "true" ? 0 : 1;
      element.setAttribute("aria-pressed", String(place === 1));
      moved(place);
    });
    return element;
  }
  if (kind === "list") {
    const choice = h("select", { "aria-label": name }, ...values.map((value, place) => h("option", { value: place, selected: place === start }, value)));
    scope.on(choice, "change", () => moved(Number(choice.value)));
    return h("div", { class: "wl-knob" }, h("span", {}, name), choice);
  }
  const told = h("b", {}, values[start]);
  const input = h("input", { type: "range", min: 0, max: values.length - 1, step: 1, value: start, "aria-label": name, "aria-valuetext": values[start] });
  scope.on(input, "input", () => {
    const value = values[Number(input.value)];
    say(told, value);
    input.setAttribute("aria-valuetext", value);
    moved(Number(input.value));
  });
  return h("div", { class: "wl-knob" }, h("span", {}, name), told, input);
}

/** @param {{ model: import("./page.mjs").Model, el: HTMLElement }} view */
function mount({ model, el }) {
  const scope = new Scope();
  /** @type {{ controls: Control[], at: number[], lines: string[], grain: number[] }} */
  const { controls, at: start, lines, grain } = model.get("about");
  /** @type {DataView} */
  const bytes = model.get("pictures");
  /** @type {number[]} */
  const ends = model.get("ends");
  const at = [...start];
  /** @type {string[]} */
  const addresses = [];
  const addressOf = (/** @type {number} */ place) => {
    const begin = place ? ends[place - 1] : 0;
    const file = new Uint8Array(bytes.buffer, bytes.byteOffset + begin, ends[place] - begin);
    return (addresses[place] ??= URL.createObjectURL(new Blob([/** @type {any} */ (file)], { type: "image/png" })));
  };
  scope.undo.push(() => addresses.forEach((address) => URL.revokeObjectURL(address)));
  const picture = h("img", grain.length ? { class: "wl-grain", width: across(grain[0], grain[1]) } : {});
  const line = h("p", { class: "wl-line", role: "status" });
  const show = () => {
    const place = pictureAt(controls, at);
    picture.src = addressOf(place);
    picture.alt = controls.map(({ name, values }, number) => `${name} ${values[at[number]]}`).join(", ");
    say(line, lines[place]);
  };
  const knobs = controls.map((control, number) => controlOf(scope, control, start[number], (place) => {
    at[number] = place;
    show();
  }));
  const root = h("div", { class: "wl wl-flipbook" }, h("div", { class: "wl-knobs" }, ...knobs), picture, line);
  el.append(root);
  keepKeys(scope, root);
  show();
  return () => scope.end();
}

export default { render: renderer(mount) };
