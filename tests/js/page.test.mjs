import assert from "node:assert/strict";
import { test } from "node:test";

import { renderer } from "../../whetstone_lab/view/widgets/static/page.mjs";

test("a view is drawn anew when what it is about changes, and listens no more once it has gone", () => {
  const listeners = new Map();
  const model = { on: (event, listener) => listeners.set(event, listener), off: (event, listener) => listeners.get(event) === listener && listeners.delete(event) };
  const el = { children: [], replaceChildren() { this.children = []; } };
  const log = [];
  const render = renderer(({ el: place }) => {
    log.push("drawn");
    place.children.push("a view");
    return () => log.push("left");
  });
  const leave = render({ model, el });
  listeners.get("change:about")();
  assert.deepEqual(log, ["drawn", "left", "drawn"]);
  assert.equal(el.children.length, 1, "the old one does not stay beside the new");
  leave();
  assert.deepEqual(log, ["drawn", "left", "drawn", "left"]);
  assert.equal(listeners.size, 0);
});
