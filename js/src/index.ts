/** OpenTelemetry tracing for Google's GenAI SDKs: `tracedGemini`, `instrument`, `uninstrument`, `lastTraceId`. */
import type { TracerProvider } from "@opentelemetry/api";
import { patchClient } from "./gemini/bindings.ts";
import { patchLegacyClient, patchModel } from "./gemini/legacy.ts";
import { guarded } from "./guard.ts";
import { patchExports, patchWhenLoaded, stopPatching } from "./hooks.ts";
import { unwrapAll } from "./patch.ts";
import { listen, stopListening } from "./telemetry.ts";

export { lastTraceId } from "./call.ts";

/**
 * Trace one client and return it: the same object, of the same class.
 *
 * @param client a `GoogleGenAI` of @google/genai, or a `GoogleGenerativeAI` or one of its models of @google/generative-ai.
 */
export function tracedGemini<T extends object>(client: T): T {
  listen(undefined);
  guarded("patching an SDK", undefined, () => {
    if ("models" in client) patchClient(client, client.models as { apiClient: object });
    else if ("getGenerativeModel" in client) patchLegacyClient(client);
    else if ("startChat" in client) patchModel(client);
    else throw new TypeError("tracedGemini takes a GoogleGenAI, a GoogleGenerativeAI or a GenerativeModel");
  });
  return client;
}

/**
 * Trace every client of SDKs that are loaded from now on, and of `modules` that are loaded already.
 *
 * @param options.tracerProvider where spans go; without it the global provider, whenever that is set.
 * @param options.modules modules of the SDKs as the program imports them: `import * as genai from "@google/genai"`.
 */
export function instrument(options: { tracerProvider?: TracerProvider; modules?: object[] } = {}): void {
  listen(options.tracerProvider);
  for (const exports of options.modules ?? []) patchExports(exports);
  patchWhenLoaded();
}

/** Trace no more: every object of an SDK is as it was, those that exist already included. */
export function uninstrument(): void {
  stopListening();
  stopPatching();
  unwrapAll();
}
