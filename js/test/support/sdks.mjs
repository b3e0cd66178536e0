// The SDK versions that the tests run on, each in a folder of its own with the packed genspan beside it.
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const NODE_22 = `${HERE}../node-22/node_modules/node/bin/node`;
const major = Number(process.versions.node.split(".")[0]);

/** This Node, and Node 22 where this one is older. */
export const NODES =
  major < 22 ? { [`node ${major}`]: process.execPath, "node 22": NODE_22 } : { [`node ${major}`]: process.execPath };
const newest = Object.keys(NODES).at(-1);

export const SDKS = {
  "genai-1": { sdk: "@google/genai", kind: "genai" },
  "genai-2": { sdk: "@google/genai", kind: "genai" },
  "genai-3": { sdk: "@google/genai", kind: "genai", needs: 22 },
  "generative-ai": { sdk: "@google/generative-ai", kind: "generative-ai" },
};

/** The oldest Node here on which an SDK runs. */
export const nodeOf = (name) => NODES[SDKS[name].needs ? newest : Object.keys(NODES)[0]];

/** A folder in an SDK's folder with the programs, and entries made from texts: `$SDK` is the SDK's package. */
export function folder(name, purpose, entries = {}) {
  const { sdk, kind } = SDKS[name];
  const home = `${HERE}../sdk/${name}`;
  if (!existsSync(`${home}/node_modules/genspan`)) throw new Error(`${home} is not installed: run make js-test`);
  const made = `${home}/.run-${purpose}`;
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made);
  cpSync(`${HERE}../programs`, made, { recursive: true });
  for (const file of readdirSync(made).filter((file) => file.startsWith(`${kind}-`))) {
    cpSync(`${made}/${file}`, `${made}/${file.replace(`${kind}-`, "")}`);
  }
  for (const [file, text] of Object.entries(entries)) writeFileSync(`${made}/${file}`, text.replaceAll("$SDK", sdk));
  return made;
}

const USERS = /^(OTEL|MLFLOW|GENSPAN|GOOGLE|GEMINI|NODE_OPTIONS)/;

/** Runs Node and gives its exit code, the lines of its output and its errors. */
export async function run(node, args, { cwd, env = {}, deadline = 120_000 } = {}) {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !USERS.test(name)));
  const child = spawn(node, args, { cwd, env: { ...inherited, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), deadline);
  const lines = [];
  let errors = "";
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  child.stderr.on("data", (data) => {
    errors += data;
  });
  const code = await new Promise((resolve) => child.on("close", (status, signal) => resolve(status ?? signal)));
  clearTimeout(timer);
  return { code, lines, errors };
}
