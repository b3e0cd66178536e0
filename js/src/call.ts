/** The one place that opens and ends spans: `Scope`, of which a model call is one; each ends once. */

import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TimeInput,
  trace,
} from "@opentelemetry/api";
import * as names from "./attributes.ts";
import { settings } from "./config.ts";
import { guarded } from "./guard.ts";
import { clean, dumps, shortened, withoutLargeData } from "./json.ts";
import { type Api, type Fold, type Key, obj, type Params, type Prompt, type Response, type Wire } from "./model.ts";
import * as render from "./render.ts";
import { findSecrets, NO_SECRETS, type Secrets } from "./secrets.ts";
import { records, tracer, whileEmitting } from "./telemetry.ts";

/** A request as an SDK is about to send it. Nothing of it is read before the response. */
export type Request = {
  api: Api;
  key: Key;
  url: string;
  headers(): Iterable<[string, string]>;
  body(): Wire;
};

/** How a response ended that was not received whole. */
export type Ending = "closed" | "dropped" | "failed" | "cancelled";
type Failure = { type: string; exception: string; message?: string | undefined; status?: number | undefined };

const httpError = (status: unknown) =>
  typeof status === "number" && status >= 400 && status < 600 ? status : undefined;

/** Chunks of one stream whose content is kept; the usage of all chunks is. */
const MAX_CHUNKS = 50_000;

/** A turn that several calls are part of (`turn.ts`). */
export interface Owner {
  readonly ended: boolean;
  /** Credentials seen on the requests of its calls. */
  secrets: Secrets;
  begin(call: Call, model: string | undefined): void;
  /** The context of a call in the turn: the span of the turn's, where it has one that is not in `active` already. */
  around(active: Context): Context | undefined;
  /** Take the content of a call: what was answered, what was asked, and the prompt that this is made of. */
  keep(outputs: Attributes, inputs: Attributes, prompt: Prompt): void;
}

// Beside OpenTelemetry's context, which is the root everywhere where the program has no context manager.
const running = new AsyncLocalStorage<{ turn: Owner | undefined; context: Context; session: string | undefined }>();
let lastTrace: string | undefined;

/** The id of the trace that a model call last ended in, as MLflow has it: `tr-<32 hex digits>`. */
export const lastTraceId = (): string | undefined => lastTrace;

function currentContext(): Context {
  const active = context.active();
  return trace.getSpan(active) ? active : (running.getStore()?.context ?? active);
}

/** Whether a call made now is to be recorded. */
export const recordsNow = (): boolean => guarded("start of a call", false, () => records(currentContext()));
export const currentTurn = (): Owner | undefined => {
  const turn = running.getStore()?.turn;
  return turn?.ended ? undefined : turn;
};

// Chats that a program keeps as objects of an SDK: their turns are one session, for which the provider has no id.
const chats = new WeakMap<object, string>();

/** Make a turn of a chat. */
export function inChat<T>(chat: object, run: () => T): T {
  const session = chats.get(chat) ?? crypto.randomUUID();
  chats.set(chat, session);
  return running.run({ turn: currentTurn(), context: currentContext(), session }, run);
}

// What is still open when the process has nothing left to do, and what nobody can finish any more since it is garbage.
const open = new Set<Scope>();
export const abandoned: FinalizationRegistry<Scope> = new FinalizationRegistry<Scope>((scope) => scope.end("dropped"));
const endAll = () => {
  for (const scope of open) scope.end("dropped");
};

export abstract class Scope {
  ended = false;
  protected readonly outside: Context = currentContext();
  protected context: Context = this.outside;
  protected span: Span | undefined;
  protected turn: Owner | undefined = currentTurn();
  protected readonly session: string | undefined = running.getStore()?.session;
  protected secrets: Secrets = NO_SECRETS;

  constructor() {
    if (!open.size && !process.listeners("beforeExit").includes(endAll)) process.prependListener("beforeExit", endAll);
    open.add(this);
  }

  /** Run code of the SDK's with the span current. */
  run<T>(code: () => T): T {
    const { turn, session } = this;
    return running.run({ turn, session, context: this.context }, () => context.with(this.context, code));
  }

  /** End with what it failed with. */
  fail(error: unknown): void {
    this.end((error as { name?: unknown } | null | undefined)?.name === "AbortError" ? "cancelled" : "failed", {
      error,
    });
  }

