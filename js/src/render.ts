/** The model as attributes: of the OpenTelemetry GenAI conventions, and those that an MLflow tracking server reads. */
import type { Attributes } from "@opentelemetry/api";
import * as names from "./attributes.ts";
import {
  type Key,
  type Message,
  obj,
  type Params,
  type Prompt,
  type Response,
  type Usage,
  type Wire,
} from "./model.ts";
import * as mlflow from "./render_mlflow.ts";

const PARAMS: Record<string, string> = {
  output_type: names.GEN_AI_OUTPUT_TYPE,
  max_tokens: names.GEN_AI_REQUEST_MAX_TOKENS,
  temperature: names.GEN_AI_REQUEST_TEMPERATURE,
  top_p: names.GEN_AI_REQUEST_TOP_P,
  top_k: names.GEN_AI_REQUEST_TOP_K,
  stop_sequences: names.GEN_AI_REQUEST_STOP_SEQUENCES,
  seed: names.GEN_AI_REQUEST_SEED,
  choice_count: names.GEN_AI_REQUEST_CHOICE_COUNT,
  frequency_penalty: names.GEN_AI_REQUEST_FREQUENCY_PENALTY,
  presence_penalty: names.GEN_AI_REQUEST_PRESENCE_PENALTY,
  reasoning_level: names.GEN_AI_REQUEST_REASONING_LEVEL,
  dimension_count: names.GEN_AI_EMBEDDINGS_DIMENSION_COUNT,
  previous_response_id: names.GEN_AI_REQUEST_PREVIOUS_RESPONSE_ID,
  response_id: names.GEN_AI_RESPONSE_ID,
  stream_cursor: names.GEN_AI_REQUEST_STREAM_CURSOR,
};
const MODALITIES: Record<string, string> = {
  "text.input": names.GEN_AI_USAGE_TEXT_INPUT_TOKENS,
  "text.output": names.GEN_AI_USAGE_TEXT_OUTPUT_TOKENS,
  "text.cache_read": names.GEN_AI_USAGE_TEXT_CACHE_READ_INPUT_TOKENS,
  "image.input": names.GEN_AI_USAGE_IMAGE_INPUT_TOKENS,
  "image.output": names.GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS,
  "image.cache_read": names.GEN_AI_USAGE_IMAGE_CACHE_READ_INPUT_TOKENS,
  "audio.input": names.GEN_AI_USAGE_AUDIO_INPUT_TOKENS,
  "audio.output": names.GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS,
  "audio.cache_read": names.GEN_AI_USAGE_AUDIO_CACHE_READ_INPUT_TOKENS,
};
const SPAN_TYPES: Record<string, string> = {
  generate_content: "CHAT_MODEL",
  embeddings: "EMBEDDING",
  execute_tool: "TOOL",
  invoke_agent: "AGENT",
};
// MLflow prices a call by provider and model; these are its catalogue's names for the conventions' providers.
const PROVIDERS: Record<string, string> = { "gcp.gemini": "gemini", "gcp.vertex_ai": "vertex_ai" };
/** Operations that the conventions have messages for. */
const INFERENCE = new Set(["generate_content"]);

/** What is known when a span starts, which samplers see. */
export function start(key: Key): Attributes {
  return {
    [names.GEN_AI_OPERATION_NAME]: key.operation,
    ...(key.provider ? { [names.GEN_AI_PROVIDER_NAME]: key.provider } : {}),
    ...(key.model ? { [names.GEN_AI_REQUEST_MODEL]: key.model } : {}),
    ...(key.address ? { [names.SERVER_ADDRESS]: key.address } : {}),
    ...(key.address && key.port ? { [names.SERVER_PORT]: key.port } : {}),
    ...(key.stream ? { [names.GEN_AI_REQUEST_STREAM]: true } : {}),
    [names.MLFLOW_SPAN_TYPE]: SPAN_TYPES[key.operation] ?? "LLM",
    ...(key.provider ? { [names.MLFLOW_LLM_PROVIDER]: PROVIDERS[key.provider] ?? key.provider } : {}),
  };
}

export const spanName = (key: Key): string => (key.model ? `${key.operation} ${key.model}` : key.operation);

/** What is known when the run of a tool starts. */
export const tool = (name: string, id?: string, description?: string): Attributes => ({
  [names.GEN_AI_OPERATION_NAME]: "execute_tool",
  [names.GEN_AI_TOOL_NAME]: name,
  [names.GEN_AI_TOOL_TYPE]: "function",
  ...(id ? { [names.GEN_AI_TOOL_CALL_ID]: id } : {}),
  ...(description ? { [names.GEN_AI_TOOL_DESCRIPTION]: description } : {}),
  [names.MLFLOW_SPAN_TYPE]: "TOOL",
});

