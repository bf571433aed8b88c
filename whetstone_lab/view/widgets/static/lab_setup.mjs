// @ts-check
// What an experiment is made of, to be picked: in words, and as a line that can be written on a board.
import { h, say } from "./page.mjs";

/** @typedef {import("./page.mjs").Scope} Scope */

/** A setting on the page: its name, its label, and what can be picked or between which numbers it lies.
 * @typedef {{ name: string, label: string, choices?: { value: string, words: string, means: string }[], low?: number, high?: number }} Field */

/** Offers what can be picked, if that is another: a line may ask for pictures that must be fetched first, which then can be picked too.
 * @param {HTMLElement} control @param {Field} field */
function offerChoices(control, { choices = [] }) {
  const offered = [...control.querySelectorAll("option")].map(({ value }) => value).join();
  if (offered !== choices.map(({ value }) => value).join()) control.replaceChildren(...choices.map(({ value, words }) => h("option", { value }, words)));
}

/** The control of a setting. @param {Field} field @param {any} value */
function controlOf({ name, choices, low, high }, value) {
  if (choices) return h("select", { "data-setting": name });
  if (low !== undefined) return h("input", { type: "number", "data-setting": name, min: low, max: high, step: 1, value });
  return h("input", { type: "checkbox", "data-setting": name, checked: value });
}

/** What a control says. @param {HTMLInputElement | HTMLSelectElement} control */
export const valueOf = (control) => (control.type === "checkbox" ? /** @type {HTMLInputElement} */ (control).checked : control.type === "number" ? Number(control.value) : control.value);

/** Why a setting cannot be as its control has it, or nothing. @param {Field} field
 * @param {{ type: string, value: string, validity?: { valid: boolean, badInput: boolean } }} control */
export const refusal = ({ label, low, high }, { type, value, validity }) => (type !== "number" || (validity?.valid !== false && value !== "") ? ""
  : `${label}: expected a whole number from ${low} to ${high}; got ${value || (validity?.badInput ? "something else" : "nothing")}.`);

/** The settings.
 * @param {Scope} scope @param {{ fields: Field[], setup: () => any, send: (content: any) => void }} what */
export function setupView(scope, { fields, setup, send }) {
  const remark = h("p", { class: "wl-note", role: "status" });
  const rows = fields.map((field) => {
    const control = controlOf(field, setup().settings[field.name]);
    const row = h("label", { class: "wl-setting" }, h("span", {}, field.label), control);
    scope.on(control, "change", () => {
      const words = refusal(field, control);
      say(remark, words);
      if (!words) return send({ kind: "settings", settings: { ...setup().settings, [field.name]: valueOf(control) } });
      control.value = String(setup().settings[field.name]); // what is seen is what will be trained
    });
    return { name: field.name, control, row };
  });
  const line = h("input", { type: "text", class: "wl-preset", spellcheck: "false", autocomplete: "off", "aria-label": "Preset: the settings in a line" });
  scope.on(line, "change", () => send({ kind: "preset", line: line.value }));
  scope.on(line, "blur", () => (line.value = setup().preset)); // a line that means nothing stays no longer than it can be mended
  const same = h("button", { type: "button", class: "wl-button", title: "Begin anew from the same weights; a run that is training ends and stays kept" }, "Same weights");
  const fresh = h("button", { type: "button", class: "wl-button", title: "Begin anew from other weights: another seed; a run that is training ends and stays kept" }, "New weights");
  scope.on(same, "click", () => send({ kind: "reset", fresh: false }));
  scope.on(fresh, "click", () => send({ kind: "reset", fresh: true }));
  return {
    element: h("div", { class: "wl-setup" }, ...rows.map(({ row }) => row), remark,
      h("div", { class: "wl-kicker" }, "Begin anew"), h("div", { class: "wl-back" }, same, fresh),
      h("label", { class: "wl-line" }, h("span", { class: "wl-means" }, "Preset, to write on the board"), line)),
    show() {
      const { settings, locked, hidden, pending, preset, given, unkept } = setup();
      for (const { name, control, row } of rows) {
        const field = /** @type {Field} */ (setup().fields.find((/** @type {Field} */ each) => each.name === name));
        offerChoices(control, field);
        row.hidden = hidden.includes(field.name);
        control.disabled = locked.includes(field.name);
        const chosen = field.choices?.find(({ value }) => value === settings[field.name]);
        row.title = chosen?.means ?? "";
        if (document.activeElement === control && control.type === "number") continue;
        if (control.type === "checkbox") /** @type {HTMLInputElement} */ (control).checked = settings[field.name];
        else control.value = String(settings[field.name]);
      }
      fresh.disabled = locked.includes("seed");
      if (document.activeElement !== line) line.value = preset;
      line.disabled = given; // what the code of the page holds fast, no line lets go
      say(remark, unkept || (pending ? "This run goes on as it was set up. Begin anew to train with these settings." : ""));
    },
  };
}
