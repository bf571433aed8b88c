// @ts-check
// What widgets need of the page: elements, listeners that go when the widget goes, keys, and the line at the top.
import { growing } from "./growing.mjs";
import { statusWords } from "./run.mjs";

/**
 * What a widget may use of its model: the part that a page without a kernel can stand in for.
 * @typedef {{
 *   get(name: string): any,
 *   set(name: string, value: any): void,
 *   on(event: string, listener: (...args: any[]) => void): void,
 *   off(event: string, listener: (...args: any[]) => void): void,
 *   save_changes(): void,
 *   send(content: any): void,
 * }} Model
 */

/** Makes an element; `class`, `text` and handlers aside, attributes are set as they are named.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, any>} [attributes] @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[T]} */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** Sets the text of an element if it is another. @param {Node} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Everything that a view has to undo when it goes: listeners, observers, timers, frames. */
export class Scope {
  constructor() {
    /** @type {(() => void)[]} */
    this.undo = [];
    /** @type {Set<number>} */
    this.frames = new Set();
    this.over = false;
  }

  /** @param {EventTarget} target @param {string} type @param {(event: any) => void} listener @param {any} [options] */
  on(target, type, listener, options) {
    target.addEventListener(type, listener, options);
    this.undo.push(() => target.removeEventListener(type, listener, options));
  }

  /** @param {Model} model @param {string} event @param {(...args: any[]) => void} listener */
  follow(model, event, listener) {
    model.on(event, listener);
    this.undo.push(() => model.off(event, listener));
  }

  /** @param {(time: number) => void} draw */
  frame(draw) {
    if (this.over) return;
    const id = requestAnimationFrame((time) => {
      this.frames.delete(id);
      draw(time);
    });
    this.frames.add(id);
  }

  /** Calls `draw` once in the next frame, however often it is asked. @param {() => void} draw */
  once(draw) {
    let asked = false;
    return () => {
      if (asked) return;
      asked = true;
      this.frame(() => {
        asked = false;
        draw();
      });
    };
  }

  end() {
    this.over = true;
    this.frames.forEach((id) => cancelAnimationFrame(id));
    this.undo.splice(0).reverse().forEach((undo) => undo());
  }
}

/** A widget's `render`, which draws it anew when what it is about changes: a run that was opened before it began has layers
 * once it begins. `mount` draws it and gives back how to undo that. As long as it is drawn, the pictures that Python left of
 * it for pages without a kernel are hidden.
 * @param {(view: { model: Model, el: HTMLElement }) => () => void} mount */
export function renderer(mount) {
  return (/** @type {{ model: Model, el: HTMLElement }} */ view) => {
    const hidden = h("style", {}, `[data-wl-view="${view.model.get("still")}"] { display: none !important; }`);
    const draw = () => {
      const undo = mount(view);
      view.el.append(hidden);
      return undo;
    };
    let leave = draw();
    const again = () => {
      const back = keyboardIn(view.el);
      leave();
      view.el.replaceChildren();
      leave = draw();
      back();
    };
    view.model.on("change:about", again);
    return () => {
      view.model.off("change:about", again);
      leave();
      hidden.remove();
    };
  };
}

/** Where the keyboard is in an element, so that whoever has pressed a key stands in the same place when all is drawn anew.
 * @param {HTMLElement} el @returns {() => void} goes there */
function keyboardIn(el) {
  const held = /** @type {HTMLElement | null} */ (document.activeElement);
  if (!held || !el.contains(held)) return () => {};
  const alike = () => /** @type {HTMLElement[]} */ ([...el.querySelectorAll(held.tagName)]).filter((other) => other.className === held.className);
  const [name, which] = [held.getAttribute("aria-label"), alike().indexOf(held)];
  return () => {
    const found = alike();
    const there = found.find((other) => name && other.getAttribute("aria-label") === name) ?? found[which];
    there?.focus({ preventScroll: true });
  };
}

/** A `render` of a view of a run, which grows. It tells Python from when until when a page shows the view, for a run serves no
 * view that nobody sees, and how much of the run it has. Python may ask, and whoever shows the view answers.
 * @param {(view: { model: Model, el: HTMLElement }) => () => void} render */
