/** What of @google/generative-ai, the older SDK, is wrapped: the methods of a model and of a chat.
 *
 * The function that sends is private to the module, so the request is made of the arguments and of what the model holds;
 * what the methods return is the JSON of the wire with functions added. */
import { type Call, inChat, type Request, recordsNow } from "../call.ts";
import { guarded } from "../guard.ts";
import { type Api, isObject, obj, seq, text, type Wire } from "../model.ts";
import { type Method, wrap } from "../patch.ts";
import { traced } from "../taps.ts";
import { embeddings } from "./embeddings.ts";
import { countTokens, generateContent } from "./generate.ts";
import { addressOf, modelName } from "./resources.ts";

type Content = { role: string; parts: unknown[] };
type Model = { model: string; apiKey?: string; _apiKey?: string; _requestOptions?: Wire } & Wire;

/** A text, or texts and parts, as contents. */
function asContents(request: unknown, role = "user"): Content[] {
  const parts = (Array.isArray(request) ? request : [request]).map((one) =>
    typeof one === "string" ? { text: one } : one,
  );
  const results = parts.some((part) => isObject(part) && "functionResponse" in part);
  return [{ role: results ? "function" : role, parts }];
}

const formatted = (request: unknown): Wire =>
  isObject(request) && "contents" in request ? request : { contents: asContents(request) };
const asSystem = (given: unknown) => (typeof given === "string" ? { parts: [{ text: given }] } : given);
const configured = (holder: Wire): Wire => {
  const { generationConfig, tools, toolConfig, systemInstruction } = holder;
  return { generationConfig, tools, toolConfig, systemInstruction: asSystem(systemInstruction) };
};

type Action = { task: string; api: Api; operation: string; body(owner: Model, request: unknown): Wire };
const GENERATE = { task: "generateContent", api: generateContent, operation: "generate_content" };
const STREAM = { ...GENERATE, task: "streamGenerateContent" };
const ofModel = (owner: Model, request: unknown) => ({ ...configured(owner), ...formatted(request) });
const ofChat = (owner: Model, request: unknown) => ({
  ...configured(obj(owner.params)),
  contents: [...seq(owner._history), ...asContents(request)],
});
const EMBED = { api: embeddings, operation: "embeddings" };

const MODEL: Record<string, Action> = {
  generateContent: { ...GENERATE, body: ofModel },
  generateContentStream: { ...STREAM, body: ofModel },
  embedContent: {
    ...EMBED,
    task: "embedContent",
    body: (_, request) => (isObject(request) && "content" in request ? request : { content: asContents(request)[0] }),
  },
  batchEmbedContents: { ...EMBED, task: "batchEmbedContents", body: (_, request) => obj(request) },
  countTokens: { task: "countTokens", api: countTokens, operation: "count_tokens", body: ofModel },
};
const CHAT: Record<string, Action> = {
  sendMessage: { ...GENERATE, body: ofChat },
  sendMessageStream: { ...STREAM, body: ofChat },
};

function describe(owner: Model, action: Action, request: unknown, options: unknown): Request {
  const { baseUrl, apiVersion, customHeaders } = { ...obj(owner._requestOptions), ...obj(options) } as Record<
    string,
    unknown
  >;
  const base = `${text(baseUrl) ?? "https://generativelanguage.googleapis.com"}/${text(apiVersion) ?? "v1beta"}`;
  const url = `${base}/${owner.model}:${action.task}`;
  const stream = action.task.startsWith("stream");
  // The body is read when the call has ended; what it is made of may have changed by then, a chat's history above all.
  const body = action.body(owner, request);
  return {
    api: action.api,
    key: {
      operation: action.operation,
      provider: "gcp.gemini",
      model: modelName(owner.model),
      ...addressOf(new URL(url)),
      stream,
    },
    url,
    headers: () => [
      ["x-goog-api-key", owner.apiKey ?? owner._apiKey ?? ""],
      ...new Headers((customHeaders ?? {}) as Record<string, string>),
    ],
    body: () => body,
  };
}

