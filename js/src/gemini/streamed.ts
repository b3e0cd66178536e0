/** Parts that come in pieces: texts that go on, and function calls whose arguments are streamed as values at JSON paths.
 * https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc */
import { integer, obj, objs, text, type Wire } from "../model.ts";

const STEP = /\.([^.[\]]+)|\[(\d{1,9})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/g;
const MAX_DEPTH = 50;
/** Elements that a list may be grown by at once, whatever index a path has. */
const MAX_GAP = 1000;
const VALUES = ["numberValue", "boolValue", "stringValue", "nullValue"];

type Open = {
  part: Wire;
  id?: string | undefined;
  name?: string | undefined;
  args: Wire;
  values: Map<string, unknown>;
};

/** The parts of one message, each kept once and joined at the end. */
export class StreamedParts {
  #parts: { text?: string[]; call?: Open; wire: Wire }[] = [];
  #open: Open[] = [];

  extend(parts: unknown): void {
    for (const part of objs(parts)) {
      const last = this.#parts.at(-1);
      if (typeof part.text !== "string") {
        if ("functionCall" in part) this.#addCall(part);
        else this.#parts.push({ wire: part });
      } else if (last?.text && last.wire.thought === part.thought) last.text.push(part.text);
      else this.#parts.push({ text: [part.text], wire: part.thought == null ? {} : { thought: part.thought } });
    }
  }

  /** A whole call, the beginning of one, or a piece of one that goes on: that with its id, else the last one. */
  #addCall(part: Wire): void {
    const piece = obj(part.functionCall);
    const [id, name] = [text(piece.id), text(piece.name)];
    const streamed = "partialArgs" in piece || "willContinue" in piece;
    let call = this.#open.findLast((open) =>
      id && open.id ? id === open.id : !name || (piece.partialArgs && name === open.name),
    );
    if (!call) {
      if (!streamed) {
        if (Object.keys(piece).length) this.#parts.push({ wire: part }); // the empty one says only that nothing follows
        return;
      }
      call = { part, args: {}, values: new Map() };
      this.#parts.push({ call, wire: part });
      this.#open.push(call);
    }
    call.id ??= id;
    call.name ??= name;
    Object.assign(call.args, obj(piece.args));
    for (const partial of objs(piece.partialArgs)) {
      const [path, kind] = [text(partial.jsonPath), VALUES.find((value) => value in partial)];
      if (path === undefined || kind === undefined) continue;
      const value = kind === "nullValue" ? null : partial[kind];
      const before = call.values.get(path);
      if (typeof value !== "string") call.values.set(path, value);
      else if (Array.isArray(before)) before.push(value);
      else call.values.set(path, [value]);
    }
    if (!piece.willContinue) this.#open = this.#open.filter((open) => open !== call);
  }

  /** The parts as wire JSON. */
  parts(): Wire[] {
    return this.#parts.map(({ text: pieces, call, wire }) => {
      if (pieces) return { text: pieces.join(""), ...wire };
      if (!call) return wire;
      for (const [path, value] of call.values) put(call.args, path, Array.isArray(value) ? value.join("") : value);
      const functionCall = { name: call.name, args: call.args, ...(call.id ? { id: call.id } : {}) };
      return { ...call.part, functionCall };
    });
  }
}

/** The contents of a request; where a chat sends back a streamed call piece by piece, what the model said as one. */
export function joinPieces(contents: unknown[]): unknown[] {
  const streams = (part: Wire) => "partialArgs" in obj(part.functionCall) || "willContinue" in obj(part.functionCall);
  if (!contents.some((content) => objs(obj(content).parts).some(streams))) return contents;
  const joined: (Wire | { role: string; streamed: StreamedParts })[] = [];
  for (const content of contents.map(obj)) {
    const last = joined.at(-1);
    if (content.role !== "model") joined.push(content);
    else if (last && "streamed" in last) (last.streamed as StreamedParts).extend(content.parts);
    else {
      const streamed = new StreamedParts();
      streamed.extend(content.parts);
      joined.push({ role: "model", streamed });
    }
  }
  return joined.map((one) =>
    "streamed" in one ? { role: "model", parts: (one.streamed as StreamedParts).parts() } : one,
  );
}

/** Set a value at a path such as `$.stops[0]['name']`, and make what is on the way; nothing for another form. */
function put(args: Wire, path: string, value: unknown): void {
  const found = [...path.matchAll(STEP)];
  if (found.map((match) => match[0]).join("") !== path.slice(1) || !path.startsWith("$") || found.length > MAX_DEPTH)
    return;
  const steps = found.map(([, name, index, single, double]) =>
    index !== undefined ? Number(index) : (name ?? (single ?? double ?? "").replace(/\\(.)/g, "$1")),
  );
  let holder: unknown = args;
  steps.forEach((step, position) => {
    const following = steps[position + 1];
    const made = following === undefined ? value : typeof following === "number" ? [] : {};
    if (
      Array.isArray(holder)
        ? integer(step) === undefined || Number(step) >= holder.length + MAX_GAP
        : typeof step === "number"
    ) {
      holder = undefined;
    }
    if (typeof holder !== "object" || holder === null) return;
    const members = holder as Wire;
    if (Array.isArray(holder)) while (holder.length < Number(step)) holder.push(null);
    if (following === undefined || members[step] == null) {
      Object.defineProperty(members, step, { value: made, writable: true, enumerable: true, configurable: true });
    }
    holder = members[step];
  });
}
