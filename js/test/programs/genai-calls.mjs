// Every way in which a program calls Gemini with @google/genai; each gives a response or an iterable of chunks.
const MODEL = "gemini-2.5-flash";
const WEATHER = {
  name: "get_weather",
  description: "The weather of a city.",
  parametersJsonSchema: { type: "object", properties: { city: { type: "string" } } },
};

export function make({ GoogleGenAI }, url, wrap) {
  const client = wrap(new GoogleGenAI({ apiKey: "matrix-key", httpOptions: { baseUrl: url } }));
  const tool = {
    runs: 0,
    tool: async () => ({ functionDeclarations: [WEATHER] }),
    callTool: async (calls) => {
      tool.runs += calls.length;
      return calls.map(({ name, id }) => ({ functionResponse: { id, name, response: { weather: "sunny" } } }));
    },
  };
  const params = (contents, abortSignal) => ({ model: MODEL, contents, config: { abortSignal } });
  const withTool = (contents, abortSignal) => ({ model: MODEL, contents, config: { abortSignal, tools: [tool] } });
  const chat = (config) => client.chats.create({ model: MODEL, config });
  const interaction = (input, signal, more) =>
    client.interactions.create({ model: MODEL, input, ...more }, { signal, fetchOptions: { signal } });
  return {
    tool,
    calls: {
      unary: (prompt, signal) => client.models.generateContent(params(prompt, signal)),
      stream: (prompt, signal) => client.models.generateContentStream(params(prompt, signal)),
      chat: (message, abortSignal) => chat().sendMessage({ message, config: { abortSignal } }),
      "chat stream": (message, abortSignal) => chat().sendMessageStream({ message, config: { abortSignal } }),
      afc: (prompt, signal) => client.models.generateContent(withTool(prompt, signal)),
      "afc stream": (prompt, signal) => client.models.generateContentStream(withTool(prompt, signal)),
      "afc chat": (message, abortSignal) => chat({ tools: [tool], abortSignal }).sendMessage({ message }),
      embed: (contents, abortSignal) =>
        client.models.embedContent({ model: "gemini-embedding-001", contents, config: { abortSignal } }),
      interaction: (prompt, signal) => interaction(prompt, signal),
      "interaction stream": (prompt, signal) => interaction(prompt, signal, { stream: true }),
    },
  };
}
