/** The rules of the settings: what the environment, with what the program said laid over it, asks for. */
import { warn } from "./guard.ts";

/** A destination that `init` of `genspan/mlflow` names; it wins over the `MLFLOW_*` variables. */
export type Destination = { trackingUri?: string; experimentId?: string; experimentName?: string };

export type Settings = {
  /** Prompts and answers as attributes of spans. */
  content: boolean;
  /** The forms of content on spans: `genai` for OTLP, `mlflow` for an MLflow server. */
  dialects: ReadonlySet<string>;
  /** Inline data above this size is named but not kept. */
  maxBlobBytes: number;
};

let inCode: Destination = {};
let current: Settings | undefined;

/** Lay a destination over the environment. */
export function setDestination(destination: Destination): void {
  inCode = { ...inCode, ...destination };
  current = undefined;
}

/** Read the environment again when it is next asked for. */
export function forgetSettings(): void {
  current = undefined;
}

export const env = (name: string): string => (process.env[name] ?? "").trim();
const listed = (value: string) =>
  value
    .split(",")
    .map((word) => word.trim())
    .filter(Boolean);
const hasEndpoint = () => Boolean(env("OTEL_EXPORTER_OTLP_ENDPOINT") || env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"));
const namesMlflow = () => Boolean(env("MLFLOW_TRACKING_URI") || Object.values(inCode).some(Boolean));

export const destination = (): Destination => inCode;
export const sdkDisabled = (): boolean => env("OTEL_SDK_DISABLED").toLowerCase() === "true";

/** The names of the trace exporters that `OTEL_TRACES_EXPORTER` asks for, or that the destinations imply. */
export function exporters(): string[] {
  const named = listed(env("OTEL_TRACES_EXPORTER"));
  if (named.length) return Object.values(inCode).some(Boolean) ? [...new Set(["mlflow", ...named])] : named;
  return [...(namesMlflow() ? ["mlflow"] : []), ...(!namesMlflow() || hasEndpoint() ? ["otlp"] : [])];
}

/** Whether anything says where spans go, and that is not nowhere. */
export const namesDestination = (): boolean =>
  Boolean(listed(env("OTEL_TRACES_EXPORTER")).length || namesMlflow() || hasEndpoint()) &&
  exporters().some((name) => name !== "none");

/** Whether the exporter `otlp` addresses an MLflow server. */
const sendsOtlpToMlflow = () =>
  ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"].some((name) =>
    env(name).toLowerCase().includes("x-mlflow-experiment-id"),
  );

/** Whether spans carry two forms of content because there are two destinations, so that each is sent its own. */
export const hidesMlflowContent = (): boolean =>
  exporters().includes("mlflow") && !env("GENSPAN_DIALECTS") && !sendsOtlpToMlflow();

/** What to record; a value that is not known warns once and leaves the safe default. */
export function settings(): Settings {
  if (current) return current;
  const direct = sendsOtlpToMlflow();
  const mlflow = direct || exporters().includes("mlflow");
  const others = !direct && exporters().some((name) => name !== "mlflow" && name !== "none");
  const implied = new Set([...(mlflow ? ["mlflow"] : []), ...(others || !mlflow ? ["genai"] : [])]);
  current = { content: captures(mlflow), dialects: dialects(implied), maxBlobBytes: maxBlobBytes() };
  return current;
}

function captures(mlflow: boolean): boolean {
  const name = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";
  const value = env(name).toUpperCase();
  if (!value) return mlflow;
  if (!["NO_CONTENT", "SPAN_ONLY", "EVENT_ONLY", "SPAN_AND_EVENT", "TRUE", "FALSE"].includes(value)) {
    refuse(name, "NO_CONTENT, SPAN_ONLY, EVENT_ONLY, SPAN_AND_EVENT, true, false", "no content");
  }
  return ["SPAN_ONLY", "SPAN_AND_EVENT", "TRUE"].includes(value);
}

function dialects(implied: Set<string>): Set<string> {
  const asked = listed(env("GENSPAN_DIALECTS").toLowerCase());
  if (asked.every((name) => name === "genai" || name === "mlflow")) return asked.length ? new Set(asked) : implied;
  refuse("GENSPAN_DIALECTS", "genai, mlflow, or both with a comma", [...implied].sort().join(","));
  return implied;
}

function maxBlobBytes(): number {
  const value = env("GENSPAN_MAX_BLOB_BYTES");
  if (/^\d+$/.test(value)) return Number(value);
  if (value) refuse("GENSPAN_MAX_BLOB_BYTES", "a number of bytes", "1048576");
  return 1 << 20;
}

function refuse(name: string, accepted: string, used: string): void {
  warn(name, `${name}=${JSON.stringify(env(name))} is not known; accepted: ${accepted}. Using: ${used}.`);
}
