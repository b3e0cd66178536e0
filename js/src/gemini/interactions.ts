/** Interactions: https://ai.google.dev/api/interactions-api. Snake case on the wire; steps in place of candidates. */
import * as names from "../attributes.ts";
import {
  type Api,
  add,
  count,
  type Fold,
  integer,
  type Message,
  media,
  merged,
  OWN,
  obj,
  objs,
  type Part,
  seq,
  serverToolCall,
  several,
  text,
  textPart,
  toolCall,
  toolDefinition,
  type Usage,
  type Wire,
  withId,
} from "../model.ts";
import { putCounts, putModality, readParams } from "./params.ts";

const DETAILS: Record<string, string> = {
  input_tokens_by_modality: "input",
  tool_use_tokens_by_modality: "input",
  output_tokens_by_modality: "output",
  cached_tokens_by_modality: "cache_read",
};
const OPEN = ["in_progress", "queued"];
// The conventions' states of a response, by Google's.
const STATES: Record<string, string> = {
  requires_action: "completed",
  requires_continuation: "incomplete",
  budget_exceeded: "incomplete",
  idle: "completed",
};
const ROLES: Record<string, string> = {
  model: "assistant",
  model_output: "assistant",
  thought: "assistant",
  user_input: "user",
  function_result: "tool",
};
const MEDIA = ["image", "audio", "video", "document"];

/** Input, tool use, output and thoughts are counted apart on the wire; searches are billed beside them. */
function readUsage(wire: Wire): Usage | undefined {
  const usage: Usage = { total: count(wire.total_tokens), cacheRead: count(wire.total_cached_tokens) };
  const tokens = (kind: string) => count(wire[`total_${kind}_tokens`]);
  putCounts(usage, tokens("input"), tokens("tool_use"), tokens("output"), tokens("thought"));
  for (const [name, direction] of Object.entries(DETAILS)) {
    for (const { modality, tokens } of objs(wire[name])) {
      const kind = ["text", "image", "audio"].find((known) => known === modality);
      putModality(usage, kind, direction, count(tokens));
    }
  }
  const grounded = objs(wire.grounding_tool_count).filter((one) => one.type === "google_search");
  usage.searches = add(...grounded.map((one) => count(one.count)));
  return add(usage.input, usage.output, usage.searches) === undefined ? undefined : usage;
}

/** The code of the error, the last part of a URI; of several errors of a failed interaction, the last one's. */
function errorOf(data: Wire): string | undefined {
  const failed = data.status === "failed";
  const own = obj(data.error);
  const error = Object.keys(own).length ? own : obj(failed ? seq(data.errors).at(-1) : undefined);
  const code = text(error.status) ?? text(error.code) ?? integer(error.code)?.toString() ?? "";
  const last = code.replace(/\/+$/, "").split("/").at(-1);
  return last || (Object.keys(error).length ? "error" : failed ? "failed" : undefined);
}

export const interactions: Api = {
  fold: () => new InteractionFold(),
  params: (body) => readParams(body, body, body.generation_config),
  /** Id, model (or the agent in its place, which has models of its own), state and usage. */
  response(data) {
    const [status, agent] = [text(data.status), text(data.agent)];
    const finished = status !== undefined && !OPEN.includes(status);
    return {
      id: text(data.id),
      model: text(data.model),
      requestedModel: agent,
      finishReasons: finished ? [status] : [],
      status: status && (STATES[status] ?? status),
      usage: readUsage(obj(data.usage)),
      complete: finished,
      error: errorOf(data),
      attributes: agent ? { [names.GEN_AI_AGENT_NAME]: agent } : {},
    };
  },
  /** The system instruction, the input (a text, contents, or steps) and the tools. */
  prompt(body) {
    const system = text(body.system_instruction);
    const messages: Message[] = text(body.input) ? [{ role: "user", parts: [textPart(body.input)] }] : [];
    for (const item of several(body.input)) append(messages, obj(item));
    const tools = objs(body.tools).map((tool) => {
      const kind = text(tool.type) ?? "function";
      return toolDefinition(kind, text(tool.name) ?? kind, tool.description, tool.parameters);
    });
    return { system: system ? [textPart(system)] : [], messages, tools };
  },
  /** One message of the model's steps. */
  answer(data) {
    const messages: Message[] = [];
    const steps = objs(seq(data.steps).length ? data.steps : data.outputs);
    for (const step of steps) if (step.type !== "user_input") append(messages, step, "assistant");
    const parts = messages.flatMap((message) => message.parts);
    return parts.length ? [{ role: "assistant", parts }] : [];
  },
};

/** Add a step, a turn or a content to the messages; what has the same role goes on in one message. */
function append(messages: Message[], item: Wire, otherwise = "user"): void {
  const [kind, given] = [text(item.type) ?? "", text(item.role)];
  const role = given ? (ROLES[given] ?? given) : kind.endsWith("_call") ? "assistant" : (ROLES[kind] ?? otherwise);
  const parts = readParts(item);
  const last = messages.at(-1);
  if (last?.role === role) last.parts.push(...parts);
  else if (parts.length) messages.push({ role, parts });
}

