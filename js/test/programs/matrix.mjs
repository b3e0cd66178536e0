// Every call with every ending against the fake provider; prints a line of JSON for each. `$PROVIDER` is its URL.
import { setTimeout as sleep } from "node:timers/promises";
import { Keeper } from "./spans.mjs";

const ENDINGS = {
  ok: "",
  error: "[[status=400]]",
  cut: "[[cut=1]]",
  break: "",
  "consumer raises": "",
  "never iterated": "",
  abort: "[[hold=1]]",
};
const ONLY_STREAMS = new Set(["break", "consumer raises", "never iterated"]);

export async function matrix(make, sdk, wrap) {
  const url = process.env.PROVIDER;
  const keeper = new Keeper().register();
  const { calls, tool } = make(sdk, url, wrap);
  for (const [call, start] of Object.entries(calls)) {
    const stream = call.includes("stream");
    for (const [ending, directive] of Object.entries(ENDINGS)) {
      if (ONLY_STREAMS.has(ending) && !stream) continue;
      const fault = ending === "abort" && !stream ? "[[hang=30]]" : directive;
      await fetch(`${url}/_reset`, { method: "POST" });
      tool.runs = 0;
      const seen = await played(start, ending, `${fault} What is the weather in Paris?`, url);
      await settled(keeper);
      const ledger = (await ledgerOf(url)).map(({ api, input, output, complete, status, headers }) => ({
        api,
        input,
        output,
        complete,
        status,
        headers,
      }));
      console.log(
        JSON.stringify({ call, ending, seen, runs: tool.runs, open: keeper.open, spans: keeper.take(), ledger }),
      );
    }
  }
}

/** What a program sees of one call: the classes and texts of what it is given, and the error. */
async function played(start, ending, prompt, url) {
  const abort = new AbortController();
  const seen = [];
  try {
    if (ending === "never iterated") {
      await start(prompt, abort.signal);
      return ["not read"];
    }
    const started = start(prompt, abort.signal);
    if (prompt.includes("[[hang=")) {
      await requested(url);
      abort.abort();
    }
    const result = await started;
    if (!result[Symbol.asyncIterator]) return [described(result)];
    for await (const chunk of result) {
      seen.push(described(chunk));
      if (ending === "break") break;
      if (ending === "consumer raises") throw new RangeError("the program's own");
      if (ending === "abort") abort.abort();
    }
  } catch (error) {
    seen.push(`${error.constructor.name}: ${error.message}`.replaceAll(url, "$PROVIDER"));
  }
  return seen;
}

const described = (value) => `${value.constructor.name} ${Object.keys(value).sort()} ${textOf(value)}`;

function textOf(value) {
  const text = value.text ?? value.response?.text;
  return (typeof text === "function" ? text.call(value.response ?? value) : text) ?? "";
}

async function requested(url) {
  while ((await ledgerOf(url)).length === 0) await sleep(5);
}

/** Until all spans have ended: streams that nobody reads end when they are collected. */
async function settled(keeper) {
  for (let tries = 0; tries < 200 && keeper.open; tries++) {
    globalThis.gc();
    await sleep(5);
  }
}

async function ledgerOf(url) {
  const response = await fetch(`${url}/_ledger`);
  return (await response.json()).entries;
}
