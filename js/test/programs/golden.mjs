// Makes golden calls with the SDK of this folder and prints a line of JSON for each. Arguments: files.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { instrument, tracedGemini, uninstrument } from "genspan";
import { connect, method } from "./golden-sdk.mjs";
import { replayServer } from "./replay.mjs";
import { Keeper } from "./spans.mjs";

const own = { ...process.env };
const server = await replayServer();
for (const file of process.argv.slice(2)) {
  const golden = JSON.parse(readFileSync(file, "utf8"));
  const call = method(golden.call);
  if (!call) continue;
  process.env = { ...own, ...golden.settings };
  const keeper = new Keeper().register();
  instrument({ tracerProvider: keeper.provider });
  server.answer(golden.wire);
  let raised = null;
  try {
    await call(tracedGemini(connect(golden.call, server.url)), golden.call);
  } catch (error) {
    raised = { name: error.name, class: error.constructor.name, message: error.message };
  }
  uninstrument();
  const name = basename(file, ".json");
  console.log(JSON.stringify({ name, port: server.port, requests: server.requests, spans: keeper.take(), raised }));
}
server.close();
