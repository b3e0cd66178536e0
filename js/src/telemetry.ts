/** Where spans go: the tracer of the program's provider, or of ours, which is made at the first call that needs it. */

import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Context,
  createContextKey,
  ProxyTracerProvider,
  type Tracer,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import { forgetSettings, namesDestination, sdkDisabled } from "./config.ts";
import { guarded, swallow, warn } from "./guard.ts";

const VERSION = "0.1.0";
const SCHEMA_URL = "https://opentelemetry.io/schemas/1.43.0";
const SUPPRESSED = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

/** What the program's provider may have beyond the API's. */
export type Flushable = { forceFlush?(): Promise<void> };

let given: TracerProvider | undefined;
let loading: Promise<void> | undefined;
let own: Flushable | undefined;
let listening = true;

/** Set while a span starts or ends: a span processor that calls a model must not trace that call for ever. */
const emitting = new AsyncLocalStorage<true>();
export const whileEmitting = <T>(run: () => T): T => emitting.run(true, run);

/** Trace from now on into this provider; without one into the global one, whoever sets it, else into ours. */
export function listen(provider: TracerProvider | undefined): void {
  given = provider ?? given;
  listening = true;
}

/** Trace no more: wrappers that somebody still holds become pass-through. */
export function stopListening(): void {
  listening = false;
  given = undefined;
  forgetSettings();
}

/** The provider that spans go to, if there is one. */
export function provider(): TracerProvider | undefined {
  if (given) return given;
  const global = trace.getTracerProvider();
  const found =
    global instanceof ProxyTracerProvider || "getDelegate" in global
      ? (global as ProxyTracerProvider).getDelegate()
      : global;
  return found === new ProxyTracerProvider().getDelegate() ? undefined : found;
}

/** Whether a call in this context is to be recorded, by a provider that is there or by ours, which is still to come. */
export function records(context: Context): boolean {
  if (!listening || emitting.getStore() || context.getValue(SUPPRESSED)) return false;
  return provider() !== undefined || (own === undefined && namesDestination() && !sdkDisabled());
}

/** Our provider on its way, where the program has none and a destination is configured; else nothing to wait for. */
export function ready(): Promise<void> | undefined {
  if (own || provider()) return undefined;
  loading ??= import("./provider.ts")
    .then((module) => {
      own = provider() ? {} : module.setUp();
    })
    .catch((error) => {
      own = {};
      warn("set-up", `No span is sent: the tracer provider cannot be set up. ${error}`);
    });
  return loading;
}

export const tracer = (): Tracer | undefined =>
  guarded("start of a span", undefined, () =>
    provider()?.getTracer("genspan.gemini", VERSION, { schemaUrl: SCHEMA_URL }),
  );

/** Send what has ended, as far as the provider can; settles in any case. */
export async function flush(): Promise<void> {
  try {
    await loading;
    await (provider() as Flushable | undefined)?.forceFlush?.();
  } catch (error) {
    swallow("flush", error);
  }
}
