// One setting in a process of its own: microseconds of CPU per call and per chunk, the least of several rounds. The
// network is a stub. `bare`: the SDK alone; `context`: in a program that uses an AsyncLocalStorage, as everything that keeps
// a context does, which in Node 22 makes every promise dearer; `traced`: with genspan; `content`: and content.
import { AsyncLocalStorage } from "node:async_hooks";

const [setting] = process.argv.slice(2);
const CALLS = 1500;
const CHUNKS = 400;
const ROUNDS = 7;

const usage = { promptTokenCount: 5, candidatesTokenCount: 2, totalTokenCount: 7 };
const chunk = (finishReason) => ({
  candidates: [{ content: { role: "model", parts: [{ text: "Rayleigh " }] }, index: 0, ...finishReason }],
  usageMetadata: usage,
  modelVersion: "gemini-2.5-flash",
  responseId: "r",
});
const whole = JSON.stringify(chunk({ finishReason: "STOP" }));
const events = Array.from({ length: CHUNKS }, (_, at) => chunk(at === CHUNKS - 1 ? { finishReason: "STOP" } : {}));
const frames = events.map((event) => new TextEncoder().encode(`data: ${JSON.stringify(event)}\r\n\r\n`));
globalThis.fetch = async (url) =>
  String(url).includes("alt=sse")
    ? new Response(ReadableStream.from(frames), { headers: { "content-type": "text/event-stream" } })
    : new Response(whole, { headers: { "content-type": "application/json" } });

const { GoogleGenAI } = await import("@google/genai");
let client = new GoogleGenAI({ apiKey: "bench-key" });
if (setting === "context") new AsyncLocalStorage().enterWith({});
else if (setting !== "bare") {
  if (setting === "content") process.env.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT = "true";
  const { BasicTracerProvider, BatchSpanProcessor } = await import("@opentelemetry/sdk-trace-base");
  const exporter = { export: (_, done) => done({ code: 0 }), shutdown: async () => {} };
  const { instrument, tracedGemini } = await import("genspan");
  instrument({ tracerProvider: new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] }) });
  client = tracedGemini(client);
}
const params = { model: "gemini-2.5-flash", contents: "Why is the sky blue?" };

async function call() {
  for (let n = 0; n < CALLS; n++) await client.models.generateContent(params);
}
async function stream() {
  for (let n = 0; n < 5; n++) for await (const _ of await client.models.generateContentStream(params));
}
async function least(work, count) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    rounds.push((user + system) / count);
  }
  return Math.min(...rounds);
}
console.log(JSON.stringify({ call: await least(call, CALLS), chunk: await least(stream, 5 * CHUNKS) }));
process.exit(0);
