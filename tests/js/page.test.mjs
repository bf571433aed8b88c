import assert from "node:assert/strict";
import { test } from "node:test";

import { attended, renderer } from "../../whetstone_lab/view/widgets/static/page.mjs";

globalThis.document = /** @type {any} */ ({ createElement: () => ({ text: "", append(text) { this.text += text; }, setAttribute() {}, remove() { this.gone = true; } }) });

test("a view is drawn anew when what it is about changes, and listens no more once it has gone", () => {
  const listeners = new Map();
  const model = { get: (name) => ({ still: "abc" })[name], on: (event, listener) => listeners.set(event, listener), off: (event, listener) => listeners.get(event) === listener && listeners.delete(event) };
  const el = { children: [], append(child) { this.children.push(child); }, replaceChildren() { this.children = []; } };
  const log = [];
  const render = renderer(({ el: place }) => {
    log.push("drawn");
    place.children.push("a view");
    return () => log.push("left");
  });
  const leave = render({ model, el });
  listeners.get("change:about")();
  assert.deepEqual(log, ["drawn", "left", "drawn"]);
  const [view, hidden] = el.children;
  assert.deepEqual([el.children.length, view], [2, "a view"], "the old one does not stay beside the new");
  assert.match(hidden.text, /\[data-wl-view="abc"\] \{ display: none/, "its picture is hidden while it is there");
  leave();
  assert.ok(hidden.gone);
  assert.deepEqual(log, ["drawn", "left", "drawn", "left"]);
  assert.equal(listeners.size, 0);
});

test("Python hears from when until when a view is shown, and a page answers when it is asked", () => {
  const [listeners, sent] = [new Map(), []];
  const model = { get: (name) => ({ told: 3 })[name], on: (event, listener) => listeners.set(listener, event), off: (event, listener) => listeners.delete(listener), send: ({ kind, told }) => sent.push(kind, told) };
  const leave = attended(() => () => sent.push("left"))({ model, el: null });
  assert.deepEqual(sent, ["here", 3]);
  const hear = (message) => [...listeners].forEach(([listener, event]) => event === "msg:custom" && listener(message));
  hear({ kind: "error", text: "something else" });
  hear({ kind: "ask" });
  assert.deepEqual(sent, ["here", 3, "here", 3]);
  leave();
  assert.deepEqual(sent, ["here", 3, "here", 3, "left", "gone", undefined]);
  assert.equal(listeners.size, 0);
});

test("a kernel that has gone is told nothing, and the view goes all the same", () => {
  const model = { get() {}, on() {}, off() {}, send() { throw new Error("Cannot send"); } };
  let left = false;
  const leave = attended(({ model: given }) => {
    given.send({ kind: "wave" });
    return () => { left = true; };
  })({ model, el: null });
  leave();
  assert.ok(left);
});
