// The fake provider of the Python tests, as a process: faults by directives in the prompt, and a ledger of what it billed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { ROOT } from "./sdks.mjs";

export const PYTHON = `${ROOT}.venv/bin/python`;

export async function startProvider() {
  const child = spawn(PYTHON, ["-m", "tests.support.provider"], { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  const [first] = await once(child.stdout, "data");
  return { url: String(first).trim(), stop: () => child.kill() };
}
