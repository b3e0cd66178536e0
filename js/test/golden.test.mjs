// The golden calls of `tests/golden`, and recordings in the same form, with every SDK: requests and spans as a whole.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import test from "node:test";
import { folder, NODES, nodeOf, ROOT, run, SDKS } from "./support/sdks.mjs";

const FOLDERS = [`${ROOT}tests/golden/gemini`, process.env.GENSPAN_GOLDEN].filter(Boolean);
const FILES = FOLDERS.flatMap((path) =>
  readdirSync(path)
    .filter((file) => file.endsWith(".json"))
    .map((file) => `${path}/${file}`),
).sort();
const GOLDEN = new Map(FILES.map((file) => [basename(file, ".json"), JSON.parse(readFileSync(file, "utf8"))]));

// What the SDK for Python sends in another form: names of a part it does not know, orders of a schema's properties.
const INPUTS = ["gen_ai.input.messages", "gen_ai.tool.definitions", "mlflow.spanInputs"];
const SENT_OTHERWISE = new Set([
  "recording-gemini-generateContent-54949e0fea7189db",
  "recording-gemini-streamGenerateContent-44f7b221f35f59b5",
  "recording-gemini-streamGenerateContent-59c4dd629d61924d",
]);

const PAIRS = Object.keys(SDKS).map((name) => [name, nodeOf(name)]);
PAIRS.push(["genai-2", Object.values(NODES).at(-1)]);

for (const [name, node] of PAIRS) {
  test(`${name} on ${Object.keys(NODES).find((one) => NODES[one] === node)}`, async (suite) => {
    const cwd = folder(name, "golden");
    const { code, lines, errors } = await run(node, ["golden.mjs", ...FILES], { cwd });
    assert.equal(code, 0, errors);
    const outcomes = new Map(lines.map((line) => [JSON.parse(line).name, JSON.parse(line)]));
    assert.deepEqual(
      new Set(outcomes.keys()),
      new Set([...GOLDEN.keys()].filter((one) => makes(name, GOLDEN.get(one)))),
    );
    for (const [golden, outcome] of outcomes) {
      await suite.test(golden, () => compare(name, golden, GOLDEN.get(golden), outcome));
    }
  });
}

/** Whether an SDK has the call: the older one neither Vertex AI, nor functions that it runs, nor interactions. */
function makes(name, { call }) {
  if (name !== "generative-ai") return true;
  const absent = call.vertexai || call.tools || call.params.config?.labels;
  return !absent && !["models.embedContent", "interactions.create"].includes(call.method);
}

function compare(name, title, golden, outcome) {
  // A refused interaction is seen below the class that the SDK raises for it: its error is the HTTP status.
  const refused = golden.call.method === "interactions.create" ? String(golden.wire[0].response.status) : undefined;
  const errors = new Set([outcome.raised?.class, refused]);
  const spans = outcome.spans.map((span) => plain(span, outcome.port, errors));
  const expected = golden.spans.map((span) => ofJavaScript(span, golden));
  // The older SDK's own history of a stream differs.
  if (SENT_OTHERWISE.has(title) || (name === "generative-ai" && title === "chat_stream"))
    for (const { attributes } of [...spans, ...expected]) for (const one of INPUTS) delete attributes[one];
  assert.deepEqual(spans, expected);
  assert.deepEqual(
    outcome.spans.map((span) => span.ends),
    golden.spans.map(() => 1),
  );
  if (name !== "generative-ai" && !SENT_OTHERWISE.has(title)) {
    const requests = golden.wire.map(({ request }) => ({ ...request, json: spelled(request.json) }));
    assert.deepEqual(
      outcome.requests.map((one) => ({ ...one, json: spelled(one.json) })),
      requests,
    );
  }
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/; // of a chat, for which Google has no id

/** A span as it stands in a file. */
function plain({ name, kind, status, parent, attributes }, port, errors) {
  const entries = Object.entries(attributes).map(([key, value]) => {
    if (key === "server.port" && value === port) return [key, "$PORT"];
    if (key === "gen_ai.response.time_to_first_chunk" && value > 0) return [key, "$SECONDS"];
    if (key === "session.id" && UUID.test(value)) return [key, "$SESSION"];
    if (key === "error.type" && errors.has(value)) return [key, "$EXCEPTION"];
    return [key, json(value)];
  });
  return { name, kind, status, parent, attributes: Object.fromEntries(entries) };
}

function json(value) {
  if (typeof value !== "string" || !/^[{[]/.test(value)) return value;
  try {
    return { json: JSON.parse(value) };
  } catch {
    return value;
  }
}

/** What is the SDK's own in JavaScript: a function gives the whole response that goes to the model. */
function ofJavaScript(span, { call }) {
  const attributes = { ...span.attributes };
  const tool = call.tools?.[attributes["gen_ai.tool.name"]];
  if (tool && "mlflow.spanOutputs" in attributes) {
    attributes["gen_ai.tool.call.result"] = attributes["mlflow.spanOutputs"] = { json: tool.response };
  }
  return { ...span, attributes };
}

/** A request in one spelling, without what is empty. */
function spelled(value) {
  if (Array.isArray(value)) return value.map(spelled);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).filter(([name, one]) => name !== "generationConfig" || Object.keys(one).length);
  return Object.fromEntries(
    entries.map(([name, one]) => [name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase()), spelled(one)]),
  );
}
