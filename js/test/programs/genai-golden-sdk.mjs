// How @google/genai makes a golden call.
import { GoogleGenAI } from "@google/genai";

export const connect = (call, baseUrl) =>
  new GoogleGenAI({ apiKey: "golden-key", vertexai: call.vertexai ?? false, httpOptions: { baseUrl } });

export const method = (call) => METHODS[call.method];

const METHODS = {
  "models.generateContent": (client, call) => client.models.generateContent(params(call)),
  "models.generateContentStream": async (client, call) =>
    exhaust(await client.models.generateContentStream(params(call))),
  "models.embedContent": (client, call) => client.models.embedContent(call.params),
  "models.countTokens": (client, call) => client.models.countTokens(call.params),
  "chats.sendMessage": async (client, call) => {
    const chat = client.chats.create(params(call));
    for (const message of call.params.messages) await chat.sendMessage({ message });
  },
  "chats.sendMessageStream": async (client, call) => {
    const chat = client.chats.create(params(call));
    for (const message of call.params.messages) await exhaust(await chat.sendMessageStream({ message }));
  },
  "interactions.create": async (client, call) => {
    const created = await client.interactions.create(call.params);
    if (call.params.stream) await exhaust(created);
  },
};

async function exhaust(stream) {
  for await (const _ of stream);
}

function params({ params: { messages, ...found }, tools = {} }) {
  const callable = Object.values(tools).map(({ declaration, response }) => ({
    tool: async () => ({ functionDeclarations: [declaration] }),
    callTool: async (calls) => calls.map(({ name }) => ({ functionResponse: { name, response } })),
  }));
  return callable.length ? { ...found, config: { ...found.config, tools: callable } } : found;
}
