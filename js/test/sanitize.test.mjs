// Values for which an MLflow server refuses the whole request, or stores a trace that it cannot read again.
import assert from "node:assert/strict";
import test from "node:test";
import { safeAttributes } from "../dist/mlflow/sanitize.js";

const NESTED = `${"[".repeat(40)}${"]".repeat(40)}`;
const CASES = {
  "ordinary values stay": [{ a: "text", b: 3.5, c: true, d: ["x", "y"], e: [1, 2] }],
  "half an emoji is replaced": [{ a: "hi \ud83d" }, { a: "hi \ufffd" }],
  "half an emoji inside JSON is replaced": [{ a: '{"t":"\\ud83d"}' }, { a: '{"t":"\ufffd"}' }],
  "a whole emoji stays": [{ a: '{"t":"\\ud83d\\ude00"}' }, { a: '{"t":"\ud83d\ude00"}' }],
  "NUL is replaced": [{ a: "a\0b" }, { a: "a\ufffdb" }],
  "integers beyond 64 bits become text": [
    { a: '{"n":9223372036854775808,"m":9223372036854775807,"s":"9223372036854775808"}', b: 2 ** 70 },
    {
      a: '{"n":"9223372036854775808","m":9223372036854775807,"s":"9223372036854775808"}',
      b: "1180591620717411303424",
    },
  ],
  "numbers that no double holds become text": [
    { a: '{"n":1e999}', b: Number.NaN },
    { a: '{"n":"1e999"}', b: "NaN" },
  ],
  "very long integers are quoted": [{ a: "9".repeat(4400) }, { a: `"${"9".repeat(4400)}"` }],
  "deep JSON becomes text below thirty levels": [
    { a: NESTED },
    { a: `${"[".repeat(30)}"${"[".repeat(10)}${"]".repeat(10)}"${"]".repeat(30)}` },
  ],
  "what is no JSON stays": [{ a: "[1, 2" }],
  "token counts are whole numbers with a total": [
    { "mlflow.chat.tokenUsage": '{"input_tokens":3,"output_tokens":null,"x":1}' },
    { "mlflow.chat.tokenUsage": '{"input_tokens":3,"total_tokens":3}' },
  ],
  "a parent that counts nothing stays": [{ "mlflow.chat.tokenUsage": "null" }],
  "costs are objects of numbers": [{ "mlflow.llm.cost": "null" }, { "mlflow.llm.cost": undefined }],
  "a list is no type": [{ "mlflow.spanType": '["TOOL"]' }, { "mlflow.spanType": undefined }],
  "where spans are is the server's to know": [
    { "mlflow.traceTag.mlflow.trace.spansLocation": "x" },
    { "mlflow.traceTag.mlflow.trace.spansLocation": undefined },
  ],
};

for (const [name, [given, expected = given]] of Object.entries(CASES)) {
  test(name, () => assert.deepEqual(safeAttributes(given), expected));
}

test("two long sessions stay two", () => {
  const [one, other] = ["a", "b"].map((end) => safeAttributes({ "session.id": "s".repeat(300) + end })["session.id"]);
  assert.equal(one.length, 250);
  assert.notEqual(one, other);
});
