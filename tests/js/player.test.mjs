import assert from "node:assert/strict";
import { test } from "node:test";

import { Scope } from "../../whetstone_lab/view/widgets/static/page.mjs";
import { player } from "../../whetstone_lab/view/widgets/static/player.mjs";

test("a player goes to the end once, and what a scope began ends with it", () => {
  /** @type {Map<number, (time: number) => void>} */
  const frames = new Map();
  let number = 0;
  globalThis.requestAnimationFrame = (draw) => (frames.set(++number, draw), number);
  globalThis.cancelAnimationFrame = (id) => frames.delete(id);
  const scope = new Scope();
  const seen = [];
  const states = [];
  const it = player(scope, { end: () => 10, seconds: () => 1, show: (at) => seen.push(at), changed: (playing) => states.push(playing) });
  it.play(0);
  for (let time = performance.now() + 1; frames.size && seen.length < 50; time += 90) {
    const [[id, draw]] = frames;
    frames.delete(id);
    draw(time);
  }
  assert.equal(seen.at(-1), 10);
  assert.deepEqual(states, [true, false]);
  assert.ok(seen.every((at, i) => i === 0 || at >= seen[i - 1]));

  it.play();
  assert.equal(seen.at(-1), 0, "at the end, playing starts again");
  const target = new EventTarget();
  let heard = 0;
  scope.on(target, "ping", () => (heard += 1));
  const model = { on() {}, off: () => (heard = -1) };
  scope.follow(model, "change:now", () => {});
  scope.end();
  target.dispatchEvent(new Event("ping"));
  assert.equal(heard, -1);
  assert.equal(frames.size, 0);
  scope.frame(() => assert.fail("a scope that has ended draws no more"));
  assert.equal(frames.size, 0);
});
