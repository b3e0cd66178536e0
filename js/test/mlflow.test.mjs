// Programs of MLflow's guide, only their imports changed, and golden calls, into a real MLflow server.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import test, { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startProvider } from "./support/provider.mjs";
import { folder, nodeOf, ROOT, run, SDKS } from "./support/sdks.mjs";

const READOUT = `
// Flush any pending traces, then retrieve the trace
await mlflow.flushTraces();
const lastTraceId = mlflow.getLastActiveTraceId();
if (lastTraceId) {
  const client = new mlflow.MlflowClient({ trackingUri: process.env.MLFLOW_TRACKING_URI });
  const trace = await client.getTrace(lastTraceId);
  console.log("== Total token usage: ==");
  console.log(trace.info.tokenUsage);
  console.log("== Detailed usage for each LLM call: ==");
  for (const span of trace.data.spans) {
    const usage = span.attributes["mlflow.chat.tokenUsage"];
    if (usage) console.log(span.name + ":", usage);
  }
  console.error(JSON.stringify(trace));
}`;
const CALLS = {
  genai: `
const client = tracedGemini(new GoogleGenAI({ apiKey: "guide-key" }));
const response = await client.models.generateContent({
  model: "gemini-2.5-flash",
  contents: "What is the capital of France?",
});`,
  "generative-ai": `
const client = tracedGemini(new GoogleGenerativeAI("guide-key"));
const model = client.getGenerativeModel({ model: "gemini-2.5-flash" });
const response = await model.generateContent("What is the capital of France?");`,
};
const CLASS = { genai: "GoogleGenAI", "generative-ai": "GoogleGenerativeAI" };

const programs = (kind) => ({
  "guide.mjs": `import { ${CLASS[kind]} } from "$SDK";
import { tracedGemini } from "genspan";
import * as mlflow from "genspan/mlflow";
${CALLS[kind]}${READOUT}`,
  "guide.cjs": `const { ${CLASS[kind]} } = require("$SDK");
const { tracedGemini } = require("genspan");
const mlflow = require("genspan/mlflow");
(async () => {${CALLS[kind]}${READOUT}
})();`,
});

let [provider, server, stored, env] = [];
before(async () => {
  stored = mkdtempSync(`${tmpdir()}/genspan-mlflow-`);
  const port = await freePort();
  const uri = `http://127.0.0.1:${port}`;
  const options = ["--host", "127.0.0.1", "--port", String(port), "--workers", "1"];
  const store = ["--backend-store-uri", `sqlite:///${stored}/mlflow.db`, "--default-artifact-root", `${stored}/files`];
  const quiet = {
    MLFLOW_MODEL_CATALOG_URI: "",
    MLFLOW_DISABLE_TELEMETRY: "true",
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "false",
  };
  server = spawn(`${ROOT}.venv-mlflow/bin/mlflow`, ["server", ...options, ...store], {
    cwd: stored,
    env: { ...process.env, ...quiet },
    stdio: "ignore",
    detached: true,
  });
  provider = await startProvider();
  env = { PROVIDER: provider.url, MLFLOW_TRACKING_URI: uri, MLFLOW_EXPERIMENT_NAME: "Gemini" };
  const healthy = () =>
    fetch(`${uri}/health`).then(
      (response) => response.ok,
      () => false,
    );
  while (!(await healthy())) {
    assert.equal(server.exitCode, null, "MLflow did not start");
    await sleep(250);
  }
});
after(() => {
  process.kill(-server.pid, "SIGKILL");
  provider.stop();
  rmSync(stored, { recursive: true, force: true });
});

async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