export function attended(render) {
  return (/** @type {{ model: Model, el: HTMLElement }} */ view) => {
    const { model, end } = growing(view.model);
    const answer = (/** @type {any} */ message) => message.kind === "ask" && model.send({ kind: "here", told: model.get("told") });
    const leave = render({ model, el: view.el });
    model.on("msg:custom", answer);
    model.send({ kind: "here", told: model.get("told") });
    return () => {
      model.off("msg:custom", answer);
      leave();
      end();
      model.send({ kind: "gone" });
    };
  };
}

/** Calls `first` the first time that an element is seen. @param {Scope} scope @param {Element} element @param {() => void} first */
export function whenSeen(scope, element, first) {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    first();
  }, { threshold: 0.3 });
  observer.observe(element);
  scope.undo.push(() => observer.disconnect());
}

/** What is worked by Python alone. */
const WORKED = ".wl-commands, .wl-panel, .wl-grip, .wl-live, .wl-setup, .wl-experiments";

/** Shows that the kernel has gone, by the class `wl-gone`, until something is heard from it again; what it alone works can be reached
 * neither by a pointer nor by keys. JupyterLab has a class of its own for that, but anywidget 0.11 takes the listener that sets it away
 * from the view. @param {Scope} scope @param {Model} model @param {HTMLElement} root */
export function watchKernel(scope, model, root) {
  const show = (/** @type {boolean} */ gone) => {
    root.classList.toggle("wl-gone", gone);
    root.querySelectorAll(WORKED).forEach((part) => part.toggleAttribute("inert", gone));
  };
  scope.follow(model, "comm_live_update", () => show(true));
  scope.follow(model, "change", () => root.classList.contains("wl-gone") && show(false));
}

/** Has a notebook leave some keys to the elements of a widget. Notebook 7 looks at a key before its element does, and passes
 * those on whose element has the attribute; for longer it must not have it, or no shortcut would work there.
 * @param {Scope} scope @param {HTMLElement} root @param {(event: KeyboardEvent) => boolean} ours */
function claimKeys(scope, root, ours) {
  const attribute = "data-lm-suppress-shortcuts";
  scope.on(window, "keydown", (/** @type {KeyboardEvent} */ event) => {
    const target = /** @type {Element} */ (event.target);
    if (!root.contains(target) || !ours(event)) return;
    target.setAttribute(attribute, "");
    setTimeout(() => target.removeAttribute(attribute));
  }, true);
}

/** Keeps the keys that a control understands to the control: a notebook would take arrows for moves between cells.
 * @param {Scope} scope @param {HTMLElement} root */
export function keepKeys(scope, root) {
  const keys = new Set(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End", " ", "Enter"]);
  const ours = (/** @type {KeyboardEvent} */ event) => keys.has(event.key) && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  claimKeys(scope, root, ours);
  scope.on(root, "keydown", (/** @type {KeyboardEvent} */ event) => ours(event) && event.stopPropagation());
}

/** Takes back what was done last, at Ctrl+Z or on a Mac ⌘Z: but for text that is being typed, which has an undo of its own.
 * @param {Scope} scope @param {HTMLElement} root @param {() => void} undo */
export function undoKeys(scope, root, undo) {
  /** @type {EventTarget | null} */
  let typing = null;
  const ours = (/** @type {KeyboardEvent} */ event) => event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
  claimKeys(scope, root, ours);
  scope.on(root, "input", (/** @type {Event} */ event) => (typing = /** @type {HTMLInputElement} */ (event.target).type === "number" ? event.target : null));
  scope.on(root, "change", () => (typing = null));
  scope.on(root, "keydown", (/** @type {KeyboardEvent} */ event) => {
    if (!ours(event) || event.target === typing) return;
    event.preventDefault();
    event.stopPropagation();
    undo();
  });
}

/** A button with a sign and words. @param {string} sign @param {string} words @param {Record<string, any>} [attributes] */
export function button(sign, words, attributes = {}) {
  return h("button", { type: "button", class: "wl-button", ...attributes },
    h("span", { "aria-hidden": "true", class: "wl-sign" }, sign), h("span", {}, words));
}

/** The top line of a widget: what it is, and what the run is doing.
 * @param {string} title */
export function header(title) {
  const chip = h("span", { class: "wl-chip", role: "status" });
  const facts = h("span", { class: "wl-facts" });
  const element = h("div", { class: "wl-header" }, h("span", { class: "wl-title" }, title), chip, facts);
  return {
    element,
    /** @param {{ status: string, was?: string }} now @param {string} text */
    show(now, text) {
      chip.dataset.status = now.status;
      say(chip, statusWords(now));
      say(facts, text);
    },
  };
}
