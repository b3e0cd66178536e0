/** Parameters and token counts of Google's requests, in both spellings that SDKs send. */
import * as names from "../attributes.ts";
import {
  add,
  count,
  integer,
  obj,
  objs,
  type Params,
  real,
  seq,
  several,
  text,
  texts,
  type Usage,
  type Wire,
} from "../model.ts";

const OUTPUT_TYPES: Record<string, string> = { "APPLICATION/JSON": "json", IMAGE: "image", AUDIO: "speech" };

const choices = (value: unknown) => (value === 1 ? undefined : integer(value));
const strings = (value: unknown) => (texts(value).length ? texts(value) : undefined);

function reasoningLevel(value: unknown): string | undefined {
  const thinking = obj(value);
  const budget = integer(thinking.thinkingBudget ?? thinking.thinking_budget);
  return text(value) ?? text(thinking.thinkingLevel) ?? text(thinking.thinking_level) ?? budget?.toString();
}

/** From a MIME type, from modalities, or from the formats of an interaction; a schema stands for JSON. */
function outputType(value: unknown): string | undefined {
  const formats = several(value).map(obj);
  const kinds = formats.map((one) => text(one.type === "text" ? one.mime_type : one.type) ?? "");
  const known = [...texts(value), ...kinds].map((kind) => OUTPUT_TYPES[kind.toUpperCase()]).find(Boolean);
  return known ?? (formats.some((one) => "schema" in one || "properties" in one) ? "json" : undefined);
}

const TABLE: [string, (value: unknown) => Params[string] | undefined, string][] = [
  ["temperature", real, "temperature"],
  ["top_p", real, "topP top_p"],
  ["top_k", integer, "topK top_k"],
  ["max_tokens", integer, "maxOutputTokens max_output_tokens"],
  ["stop_sequences", strings, "stopSequences stop_sequences"],
  ["seed", integer, "seed"],
  ["frequency_penalty", real, "frequencyPenalty frequency_penalty"],
  ["presence_penalty", real, "presencePenalty presence_penalty"],
  ["choice_count", choices, "candidateCount candidate_count sampleCount"],
  ["reasoning_level", reasoningLevel, "thinkingConfig thinking_config thinking_level"],
  ["output_type", outputType, "responseMimeType response_mime_type response_format"],
  ["output_type", outputType, "responseModalities response_modalities"],
  ["dimension_count", integer, "outputDimensionality output_dimensionality"],
  ["previous_response_id", text, "previous_interaction_id"],
  [names.GEN_AI_AGENT_NAME, text, "agent"],
];

/** The parameters in the configurations of a request (of the same one the last counts), and its labels. */
export function readParams(body: Wire, ...configs: unknown[]): Params {
  const found: Params = {};
  for (const config of configs.map(obj)) {
    for (const [name, read, spellings] of TABLE) {
      const value = spellings.split(" ").map((field) => (config[field] == null ? undefined : read(config[field])));
      const first = value.find((one) => one !== undefined);
      if (first !== undefined) found[name] = first;
    }
  }
  for (const [label, value] of Object.entries(obj(body.labels))) {
    if (typeof value === "string") found[`${names.GCP_GEN_AI_REQUEST_LABELS}.${label}`] = value;
  }
  return found;
}

const MODALITIES: Record<string, string> = { TEXT: "text", IMAGE: "image", AUDIO: "audio" };
const DETAILS: Record<string, string> = {
  promptTokensDetails: "input",
  promptTokenDetails: "input", // batchEmbedContents spells it so
  toolUsePromptTokensDetails: "input",
  candidatesTokensDetails: "output",
  cacheTokensDetails: "cache_read",
};

/** Usage of one request (https://ai.google.dev/api/generate-content#UsageMetadata): thoughts are billed as output. */
export function readUsage(metadata: unknown): Usage | undefined {
  const wire = obj(metadata);
  const total = count(wire.totalTokenCount);
  const usage: Usage = { total, cacheRead: count(wire.cachedContentTokenCount) };
  putCounts(
    usage,
    count(wire.promptTokenCount),
    count(wire.toolUsePromptTokenCount),
    count(wire.candidatesTokenCount),
    count(wire.thoughtsTokenCount),
  );
  if (usage.output === undefined && total !== undefined && usage.input !== undefined) {
    usage.output = Math.max(total - usage.input, 0); // Google leaves out a count of zero; the total says it
  }
  for (const [name, direction] of Object.entries(DETAILS)) {
    for (const detail of objs(wire[name])) {
      putModality(usage, MODALITIES[text(detail.modality) ?? ""], direction, count(detail.tokenCount));
    }
  }
  return usage.input === undefined && usage.output === undefined ? undefined : usage;
}

export function putModality(
  usage: Usage,
  kind: string | undefined,
  direction: string,
  tokens: number | undefined,
): void {
  if (!kind || tokens === undefined) return;
  usage.modalities ??= {};
  usage.modalities[`${kind}.${direction}`] = (usage.modalities[`${kind}.${direction}`] ?? 0) + tokens;
}

/** Input and output from Google's four counts. Gateways exist that count thoughts inside the answer; the total tells. */
export function putCounts(usage: Usage, prompt?: number, tools?: number, answered?: number, thoughts?: number): void {
  usage.input = add(prompt, tools);
  usage.output = add(answered, thoughts);
  usage.reasoning = thoughts;
  const { total, input, output } = usage;
  const beside = [add(input, output), add(prompt, output)]; // a total may leave out the tools' prompts
  if (!thoughts || answered === undefined || total === undefined || beside.includes(total)) return;
  if (thoughts <= answered && [add(input, answered), add(prompt, answered)].includes(total)) usage.output = answered;
}

export const first = (value: unknown): unknown => seq(value)[0];
