// Golden calls under Traceloop's instrumentation: a line of JSON for each, with its spans. Arguments: files.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import { GenAIInstrumentation } from "@traceloop/instrumentation-google-generativeai";
import { method } from "./golden-sdk.mjs";
import { replayServer } from "./replay.mjs";
import { Keeper } from "./spans.mjs";

const keeper = new Keeper().register();
new GenAIInstrumentation().setTracerProvider(keeper.provider);
const { GoogleGenAI } = createRequire(import.meta.url)("@google/genai"); // what it patches is what is required
const server = await replayServer();
for (const file of process.argv.slice(2)) {
  const golden = JSON.parse(readFileSync(file, "utf8"));
  server.answer(golden.wire);
  await method(golden.call)(new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl: server.url } }), golden.call);
  console.log(JSON.stringify({ name: basename(file, ".json"), spans: keeper.take() }));
}
server.close();
