/** What a model call is: the shapes of the Python package's `genspan_semconv.model`, and total readers of JSON. */
import type { Attributes } from "@opentelemetry/api";

/** A JSON object of a provider's, of which nothing is known. */
export type Wire = Record<string, unknown>;
/** A part of a message in the conventions' JSON shape. */
export type Part = Wire & { type: string };
export type Message = { role: string; parts: Part[]; finish_reason?: string; finish_message?: string };
export type ToolDefinition = { type: string; name: string; description?: string; parameters?: unknown };
export type Prompt = { system: Part[]; messages: Message[]; tools: ToolDefinition[] };
/** Parameters of a request by the conventions' short names, or by the attribute where only one provider has them. */
export type Params = Record<string, string | number | string[]>;

/** What is known of a call before it is made. */
export type Key = {
  operation: string;
  provider: string;
  model?: string | undefined;
  address?: string | undefined;
  port?: number | undefined;
  stream: boolean;
};

/** Tokens of one call as billed: `input` includes cached tokens, `output` includes reasoning. Absent: not reported. */
export type Usage = {
  input?: number | undefined;
  output?: number | undefined;
  total?: number | undefined;
  cacheRead?: number | undefined;
  reasoning?: number | undefined;
  searches?: number | undefined;
  /** By `text.input`, `image.output`, `audio.cache_read`, ... */
  modalities?: Record<string, number>;
};

/** What a response says of itself. `complete` is false where a finish reason was due and did not come. */
export type Response = {
  id?: string | undefined;
  model?: string | undefined;
  requestedModel?: string | undefined;
  finishReasons?: string[];
  usage?: Usage | undefined;
  complete?: boolean;
  error?: string | undefined;
  /** The HTTP status that belongs to an error inside a stream, whose own is 200. */
  errorStatus?: number | undefined;
  status?: string | undefined;
  /** What the call turned out to be, where only the response says so. */
  operation?: string;
  attributes?: Attributes;
  /** What is worth showing of a response that holds no messages: `{embeddings: 2, dimension: 768}`. */
  summary?: Wire | undefined;
};

/** Rebuilds the provider's own response JSON from the chunks of one stream, in O(1) a chunk. */
export interface Fold {
  /** Everything but the content: usage, ids, finish reasons, errors. */
  metadata(chunk: Wire): void;
  /** The content, of the same chunk. Not called where nobody will see it. */
  content(chunk: Wire): void;
  data(): Wire;
}

/** One API of a provider: pure functions, total over arbitrary JSON. */
export interface Api {
  fold(): Fold;
  params(body: Wire): Params;
  response(data: Wire): Response;
  prompt(body: Wire): Prompt;
  answer(data: Wire): Message[];
  /** The id of the first response of a chain that goes on from response to response. */
  session?(body: Wire, response: Response): string | undefined;
}

export const isObject = (value: unknown): value is Wire =>
  typeof value === "object" && value !== null && !Array.isArray(value);
export const obj = (value: unknown): Wire => (isObject(value) ? value : {});
export const seq = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
export const objs = (value: unknown): Wire[] => seq(value).map(obj);
/** The JSON array, or the lone object as an array of one. */
export const several = (value: unknown): unknown[] => (isObject(value) ? [value] : seq(value));
/** The string, if it is one and not empty. */
export const text = (value: unknown): string | undefined => (typeof value === "string" && value ? value : undefined);
export const real = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined;
export const integer = (value: unknown): number | undefined =>
  Number.isInteger(value) && Math.abs(value as number) < 2 ** 63 ? (value as number) : undefined;
/** The number of something: an integer that is not negative. */
export const count = (value: unknown): number | undefined => {
  const number = integer(value);
  return number !== undefined && number >= 0 ? number : undefined;
};
/** The strings of an array; a lone string counts as an array of one. */
export const texts = (value: unknown): string[] =>
  typeof value === "string" ? [value] : seq(value).filter((item) => typeof item === "string");
/** The sum of the counts that are known; unknown if none is. */
export const add = (...counts: (number | undefined)[]): number | undefined => {
  const known = counts.filter((figure) => figure !== undefined);
  return known.length ? known.reduce((total, figure) => total + figure, 0) : undefined;
};
/** Cumulative usage of a stream: the later count of each field; what a chunk leaves out stays. */
export const merged = (earlier: unknown, later: unknown): Wire => ({
  ...obj(earlier),
  ...Object.fromEntries(Object.entries(obj(later)).filter(([, value]) => value != null)),
});

/** The fold of an API whose answers come in one piece. */
export class Last implements Fold {
  #data: Wire = {};
  metadata(chunk: Wire): void {
    this.#data = chunk;
  }
  content(): void {}
  data(): Wire {
    return this.#data;
  }
}

// Parts of messages, as all readers make them.

/** The conventions' own kinds, which say what else is in a part. */
export const OWN: ReadonlySet<string> = new Set(
  "text reasoning blob uri file compaction tool_call tool_call_response server_tool_call server_tool_call_response".split(
    " ",
  ),
);
export const textPart = (content: unknown, type = "text"): Part => ({ type, content: text(content) ?? "" });
export const withId = (part: Part, id: unknown): Part => (text(id) ? { ...part, id } : part);
export const toolCall = (name: unknown, args: unknown, id?: unknown): Part =>
  withId({ type: "tool_call", name: text(name) ?? "", arguments: parsed(args) }, id);
export const serverToolCall = (name: unknown, call: Wire): Part =>
  withId({ type: "server_tool_call", name: text(name) ?? "", server_tool_call: call }, call.id);
export const toolDefinition = (
  type: string,
  name: string,
  description: unknown,
  parameters: unknown,
): ToolDefinition => ({
  type,
  name,
  ...(text(description) ? { description: description as string } : {}),
  ...(parameters ? { parameters } : {}),
});
/** An image, a video, a sound or a document: `data` in base64 (also in the alphabet of URLs), or where it is. */
export function media(mime?: string, data?: string, uri?: string, kind?: string): Part {
  const family = (mime ?? "").split("/")[0] ?? "";
  const modality = kind ?? (["image", "audio", "video"].includes(family) ? family : "document");
  const described = { modality, ...(mime ? { mime_type: mime } : {}) };
  if (!data) return { type: "uri", ...described, uri: uri ?? "" };
  return { type: "blob", ...described, content: data.replaceAll("-", "+").replaceAll("_", "/") };
}
/** The JSON value of a text, or the text (of a call that broke off, say). */
export function parsed(value: unknown): unknown {
  try {
    return typeof value === "string" ? JSON.parse(value) : value;
  } catch {
    return value;
  }
}
