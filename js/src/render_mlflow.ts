/** Content as an MLflow tracking server reads it: in the shape of OpenAI's chat API, the only one that its chat view, previews
 * and tool list show whole. */
import { dumps } from "./json.ts";
import { type Key, type Message, obj, type Params, type Part, type Prompt, text, type Wire } from "./model.ts";

/** `mlflow.spanInputs`, not yet serialised. */
export function inputs(key: Key, params: Params, prompt: Prompt): Wire {
  const into: Wire = {};
  if (key.operation === "embeddings") into.input = prompt.messages.flatMap((message) => message.parts.map(asText));
  else {
    const system = prompt.system.map(asText).join("\n\n");
    const first = prompt.system.length ? [{ role: "system", content: system }] : [];
    into.messages = [...first, ...prompt.messages.flatMap(chatMessages)];
  }
  if (key.model) into.model = key.model;
  for (const [name, value] of Object.entries(params)) {
    const [own = name, ...prefix] = name.split(".").reverse();
    if (name !== "response_id" && (!prefix.length || prefix[0] === "request")) into[own] = value;
  }
  if (prompt.tools.length) {
    into.tools = prompt.tools.map(({ type: _, ...definition }) => ({ type: "function", function: definition }));
  }
  return into;
}

/** One answer, for `mlflow.spanOutputs`. */
export function choice(message: Message, index: number): Wire {
  return {
    index,
    message: assistant(message),
    ...(message.finish_reason ? { finish_reason: message.finish_reason } : {}),
  };
}

const ROLES: Record<string, string> = { system: "system", developer: "system", user: "user", assistant: "assistant" };

/** One message per tool result, since MLflow shows only the last of several in one, and one for the rest. */
function chatMessages(message: Message): Wire[] {
  const results = message.parts.filter((part) => part.type === "tool_call_response");
  const rest = message.parts.filter((part) => part.type !== "tool_call_response");
  const messages: Wire[] = results.map((part) => ({
    role: "tool",
    tool_call_id: String(part.id || part.name || ""),
    content: plain(part.response),
  }));
  if (message.role === "assistant" && (rest.length || !results.length))
    messages.push(assistant({ ...message, parts: rest }));
  else if (rest.length || !results.length) messages.push({ role: ROLES[message.role] ?? "user", content: parts(rest) });
  return messages;
}

/** An assistant's message: text and media as content, tool calls and reasoning under keys of their own. */
function assistant(message: Message): Wire {
  const calls = message.parts.filter((part) => part.type === "tool_call");
  const thoughts = message.parts.filter((part) => part.type === "reasoning");
  const shown = message.parts.filter((part) => part.type !== "tool_call" && part.type !== "reasoning");
  return {
    role: ROLES[message.role] ?? "assistant",
    content: shown.length ? parts(shown) : null,
    ...(calls.length
      ? {
          tool_calls: calls.map((part, index) => ({
            id: String(part.id || `call_${index}`),
            type: "function",
            function: { name: String(part.name || ""), arguments: plain(part.arguments, "{}") },
          })),
        }
      : {}),
    ...(thoughts.length ? { reasoning: thoughts.map((part) => part.content).join("") } : {}),
    ...(message.finish_message ? { refusal: message.finish_message } : {}),
  };
}

/** Content as a string where it is text alone (previews want that), else as a list of content parts. */
const parts = (parts: Part[]): string | Wire[] =>
  parts.every((part) => part.type === "text") ? parts.map((part) => part.content).join("") : parts.map(contentPart);

const AUDIO: Record<string, string> = {
  "audio/wav": "wav",
  "audio/x-wav": "wav",
  "audio/wave": "wav",
  "audio/mp3": "mp3",
  "audio/mpeg": "mp3",
};

function contentPart(part: Part): Wire {
  const mime = text(part.mime_type);
  if (part.type === "blob" && part.modality === "image") {
    return { type: "image_url", image_url: { url: `data:${mime ?? "image/png"};base64,${part.content}` } };
  }
  const format = AUDIO[mime ?? ""];
  if (part.type === "blob" && format) return { type: "input_audio", input_audio: { data: part.content, format } };
  if (part.type === "blob") {
    return {
      type: "text",
      text: `[${mime ?? part.modality}: ${Math.floor((String(part.content).length * 3) / 4)} bytes]`,
    };
  }
  if (part.type === "uri" && part.modality === "image" && /^https?:\/\//.test(String(part.uri))) {
    return { type: "image_url", image_url: { url: part.uri } };
  }
  return { type: "text", text: asText(part) };
}

/** Any part in words, for the places where MLflow takes text alone. */
function asText(part: Part): string {
  if (part.type === "text") return String(part.content ?? "");
  if (part.type === "uri") return `[${part.mime_type ?? part.modality}: ${part.uri}]`;
  if (part.type === "blob_omitted") return `[${part.mime_type ?? part.modality}: ${part.size} bytes, not kept]`;
  const body = obj(part.server_tool_call ?? part.server_tool_call_response ?? part);
  const { type, ...rest } = body;
  return `[${type ?? part.type}] ${text(body.code) ?? text(body.output) ?? plain(rest)}`;
}

/** Tool arguments and results as the string that MLflow's chat view wants. */
function plain(value: unknown, absent = ""): string {
  if (value === null || value === undefined) return absent;
  return typeof value === "string" ? value : dumps(value);
}
