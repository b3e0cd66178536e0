/** What of @google/genai is wrapped, and which request means which operation.
 *
 * One call of `ApiClient.unaryApiCall` or `.streamApiCall` is one HTTP request with all its retries, the same in 1.x, 2.x
 * and 3.x. Its arguments hold the final URL, headers and JSON body. */
import { type Call, currentTurn, inChat, type Request, recordsNow } from "../call.ts";
import { guarded } from "../guard.ts";
import { type Api, type Key, obj, parsed } from "../model.ts";
import { type Method, onAssign, wrap } from "../patch.ts";
import { tap, tapReading, traced } from "../taps.ts";
import { ready } from "../telemetry.ts";
import { Turn } from "../turn.ts";
import { embeddings } from "./embeddings.ts";
import { countTokens, generateContent } from "./generate.ts";
import { patchInteractions } from "./interaction_bindings.ts";
import { addressOf, modelName } from "./resources.ts";
import { canRun, withTracedTools } from "./tools.ts";

// The last part of the path, after the colon: the API that reads it and the operation's name.
const ROUTES: Record<string, [Api, string]> = {
  generateContent: [generateContent, "generate_content"],
  streamGenerateContent: [generateContent, "generate_content"],
  embedContent: [embeddings, "embeddings"],
  batchEmbedContents: [embeddings, "embeddings"],
  countTokens: [countTokens, "count_tokens"],
};

const providerOf = (client: unknown): string =>
  guarded("provider of a client", false, () => (client as { isVertexAI(): boolean }).isVertexAI())
    ? "gcp.vertex_ai"
    : "gcp.gemini";

/** Where a request leads; nothing for what is not a model call. */
export function route(method: string, url: URL, provider: string): { api: Api; key: Key } | undefined {
  const [, path = "", action = ""] = /^(.*):(\w+)$/.exec(url.pathname) ?? [];
  const model = /\/models\/(.*)$/.exec(path)?.[1] ?? path.split("/").slice(-2).join("/");
  const predicts = action === "predict" && model.includes("embedding");
  const found = Object.hasOwn(ROUTES, action) ? ROUTES[action] : predicts ? ROUTES.embedContent : undefined;
  if (!found || method.toUpperCase() !== "POST") return undefined;
  const [api, operation] = found;
  return { api, key: { operation, provider, model, ...addressOf(url), stream: action.startsWith("stream") } };
}

type Init = { headers?: Headers; body?: unknown };

/** `unaryApiCall(url, requestInit, httpMethod, retryOptions, timeout, abortSignal, fetchFn)`, the last four since 2.x. */
const request =
  (settle: (call: Call, result: object) => void) =>
  (original: Method): Method =>
    function (this: unknown, url: URL, init: Init, method: string, ...rest: unknown[]) {
      const plain = () => original.call(this, url, init, method, ...rest);
      const found = recordsNow()
        ? guarded("route of a request", undefined, () => route(method, url, providerOf(this)))
        : undefined;
      if (!found) return plain();
      const describe = (): Request => ({
        ...found,
        url: String(url),
        headers: () => init.headers ?? [],
        body: () => obj(parsed(init.body)),
      });
      const send = (call?: Call) => {
        if (!call || rest.length < 4) return plain();
        const given = (rest[3] ?? fetch) as typeof fetch;
        const counted: typeof fetch = (...sent) => {
          call.attempts++;
          return given(...sent);
        };
        return original.call(this, url, init, method, ...rest.slice(0, 3), counted);
      };
      return traced(describe, send, settle);
    };

const unary = request((call, response) =>
  tapReading(call, response as { json(): Promise<unknown> }, "json", (data) => call.see(data), true),
);

const stream = request((call, responses) => {
  const each = (response: unknown) =>
    tapReading(call, response as { json(): Promise<unknown> }, "json", (data) => call.chunk(data), false);
  tap(call, responses, each, (error) => {
    // An event that reports an error is raised since 2.x, before anybody else has seen it.
    const [, event] = /^got status: [^.]*\. (\{.*\})$/s.exec(String((error as Error).message)) ?? [];
    if (event) call.chunk(parsed(event));
  });
});

/** A method of the user's: it fails before there is a request, makes several, and may run functions in between. */
const turn =
  (action: string, apiClient: object) =>
  (original: Method): Method =>
    function (this: unknown, params: unknown, ...rest: unknown[]) {
      const plain = () => original.call(this, params, ...rest);
      if (!recordsNow() || currentTurn()) return plain();
      const runs = /generateContent$/i.test(action) && guarded("tools of a call", false, () => canRun(params));
      const begun = guarded("start of a turn", undefined, () => new Turn(intended(action, apiClient, params), runs));
      if (!begun) return plain();
      const given = runs ? withTracedTools(params, begun) : params;
      return finish(begun, () => begun.run(() => original.call(this, given, ...rest)), action.startsWith("stream"));
    };

async function finish(turn: Turn, run: () => Promise<unknown>, streams: boolean): Promise<unknown> {
  try {
    const result = await run();
    if (streams) guarded("a stream", undefined, () => tap(turn, result as object, () => {}));
    else turn.end();
    return result;
  } catch (error) {
    await ready();
    turn.fail(error);
    throw error;
  }
}

/** The request that stands for a call of the user's if none is sent. */
function intended(action: string, apiClient: object, params: unknown): Request {
  const [api, operation] = ROUTES[action] as [Api, string];
  const model = modelName(obj(params).model);
  const key = { operation, provider: providerOf(apiClient), model, stream: action.startsWith("stream") };
  return { api, key, url: "", headers: () => [], body: () => ({}) };
}

const TURNS: Record<string, string> = {
  generateContent: "generateContent",
  generateContentStream: "streamGenerateContent",
  embedContent: "embedContent",
  countTokens: "countTokens",
};

/** The turns of a chat are one session. */
function patchChats(chats: object): void {
  const turnOf = (original: Method): Method =>
    function (this: object, ...args: unknown[]) {
      return recordsNow() ? inChat(this, () => original.apply(this, args)) : original.apply(this, args);
    };
  wrap(
    chats,
    "create",
    (original) =>
      function (this: unknown, ...args: unknown[]) {
        const chat = original.apply(this, args);
        guarded("patching an SDK", undefined, () => {
          for (const name of ["sendMessage", "sendMessageStream"]) wrap(chat, name, turnOf);
        });
        return chat;
      },
  );
}

/** Trace one client. */
export function patchClient(client: object, models: { apiClient: object }): void {
  const { apiClient } = models;
  wrap(apiClient, "unaryApiCall", unary);
  wrap(apiClient, "streamApiCall", stream);
  for (const [name, action] of Object.entries(TURNS)) wrap(models, name, turn(action, apiClient));
  if ("chats" in client && client.chats) patchChats(client.chats);
  patchInteractions(client, () => providerOf(apiClient));
}

/** Trace every client that is made from now on. `exports` are those of the SDK's module. */
export function patchModule(exports: { GoogleGenAI?: { prototype: object } }): void {
  const prototype = exports.GoogleGenAI?.prototype;
  // The constructor makes `models`, whose methods are assigned in a constructor of its own, with `apiClient` in them.
  if (!prototype) return;
  onAssign(prototype, "models", (client, models) => patchClient(client, models as { apiClient: object }));
  onAssign(prototype, "chats", (_, chats) => patchChats(chats));
}
