/** The names that programs written for MLflow's own JavaScript packages use. */
import { lastTraceId } from "../call.ts";
import { type Destination, setDestination } from "../config.ts";
import { isObject, obj, objs, parsed, type Wire } from "../model.ts";
import { flush } from "../telemetry.ts";
import { Server } from "./server.ts";

/**
 * Say where spans go, in place of `MLFLOW_TRACKING_URI`, `MLFLOW_EXPERIMENT_ID` and `MLFLOW_EXPERIMENT_NAME`.
 *
 * @param options.experimentName created where it is missing.
 */
export function init(options: Destination): void {
  setDestination(options);
}

/** Send what has ended by now. Never rejects. */
export async function flushTraces(): Promise<void> {
  await flush();
}

/** The id of the trace that a model call last ended in, as `MlflowClient.getTrace` takes it. */
export function getLastActiveTraceId(): string | undefined {
  return lastTraceId();
}

/** Tokens of a trace or a span as MLflow counts them. */
export type TokenUsage = { input_tokens?: number; output_tokens?: number; total_tokens: number };
export type TraceSpan = { name: string; attributes: Record<string, unknown> };
export type Trace = { info: { traceId: string; state: string; tokenUsage?: TokenUsage }; data: { spans: TraceSpan[] } };

/** Reads traces of an MLflow server. */
export class MlflowClient {
  readonly #server: Server;

  /** @param options.trackingUri by default where spans go. */
  constructor(options: { trackingUri?: string } = {}) {
    this.#server = new Server(options.trackingUri);
  }

  /** A trace with its spans; JSON of their attributes is read. Rejects where the server has no such trace. */
  async getTrace(traceId: string): Promise<Trace> {
    const id = encodeURIComponent(traceId);
    const [found, stored] = await Promise.all([
      this.#server.call(`/api/3.0/mlflow/traces/${id}`),
      this.#server.call(`/ajax-api/3.0/mlflow/get-trace-artifact?request_id=${id}`),
    ]);
    const info = obj(obj(found.trace).trace_info);
    if (info.trace_id === undefined) throw new Error(`There is no trace ${traceId} on ${this.#server.uri}`);
    const usage = parsed(obj(info.trace_metadata)["mlflow.trace.tokenUsage"]);
    const tokenUsage = isObject(usage) ? { tokenUsage: usage as TokenUsage } : {};
    return {
      info: { traceId, state: String(info.state), ...tokenUsage },
      data: { spans: objs(stored.spans).map(readSpan) },
    };
  }
}

function readSpan(span: Wire): TraceSpan {
  const attributes = Object.entries(obj(span.attributes)).map(([name, value]) => [name, parsed(value)]);
  return { name: String(span.name), attributes: Object.fromEntries(attributes) };
}
