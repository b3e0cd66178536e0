// A program from MLflow's guide for JavaScript, with the token counts of each call. Run beside an installed genspan:
//   npm install genspan @google/genai @opentelemetry/api
//   MLFLOW_TRACKING_URI=http://localhost:5000 GEMINI_API_KEY=... node gemini_guide.mjs
import { GoogleGenAI } from "@google/genai";
import { tracedGemini } from "genspan";
import * as mlflow from "genspan/mlflow";

const { GEMINI_API_KEY, GEMINI_MODEL = "gemini-2.5-flash", GOOGLE_GEMINI_BASE_URL } = process.env;
const httpOptions = GOOGLE_GEMINI_BASE_URL ? { baseUrl: GOOGLE_GEMINI_BASE_URL } : {};
const ai = tracedGemini(new GoogleGenAI({ apiKey: GEMINI_API_KEY, httpOptions }));

const response = await ai.models.generateContent({ model: GEMINI_MODEL, contents: "What is the capital of France?" });
console.log(response.text);

await mlflow.flushTraces();
const trace = await new mlflow.MlflowClient().getTrace(mlflow.getLastActiveTraceId());

console.log("== Total token usage: ==");
console.log(trace.info.tokenUsage);
console.log("== Detailed usage for each LLM call: ==");
for (const span of trace.data.spans) {
  if (span.attributes["mlflow.chat.tokenUsage"]) console.log(`${span.name}:`, span.attributes["mlflow.chat.tokenUsage"]);
}
