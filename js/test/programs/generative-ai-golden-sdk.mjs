// How @google/generative-ai makes a golden call, where it can.
import { GoogleGenerativeAI } from "@google/generative-ai";

export const connect = (call, baseUrl) => {
  const { systemInstruction, tools, toolConfig, cachedContent, ...generationConfig } = call.params.config ?? {};
  const model = { model: call.params.model, generationConfig, systemInstruction, tools, toolConfig };
  const client = new GoogleGenerativeAI("golden-key");
  if (cachedContent) model.cachedContent = { name: cachedContent };
  return client.getGenerativeModel(withoutUndefined(model), { baseUrl });
};

export const method = (call) =>
  call.vertexai || call.tools || call.params.config?.labels ? null : METHODS[call.method];

const METHODS = {
  "models.generateContent": (model, call) => model.generateContent({ contents: call.params.contents }),
  "models.generateContentStream": async (model, call) =>
    exhaust(await model.generateContentStream({ contents: call.params.contents })),
  "models.countTokens": (model, call) => model.countTokens({ contents: call.params.contents }),
  "chats.sendMessage": async (model, call) => {
    const chat = model.startChat();
    for (const message of call.params.messages) await chat.sendMessage(message);
  },
  "chats.sendMessageStream": async (model, call) => {
    const chat = model.startChat();
    for (const message of call.params.messages) await exhaust(await chat.sendMessageStream(message));
  },
};

async function exhaust(result) {
  for await (const _ of result.stream);
  await result.response;
}

const withoutUndefined = (value) => JSON.parse(JSON.stringify(value));
