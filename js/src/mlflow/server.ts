/** An MLflow tracking server: where it is, as whom, and which experiment spans belong to. */
import { destination, env } from "../config.ts";
import { isObject, obj, text, type Wire } from "../model.ts";

/** Why spans are not stored; the text is for the user. `blamesSpans`: some span of the request is refused for its content. */
export class ExportError extends Error {
  readonly reason: string;
  readonly blamesSpans: boolean;
  readonly retryable: boolean;

  constructor(
    reason: string,
    message: string,
    { blamesSpans = false, retryable = false }: { blamesSpans?: boolean; retryable?: boolean } = {},
  ) {
    super(message);
    this.reason = reason;
    this.blamesSpans = blamesSpans;
    this.retryable = retryable;
  }
}

/** How long a request is tried again while the server is away; the default of OpenTelemetry's exporter. */
const RETRY_MS = 10_000;
const TEMPORARY = [429, 502, 503, 504];
/** MLflow makes the experiment "Default" itself. */
const DEFAULT_ID = "0";

export class Server {
  /** The address without credentials and trailing slash. */
  readonly uri: string;
  readonly #authorization: string | undefined;
  readonly #name: string | undefined;
  readonly #id: string | undefined;

  constructor(trackingUri?: string) {
    const { trackingUri: inCode, experimentName, experimentId } = destination();
    const given = trackingUri ?? inCode ?? (env("MLFLOW_TRACKING_URI") || "http://localhost:5000");
    const url = URL.canParse(given) ? new URL(given) : undefined;
    if (!url || !/^https?:$/.test(url.protocol)) {
      throw new ExportError(
        "settings",
        `MLFLOW_TRACKING_URI is no http(s)://host:port, which is what genspan for JavaScript sends to`,
      );
    }
    const [user, password] = [url.username, url.password].map(decodeURIComponent);
    this.#authorization = authorization(user, password);
    url.username = url.password = url.search = url.hash = "";
    this.uri = url.href.replace(/\/+$/, "");
    const named = experimentName ?? experimentId;
    this.#name = named === undefined ? process.env.MLFLOW_EXPERIMENT_NAME : experimentName;
    this.#id = named === undefined ? process.env.MLFLOW_EXPERIMENT_ID : experimentId;
    if (this.#id !== undefined && !/^\d+$/.test(this.#id)) {
      throw new ExportError(
        "settings",
        `MLFLOW_EXPERIMENT_ID=${JSON.stringify(this.#id)} is no experiment id: it is the number in the experiment's address; or use MLFLOW_EXPERIMENT_NAME`,
      );
    }
    if (this.#name !== undefined && !this.#name.trim()) {
      throw new ExportError(
        "settings",
        "MLFLOW_EXPERIMENT_NAME is empty; give a name, or leave it unset for 'Default'",
      );
    }
  }

  get headers(): Record<string, string> {
    return this.#authorization ? { Authorization: this.#authorization } : {};
  }

