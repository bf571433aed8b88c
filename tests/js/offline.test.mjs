import assert from "node:assert/strict";
import { test } from "node:test";

import { decoded, drawViews, revive, standIn } from "../../whetstone_lab/view/widgets/static/offline.mjs";

test("values come back with their bytes, however deep, and shared bytes are shared", () => {
  const bytes = ["AQI=", ""].map(decoded);
  const value = revive({ a: [{ $bytes: 0 }, null, 1.5], b: { c: { $bytes: 0 } }, d: { $bytes: 1 }, e: "x" }, bytes);
  assert.equal(value.a[0], value.b.c);
  assert.deepEqual([...new Uint8Array(value.a[0].buffer)], [1, 2]);
  assert.equal(value.d.byteLength, 0);
  assert.deepEqual([value.a[1], value.a[2], value.e], [null, 1.5, "x"]);
});

test("the stand-in for a model tells who listens of what is set, and no longer", () => {
  const model = standIn({ sample: 0, about: { layers: [] } });
  const heard = [];
  const listener = () => heard.push(`sample ${model.get("sample")}`);
  model.on("change:sample", listener);
  model.on("change", () => heard.push("something"));
  model.set("sample", 0);
  assert.deepEqual(heard, [], "what stays is no change");
  model.set("sample", 3);
  model.set("about", {});
  assert.deepEqual(heard, ["sample 3", "something", "something"]);
  model.off("change:sample", listener);
  model.set("sample", 4);
  assert.equal(heard.filter((words) => words.startsWith("sample")).length, 1);
  model.save_changes();
  model.send({ kind: "here" });
});

test("a view that cannot be drawn leaves its place empty, and those behind it are drawn", () => {
  const places = [0, 1].map(() => ({ parts: /** @type {string[]} */ ([]), replaceChildren() { this.parts = []; } }));
  const said = [];
  const before = [globalThis.document, globalThis.reportError];
  globalThis.document = /** @type {any} */ ({ querySelector: (/** @type {string} */ words) => places[Number(words.match(/\d/)?.[0])] });
  globalThis.reportError = (error) => said.push(error.message);
  try {
    const render = ({ model, el }) => {
      el.parts.push(model.get("name"));
      if (model.get("name") === "bad") throw new Error("broken");
    };
    drawViews({ views: ["bad", "good"].map((name) => ({ module: "one", values: { name } })), bytes: [] }, { one: { default: { render } } });
  } finally {
    [globalThis.document, globalThis.reportError] = before;
  }
  assert.deepEqual([places.map(({ parts }) => parts), said], [[[], ["good"]], ["broken"]]);
});
