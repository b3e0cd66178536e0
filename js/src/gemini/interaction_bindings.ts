/** Interactions go through a client of their own: of Stainless in @google/genai 1.x, of Speakeasy since 2.x. */
import { type Call, type Request as Described, recordsNow } from "../call.ts";
import { guarded } from "../guard.ts";
import { obj, parsed, text, type Wire } from "../model.ts";
import { type Method, onGet, wrap } from "../patch.ts";
import { tap, tapReading, traced } from "../taps.ts";
import { created, fetched } from "./interactions.ts";
import { addressOf, modelName } from "./resources.ts";

const FETCH_RESPONSE = "fetch_response";

/** Where a request leads: an interaction is created, or one is fetched by its id. */
function describe(provider: string, method: string, url: URL, headers: Headers, body: Wire): Described | undefined {
  const [found, id] = /\/interactions(?:\/([^/:]+))?$/.exec(url.pathname) ?? [];
  const shared = { url: String(url), headers: () => headers };
  if (found && method === "POST" && !id) {
    const model = modelName(body.model) ?? text(body.agent);
    const key = { operation: "generate_content", provider, model, ...addressOf(url), stream: body.stream === true };
    return { ...shared, api: created, key, body: () => body };
  }
  if (!found || method !== "GET" || !id) return undefined;
  const asked = { id, starting_after: url.searchParams.get("last_event_id") };
  const stream = url.searchParams.get("stream")?.toLowerCase() === "true";
  return {
    ...shared,
    api: fetched,
    key: { operation: FETCH_RESPONSE, provider, ...addressOf(url), stream },
    body: () => asked,
  };
}

/** `_do(request, options)` of Speakeasy's client: one request with all its retries; gives `{ok, value | error}`. */
const speakeasy =
  (provider: () => string) =>
  (original: Method): Method =>
    async function (this: unknown, request: Request, ...rest: unknown[]) {
      const send = () => original.call(this, request, ...rest);
      if (!recordsNow()) return send();
      const body =
        request.method === "POST"
          ? obj(
              parsed(
                await request
                  .clone()
                  .text()
                  .catch(() => ""),
              ),
            )
          : {};
      const found = guarded("route of a request", undefined, () =>
        describe(provider(), request.method, new URL(request.url), request.headers, body),
      );
      if (!found) return send();
      return traced(
        () => found,
        send,
        (call, result: { ok: boolean; value: Response; error: unknown }) => {
          if (result.ok) settle(call, result.value, found.key.stream);
          else call.fail(result.error);
        },
      );
    };

type Options = { method: string; path: string; body?: unknown; query?: Record<string, unknown> };
type Stainless = { baseURL: string; buildURL?(path: string, query: unknown): string };

/** `makeRequest(options, retriesRemaining, retryOf)` of Stainless's client, which calls itself for a retry. */
const stainless =
  (provider: () => string) =>
  (original: Method): Method =>
    async function (this: Stainless, given: Options | Promise<Options>, ...rest: unknown[]) {
      const send = () => original.call(this, given, ...rest);
      if (!recordsNow() || rest[1] !== undefined) return send();
      const options = await given;
      const found = guarded("route of a request", undefined, () => {
        const url = new URL(this.buildURL?.(options.path, options.query) ?? this.baseURL + options.path);
        return describe(provider(), options.method.toUpperCase(), url, new Headers(), obj(options.body));
      });
      if (!found) return send();
      return traced(
        () => found,
        send,
        (call, result: { response: Response }) => settle(call, result.response, found.key.stream),
      );
    };

/** Read a whole response, or put a tap on the body of a stream. Error responses are raised above. */
function settle(call: Call, response: Response, streams: boolean): void {
  const { status } = response;
  if (status >= 400) {
    call.fail({ name: String(status), message: response.statusText, status });
    return;
  }
  const streamed = response.headers.get("content-type")?.includes("event-stream") ?? streams;
  if (streamed && response.body) {
    const events = eventsOf(call);
    const body = tapBody(call, response.body, events);
    Object.defineProperty(response, "body", { value: body, configurable: true });
  } else
    for (const method of ["json", "text"] as const)
      tapReading(call, response, method, (data) => call.see(parsed(data)), true);
}

/** The bytes as they pass, read when the SDK reads them. */
function tapBody(
  call: Call,
  body: ReadableStream<Uint8Array>,
  see: (bytes: Uint8Array) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const source = {
    next: () => reader.read(),
    return: async (reason?: unknown) => {
      await reader.cancel(reason);
      return { done: true, value: undefined } as const;
    },
  };
  tap(call, source, (bytes) => see(bytes as Uint8Array));
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await source.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: async (reason) => void (await source.return(reason)),
    },
    { highWaterMark: 0 },
  );
}

/** Server-sent events, parsed as their bytes arrive: https://html.spec.whatwg.org/multipage/server-sent-events.html */
function eventsOf(call: Call): (bytes: Uint8Array) => void {
  const decoder = new TextDecoder();
  let rest = "";
  return (bytes) => {
    const events = (rest + decoder.decode(bytes, { stream: true })).split(/\r\n\r\n|\n\n|\r\r/);
    rest = events.pop() ?? "";
    for (const event of events) {
      const data = event
        .split(/\r\n|\n|\r/)
        .filter((line) => line.startsWith("data:"))
        .map((line) => line.slice(5).trim())
        .join("\n");
      if (data.startsWith("[DONE]")) call.doneSeen = true;
      else if (data) call.chunk(parsed(data));
    }
  };
}

/** Trace the interactions of one client, which are made when `client.interactions` is first read. */
export function patchInteractions(client: object, provider: () => string): void {
  onGet(client, "interactions", (found) => {
    const interactions = found as { _client?: object; getClient?: Method };
    if (interactions._client) wrap(interactions._client, "makeRequest", stainless(provider));
    wrap(
      interactions,
      "getClient",
      (original) =>
        function (this: unknown, ...args: unknown[]) {
          const sdk = original.apply(this, args);
          guarded("patching an SDK", undefined, () => {
            for (const one of [sdk, sdk.interactions]) wrap(one, "_do", speakeasy(provider));
          });
          return sdk;
        },
    );
  });
}