  /** The id of the experiment that the settings name, made where it is missing. Raises `ExportError`. */
  async experiment(): Promise<string> {
    if (this.#name === undefined) {
      // An id needs no search, but MLflow stores spans in a deleted experiment without a word.
      const found = await this.#find("get", { experiment_id: this.#id ?? DEFAULT_ID }).catch((error) => {
        if (error instanceof ExportError && !error.retryable && error.reason !== "deleted") return undefined;
        throw error; // whatever else is wrong is the answer to the spans, too
      });
      return found ?? this.#id ?? DEFAULT_ID;
    }
    const byName = { experiment_name: this.#name };
    const found = await this.#find("get-by-name", byName);
    const id = found ?? (await this.#create(this.#name)) ?? (await this.#find("get-by-name", byName)); // another process was quicker
    if (id === undefined)
      throw new ExportError("experiment", `The experiment ${JSON.stringify(this.#name)} cannot be created`);
    if (this.#id !== undefined && this.#id !== id) {
      throw new ExportError(
        "two experiments",
        `MLFLOW_EXPERIMENT_NAME=${JSON.stringify(this.#name)} is experiment ${id}, MLFLOW_EXPERIMENT_ID is ${this.#id}: set one`,
      );
    }
    return id;
  }

  async #find(action: string, query: Record<string, string>): Promise<string | undefined> {
    const answer = await this.#retried(`/api/2.0/mlflow/experiments/${action}?${new URLSearchParams(query)}`);
    if (answer.error_code !== undefined) return undefined;
    const { experiment_id: id, lifecycle_stage: stage } = obj(answer.experiment);
    if (!text(id))
      throw new ExportError("not mlflow", `${this.uri} does not answer as an MLflow server: check MLFLOW_TRACKING_URI`);
    if (stage !== "deleted") return id as string;
    throw new ExportError(
      "deleted",
      `The experiment ${Object.values(query)[0]} is deleted, spans in it would not be seen: restore it or choose another`,
    );
  }

  async #create(name: string): Promise<string | undefined> {
    return text((await this.#retried("/api/2.0/mlflow/experiments/create", { name })).experiment_id);
  }

  async #retried(path: string, body?: Wire): Promise<Wire> {
    const deadline = Date.now() + RETRY_MS;
    for (let delay = 1000; ; delay *= 2) {
      try {
        return await this.call(path, body);
      } catch (error) {
        const { retryable = false } = error as Partial<ExportError>;
        if (!retryable || Date.now() + delay > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, delay));
      }
    }
  }

  /** One call of the REST API; an answer that says what does or does not exist is an answer. */
  async call(path: string, body?: Wire): Promise<Wire> {
    let response: Response;
    try {
      const method = body ? { method: "POST", body: JSON.stringify(body) } : {};
      const headers = { ...this.headers, "content-type": "application/json" };
      response = await fetch(this.uri + path, {
        ...method,
        headers,
        redirect: "manual",
        signal: AbortSignal.timeout(30_000),
      });
    } catch (error) {
      throw this.unreachable(error);
    }
    const raw = await response.text();
    const answer = await Promise.resolve(raw)
      .then(JSON.parse)
      .catch(() => undefined);
    if (response.ok && isObject(answer)) return answer;
    if (["RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"].includes(String(obj(answer).error_code)))
      return answer as Wire;
    throw this.refusal(response.status, raw);
  }

  unreachable(error: unknown): ExportError {
    const { cause, message } = error as Error;
    const why = (cause as Error | undefined)?.message || message || String(error);
    return new ExportError(
      "unreachable",
      `No server answers at ${this.uri} (${why}): start MLflow, or set MLFLOW_TRACKING_URI`,
      { retryable: true },
    );
  }

  /** What an answer of the server's means, and what to do. */
  refusal(status: number, body: string): ExportError {
    const answer = obj(safeParse(body));
    const why = String(answer.message ?? answer.detail ?? body).slice(0, 300);
    if (status === 401 && this.#authorization) {
      return new ExportError(
        "401",
        `${this.uri} does not accept these credentials (HTTP 401): check MLFLOW_TRACKING_*`,
      );
    }
    if (status === 401) {
      return new ExportError(
        "401",
        `${this.uri} wants a login (HTTP 401): set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN`,
      );
    }
    if (status === 403)
      return new ExportError(
        "403",
        `This user may not write to the experiment on ${this.uri} (HTTP 403): ask for EDIT permission on it (${why})`,
      );
    if (status === 501)
      return new ExportError(
        "501",
        `The server at ${this.uri} keeps its data in files, which take no spans: start it with --backend-store-uri sqlite:///mlflow.db or another database`,
      );
    if (TEMPORARY.includes(status))
      return new ExportError("busy", `${this.uri} is not ready or overloaded (HTTP ${status})`, { retryable: true });
    if (status === 404 && answer.error_code === "RESOURCE_DOES_NOT_EXIST") {
      return new ExportError(
        "experiment",
        `There is no such experiment on ${this.uri} (${why}): correct MLFLOW_EXPERIMENT_ID, or set MLFLOW_EXPERIMENT_NAME, which is created where it is missing`,
      );
    }
    if (status === 404 || status < 400) {
      return new ExportError(
        "not mlflow",
        `${this.uri} does not answer as an MLflow server that takes spans (HTTP ${status}): check MLFLOW_TRACKING_URI; the server must be MLflow 3.6 or newer`,
      );
    }
    if (status === 422 && body.includes("x-mlflow-experiment-id")) {
      return new ExportError(
        "header",
        `The header x-mlflow-experiment-id does not arrive at ${this.uri}: a proxy takes it away`,
      );
    }
    return new ExportError(`content ${status}`, `MLflow refused a span (HTTP ${status}: ${why})`, {
      blamesSpans: true,
    });
  }
}

const safeParse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

function authorization(user: string | undefined, password: string | undefined): string | undefined {
  const [name, secret] = user
    ? [user, password ?? ""]
    : [env("MLFLOW_TRACKING_USERNAME"), env("MLFLOW_TRACKING_PASSWORD")];
  if (name && (user || secret)) return `Basic ${Buffer.from(`${name}:${secret}`).toString("base64")}`;
  const token = env("MLFLOW_TRACKING_TOKEN");
  return token ? `Bearer ${token}` : undefined;
}