  /** End the span, once: how a response ended if not by itself, and the error if there was one. */
  end(ending?: Ending, failed?: { error: unknown }): void {
    if (this.ended) return;
    this.ended = true;
    open.delete(this);
    guarded("end of a span", undefined, () => this.finish(ending, failed));
    this.span = this.turn = undefined;
    this.context = this.outside;
    this.secrets = NO_SECRETS;
  }

  protected abstract finish(ending: Ending | undefined, failed: { error: unknown } | undefined): void;

  protected start(name: string, attributes: Attributes, kind: SpanKind, startTime?: TimeInput): void {
    const around = trace.getSpanContext(this.context);
    const root = !around || !isSpanContextValid(around);
    const session = this.session ? { [names.SESSION_ID]: this.session } : {};
    const all = { ...session, ...(root ? { [names.MLFLOW_TRACE_TAG_MLFLOW_TRACE_NAME]: name } : {}), ...attributes };
    const options = { kind, attributes: all, ...(startTime === undefined ? {} : { startTime }) };
    this.span = guarded("start of a span", undefined, () =>
      whileEmitting(() => tracer()?.startSpan(name, options, this.context)),
    );
    if (this.span) this.context = trace.setSpan(this.context, this.span);
  }

  protected get recording(): boolean {
    return this.span?.isRecording() ?? false;
  }

  protected endSpan(attributes: Attributes, failed: Failure | undefined): void {
    const span = this.span;
    if (!span) return;
    whileEmitting(() => {
      try {
        span.setAttributes(attributes);
        if (failed) {
          const message = failed.message === undefined ? {} : { message: failed.message };
          span.addEvent("exception", {
            [names.EXCEPTION_TYPE]: failed.exception,
            [names.EXCEPTION_MESSAGE]: failed.message,
          });
          span.setStatus({ code: SpanStatusCode.ERROR, ...message });
        }
        lastTrace = `tr-${span.spanContext().traceId}`;
      } finally {
        span.end();
      }
    });
  }

  /** Content as JSON text (a string as it is), scrubbed, within the length of the span's strings; what is empty is left out. */
  protected write(forms: Wire): Attributes {
    const into: Attributes = {};
    const limit =
      (this.span as { _spanLimits?: { attributeValueLengthLimit?: number } } | undefined)?._spanLimits
        ?.attributeValueLengthLimit || Infinity;
    for (const [name, value] of Object.entries(forms)) {
      if (!value || (typeof value === "object" && !Object.keys(value).length)) continue;
      const written = this.secrets.scrub(typeof value === "string" ? clean(value) : dumps(value));
      const fits = written.length <= limit;
      if (!fits) into[names.GENSPAN_CONTENT_TRUNCATED] = true;
      const text = fits
        ? written
        : typeof value === "string"
          ? written.slice(0, limit)
          : shortened(JSON.parse(written), limit);
      if (text !== undefined) into[name] = text;
    }
    return into;
  }

  protected describe(error: unknown): Failure {
    const { name, message, status, constructor: kind } = (error ?? {}) as Error & { status?: unknown };
    const type =
      name && name !== "Error" ? String(name) : String((kind as { name?: string } | undefined)?.name || "_OTHER");
    return {
      type,
      exception: type,
      message: settings().content ? this.secrets.scrub(clean(String(message ?? error))) : undefined,
      status: httpError(status),
    };
  }
}

/** One model call: a CLIENT span. */
export class Call extends Scope {
  #request: Request | undefined;
  #data: Wire = {};
  #fold: Fold | undefined;
  #chunks = 0;
  #firstChunk: number | undefined;
  #started = performance.now();
  attempts = 0;
  /** Whether the provider said that the stream is over; a finish reason may be missing all the same. */
  doneSeen = false;

  constructor(request: Request) {
    super();
    this.#request = request;
    this.turn?.begin(this, request.key.model);
    this.context = this.turn?.around(this.context) ?? this.context;
    this.start(render.spanName(request.key), render.start(request.key), SpanKind.CLIENT);
  }

  /** Take the response JSON of a call that does not stream. */
  see(data: unknown): void {
    if (this.recording) this.#data = obj(data);
  }

