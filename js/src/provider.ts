/** A tracer provider for a program that has none. Built as one file with OpenTelemetry's SDK in it, loaded when needed. */
import { AsyncLocalStorage } from "node:async_hooks";
import { type Context, type ContextManager, context, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, detectResources, envDetector } from "@opentelemetry/resources";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  type SpanExporter,
} from "@opentelemetry/sdk-trace-base";
import { exporters, hidesMlflowContent } from "./config.ts";
import { swallow, warn } from "./guard.ts";
import { MlflowExporter, withoutMlflowContent } from "./mlflow/exporter.ts";

const EXPORTERS: Record<string, () => SpanExporter> = {
  otlp: () => new OTLPTraceExporter(),
  mlflow: () => new MlflowExporter(),
  console: () => new ConsoleSpanExporter(),
};

/** Contexts that follow the program's asynchronous calls. (OpenTelemetry's package of it cannot be part of an ES module.) */
class AsyncContextManager implements ContextManager {
  #storage = new AsyncLocalStorage<Context>();
  active = (): Context => this.#storage.getStore() ?? ROOT_CONTEXT;
  with: ContextManager["with"] = (given, run, self, ...args) =>
    this.#storage.run(given, () => Reflect.apply(run, self, args));
  bind: ContextManager["bind"] = (given, target) =>
    typeof target === "function"
      ? (((...args: unknown[]) => this.with(given, () => target(...args))) as typeof target)
      : target;
  enable = (): this => this;
  disable(): this {
    this.#storage.disable();
    return this;
  }
}

/** Register a provider with the exporters that are asked for. What is pending is sent when the process ends by itself. */
export function setUp(): BasicTracerProvider {
  const hides = hidesMlflowContent();
  const spanProcessors = exporters().flatMap((name) => {
    const make = Object.hasOwn(EXPORTERS, name) ? EXPORTERS[name] : undefined;
    if (make) return [new BatchSpanProcessor(name !== "mlflow" && hides ? withoutMlflowContent(make()) : make())];
    if (name !== "none")
      warn(`exporter ${name}`, `OTEL_TRACES_EXPORTER names ${JSON.stringify(name)}, which genspan does not have.`);
    return [];
  });
  const resource = defaultResource().merge(detectResources({ detectors: [envDetector] }));
  const provider = new BasicTracerProvider({ resource, spanProcessors });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncContextManager());
  process.on("beforeExit", () => provider.forceFlush().catch((error: unknown) => swallow("flush", error)));
  return provider;
}