/** Token counts. `mlflow.chat.tokenUsage` needs its total; that embeddings have no output is known. */
export function usage(operation: string, usage: Usage): Attributes {
  const { input, output, total, cacheRead, reasoning, searches } = usage;
  const into: Attributes = {};
  const sum = (input ?? 0) + (output ?? 0);
  if (input !== undefined || output !== undefined) {
    into[names.MLFLOW_CHAT_TOKEN_USAGE] = JSON.stringify({
      input_tokens: input,
      output_tokens: operation === "embeddings" ? (output ?? 0) : output,
      total_tokens: sum,
      cache_read_input_tokens: cacheRead,
    });
  }
  into[names.GEN_AI_USAGE_INPUT_TOKENS] = input;
  into[names.GEN_AI_USAGE_OUTPUT_TOKENS] = output;
  into[names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS] = cacheRead;
  into[names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS] = reasoning;
  for (const [kind, figure] of Object.entries(usage.modalities ?? {})) {
    const name = MODALITIES[kind];
    if (name) into[name] = figure;
  }
  if (total !== undefined && total !== sum) into[names.GENSPAN_USAGE_TOTAL_TOKENS] = total;
  into[names.GENSPAN_USAGE_WEB_SEARCH_REQUESTS] = searches || undefined;
  return into;
}

/** What the response says of itself, and the parameters of the request. */
export const facts = (key: Key, response: Response, params: Params): Attributes => ({
  [names.MLFLOW_LLM_MODEL]: response.model ?? key.model,
  [names.GEN_AI_RESPONSE_MODEL]: response.model,
  [names.GEN_AI_RESPONSE_FINISH_REASONS]: response.finishReasons?.length ? response.finishReasons : undefined,
  [names.GEN_AI_RESPONSE_ID]: response.id,
  [names.GEN_AI_RESPONSE_STATUS]: response.status,
  ...response.attributes,
  ...Object.fromEntries(
    Object.entries(params).flatMap(([name, value]) => {
      const known = PARAMS[name] ?? (name.includes(".") ? name : undefined);
      return known ? [[known, value]] : [];
    }),
  ),
});

/** The content of a call by attribute, not yet serialised, in the forms that are asked for. */
export function content(
  dialects: ReadonlySet<string>,
  key: Key,
  params: Params,
  response: Response,
  prompt: Prompt,
  answer: Message[],
): { outputs: Wire; inputs: Wire } {
  const outputs: Wire = {};
  const inputs: Wire = {};
  if (dialects.has("mlflow")) {
    outputs[names.MLFLOW_SPAN_OUTPUTS] = answer.length ? { choices: answer.map(mlflow.choice) } : response.summary;
    inputs[names.MLFLOW_SPAN_INPUTS] = mlflow.inputs(key, params, prompt);
  }
  if (dialects.has("genai") && INFERENCE.has(key.operation)) {
    outputs[names.GEN_AI_OUTPUT_MESSAGES] = answer;
    inputs[names.GEN_AI_INPUT_MESSAGES] = prompt.messages;
    inputs[names.GEN_AI_SYSTEM_INSTRUCTIONS] = prompt.system;
    inputs[names.GEN_AI_TOOL_DEFINITIONS] = prompt.tools;
  }
  return { outputs, inputs };
}

/** The content of a tool's run. There is no result where it raised. */
export function toolContent(dialects: ReadonlySet<string>, args: unknown, result: unknown, returned: boolean): Wire {
  const into: Wire = {};
  if (dialects.has("mlflow")) {
    into[names.MLFLOW_SPAN_INPUTS] = args;
    if (returned) into[names.MLFLOW_SPAN_OUTPUTS] = result;
  }
  if (dialects.has("genai")) {
    into[names.GEN_AI_TOOL_CALL_ARGUMENTS] = args;
    if (returned) into[names.GEN_AI_TOOL_CALL_RESULT] = obj(result) === result ? result : { result };
  }
  return into;
}

/** What tells traces apart in a list whose first span has a name that many share: the model, and what was asked. */
export function traceName(operation: string, model: string | undefined, question: string): string {
  const words = question.split(/\s+/).filter(Boolean).join(" ");
  const characters = [...words];
  const shown = characters.length <= 80 ? words : `${characters.slice(0, 79).join("")}…`;
  return [operation, model].filter(Boolean).join(" ") + (shown ? `: ${shown}` : "");
}

/** The text of the last message of the user's, or nothing. */
export function lastQuestion(prompt: Prompt): string {
  const asked = (message: Message) => message.parts.filter((part) => part.type === "text");
  const found = prompt.messages.findLast((message) => message.role === "user" && asked(message).length);
  return found
    ? asked(found)
        .map((part) => part.content)
        .join(" ")
    : "";
}
