/** Spans to an MLflow tracking server, over OTLP/HTTP and with OpenTelemetry's own exporter. */
import { type Attributes, SpanStatusCode } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-base";
import * as names from "../attributes.ts";
import { forget, warn } from "../guard.ts";
import { safeAttributes, safeText } from "./sanitize.ts";
import { ExportError, Server } from "./server.ts";

type Done = Parameters<SpanExporter["export"]>[1];
/** A server that refuses everything must not get a request for every span. */
const MAX_EXTRA_REQUESTS = 64;
/** The conventions' form of what each attribute of MLflow's holds. */
const OTLP_CONTENT: Record<string, string[]> = {
  [names.MLFLOW_SPAN_INPUTS]: [
    names.GEN_AI_SYSTEM_INSTRUCTIONS,
    names.GEN_AI_INPUT_MESSAGES,
    names.GEN_AI_TOOL_DEFINITIONS,
    names.GEN_AI_TOOL_CALL_ARGUMENTS,
  ],
  [names.MLFLOW_SPAN_OUTPUTS]: [names.GEN_AI_OUTPUT_MESSAGES, names.GEN_AI_TOOL_CALL_RESULT],
};

/** Finds server and experiment at the first export. What cannot be stored is said once for each cause. */
export class MlflowExporter implements SpanExporter {
  #target: { server: Server; otlp: SpanExporter } | undefined;
  #sending: Promise<unknown> = Promise.resolve();
  #told = new Set<string>();

  export(spans: ReadableSpan[], done: Done): void {
    this.#sending = this.#export(spans.map(toMlflow)).then(
      () => done({ code: 0 }),
      (error) => {
        const reason = error instanceof ExportError ? error.reason : "request";
        this.#told.add(reason);
        warn(reason, `${spans.length} span(s) are lost. ${error instanceof Error ? error.message : error}`);
        done({ code: 1, error: error as Error });
      },
    );
  }

  async #export(spans: ReadableSpan[]): Promise<void> {
    const { server, otlp } = await this.#connect();
    let extra = MAX_EXTRA_REQUESTS;
    let refused: unknown;
    const send = async (batch: ReadableSpan[]): Promise<void> => {
      try {
        await store(server, otlp, batch);
      } catch (error) {
        if (!(error instanceof ExportError)) throw error;
        if (error.reason === "experiment") this.#target = undefined; // search again next time
        if (!error.blamesSpans) throw error;
        refused = error;
        if (batch.length === 1 || extra <= 0) return;
        extra -= 2;
        const half = batch.length >> 1;
        await send(batch.slice(0, half));
        await send(batch.slice(half));
      }
    };
    await send(spans);
    if (refused) throw refused;
    for (const reason of this.#told) forget(reason);
    this.#told.clear();
  }

  async #connect(): Promise<{ server: Server; otlp: SpanExporter }> {
    if (this.#target) return this.#target;
    const server = new Server();
    const headers = { ...server.headers, "x-mlflow-experiment-id": await server.experiment() };
    this.#target = { server, otlp: new OTLPTraceExporter({ url: `${server.uri}/v1/traces`, headers }) };
    return this.#target;
  }

  async forceFlush(): Promise<void> {
    await this.#sending;
  }

  async shutdown(): Promise<void> {
    await this.#sending;
    await this.#target?.otlp.shutdown();
  }
}

function store(server: Server, otlp: SpanExporter, spans: ReadableSpan[]): Promise<void> {
  return new Promise((resolve, reject) => {
    otlp.export(spans, ({ code, error }) => {
      const { code: status, data } = (error ?? {}) as { code?: unknown; data?: string };
      if (code === 0) resolve();
      else if (error?.message.includes("retryable status"))
        reject(server.refusal(503, "")); // it does not say which
      else reject(typeof status === "number" ? server.refusal(status, data ?? "") : server.unreachable(error));
    });
  });
}

/** A copy of a span with other fields; what there is besides stays. */
const copy = (span: ReadableSpan, fields: Partial<ReadableSpan>): ReadableSpan =>
  Object.create(
    span,
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, { value, enumerable: true }])),
  );

const without = (attributes: Attributes, left: string[]): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => !left.includes(name)));

/** The span as MLflow reads it best: one form of content, a trace name, and no value that it would refuse. */
function toMlflow(span: ReadableSpan): ReadableSpan {
  const twice = Object.entries(OTLP_CONTENT).flatMap(([own, theirs]) => (own in span.attributes ? theirs : []));
  const attributes = safeAttributes(without(span.attributes, twice));
  if (!span.parentSpanContext)
    attributes[names.MLFLOW_TRACE_TAG_MLFLOW_TRACE_NAME] ??= safeText(span.name).slice(0, 4096);
  // MLflow's tool dashboard counts only OK as success; OpenTelemetry asks instrumentations to leave it unset.
  const tool =
    attributes[names.MLFLOW_SPAN_TYPE] === "TOOL" || attributes[names.GEN_AI_OPERATION_NAME] === "execute_tool";
  const { code, message } = span.status;
  const status = {
    code: tool && code === SpanStatusCode.UNSET ? SpanStatusCode.OK : code,
    ...(message === undefined ? {} : { message: safeText(message) }),
  };
  const events = span.events.map((event) => ({
    ...event,
    name: safeText(event.name),
    attributes: safeAttributes(event.attributes ?? {}),
  }));
  return copy(span, { name: safeText(span.name), attributes, status, events });
}

/** Another exporter beside MLflow's: passes spans on without the content that was rendered for MLflow alone. */
export function withoutMlflowContent(exporter: SpanExporter): SpanExporter {
  return {
    export(spans, done) {
      exporter.export(
        spans.map((span) => copy(span, { attributes: without(span.attributes, Object.keys(OTLP_CONTENT)) })),
        done,
      );
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}