  /** Take one chunk of a stream, parsed. */
  chunk(data: unknown): void {
    if (!this.recording || !this.#request) return;
    guarded("usage of a response", undefined, () => {
      this.#firstChunk ??= (performance.now() - this.#started) / 1000;
      this.#fold ??= this.#request?.api.fold();
      this.#fold?.metadata(obj(data));
      if (settings().content && this.#chunks++ < MAX_CHUNKS) this.#fold?.content(obj(data));
    });
  }

  protected override finish(ending: Ending | undefined, failed: { error: unknown } | undefined): void {
    const request = this.#request;
    this.#request = undefined;
    try {
      if (!request || !this.recording) this.endSpan({}, undefined);
      else this.#describe(request, ending, failed);
    } finally {
      this.#data = {};
      this.#fold = undefined;
    }
  }

  #describe(request: Request, ending: Ending | undefined, failed: { error: unknown } | undefined): void {
    const { api } = request;
    let { key } = request;
    if (this.#fold) this.#data = { ...this.#fold.data(), ...this.#data };
    const body = guarded("body of a request", {}, () => request.body());
    const capturing = guarded("credentials of a request", false, () => {
      this.secrets = findSecrets(request.headers(), request.url, body);
      return settings().content;
    });
    if (this.turn) this.turn.secrets = this.secrets;
    const response = guarded("usage of a response", { complete: true } as Response, () => api.response(this.#data));
    if (response.operation) {
      // only the response says which call this is
      key = { ...key, operation: response.operation, model: key.model ?? response.requestedModel ?? response.model };
      this.span?.updateName(render.spanName(key)).setAttributes(render.start(key));
    }
    const broken = response.error !== undefined || (response.complete === false && !this.doneSeen);
    const stopped = this.doneSeen && (ending === "closed" || ending === "dropped"); // nothing was left to read
    const partial = (stopped ? undefined : ending) ?? (broken && key.stream ? "failed" : undefined);
    const failure = this.#failure(response, failed);
    const params: Params = guarded("parameters of a request", {}, () => api.params(body));
    const chain = this.session || key.operation !== "generate_content" ? undefined : api.session?.(body, response);
    if (chain) params[names.SESSION_ID] = chain;
    if (failure && partial && key.stream && !response.finishReasons?.length) response.finishReasons = ["error"];
    const told = partial && (key.stream || !failure);
    const attributes: Attributes = {
      [names.ERROR_TYPE]: failure?.type,
      ...(response.usage ? render.usage(key.operation, response.usage) : {}),
      ...(told ? { [names.GENSPAN_RESPONSE_PARTIAL]: true, [names.GENSPAN_RESPONSE_END]: partial } : {}),
      ...render.facts(key, response, params),
      [names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK]: this.#firstChunk,
      [names.HTTP_RESPONSE_STATUS_CODE]: failure?.status,
      [names.HTTP_REQUEST_RESEND_COUNT]: this.attempts > 1 ? this.attempts - 1 : undefined,
    };
    const content = capturing
      ? guarded("content of a call", {}, () => this.#content({ ...request, key }, body, response))
      : {};
    this.endSpan({ ...(this.secrets.scrubAll(attributes) as Attributes), ...content }, failure);
  }

  #failure(response: Response, failed: { error: unknown } | undefined): Failure | undefined {
    const code = response.error === undefined ? undefined : this.secrets.scrub(response.error);
    const type = code === undefined ? undefined : /^[\w.-]{1,64}$/.test(code) ? code : "_OTHER";
    if (failed) return { ...this.describe(failed.error), ...(type ? { type } : {}) };
    return type === undefined ? undefined : { type, exception: type, status: httpError(response.errorStatus) };
  }

  #content({ api, key }: Request, body: Wire, response: Response): Attributes {
    const { dialects, maxBlobBytes } = settings();
    const nothing: Prompt = { system: [], messages: [], tools: [] };
    const prompt = guarded("content of a request", nothing, () => withoutLargeData(api.prompt(body), maxBlobBytes));
    const answer = guarded("content of an answer", [], () => withoutLargeData(api.answer(this.#data), maxBlobBytes));
    const { outputs, inputs } = render.content(dialects, key, api.params(body), response, prompt, answer);
    const [written, given] = [this.write(outputs), this.write(inputs)];
    this.turn?.keep(written, given, prompt);
    return { ...written, ...given };
  }
}
