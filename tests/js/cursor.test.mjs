import assert from "node:assert/strict";
import { test } from "node:test";

import { cursorOn } from "../../whetstone_lab/view/widgets/static/cursor.mjs";
import { Scope } from "../../whetstone_lab/view/widgets/static/page.mjs";

/** What stands in for a view's model, of which run it is. @param {string | undefined} trace */
function modelOf(trace) {
  const model = { trace, heard: new Set(), get: () => model.trace, on: (_, listener) => model.heard.add(listener), off: (_, listener) => model.heard.delete(listener), become: (to) => ((model.trace = to), [...model.heard].forEach((listener) => listener())) };
  return model;
}

/** A view on the page. @param {string} kind @param {ReturnType<typeof modelOf>} model */
function view(kind, model) {
  const scope = new Scope();
  return { cursor: cursorOn(scope, model, kind), leave: () => scope.end() };
}

test("views of a run go by one cursor, and a second one of a kind by its own", () => {
  const [curves, chart, copy, other] = [["curves", "a"], ["chart", "a"], ["curves", "a"], ["chart", "b"]].map(([kind, run]) => view(kind, modelOf(run)));
  assert.equal(chart.cursor, curves.cursor);
  assert.notEqual(copy.cursor, curves.cursor, "two copies can stand at two moments");
  assert.notEqual(other.cursor, chart.cursor, "another run is another thing");
  assert.equal(view("raster", modelOf("a")).cursor, curves.cursor);
  curves.leave();
  assert.equal(view("curves", modelOf("a")).cursor, chart.cursor, "who is drawn anew joins the others again");
  assert.notEqual(view("curves", modelOf(undefined)).cursor, view("chart", modelOf(undefined)).cursor, "without a run each is by itself");
});

test("who comes to show another run takes the cursor along, and nothing is left of views that went", () => {
  const models = ["c", "c"].map(modelOf);
  const views = models.map((model, which) => view(`kind ${which}`, model));
  models.forEach((model) => model.become("d"));
  const late = view("late", modelOf("d"));
  assert.equal(late.cursor, views[0].cursor);
  [...views, late].forEach(({ leave }) => leave());
  assert.deepEqual(models.map(({ heard }) => heard.size), [0, 0]);
  const all = globalThis[Symbol.for("whetstone_lab.cursors")];
  assert.deepEqual([all.has("c"), all.has("d")], [false, false]);
});
