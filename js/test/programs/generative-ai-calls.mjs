// The same with @google/generative-ai, which has no functions that it runs and no interactions.
export function make({ GoogleGenerativeAI }, url, wrap) {
  const client = wrap(new GoogleGenerativeAI("matrix-key"));
  const model = (name = "gemini-2.5-flash") => client.getGenerativeModel({ model: name }, { baseUrl: url });
  const streamed = async (started) => {
    const { stream, response } = await started;
    response.catch(() => {}); // the whole response, which fails where the stream does
    return stream;
  };
  const embedding = (prompt) => ({ content: { role: "user", parts: [{ text: prompt }] } });
  return {
    tool: { runs: 0 },
    calls: {
      unary: (prompt, signal) => model().generateContent(prompt, { signal }),
      stream: (prompt, signal) => streamed(model().generateContentStream(prompt, { signal })),
      chat: (prompt, signal) => model().startChat().sendMessage(prompt, { signal }),
      "chat stream": (prompt, signal) => streamed(model().startChat().sendMessageStream(prompt, { signal })),
      embed: (prompt, signal) => model("text-embedding-004").embedContent(embedding(prompt), { signal }),
      "embed many": (prompt, signal) =>
        model("text-embedding-004").batchEmbedContents(
          { requests: [embedding(prompt), embedding(prompt)] },
          { signal },
        ),
    },
  };
}
