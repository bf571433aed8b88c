import assert from "node:assert/strict";
import { test } from "node:test";

import { histogramAt } from "../../whetstone_lab/view/widgets/static/activation_curves.mjs";
import { whatIf } from "../../whetstone_lab/view/widgets/static/method.mjs";
import { verdict } from "../../whetstone_lab/view/widgets/static/sharpener_chart.mjs";
import { address, spikesOf } from "../../whetstone_lab/view/widgets/static/spike_raster.mjs";

test("the newest histogram that was known is shown", () => {
  const counts = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]); // two epochs, two layers, two bins
  const kept = { epochs: [2, 5] };
  assert.equal(histogramAt(kept, counts, 2, 1.9), null);
  assert.deepEqual(histogramAt(kept, counts, 2, 4.9)?.map((row) => [...row]), [[1, 2], [3, 4]]);
  assert.deepEqual(histogramAt(kept, counts, 2, 5)?.map((row) => [...row]), [[5, 6], [7, 8]]);
  assert.equal(histogramAt({ epochs: [] }, new Uint8Array(0), 2, 5), null);
});

const row = (loss, sharpening = 0, sharp = 0) => ({ loss, up: 0.15, down: 0.15, patience: 1, sharpening, sharp });
// Settles at 1, starts after the fourth epoch, rises by 20 % in the fifth, and so stops.
const run = [row(2), row(1), row(1), row(1), row(1.2, 1), row(1.1), row(1.1)];

test("without a change a replay decides as the run did", () => {
  const { first, lines } = whatIf(run, {}, 0);
  assert.equal(first, null);
  assert.equal(lines.length, run.length);
  assert.deepEqual(lines.slice(1, 6).map((line) => line.reference), [2, 1, 1, 1, 1.2]);
  assert.match(verdict(first), /the same/);
});

test("the first decision that differs is found, and its reason", () => {
  const later = whatIf(run, { sig_increase: 0.25 }, 0);
  assert.equal(later.first?.kind, "goes on");
  assert.equal(later.first?.epoch, 5);
  assert.match(verdict(later.first), /After epoch 5 sharpening would have gone on \(the loss changed by \+20 %\); in this run it stopped/);
  assert.equal(later.lines.length, 5, "nothing is known past it");
  assert.equal(whatIf(run, { patience: 2 }, 0).first?.kind, "waits");
  assert.deepEqual(whatIf(run, { patience: 0 }, 0).first, { epoch: 3, kind: "starts", change: 0 });
  assert.equal(whatIf(run, { sig_increase: 0.16 }, 0).first, null);
});

test("a run that is all sharp has nothing left to decide", () => {
  const done = [row(2), row(1), row(1), row(1), row(1.1, 1), row(1.1, 0, 1), row(5, 0, 1)];
  assert.equal(whatIf(done, { sig_increase: 0.05 }, 0).first, null);
});

test("spikes are sorted by layer and step", () => {
  const spikes = {
    ends: [2, 5], step: new Uint16Array([0, 1, 0, 1, 1]), layer: new Uint8Array([0, 1, 0, 1, 1]), neuron: new Uint32Array([7, 1, 4, 0, 2]),
  };
  assert.deepEqual(spikesOf(spikes, 0, 2, 2), [[[7], []], [[], [1]]]);
  assert.deepEqual(spikesOf(spikes, 1, 2, 2), [[[4], []], [[], [0, 2]]]);
});

test("a neuron is named by its place", () => {
  assert.equal(address(12, [64]), "neuron 12");
  assert.equal(address(1 * 4 * 3 + 2 * 3 + 1, [5, 4, 3]), "row 1, column 2, channel 1");
  assert.equal(address(5, [2, 3]), "neuron (1, 2)");
});
