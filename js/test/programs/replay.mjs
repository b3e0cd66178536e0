// A server on loopback that gives the answers of a golden call, in order, and keeps the requests.
import { createServer } from "node:http";

export async function replayServer() {
  const answers = [];
  const requests = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const [, , path] = /^\/([^/]+)\/([^?]*)/.exec(request.url) ?? [null, null, request.url];
    requests.push({ method: request.method, path, json: text ? JSON.parse(text) : null });
    const answer = answers.shift() ?? { status: 500, json: { error: { code: 500, message: "no answer left" } } };
    const type = answer.sse ? "text/event-stream" : "application/json; charset=UTF-8";
    response.writeHead(answer.status, { "content-type": type });
    if (answer.sse) {
      for (const event of answer.sse) {
        response.write(typeof event === "string" ? event : `data: ${JSON.stringify(event)}\r\n\r\n`);
      }
      response.end();
    } else {
      response.end(JSON.stringify(answer.json));
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    /** Begin a call: its answers; what was left of another one is forgotten. */
    answer(wire) {
      answers.length = requests.length = 0;
      answers.push(...wire.map((exchange) => exchange.response));
    },
    get requests() {
      return [...requests];
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