const method =
  (action: Action) =>
  (original: Method): Method =>
    function (this: Model, request: unknown, options?: unknown, ...rest: unknown[]) {
      const given = options === undefined ? [request] : [request, options, ...rest];
      if (!recordsNow()) return original.apply(this, given);
      const streams = action.task.startsWith("stream");
      const call = () =>
        traced(
          () => describe(this, action, request, options),
          () => original.apply(this, given),
          (call, result: Streamed & Wire) => {
            if (streams) settleStream(call, result);
            else {
              call.see(action.operation === "generate_content" ? result.response : result);
              call.end();
            }
          },
        );
      return Object.hasOwn(this, "_history") ? inChat(this, call) : call();
    };

type Chunk = Promise<IteratorResult<unknown>>;
type Streamed = { stream: AsyncGenerator<unknown>; response: Promise<unknown> };

/** The SDK reads the whole body whatever the program does. So does the call, ahead of the program, which is given the
 * same chunks: the response that the SDK adds up mixes candidates, loses thoughts, the id and the model. */
function settleStream(call: Call, result: Streamed): void {
  const { stream } = result;
  const read = stream.next.bind(stream) as () => Chunk;
  const ahead: Chunk[] = [];
  let [open, left] = [true, false];
  let latest: Chunk;
  const pump = async () => {
    try {
      for (let done: boolean | undefined; !done; ) {
        latest = read();
        if (!left) ahead.push(latest);
        const chunk = await latest;
        done = chunk.done;
        if (!done) call.chunk(chunk.value);
      }
      call.end();
    } catch (error) {
      call.fail(error); // the program is given it, too, where it reads so far
    } finally {
      open = false;
    }
  };
  const next = (): Chunk => {
    if (left) return Promise.resolve({ done: true, value: undefined });
    return ahead.shift() ?? (open ? latest.then(next, next) : read());
  };
  const leave = () => {
    left = true;
    ahead.length = 0;
  };
  const methods: Record<string, (value: unknown) => Chunk> = {
    next,
    return(value) {
      leave();
      return Promise.resolve({ done: true, value });
    },
    throw(error) {
      leave();
      return Promise.reject(error);
    },
  };
  for (const [name, value] of Object.entries(methods))
    Object.defineProperty(stream, name, { value, writable: true, configurable: true });
  const pumped = pump();
  // Derived, so that where nobody handles a failure it ends the process as it would.
  result.response = result.response.finally(() => pumped);
}

const patchAll = (target: object, table: Record<string, Action>) => {
  for (const [name, action] of Object.entries(table)) wrap(target, name, method(action));
};

/** Patch what a method returns. */
const maker =
  (patch: (made: object) => void) =>
  (original: Method): Method =>
    function (this: unknown, ...args: unknown[]) {
      const made = original.apply(this, args);
      guarded("patching an SDK", undefined, () => patch(made));
      return made;
    };

/** Trace one model and the chats that it starts. */
export function patchModel(model: object): void {
  patchAll(model, MODEL);
  wrap(
    model,
    "startChat",
    maker((chat) => patchAll(chat, CHAT)),
  );
}

/** Trace the models of one client. */
export function patchLegacyClient(client: object): void {
  for (const name of ["getGenerativeModel", "getGenerativeModelFromCachedContent"])
    wrap(client, name, maker(patchModel));
}

/** Trace every model and chat, those that exist already included. `exports` are those of the SDK's module. */
export function patchLegacyModule(exports: {
  GenerativeModel?: { prototype: object };
  ChatSession?: { prototype: object };
}): void {
  if (exports.GenerativeModel) patchAll(exports.GenerativeModel.prototype, MODEL);
  if (exports.ChatSession) patchAll(exports.ChatSession.prototype, CHAT);
}
