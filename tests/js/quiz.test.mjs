import assert from "node:assert/strict";
import { test } from "node:test";

import { standIn } from "../../whetstone_lab/view/widgets/static/offline.mjs";
import { answersOf } from "../../whetstone_lab/view/widgets/static/quiz.mjs";

test("a question may be called as anything is that an object has already", () => {
  const answers = answersOf(standIn({ about: { name: "own", title: "Own", kept: "" }, answers: {} }));
  for (const question of ["constructor", "__proto__", "toString"]) {
    assert.deepEqual(answers.of(question), []);
    answers.add(question, "1", false);
    answers.add(question, "2", true);
    assert.deepEqual(answers.of(question), [{ answer: "1", right: false }, { answer: "2", right: true }]);
  }
  assert.deepEqual(Object.keys(JSON.parse(answers.file()).quizzes.own.answers), ["constructor", "__proto__", "toString"]);
});
