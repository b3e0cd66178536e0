// A server that does not take the spans: said once in words, and the program goes on.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import test, { after, before } from "node:test";
import { folder, nodeOf, run } from "./support/sdks.mjs";

const PROGRAM = `import { GoogleGenAI } from "$SDK";
import { tracedGemini } from "genspan";
import * as mlflow from "genspan/mlflow";
const ai = tracedGemini(new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl: process.env.SERVER } }));
for (const contents of ["one", "two"]) {
  await ai.models.generateContent({ model: "gemini-2.5-flash", contents });
  await mlflow.flushTraces();
}
console.log("done");`;
const ANSWER = { candidates: [{ content: { parts: [{ text: "Hello" }] }, finishReason: "STOP" }] };

let [server, url, refusal, requests] = [];
before(async () => {
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://server");
    requests.push({ pathname, headers: request.headers });
    const json = (status, value) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(value));
    };
    request.resume().on("end", () => {
      if (pathname.endsWith(":generateContent")) json(200, ANSWER);
      else if (pathname.endsWith("/v1/traces")) json(refusal.status, refusal.body);
      else if (pathname.endsWith("/create")) json(200, { experiment_id: "7" });
      else json(404, { error_code: "RESOURCE_DOES_NOT_EXIST" });
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${server.address().port}`;
});
after(() => server.close());

const play = async (given) => {
  [refusal, requests] = [given, []];
  const cwd = folder("genai-2", "refusals", { "refused.mjs": PROGRAM });
  const env = {
    SERVER: url,
    MLFLOW_TRACKING_URI: url,
    MLFLOW_EXPERIMENT_NAME: "Gemini",
    MLFLOW_TRACKING_TOKEN: "t0ken",
  };
  const { code, lines, errors } = await run(nodeOf("genai-2"), ["refused.mjs"], { cwd, env });
  assert.deepEqual([code, lines], [0, ["done"]], errors);
  return errors;
};

const REFUSALS = [
  [{ status: 401, body: {} }, /does not accept these credentials \(HTTP 401\)/],
  [{ status: 404, body: { detail: "Not Found" } }, /does not answer as an MLflow server that takes spans/],
  [{ status: 422, body: { detail: "bad value" } }, /MLflow refused a span \(HTTP 422: bad value\)/],
];

for (const [given, said] of REFUSALS) {
  test(`HTTP ${given.status} is said once`, async () => {
    const errors = await play(given);
    assert.equal(errors.split("GenspanWarning").length, 2, errors);
    assert.match(errors, said);
  });
}

test("the experiment is made at the first export, with the login", async () => {
  assert.equal(await play({ status: 200, body: {} }), "");
  const sent = requests.filter(({ pathname }) => pathname.endsWith("/v1/traces"));
  assert.deepEqual(
    sent.map(({ headers }) => [headers["x-mlflow-experiment-id"], headers.authorization]),
    Array(2).fill(["7", "Bearer t0ken"]),
  );
  assert.equal(requests.filter(({ pathname }) => pathname.endsWith("/create")).length, 1);
});
