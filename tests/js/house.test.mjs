import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const STATIC = new URL("../../whetstone_lab/view/widgets/static/", import.meta.url);

test("no closure is longer than a page of eighty lines", () => {
  const long = [];
  for (const file of readdirSync(STATIC).filter((name) => name.endsWith(".mjs"))) {
    const lines = readFileSync(new URL(file, STATIC), "utf8").split("\n");
    lines.forEach((line, start) => {
      if (!/^(export )?(async )?function|^(export )?const \w+ = .*=> \{$/.test(line)) return;
      const length = lines.indexOf("}", start) - start + 1;
      if (length > 80) long.push(`${file}: ${line} (${length} lines)`);
    });
  }
  assert.deepEqual(long, []);
});
