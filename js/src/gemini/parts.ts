/** Gemini's contents as the conventions' messages: https://ai.google.dev/api/caching#Content, in both spellings. */
import {
  type Message,
  media,
  OWN,
  obj,
  objs,
  type Part,
  seq,
  serverToolCall,
  several,
  type ToolDefinition,
  text,
  textPart,
  toolCall,
  toolDefinition,
  type Wire,
  withId,
} from "../model.ts";
import { joinPieces } from "./streamed.ts";

export const readContents = (contents: unknown): Message[] =>
  joinPieces(several(contents)).map((item) => readMessage(obj(item)));

/** One content. What a function returned is a tool's message, though Gemini gives it the user's role. */
export function readMessage(content: Wire): Message {
  const parts = readParts(content.parts);
  const role = text(content.role) ?? "user";
  if (parts.length && parts.every((part) => part.type === "tool_call_response")) return { role: "tool", parts };
  return { role: role === "model" ? "assistant" : role, parts };
}

/** The parts that say something; a bare thought signature does not. */
export const readParts = (parts: unknown): Part[] =>
  several(parts)
    .map((part) => readPart(obj(part)))
    .filter((part) => part !== undefined);

/** The message with why it ended: a finish reason of the conventions, and the provider's words if it gave some. */
export function finished(message: Message, reason: string | undefined, explanation?: unknown): Message {
  if (reason) message.finish_reason = reason;
  if (text(explanation)) message.finish_message = explanation as string;
  return message;
}

/** Tool definitions: each declared function, and the server's own tools by their kind. */
export const readTools = (tools: unknown): ToolDefinition[] =>
  objs(tools).flatMap((tool) =>
    Object.entries(tool).flatMap(([kind, value]) =>
      /^function_?declarations$/i.test(kind) ? objs(value).map(readFunction) : [{ type: kind, name: kind }],
    ),
  );

function readFunction(declaration: Wire): ToolDefinition {
  const spellings = ["parameters", "parametersJsonSchema", "parameters_json_schema"];
  const parameters = spellings
    .map((spelling) => declaration[spelling])
    .filter(Boolean)
    .at(-1);
  return toolDefinition("function", text(declaration.name) ?? "", declaration.description, parameters);
}

function readPart(part: Wire): Part | undefined {
  if (typeof part.text === "string") {
    if (!part.text && Object.keys(part).length > 1) return undefined; // an empty text carries only a signature
    return textPart(part.text, part.thought === true ? "reasoning" : "text");
  }
  for (const [key, value] of Object.entries(part)) {
    const reader = READERS[camel(key)];
    if (reader) return reader(obj(value));
  }
  const [key, value] = Object.entries(part).find(([name]) => !BESIDE.has(camel(name))) ?? [];
  return key === undefined ? undefined : { type: OWN.has(key) ? `gemini_${key}` : key, content: value };
}

const camel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

function readMedia(value: Wire): Part {
  return media(text(value.mimeType ?? value.mime_type), text(value.data), text(value.fileUri ?? value.file_uri));
}

function readResult(value: Wire): Part {
  const parts = readParts(value.parts);
  return withId(
    {
      type: "tool_call_response",
      response: value.response ?? null,
      ...(value.name ? { name: value.name } : {}),
      ...(parts.length ? { parts } : {}),
    },
    value.id,
  );
}

const serverCall = (kind: string) => (value: Wire) =>
  serverToolCall(text(value.toolType ?? value.tool_type) ?? kind, { type: kind, ...value });
const serverResult = (type: string) => (value: Wire) =>
  withId({ type: "server_tool_call_response", server_tool_call_response: { type, ...value } }, value.id);

const READERS: Record<string, (value: Wire) => Part> = {
  inlineData: readMedia,
  fileData: readMedia,
  functionCall: (value) => toolCall(value.name, value.args ?? {}, value.id),
  functionResponse: readResult,
  executableCode: serverCall("code_execution"),
  codeExecutionResult: serverResult("code_execution"),
  toolCall: serverCall("tool"),
  toolResponse: serverResult("tool"),
};
/** Fields that stand beside a part's content and say something about it. */
const BESIDE = new Set(["thought", "thoughtSignature", "videoMetadata", "mediaResolution"]);

/** The images and videos in a JSON value, wherever they stand. */
export function findMedia(value: unknown, depth = 8): Part[] {
  if (depth === 0) return [];
  if (Array.isArray(value)) return seq(value).flatMap((item) => findMedia(item, depth - 1));
  const wire = obj(value);
  const data = ["bytesBase64Encoded", "encodedVideo", "data"].map((name) => text(wire[name])).find(Boolean);
  const uri = ["gcsUri", "uri", "fileUri"].map((name) => text(wire[name])).find(Boolean);
  if (!data && !uri) return Object.values(wire).flatMap((inner) => findMedia(inner, depth - 1));
  const mime = text(wire.mimeType);
  return [media(mime, data, uri, mime ? undefined : "image")];
}
