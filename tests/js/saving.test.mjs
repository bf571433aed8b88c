import assert from "node:assert/strict";
import { test } from "node:test";

import { movedUp } from "../../whetstone_lab/view/widgets/static/portrait.mjs";
import { csv } from "../../whetstone_lab/view/widgets/static/saving.mjs";
import { SvgContext, fontParts } from "../../whetstone_lab/view/widgets/static/svg.mjs";

test("numbers as comma-separated values", () => {
  assert.equal(csv([["epoch", [1, 2]], ['loss, "val"', new Float32Array([0.1, NaN])], ["layer", ["a\nb", null]]]), 'epoch,"loss, ""val""",layer\n1,0.100000001,"a\nb"\n2,,\n');
  assert.equal(csv([["a", []]]), "a\n");
  assert.equal(csv([]), "\n");
});

test("a picture has no band that what it leaves out leaves empty", () => {
  const boxes = [{ y: 10, height: 20 }, { y: 90, height: 100 }, { y: 95, height: 10 }, { y: 120, height: 5 }, { y: 300, height: 1 }];
  assert.deepEqual(movedUp(boxes, 14), [0, 46, 46, 46, 142], "beside a high part there is none");
  assert.deepEqual(movedUp([boxes[4], boxes[0]], 14), [256, 0], "in whichever order they come");
  assert.deepEqual(movedUp([], 14), []);
});

const pen = () => new SvgContext({ canvas: { width: 10, height: 10 }, font: "10px sans-serif", measureText: (text) => ({ width: 6 * text.length }) });

test("what is drawn on a canvas is said as shapes", () => {
  const context = pen();
  [context.strokeStyle, context.lineWidth, context.lineJoin] = ["#123456", 2.5, "round"];
  context.setLineDash([7, 3]);
  context.beginPath();
  context.lineTo(0, 1);
  context.lineTo(2.005, 3.333);
  context.stroke();
  [context.fillStyle, context.globalAlpha] = ["red", 0.24];
  context.fillRect(5, 8, -2, 4);
  context.fillRect(5, 8, 0, 4);
  context.beginPath();
  context.stroke();
  assert.deepEqual(context.parts, [
    '<path d="M0 1L2.01 3.33" fill="none" stroke-width="2.5" stroke-linejoin="round" stroke-dasharray="7 3" stroke-dashoffset="0" stroke="#123456"/>',
    '<rect x="3" y="8" width="2" height="4" fill="red" opacity="0.24"/>']);
  assert.match(context.file(20, 10.5), /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="20" height="10.5" viewBox="0 0 20 10.5">\n<path/);
});

test("clips and moves last until they are taken back, and so do colours", () => {
  const context = pen();
  context.save();
  context.translate(3, 4);
  context.beginPath();
  context.rect(0, 0, 5, 6);
  context.clip();
  context.fillStyle = "blue";
  context.restore();
  assert.equal(context.fillStyle, "#000");
  assert.deepEqual(context.parts, ['<g transform="translate(3 4)">', '<clipPath id="wl-clip-1"><path d="M0 0h5v6h-5Z"/></clipPath>', '<g clip-path="url(#wl-clip-1)">', "</g>", "</g>"]);
  context.restore();
  context.translate(1, 1);
  assert.equal(context.file(1, 1).match(/<g/g).length, context.file(1, 1).match(/<\/g>/g).length, "every group ends");
});

test("words keep their place, their font and their signs", () => {
  const context = pen();
  [context.font, context.textAlign, context.textBaseline] = ['600 11.5px system-ui, "Segoe UI"', "right", "middle"];
  context.fillText("a < b & c", 1, 2);
  assert.equal(context.parts[0], '<text x="1" y="2" font-family="system-ui, &#34;Segoe UI&#34;" font-size="11.5" font-weight="600" text-anchor="end" dominant-baseline="central" fill="#000">a &#60; b &#38; c</text>');
  assert.deepEqual(fontParts("12px/18px serif"), { weight: "400", size: 12, family: "serif" });
  assert.deepEqual(fontParts("italic bold 9px serif"), { weight: "bold", size: 9, family: "serif" });
  const glow = context.createLinearGradient(0, 0, 4, 0);
  glow.addColorStop(1, "red");
  context.fillStyle = glow;
  context.fillRect(0, 0, 1, 1);
  assert.deepEqual(context.parts.slice(1).map((part) => part.split(" ")[0]), ["<linearGradient", "<rect"]);
  assert.match(context.parts[2], /url\(#wl-gradient-1\)/);
});
