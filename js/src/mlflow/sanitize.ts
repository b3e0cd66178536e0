/** Values that an MLflow server refuses, together with every span of the same request, made harmless.
 *
 * Each rule was found on a real server; what cannot be kept as it is becomes text or is left out. */
import { createHash } from "node:crypto";
import type { Attributes, AttributeValue } from "@opentelemetry/api";
import * as names from "../attributes.ts";
import { clean } from "../json.ts";
import { isObject, obj, parsed, real } from "../model.ts";

/** Objects nested deeper are stored, but MLflow cannot read the trace again. */
const MAX_DEPTH = 30;
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const HUGE = /\d{4301}/; // Python refuses to read longer integers
const USAGE = "input_tokens output_tokens total_tokens cache_read_input_tokens cache_creation_input_tokens".split(" ");

/** Halves of surrogate pairs (from cut streams) and NUL, which PostgreSQL refuses, replaced. */
export const safeText = (text: string): string => clean(text, "\uFFFD").replaceAll("\0", "\uFFFD");

/** A copy in which no value can cost the batch. Values that mean nothing to MLflow are left out. */
export function safeAttributes(attributes: Attributes): Attributes {
  const safe: Attributes = {};
  for (const [key, value] of Object.entries(attributes)) {
    const kept = value === undefined ? undefined : safeValue(value);
    safe[safeText(key)] = kept === undefined || !Object.hasOwn(RULES, key) ? kept : RULES[key]?.(kept);
  }
  return safe;
}

function safeValue(value: AttributeValue): AttributeValue {
  if (typeof value === "string") return safeString(safeText(value));
  if (typeof value === "number") return safeNumber(value);
  if (!Array.isArray(value)) return value;
  const items = value.map((item) =>
    typeof item === "string" ? safeText(item) : typeof item === "number" ? safeNumber(item) : item,
  );
  return items.some((item, index) => item !== value[index] && typeof value[index] === "number")
    ? items.map(String)
    : (items as AttributeValue);
}

const isLarge = (value: number) => !Number.isFinite(value) || (Number.isInteger(value) && Math.abs(value) >= 2 ** 63);
const safeNumber = (value: number) => (isLarge(value) ? String(Number.isFinite(value) ? BigInt(value) : value) : value);

/** Text that MLflow will try to read as JSON. What it cannot read is quoted once more: the server takes one layer off. */
function safeString(text: string): string {
  if (!/^\s*[{["]/.test(text)) return /^\s*-?\d{4301}/.test(text) ? JSON.stringify(text) : text;
  const brackets = text.match(/[[{]/g)?.length ?? 0;
  const small = text.replace(TOKEN, (token) => (token[0] !== '"' && tooLarge(token) ? `"${token}"` : token));
  let value: unknown;
  try {
    value = JSON.parse(small);
  } catch {
    return brackets > 300 || HUGE.test(text) ? JSON.stringify(text) : text;
  }
  if (!/\\u(?:d|0000)/i.test(small) && (brackets <= MAX_DEPTH || !isDeeper(value, MAX_DEPTH))) return small;
  return JSON.stringify(plain(value, 0));
}

/** Integers beyond 64 bits, and numbers that no double holds. */
function tooLarge(token: string): boolean {
  if (!/^-?\d+$/.test(token)) return !Number.isFinite(Number(token));
  if (token.length < 19) return false;
  return token.length > 20 || BigInt(token) >= 2n ** 63n || BigInt(token) < -(2n ** 63n);
}

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === "object" &&
  value !== null &&
  (levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1)));

function plain(value: unknown, depth: number): unknown {
  if (typeof value === "string") return safeText(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) return safeText(JSON.stringify(value));
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [safeText(key), plain(item, depth + 1)]));
}

type Rule = (value: AttributeValue) => AttributeValue | undefined;
const members = (value: AttributeValue) => (typeof value === "string" ? parsed(value) : undefined);
const numbers = (value: unknown, keys: string[], whole: boolean): Record<string, number> =>
  Object.fromEntries(
    keys.flatMap((key) => {
      const number = real(obj(value)[key]);
      return number === undefined || (whole && !Number.isInteger(number)) ? [] : [[key, number]];
    }),
  );

/** Whole numbers only: others among them cost the batch, and without a total the trace counts 0. */
const usage: Rule = (value) => {
  if (!isObject(members(value))) return value; // such as "null": count my children, not me
  const counts = numbers(members(value), [...USAGE, "cache_creation_input_tokens_above_1hr"], true);
  const { input_tokens: input, output_tokens: output } = counts;
  if (input !== undefined || output !== undefined) counts.total_tokens ??= (input ?? 0) + (output ?? 0);
  return Object.keys(counts).length ? JSON.stringify(counts) : undefined;
};
const cost: Rule = (value) => {
  const costs = numbers(members(value), ["input_cost", "output_cost", "total_cost"], false);
  const { input_cost: input, output_cost: output } = costs;
  if (input !== undefined && output !== undefined) costs.total_cost ??= input + output;
  return Object.keys(costs).length ? JSON.stringify(costs) : undefined;
};
const word: Rule = (value) => (typeof value === "string" && !/^\s*[[{]/.test(value) ? value : undefined);
const session: Rule = (value) => {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (text.length <= 250) return value;
  // Cut alone, two long ids with the same beginning would become one session.
  return `${text.slice(0, 217)}~${createHash("sha256").update(text).digest("hex").slice(0, 32)}`;
};
const leaveOut: Rule = () => undefined;

const RULES: Record<string, Rule> = {
  [names.MLFLOW_CHAT_TOKEN_USAGE]: usage,
  "mlflow.llm.cost": cost,
  [names.MLFLOW_SPAN_TYPE]: word,
  [names.GEN_AI_OPERATION_NAME]: word,
  [names.SESSION_ID]: session,
  [names.GEN_AI_CONVERSATION_ID]: session,
  [names.MLFLOW_TRACE_TAG_MLFLOW_TRACE_NAME]: (value) => String(value).slice(0, 4096),
  "mlflow.traceTag.mlflow.trace.spansLocation": leaveOut,
  "mlflow.traceTag.mlflow.trace.archiveLocation": leaveOut,
  "mlflow.traceTag.mlflow.trace.archivalFailure": leaveOut,
};
