/** Credentials that a request carries, known by where they stand, and their removal from every text that is emitted. */
import { isObject, obj, seq, type Wire } from "./model.ts";

const words = (list: string) => new Set(list.split(" "));
/** Last words of names of credentials. */
const LAST = words(
  "authorization auth token secret password passwd pwd passphrase credential credentials cookie signature sig jwt bearer apikey authtoken accesstoken pat",
);
/** Words before `key` that make it a credential: not so `Idempotency-Key` or `prompt_cache_key`. */
const KEYS = words(
  "access account admin api app application apim auth client function functions license master private secret security service shared subscription virtual",
);
/** Words before `token` that make it a place in a listing, or a word of a model's. */
const NO_TOKENS = words(
  "page next previous continuation resume sync cursor context widget stop start end pad bos eos sep mask unk special image",
);
/** Fields of bodies that hold what is said, or JSON schemas: what stands there is content and no credential. */
const CONTENT = words(
  "input contents content system_instruction systemInstruction parts parameters functionDeclarations function_declarations schema instances",
);
/** Words of which placeholder keys are made. */
const CASUAL = words(
  "a an any anything abc api be blank bar change changeme default demo doesnt dont dummy empty example fake false foo for free here ignore ignored insert is it key keys local localhost matter me mock my n na need needed no nokey none not null optional placeholder put random redacted replace required sample set sk some something test testing tests the this to todo token true undefined unused used value whatever with you your ai anthropic claude code cpp gateway gemini generation google gpt inference lite litellm llama llamacpp llamafile llm lm lmstudio localai mistral model ollama openai proxy python router server studio text tgi vllm webui 0 00 000 0000 1 4 12 123 1234 12345",
);
/** What stands before a credential wherever one is written down. */
const NAMED =
  /(?:(?:\b|_)(?:authorization|auth|(?:api )?key|token|secret|passw(?:or)?d|pwd|passphrase|credentials?|cookie|sig)["'\\]*(?:\s(?:provided|given|header|value|is|was))?\s*[:=]\s*["'\\]*(?:(?:bearer|basic|token)\s+)?|\b(?:bearer|basic|password|api key)\s+["'\\]*|:\/\/[^\s/@]*:)$/i;
const PARAMETER = /(?<=[?&;])([\w.-]{1,40})=([^&\s"'<>\\)\]}#]+)/g;
const USER = /(?<=:\/\/)([^\s/?#@"'<>\\]+)@/g;
const IN_URLS = words(
  "key api_key apikey api-key access_key access_token auth_token auth token jwt id_token refresh_token session_token sig signature client_secret secret password pwd subscription-key x-goog-signature x-goog-credential x-api-key hmac",
);
const REMOVED = "[redacted]";

/** Whether what a header, a query parameter or a field of this name holds is a credential. */
export function isCredential(name: string): boolean {
  const found = (name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) ?? []).map((word) => word.toLowerCase());
  while (found.length > 1 && /^(string|value|header)$/.test(found.at(-1) ?? "")) found.pop();
  const [last = "", before = ""] = found.reverse();
  if (last === "key") return KEYS.has(before) || found.length === 1 || (found.length === 2 && before === "x");
  return LAST.has(last) && !NO_TOKENS.has(before);
}

/** Whether a value is there because a client wants one: made of everyday words alone, or of the letter x. */
const isPlaceholder = (value: string) =>
  (value.toLowerCase().match(/[a-z]+|\d+/g) ?? []).every((piece) => CASUAL.has(piece) || /^x+$/.test(piece));

/** Whether a value is so long, or so mixed, that it stands in no ordinary text by chance. */
function isUnmistakable(value: string): boolean {
  if (value.length < 8) return false;
  const letters = /\p{L}/u.test(value);
  const cased = /\p{Lu}/u.test(value.slice(1));
  if (value.length >= 16)
    return letters ? !/^\p{L}+$/u.test(value) || cased || value.length >= 24 : /^\d+$/.test(value);
  const digits = value.match(/\d/g)?.length ?? 0;
  return letters && (digits > 2 || /[^\w\s.\-/:,]/.test(value) || (digits > 0 && cased && /\p{Ll}/u.test(value)));
}

/** Whether a value that stands where a credential may be looks like one. */
const isRandom = (value: string) =>
  value.length >= 20 && /(?:\d\D*){3}/.test(value) && /\D/.test(value) && !value.includes(" ");

/** How a value is written: as it is, in JSON, in JSON inside JSON, and in URLs. */
function forms(value: string): string[] {
  const escaped = JSON.stringify(value).slice(1, -1);
  const quoted = encodeURIComponent(value.toWellFormed());
  return [value, escaped, JSON.stringify(escaped).slice(1, -1), quoted, quoted.replaceAll("%20", "+")];
}

/** Credentials of a request, and texts without them. `anywhere`: cut out wherever they stand; others where it says so. */
export class Secrets {
  readonly #anywhere: string[];
  readonly #named: string[];

  constructor(values: Iterable<string> = []) {
    const kept = [...new Set(values)].filter((value) => value.length >= 3 && !isPlaceholder(value));
    const longestFirst = (chosen: string[]) =>
      [...new Set(chosen.flatMap(forms))].sort((one, other) => other.length - one.length);
    this.#anywhere = longestFirst(kept.filter(isUnmistakable));
    this.#named = longestFirst(kept.filter((value) => !isUnmistakable(value)));
  }

  /** The text without the credentials; JSON stays JSON. */
  scrub(text: string): string {
    let scrubbed = text;
    for (const secret of this.#anywhere) {
      if (scrubbed.includes(secret)) scrubbed = scrubbed.replaceAll(secret, /^\d+$/.test(secret) ? "0" : REMOVED);
    }
    for (const secret of this.#named) if (scrubbed.includes(secret)) scrubbed = cutNamed(scrubbed, secret);
    return scrubbed.includes("://")
      ? scrubbed.replace(PARAMETER, withoutValue).replace(USER, withoutPassword)
      : scrubbed;
  }

  /** A structure without the credentials in any text of it. */
  scrubAll<T>(value: T): T;
  scrubAll(value: unknown): unknown {
    if (typeof value === "string") return this.scrub(value);
    if (Array.isArray(value)) return value.map((item) => this.scrubAll(item));
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.scrub(key), this.scrubAll(item)]));
  }
}

export const NO_SECRETS: Secrets = new Secrets();

function cutNamed(text: string, secret: string): string {
  let [cut, done] = ["", 0];
  for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + secret.length)) {
    const end = at + secret.length;
    if (/^[\p{L}\p{N}]/u.test(text.slice(end)) || !NAMED.test(text.slice(Math.max(done, at - 80), at))) continue;
    cut += text.slice(done, at) + REMOVED;
    done = end;
  }
  return cut + text.slice(done);
}