test("the guide's programs print what was billed", async (suite) => {
  for (const [name, { kind }] of Object.entries(SDKS)) {
    const cwd = folder(name, "mlflow", programs(kind));
    for (const program of ["guide.mjs", "guide.cjs"]) {
      await suite.test(`${name}, ${program}`, async () => {
        await fetch(`${provider.url}/_reset`, { method: "POST" });
        const ran = await run(nodeOf(name), ["--import", "./redirect.mjs", program], { cwd, env });
        assert.equal(ran.code, 0, ran.errors);
        const ledger = await (await fetch(`${provider.url}/_ledger`)).json();
        const [entry] = ledger.entries;
        const printed = `{ input_tokens: ${entry.input}, output_tokens: ${entry.output}, total_tokens: ${entry.total} }`;
        assert.deepEqual(ran.lines, [
          "== Total token usage: ==",
          printed,
          "== Detailed usage for each LLM call: ==",
          `generate_content gemini-2.5-flash: ${printed}`,
        ]);
        shown(JSON.parse(ran.errors.trim().split("\n").at(-1)), entry);
      });
    }
  }
});

/** What MLflow's pages show: the chat view's messages, the model and who is paid for it. */
function shown({ info, data }, entry) {
  assert.equal(info.state, "OK");
  const [{ attributes }] = data.spans;
  assert.equal(attributes["mlflow.spanType"], "CHAT_MODEL");
  assert.equal(attributes["mlflow.llm.model"], "gemini-2.5-flash");
  assert.equal(attributes["mlflow.llm.provider"], "gemini");
  assert.deepEqual(attributes["mlflow.spanInputs"].messages, [
    { role: "user", content: "What is the capital of France?" },
  ]);
  assert.match(attributes["mlflow.spanOutputs"].choices[0].message.content, /What is the capital of France/);
  assert.equal(attributes["gen_ai.usage.input_tokens"], entry.input);
  assert.equal(attributes["gen_ai.usage.output_tokens"], entry.output);
}

const STORED = [
  "plain",
  "stream",
  "thoughts_tool_use_cached",
  "function_call",
  "afc",
  "afc_stream",
  "error_429",
  "embed_many",
];

test("MLflow has the attributes of the golden calls", async (suite) => {
  const files = STORED.map((name) => `${ROOT}tests/golden/gemini/${name}.json`);
  const cwd = folder("genai-2", "mlflow");
  const ran = await run(nodeOf("genai-2"), ["golden-mlflow.mjs", ...files], { cwd, env });
  assert.equal(ran.code, 0, ran.errors);
  assert.equal(ran.lines.length, files.length);
  for (const line of ran.lines) {
    const { file, trace } = JSON.parse(line);
    const golden = JSON.parse(readFileSync(file, "utf8"));
    await suite.test(file.split("/").at(-1), () => {
      const left = [...trace.data.spans];
      for (const span of golden.spans) {
        const expected = attributesIn(span);
        const at = left.findIndex(
          (one) => one.name === span.name && one.attributes["gen_ai.response.id"] === expected["gen_ai.response.id"],
        );
        assert.ok(at >= 0, `${span.name} is not there`);
        const [found] = left.splice(at, 1);
        for (const [name, value] of Object.entries(expected)) assert.deepEqual(found.attributes[name], value, name);
      }
      assert.deepEqual(left, []);
      const sums = golden.tokens.map(({ input = 0, output = 0 }) => input + output);
      assert.equal(
        trace.info.tokenUsage?.total_tokens ?? 0,
        sums.reduce((one, other) => one + other),
      );
    });
  }
});

const NOT_SENT = /^(mlflow\.traceTag\.|gen_ai\.(input\.messages|output\.messages|system_instructions|tool\.))/;

/** What of a golden span is the same in every run and is sent to MLflow, which has its own form of content. */
function attributesIn({ attributes }) {
  const tool = "gen_ai.tool.name" in attributes;
  const entries = Object.entries(attributes)
    .filter(([name]) => !NOT_SENT.test(name) && !(tool && name === "mlflow.spanOutputs"))
    .filter(([, value]) => !(typeof value === "string" && value.startsWith("$")));
  return Object.fromEntries(entries.map(([name, value]) => [name, value?.json ?? value]));
}
