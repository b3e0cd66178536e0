// Makes golden calls with MLflow as the destination and prints what the server has of each. Arguments: files.
import { readFileSync } from "node:fs";
import { tracedGemini, uninstrument } from "genspan";
import * as mlflow from "genspan/mlflow";
import { connect, method } from "./golden-sdk.mjs";
import { replayServer } from "./replay.mjs";

const own = { ...process.env };
const server = await replayServer();
for (const file of process.argv.slice(2)) {
  const golden = JSON.parse(readFileSync(file, "utf8"));
  process.env = { ...own, ...golden.settings };
  server.answer(golden.wire);
  await method(golden.call)(tracedGemini(connect(golden.call, server.url)), golden.call).catch(() => {});
  await mlflow.flushTraces();
  const trace = await new mlflow.MlflowClient().getTrace(mlflow.getLastActiveTraceId());
  console.log(JSON.stringify({ file, trace }));
  uninstrument();
}
server.close();
