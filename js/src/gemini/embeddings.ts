/** `embedContent`, `batchEmbedContents` and Vertex AI's `predict` of an embedding model. */
import { type Api, add, count, Last, type Message, obj, objs, seq, text, textPart } from "../model.ts";
import { readParams, readUsage } from "./params.ts";
import { findMedia, readMessage } from "./parts.ts";

export const embeddings: Api = {
  fold: () => new Last(),
  params: (body) => readParams(body, seq(body.requests)[0], body.parameters, body.embedContentConfig, body),
  /** Usage, and how many vectors of what length; never the vectors. */
  response(data) {
    const predicted = objs(data.predictions).map((one) => obj(one.embeddings));
    const embedded = seq(data.embeddings).length ? objs(data.embeddings) : [obj(data.embedding)];
    const vectors = predicted.length ? predicted : embedded.filter((vector) => Object.keys(vector).length);
    const usage = predicted.length
      ? { input: add(...predicted.map((vector) => count(obj(vector.statistics).token_count))), total: undefined }
      : readUsage(data.usageMetadata);
    return {
      model: text(data.modelVersion),
      // the conventions have no more of embeddings
      usage: usage?.input === undefined ? undefined : { input: usage.input, total: usage.total },
      summary: vectors.length ? { embeddings: vectors.length, dimension: seq(vectors[0]?.values).length } : undefined,
    };
  },
  prompt(body) {
    const contents = seq(body.requests).length ? objs(body.requests).map((one) => one.content) : [body.content];
    const messages: Message[] = contents.filter(Boolean).map((content) => readMessage(obj(content)));
    for (const instance of objs(body.instances)) {
      const string = text(instance.content ?? instance.text);
      const parts = [...(string ? [textPart(string)] : []), ...findMedia(instance)];
      messages.push({ role: "user", parts: parts.length ? parts : [textPart("")] });
    }
    return { system: [], messages, tools: [] };
  },
  answer: () => [],
};
