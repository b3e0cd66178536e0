/** `generateContent`, `streamGenerateContent` and `countTokens`: https://ai.google.dev/api/generate-content */
import * as names from "../attributes.ts";
import {
  type Api,
  count,
  type Fold,
  integer,
  Last,
  type Message,
  merged,
  obj,
  objs,
  type Prompt,
  text,
  type Wire,
} from "../model.ts";
import { readParams, readUsage } from "./params.ts";
import { finished, readContents, readMessage, readParts, readTools } from "./parts.ts";
import { StreamedParts } from "./streamed.ts";

/** The conventions' finish reason of an answer that was kept back. */
const BLOCKED = "content_filter";
// The conventions' enum of finish reasons; what is not here is shown in lower case.
const FINISH: Record<string, string> = {
  MAX_TOKENS: "length",
  ...Object.fromEntries(
    "SAFETY RECITATION BLOCKLIST PROHIBITED_CONTENT SPII IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION MODEL_ARMOR"
      .split(" ")
      .map((reason) => [reason, BLOCKED]),
  ),
};

/** The reason as it is on the wire: a name, seldom the number of one. */
const reasonOf = (value: unknown) => text(value) ?? (integer(value) ? String(value) : undefined);

function prompt(body: Wire): Prompt {
  const system = body.systemInstruction ?? body.system_instruction;
  return {
    system: readParts(obj(system).parts),
    messages: readContents(body.contents),
    tools: readTools(body.tools),
  };
}

/** One message per candidate, or one that says why the prompt was blocked. */
function answer(data: Wire): Message[] {
  const messages: Message[] = [];
  for (const candidate of objs(data.candidates)) {
    const message = readMessage({ role: "model", ...obj(candidate.content) });
    const reason = reasonOf(candidate.finishReason);
    if (reason === "STOP")
      finished(message, message.parts.some((part) => part.type === "tool_call") ? "tool_call" : "stop");
    else if (reason) finished(message, FINISH[reason] ?? reason.toLowerCase(), candidate.finishMessage);
    if (message.parts.length || reason) messages.push(message);
  }
  const feedback = obj(data.promptFeedback);
  const reason = reasonOf(feedback.blockReason);
  if (!reason || messages.length) return messages;
  return [finished({ role: "assistant", parts: [] }, BLOCKED, feedback.blockReasonMessage ?? reason)];
}

export const generateContent: Api = {
  fold: () => new GenerateFold(),
  params: (body) => readParams(body, body.generationConfig ?? body.generation_config),
  response(data) {
    const candidates = objs(data.candidates);
    const blocked = reasonOf(obj(data.promptFeedback).blockReason);
    const reasons = candidates.length ? candidates.map((one) => reasonOf(one.finishReason)) : blocked ? [blocked] : [];
    const [error, usage] = [obj(data.error), obj(data.usageMetadata)];
    const traffic = reasonOf(usage.trafficType);
    return {
      id: text(data.responseId),
      model: text(data.modelVersion),
      finishReasons: reasons.filter((reason) => reason !== undefined),
      usage: readUsage(usage),
      complete: reasons.length > 0 && reasons.every(Boolean),
      error: text(error.status) ?? reasonOf(error.code),
      errorStatus: integer(error.code),
      attributes: traffic ? { [names.GCP_GEN_AI_RESPONSE_TRAFFIC_TYPE]: traffic } : {},
    };
  },
  prompt,
  answer,
};

/** The response that the chunks of a stream add up to. Usage is cumulative. */
class GenerateFold implements Fold {
  #fields: Wire = {};
  #candidates = new Map<number, Wire>();
  #parts = new Map<number, StreamedParts>();

  metadata(chunk: Wire): void {
    const fields = this.#fields;
    if (chunk.usageMetadata) fields.usageMetadata = merged(fields.usageMetadata, chunk.usageMetadata);
    fields.responseId ??= chunk.responseId || undefined; // the first chunk's, as in the response that SDKs give
    for (const name of ["modelVersion", "promptFeedback", "error"]) if (chunk[name]) fields[name] = chunk[name];
    for (const candidate of objs(chunk.candidates)) {
      const known = this.#candidates.get(integer(candidate.index) ?? 0) ?? {};
      for (const name of ["finishReason", "finishMessage"]) if (candidate[name]) known[name] = candidate[name];
      this.#candidates.set(integer(candidate.index) ?? 0, known);
    }
  }

  content(chunk: Wire): void {
    for (const candidate of objs(chunk.candidates)) {
      const index = integer(candidate.index) ?? 0;
      const parts = this.#parts.get(index) ?? new StreamedParts();
      parts.extend(obj(candidate.content).parts);
      this.#parts.set(index, parts);
    }
  }

  data(): Wire {
    const sorted = [...this.#candidates].sort(([one], [other]) => one - other);
    const candidates = sorted.map(([index, candidate]) => ({
      ...candidate,
      index,
      content: { role: "model", parts: this.#parts.get(index)?.parts() ?? [] },
    }));
    return { ...this.#fields, candidates };
  }
}

const counted = (body: Wire) => (body.generateContentRequest ? obj(body.generateContentRequest) : body);

/** `countTokens`, which counts what a prompt would cost and costs nothing itself: no usage. */
export const countTokens: Api = {
  fold: () => new Last(),
  params: (body) => generateContent.params(counted(body)),
  response(data) {
    const tokens = count(data.totalTokens);
    return { summary: tokens === undefined ? undefined : { total_tokens: tokens } };
  },
  prompt: (body) => prompt(counted(body)),
  answer: () => [],
};
