// `make bench-js`: what tracing costs a Node program, as ratios to the SDK alone that are measured in one run.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { NODES } from "../../js/test/support/sdks.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const cwd = `${here}../../js/test/sdk/genai-2/.run-bench`;
const node = Object.values(NODES).at(-1);
const SETTINGS = ["bare", "context", "traced", "content"];
const REPEATS = 2;
const STARTS = 15;

rmSync(cwd, { recursive: true, force: true });
mkdirSync(cwd);
cpSync(`${here}calls.mjs`, `${cwd}/calls.mjs`);
writeFileSync(`${cwd}/empty.mjs`, "");
writeFileSync(`${cwd}/sdk.mjs`, 'import "@google/genai";');

/** Of several processes the least, settings in turn, so that a busy machine treats all alike. */
const measured = Object.fromEntries(SETTINGS.map((setting) => [setting, { call: Infinity, chunk: Infinity }]));
for (let repeat = 0; repeat < REPEATS; repeat++) {
  for (const setting of SETTINGS) {
    const found = JSON.parse(execFileSync(node, ["calls.mjs", setting], { cwd, encoding: "utf8" }));
    for (const kind of ["call", "chunk"]) measured[setting][kind] = Math.min(measured[setting][kind], found[kind]);
  }
}

const WAYS = {
  "nothing": ["empty.mjs"],
  "genspan/register": ["--import", "genspan/register", "empty.mjs"],
  "@google/genai": ["sdk.mjs"],
  "@google/genai under genspan/register": ["--import", "genspan/register", "sdk.mjs"],
};
const starts = Object.fromEntries(Object.keys(WAYS).map((way) => [way, Infinity]));
for (let repeat = 0; repeat < STARTS; repeat++) {
  for (const [way, args] of Object.entries(WAYS)) starts[way] = Math.min(starts[way], cpuOf(args));
}

/** Milliseconds of CPU of one process: the program says them itself as it ends. */
function cpuOf(args) {
  const told = `process.on("exit", () => { const { user, system } = process.cpuUsage(); console.log((user + system) / 1000); });`;
  const ran = spawnSync(node, ["--import", `data:text/javascript,${encodeURIComponent(told)}`, ...args], { cwd, encoding: "utf8" });
  if (ran.status !== 0) throw new Error(ran.stderr);
  return Number(ran.stdout);
}

const { bare } = measured;
console.log(`node ${execFileSync(node, ["--version"], { encoding: "utf8" }).trim()}, @google/genai 2\n`);
console.log("| CPU | a call | a chunk |\n| --- | --- | --- |");
for (const [setting, { call, chunk }] of Object.entries(measured)) {
  const ratio = (value, base) => `${value.toFixed(1)} us, ${(value / base).toFixed(2)}`;
  console.log(`| ${setting} | ${ratio(call, bare.call)} | ${ratio(chunk, bare.chunk)} |`);
}
console.log("\n| start | CPU | ratio |\n| --- | --- | --- |");
const base = { "genspan/register": "nothing", "@google/genai under genspan/register": "@google/genai" };
for (const [way, cpu] of Object.entries(starts)) {
  console.log(`| ${way} | ${cpu.toFixed(0)} ms | ${base[way] ? (cpu / starts[base[way]]).toFixed(2) : "1"} |`);
}
