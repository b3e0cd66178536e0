/** Content on its way to a span: JSON text of anything, without large data, within the span's limits. Never raises. */
import { isObject, type Wire } from "./model.ts";

const MAX_DEPTH = 100;
const HALF = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** The string without halves of surrogate pairs, which no exporter can encode. */
export const clean = (string: string, substitute = "?"): string =>
  string.isWellFormed() ? string : string.replace(HALF, substitute);

/** The JSON text of a value. What JSON cannot hold becomes its nearest kin: bytes base64, another object its text. */
export function dumps(value: unknown): string {
  try {
    const written = JSON.stringify(value);
    if (written !== undefined && !/\\ud[89a-f]/.test(written)) return written;
  } catch {
    // cycles, BigInts and objects that raise: the slow way knows them
  }
  return JSON.stringify(plainValue(value, MAX_DEPTH));
}

function plainValue(value: unknown, depth: number): unknown {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return clean(value);
  if (typeof value !== "object") return typeof value === "number" || typeof value === "boolean" ? value : String(value);
  if (depth === 0) return "...";
  try {
    if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
    if ("toJSON" in value && typeof value.toJSON === "function") return plainValue(value.toJSON(), depth - 1);
    if (Array.isArray(value)) return value.map((item) => plainValue(item, depth - 1));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [clean(key), plainValue(item, depth - 1)]));
  } catch {
    return `<${Object.prototype.toString.call(value).slice(8, -1)}>`;
  }
}

// Large inline data (images, sound, files) is named with its size in place of being kept.

const BASE64 =
  /(?:data:([^,;]{0,100})[^,]{0,100},)?((?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{40,}={0,2}(?:(?:\r?\n|\\r?\\n)[A-Za-z0-9+/_-]+={0,2})*)/g;
const sizeOf = (base64: string) => Math.floor((base64.length * 3) / 4);

/** The value with what is larger than `max` bytes named; the same object where nothing is. */
export function withoutLargeData<T>(value: T, max: number, depth?: number): T;
export function withoutLargeData(value: unknown, max: number, depth = MAX_DEPTH): unknown {
  if (typeof value === "string") {
    if (value.length <= max) return value;
    return value.replace(BASE64, (found, mime: string | undefined, data: string) =>
      sizeOf(data) > max ? `[${mime || "data"}: ${sizeOf(data)} bytes, not kept]` : found,
    );
  }
  if (value instanceof Uint8Array) return value.length > max ? `[data: ${value.length} bytes, not kept]` : value;
  if (typeof value !== "object" || value === null || depth === 0) return value;
  if (Array.isArray(value)) {
    if (value.length > max && value.every((item) => Number.isInteger(item) && item >= 0 && item < 256)) {
      return [`[data: ${value.length} bytes, not kept]`]; // bytes, as JSON has them without base64
    }
    const small = value.map((item) => withoutLargeData(item, max, depth - 1));
    return small.some((item, index) => item !== value[index]) ? small : value;
  }
  const { type, content, modality, mime_type } = value as Wire;
  if (type === "blob" && typeof content === "string") {
    if (sizeOf(content) <= max) return value;
    return { type: "blob_omitted", modality, ...(mime_type ? { mime_type } : {}), size: sizeOf(content) };
  }
  const entries = Object.entries(value);
  const small = entries.map(([name, item]) => [name, withoutLargeData(item, max, depth - 1)] as const);
  return small.some(([, item], index) => item !== entries[index]?.[1]) ? Object.fromEntries(small) : value;
}

/** The JSON text of the value with its long strings cut, and then its oldest items left out, until it fits. */
export function shortened(value: unknown, limit: number): string | undefined {
  for (let longest = limit; longest >= 16; longest = Math.floor(longest / 2)) {
    const text = dumps(cut(value, longest));
    if (text.length <= limit) return text;
  }
  let before = "";
  for (let small = cut(value, 16), text = dumps(small); text !== before; small = halved(small), text = dumps(small)) {
    if (text.length <= limit) return text;
    before = text;
  }
  return undefined;
}

const map = (value: unknown, change: (item: unknown) => unknown): unknown => {
  if (Array.isArray(value)) return value.map(change);
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(item)])) : value;
};
const cut = (value: unknown, longest: number): unknown =>
  typeof value === "string"
    ? value.length <= longest
      ? value
      : `${clean(value.slice(0, longest - 1), "")}…`
    : map(value, (item) => cut(item, longest));
const halved = (value: unknown): unknown =>
  map(Array.isArray(value) ? value.slice(Math.floor(value.length / 2)) : value, halved);
