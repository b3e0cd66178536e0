/** Functions that @google/genai runs by itself (automatic function calling): whether it can, and each run. */

import { guarded } from "../guard.ts";
import { obj, objs, seq, text, type Wire } from "../model.ts";
import { ToolRun, type Turn } from "../turn.ts";

/** A tool of the program's that the SDK may call: `CallableTool`, which `mcpToTool` makes, too. */
type CallableTool = { tool(): Promise<unknown>; callTool(calls: Wire[]): Promise<unknown> };

const isCallable = (tool: unknown): tool is CallableTool =>
  typeof tool === "object" && tool !== null && "callTool" in tool && typeof tool.callTool === "function";

/** Whether the SDK may run a function in this call: a callable tool, not switched off, and no declared function beside it. */
export function canRun(params: unknown): boolean {
  const config = obj(obj(params).config);
  const calling = obj(config.automaticFunctionCalling);
  const limit = calling.maximumRemoteCalls;
  if (calling.disable || limit === 0 || (limit && !(Number(limit) > 0 && Number.isInteger(limit)))) return false;
  const tools = seq(config.tools);
  const declared = tools.some((tool) => !isCallable(tool) && seq(obj(tool).functionDeclarations).length);
  return !declared && tools.some(isCallable);
}

const proxied = <T extends object>(target: T, fields: Record<string, (value: unknown) => unknown>): T =>
  new Proxy(target, {
    get(object, name) {
      const value: unknown = Reflect.get(object, name, object);
      const change = typeof name === "string" && Object.hasOwn(fields, name) ? fields[name] : undefined;
      return change ? change(value) : value;
    },
  });

/** The caller's parameters, with eyes on its callable tools; what the SDK writes reaches the caller's object. */
export function withTracedTools<T>(params: T, turn: Turn): T {
  const tools = new Map<unknown, unknown>();
  const once = (tool: unknown) => {
    if (!tools.has(tool)) tools.set(tool, isCallable(tool) ? traceTool(tool, turn) : tool);
    return tools.get(tool);
  };
  const config = (value: unknown) =>
    typeof value === "object" && value
      ? proxied(value, { tools: (list) => (Array.isArray(list) ? list.map(once) : list) })
      : value;
  return guarded("tools of a call", params, () => proxied(params as T & object, { config }));
}

function traceTool(tool: CallableTool, turn: Turn): CallableTool {
  const described = new Map<string, string | undefined>();
  return proxied(tool, {
    tool: () => async () => {
      const declared = await tool.tool();
      for (const one of objs(obj(declared).functionDeclarations))
        described.set(String(one.name), text(one.description));
      return declared;
    },
    callTool: () => (calls: Wire[]) => run(tool, calls, described, turn),
  });
}

/** One run for each call of a function that this tool has; the SDK gives every tool all calls of an answer. */
async function run(
  tool: CallableTool,
  calls: Wire[],
  described: Map<string, string | undefined>,
  turn: Turn,
): Promise<unknown> {
  const own = seq(calls)
    .map(obj)
    .filter((call) => !described.size || described.has(String(call.name)));
  const open = (call: Wire) =>
    new ToolRun({
      name: text(call.name) ?? "",
      id: text(call.id),
      arguments: call.args ?? {},
      description: described.get(String(call.name)),
    });
  const runs = turn.ended ? [] : guarded("start of a tool", [], () => own.map(open));
  try {
    const [only] = runs; // what several runs at once do cannot be told apart: it stays below the turn
    const parts = await (only && runs.length === 1 ? only.run(() => tool.callTool(calls)) : tool.callTool(calls));
    guarded("result of a tool", undefined, () => settle(own, runs, parts));
    return parts;
  } catch (error) {
    for (const one of runs) one.fail(error);
    throw error;
  }
}

/** Give each run its result: by the id of the call, by its name, else by its place. */
function settle(calls: Wire[], runs: ToolRun[], parts: unknown): void {
  const results = objs(parts).map((part) => obj(part.functionResponse));
  runs.forEach((run, index) => {
    const call = obj(calls[index]);
    const found = results.find((one) => one.id && one.id === call.id) ?? results.find((one) => one.name === call.name);
    const result = found ?? obj(results[index]);
    results.splice(results.indexOf(result), found ? 1 : 0);
    run.result = result.response;
    run.end();
  });
}