const withoutValue = (found: string, name: string, value: string) =>
  IN_URLS.has(name.toLowerCase()) && !isPlaceholder(value) ? `${name}=${REMOVED}` : found;

function withoutPassword(_: string, login: string): string {
  const [user = "", password] = login.split(/:(.*)/s);
  const hidden = (value: string, always: boolean) =>
    (always || isUnmistakable(value)) && !isPlaceholder(value) ? REMOVED : value;
  return password ? `${hidden(user, false)}:${hidden(password, true)}@` : `${hidden(user, false)}@`;
}

/** Every value of a request that authenticates it, or that it gives a provider to authenticate with elsewhere. */
export function findSecrets(headers: Iterable<[string, string]>, url: string, body: Wire): Secrets {
  const named = [...headers].filter(([name]) => isCredential(name)).flatMap(([, value]) => ofValue(value));
  return new Secrets([...named, ...ofUrl(url, false), ...ofObject("", body, 12)]);
}

/** The credentials in the value of a header or a field: without their scheme, and each by itself. */
function ofValue(value: string): string[] {
  const [, scheme, rest] = value.match(/^([a-z]+) +(.+)$/is) ?? [];
  const pair = scheme?.toLowerCase() === "basic" && rest ? Buffer.from(rest, "base64").toString() : "";
  const basic = pair.includes(":") ? [pair, ...pair.split(/:(.*)/s)] : [];
  const cookies = value.includes("=") ? value.split(/[;,]\s*/).map((one) => one.split(/=(.*)/s)[1] ?? "") : [];
  return [...basic, rest ?? value, ...cookies].filter(Boolean);
}

/** The user part of a URL and its parameters. Servers of tools often have their token in the path. */
function ofUrl(value: string, withPath: boolean): string[] {
  if (!URL.canParse(value)) return [];
  const url = new URL(value);
  const login = [url.username, url.password].filter(Boolean);
  const pair =
    login.length === 2
      ? [login.join(":"), Buffer.from(login.map(decodeURIComponent).join(":")).toString("base64")]
      : [];
  const parameters = [...url.searchParams].filter(([name]) => isCredential(name)).map(([, given]) => given);
  const path = withPath ? url.pathname.split("/").filter(isRandom) : [];
  return [...login, ...login.map(decodeURIComponent), ...pair, ...parameters, ...path];
}

/** A field of a body, at any depth but inside what is said: by its name, or as a URL with credentials. */
function ofField(name: string, value: unknown, depth: number): string[] {
  if (typeof value === "string") {
    if (name !== "key" && isCredential(name)) return ofValue(value);
    return value.includes("://") ? ofUrl(value, true) : [];
  }
  if (depth === 0) return [];
  if (Array.isArray(value)) return value.flatMap((item) => ofField(name, item, depth - 1));
  return isObject(value) ? ofObject(name, value, depth - 1) : [];
}

function ofObject(name: string, fields: Wire, depth: number): string[] {
  const sent = /headers$/i.test(name)
    ? Object.entries(fields).flatMap(([header, value]) =>
        typeof value === "string" && !/(-id|version|agent)$/i.test(header) ? ofValue(value).filter(isRandom) : [],
      )
    : [];
  const variable = typeof fields.value === "string" && (name.endsWith("secrets") || isCredential(String(fields.name)));
  const inner = Object.entries(fields).flatMap(([field, value]) =>
    CONTENT.has(field)
      ? seq(value).flatMap((item) => ofField("tools", obj(item).tools, depth))
      : ofField(field, value, depth),
  );
  return [...sent, ...(variable ? ofValue(fields.value as string) : []), ...inner];
}
