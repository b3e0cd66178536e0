// Tokens that genspan and Traceloop's instrumentation report for golden calls, beside what the wire says is billed.
import { cpSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { folder, nodeOf, ROOT, run } from "../../js/test/support/sdks.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const NAMES = [
  ...["plain", "stream", "thoughts_tool_use_cached", "stream_thoughts_then_text", "blocked_prompt", "function_call"],
  ...["chat", "chat_stream", "afc", "afc_stream", "afc_chat", "embed_many", "interaction"],
];
const files = NAMES.map((name) => `${ROOT}tests/golden/gemini/${name}.json`);
const node = nodeOf("genai-1");

async function played(program, cwd) {
  const { code, lines, errors } = await run(node, [program, ...files], { cwd });
  if (code !== 0) throw new Error(errors);
  return new Map(lines.map((line) => JSON.parse(line)).map(({ name, spans }) => [name, spans]));
}

const genspan = await played("golden.mjs", folder("genai-1", "peers"));
const cwd = `${here}traceloop/.run-peers`;
rmSync(cwd, { recursive: true, force: true });
cpSync(`${ROOT}js/test/programs`, cwd, { recursive: true });
cpSync(`${cwd}/genai-golden-sdk.mjs`, `${cwd}/golden-sdk.mjs`);
cpSync(`${here}traceloop.mjs`, `${cwd}/traceloop.mjs`);
const traceloop = await played("traceloop.mjs", cwd);

const sum = (counts) => counts.reduce((one, other) => one + (other ?? 0), 0);
const shown = (spans) => {
  const side = (name) => sum(spans.map(({ attributes }) => attributes[`gen_ai.usage.${name}_tokens`]));
  return spans.length ? `${side("input")} / ${side("output")}` : "no span";
};
console.log("| call | billed | genspan | Traceloop 0.27.0 |\n| --- | --- | --- | --- |");
for (const [at, name] of NAMES.entries()) {
  const { about, tokens } = JSON.parse(readFileSync(files[at], "utf8"));
  const billed = ["input", "output"].map((side) => sum(tokens.map((one) => one[side]))).join(" / ");
  console.log(`| \`${name}\`: ${about} | ${billed} | ${shown(genspan.get(name))} | ${shown(traceloop.get(name))} |`);
}
