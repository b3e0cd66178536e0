// Every call, every ending, every SDK, every way of loading: the program sees what it saw without genspan, each HTTP
// request is one span that ended once, and the tokens of the spans are those of the provider's ledger.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test, { after, before } from "node:test";
import { startProvider } from "./support/provider.mjs";
import { folder, nodeOf, ROOT, run, SDKS } from "./support/sdks.mjs";

const ENTRIES = {
  "bare.mjs": `import * as sdk from "$SDK";
import { make } from "./calls.mjs";
import { matrix } from "./matrix.mjs";
await matrix(make, sdk, (client) => client);`,
  "bare.cjs": `const sdk = require("$SDK");
Promise.all([import("./calls.mjs"), import("./matrix.mjs")]).then(([{ make }, { matrix }]) =>
  matrix(make, sdk, (client) => client));`,
  "wrapped.mjs": `import { tracedGemini } from "genspan";
import * as sdk from "$SDK";
import { make } from "./calls.mjs";
import { matrix } from "./matrix.mjs";
matrix(make, sdk, tracedGemini);`,
};
const REGISTER = ["--import", "genspan/register"];
const MODES = {
  wrapped: ["wrapped.mjs"],
  "zero-code ESM": [...REGISTER, "bare.mjs"],
  "zero-code CommonJS": [...REGISTER, "bare.cjs"],
  "wrapped under zero-code": [...REGISTER, "wrapped.mjs"],
  "bundled ESM": ["bundle.mjs"],
  "bundled CommonJS": ["bundle.cjs"],
};

let provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.stop());

for (const name of Object.keys(SDKS)) {
  test(name, async (suite) => {
    const cwd = folder(name, "matrix", ENTRIES);
    bundle(cwd);
    const play = async (args) => {
      const ran = await run(nodeOf(name), ["--expose-gc", ...args], { cwd, env: { PROVIDER: provider.url } });
      assert.equal(ran.code, 0, ran.errors);
      return { records: ran.lines.map((line) => JSON.parse(line)), errors: ran.errors };
    };
    const bare = await play(["bare.mjs"]);
    assert.deepEqual(
      bare.records.flatMap((record) => record.spans),
      [],
    );
    for (const [mode, args] of Object.entries(MODES)) {
      await suite.test(mode, async (cases) => {
        const traced = await play(args);
        assert.equal(traced.records.length, bare.records.length);
        if (!mode.startsWith("bundled")) assert.equal(warnings(traced), warnings(bare));
        for (const [at, record] of traced.records.entries()) {
          await cases.test(`${record.call}, ${record.ending}`, () => {
            if (!mode.startsWith("bundled")) assert.deepEqual(record.seen, bare.records[at].seen);
            hold(name, record);
          });
        }
      });
    }
  });
}

/** Minified: the names of classes are gone. */
function bundle(cwd) {
  const esbuild = `${ROOT}js/node_modules/.bin/esbuild`;
  const options = ["--bundle", "--minify", "--platform=node", "--log-level=warning"];
  const banner = "--banner:js=import{createRequire as r}from'module';const require=r(import.meta.url);";
  execFileSync(esbuild, ["wrapped.mjs", ...options, "--format=esm", banner, "--outfile=bundle.mjs"], { cwd });
  execFileSync(esbuild, ["wrapped.mjs", ...options, "--format=cjs", "--outfile=bundle.cjs"], { cwd });
}

/** What the process wrote to its error output; where the SDK's files stand differs between ESM and CommonJS. */
const warnings = ({ errors }) => errors.replace(/\n +at .*/g, "");

const TOKENS = { input: "gen_ai.usage.input_tokens", output: "gen_ai.usage.output_tokens" };
const FAILED = new Set(["error", "cut", "abort"]);
const ENDS = {
  ok: [undefined],
  error: ["failed"],
  cut: ["failed"],
  break: ["closed"],
  "consumer raises": ["closed"],
  "never iterated": ["dropped"],
  abort: ["cancelled"],
};
const LEFT = ["break", "consumer raises", "never iterated"];

/** How a stream may have ended. */
function endsOf(name, { call, ending }) {
  // The older SDK reads to the end whatever the program does, and does not tell an abort from a failure.
  if (name === "generative-ai")
    return LEFT.includes(ending) ? [undefined] : [...ENDS[ending], ...(ending === "ok" ? [] : ["failed"])];
  // The bytes of an interaction may all be there before the program takes its first event.
  if (call.startsWith("interaction") && LEFT.includes(ending)) return [...ENDS[ending], undefined];
  return ENDS[ending];
}

function hold(name, record) {
  const { call, runs, open, spans, ledger } = record;
  assert.equal(open, 0, "spans that never ended");
  assert.deepEqual(
    spans.map((span) => span.ends),
    spans.map(() => 1),
  );
  if (!ledger.length) return assert.deepEqual(spans, [], "no request, no span"); // functions: sent when it is read
  assert.equal(new Set(spans.map((span) => span.trace)).size, 1, "one trace");
  const agents = spans.filter((span) => span.kind === "INTERNAL" && operation(span) === "invoke_agent");
  const tools = spans.filter((span) => operation(span) === "execute_tool");
  const leaves = spans.filter((span) => span.kind === "CLIENT");
  assert.equal(agents.length, call.includes("afc") ? 1 : 0);
  assert.equal(tools.length, runs);
  assert.equal(agents.length + tools.length + leaves.length, spans.length);
  for (const span of [...leaves, ...tools]) assert.equal(span.parent, agents.length ? 0 : null);
  for (const span of [...agents, ...tools])
    assert.deepEqual(
      Object.keys(span.attributes).filter((one) => /usage/i.test(one)),
      [],
    );
  assert.equal(leaves.length, ledger.length, "a span for each request");
  for (const { headers } of ledger) assert.ok(!("traceparent" in headers));
  usage(leaves, ledger);
  endings(name, record, leaves.at(-1));
}

const operation = (span) => span.attributes["gen_ai.operation.name"];

function usage(leaves, ledger) {
  for (const [at, { attributes }] of leaves.entries()) {
    const partial = attributes["genspan.response.partial"] === true;
    for (const [side, attribute] of Object.entries(TOKENS)) {
      const billed =
        attributes["gen_ai.operation.name"] === "embeddings" && side === "output" ? null : ledger[at][side];
      const spent = attributes[attribute] ?? null;
      if (partial) assert.ok((spent ?? 0) <= (billed ?? 0), `${side}: ${spent} of ${billed}`);
      else assert.equal(spent, billed, side);
    }
    const counts = JSON.parse(attributes["mlflow.chat.tokenUsage"] ?? "null");
    assert.equal(counts?.total_tokens ?? 0, (attributes[TOKENS.input] ?? 0) + (attributes[TOKENS.output] ?? 0));
  }
}

function endings(name, record, { status, attributes }) {
  const failed = FAILED.has(record.ending);
  assert.equal(status, failed ? "ERROR" : "UNSET", String(record.seen));
  assert.equal("error.type" in attributes, failed);
  const end = attributes["genspan.response.end"];
  if (record.call.includes("stream")) assert.ok(endsOf(name, record).includes(end), `ended ${end}`);
}