function readParts(item: Wire): Part[] {
  const kind = text(item.type) ?? "";
  const reader = READERS[kind];
  if (reader) return reader(item);
  if ("content" in item) {
    if (text(item.content)) return [textPart(item.content)];
    return several(item.content).flatMap((content) => readParts(obj(content)));
  }
  if (kind.endsWith("_call")) return [serverToolCall(item.name ?? kind.replace(/_call$/, ""), item)];
  if (kind.endsWith("_result")) {
    return [withId({ type: "server_tool_call_response", server_tool_call_response: item }, item.call_id)];
  }
  return kind ? [{ ...item, type: OWN.has(kind) ? `gemini_${kind}` : kind }] : [];
}

function readMedia(item: Wire): Part[] {
  const [data, uri] = [text(item.data), text(item.uri)];
  return data || uri ? [media(text(item.mime_type), data, uri, text(item.type))] : [];
}

const READERS: Record<string, (item: Wire) => Part[]> = {
  text: (item) => [textPart(item.text)],
  thought: (item) =>
    several(item.summary).flatMap((one) => {
      const summary = text(obj(one).text);
      return summary ? [textPart(summary, "reasoning")] : [];
    }),
  function_call: (item) => [toolCall(item.name, item.arguments || {}, item.id)],
  function_result: (item) => [
    withId(
      { type: "tool_call_response", response: item.result ?? null, ...(item.name ? { name: item.name } : {}) },
      item.call_id,
    ),
  ],
  ...Object.fromEntries(MEDIA.map((kind) => [kind, readMedia])),
};

/** The interaction that the events of a stream add up to. Many events bring usage so far: the last one counts. */
class InteractionFold implements Fold {
  #interaction: Wire = {};
  #steps = new Map<number, Wire>();
  #texts = new Map<number, Record<string, string[]>>();

  metadata(chunk: Wire): void {
    const [given, metadata, known] = [obj(chunk.interaction), obj(chunk.metadata), this.#interaction];
    const usage = merged(known.usage, given.usage || metadata.usage || metadata.total_usage);
    for (const [name, value] of Object.entries(given)) if (value) known[name] = value;
    if (Object.keys(usage).length) known.usage = usage;
    if (chunk.error) known.error = chunk.error;
    if (chunk.event_type === "interaction.status_update" && chunk.status) known.status = chunk.status;
  }

  content(chunk: Wire): void {
    const index = integer(chunk.index);
    if (index === undefined) return;
    if (chunk.step) this.#steps.set(index, { ...obj(chunk.step) });
    const delta = obj(chunk.delta);
    const kind = text(delta.type) ?? "";
    if (kind === "text") this.#put(index, "text", delta.text);
    else if (kind === "thought_summary") this.#put(index, "summary", obj(delta.content).text);
    else if (kind === "arguments_delta") this.#put(index, "arguments", delta.arguments);
    else if (MEDIA.includes(kind)) {
      const step = this.#step(index);
      step.content = [...seq(step.content), delta];
    } else if (/_(call|result)$/.test(kind)) this.#steps.set(index, { ...this.#steps.get(index), ...delta });
  }

  #put(index: number, name: string, piece: unknown): void {
    if (!text(piece)) return;
    const pieces = this.#texts.get(index) ?? {};
    pieces[name] ??= [];
    pieces[name].push(piece as string);
    this.#texts.set(index, pieces);
  }

  #step(index: number): Wire {
    const step = this.#steps.get(index) ?? { type: "model_output" };
    this.#steps.set(index, step);
    return step;
  }

  data(): Wire {
    for (const [index, pieces] of this.#texts) {
      const step = this.#step(index);
      const part = (name: string) => ({ type: "text", text: pieces[name]?.join("") });
      const others = seq(step.content).filter((one) => obj(one).type !== "text");
      if (pieces.text) step.content = [part("text"), ...others];
      if (pieces.summary) step.summary = [part("summary")];
      if (pieces.arguments) step.arguments = pieces.arguments.join("");
    }
    const steps = [...this.#steps].sort(([one], [other]) => one - other).map(([, step]) => step);
    return steps.length ? { steps, ...this.#interaction } : this.#interaction;
  }
}

// An answer that is generated in the background is counted by the first reading that has its usage.

const MAX_KNOWN = 10_000;
const unfinished = new Set<string>();
/** The first interaction of a chain, by each of them. */
const firsts = new Map<string, string>();

/** What is created; one that is not finished yet is remembered. */
export const created: Api = {
  ...interactions,
  response(data) {
    const found = interactions.response(data);
    if (found.id && !found.usage && !found.complete) {
      if (unfinished.size >= MAX_KNOWN) unfinished.clear();
      unfinished.add(found.id);
    }
    return found;
  },
  session(body, { id }) {
    const previous = text(body.previous_interaction_id);
    if (!previous && body.store === false) return undefined;
    const first = previous ? (firsts.get(previous) ?? previous) : id;
    if (firsts.size >= MAX_KNOWN) firsts.clear();
    if (first && id) firsts.set(id, first);
    return first;
  },
};

/** `fetch_response`, a call without usage; but the first finished reading of what was seen unfinished is the model call. */
export const fetched: Api = {
  ...created,
  params: (body) => ({
    ...(text(body.id) ? { response_id: body.id as string } : {}),
    ...(text(body.starting_after) ? { stream_cursor: body.starting_after as string } : {}),
  }),
  response(data) {
    const found = created.response(data);
    if (found.id && found.usage && unfinished.delete(found.id)) found.operation = "generate_content";
    else found.usage = undefined;
    return found;
  },
  prompt: () => ({ system: [], messages: [], tools: [] }),
};
