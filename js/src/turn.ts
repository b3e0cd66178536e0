/** One call of the user's that takes several model calls, and the runs of tools in it. */
import { type Attributes, type Context, SpanKind, type TimeInput, trace } from "@opentelemetry/api";
import * as names from "./attributes.ts";
import { Call, type Ending, type Owner, type Request, Scope } from "./call.ts";
import { settings } from "./config.ts";
import { guarded } from "./guard.ts";
import { withoutLargeData } from "./json.ts";
import type { Key, Prompt } from "./model.ts";
import * as render from "./render.ts";
import { NO_SECRETS, type Secrets } from "./secrets.ts";

const AGENT: Key = { operation: "invoke_agent", provider: "", stream: false };

/** One call of the user's that may take several model calls: their parent, without usage, where functions can run. */
export class Turn extends Scope implements Owner {
  #intended: Request | undefined;
  readonly agent: boolean;
  #calls = 0;
  #last: Call | undefined;
  #model: string | undefined;
  #question = "";
  #inputs: Attributes = {};
  #outputs: Attributes = {};
  #began: TimeInput = Date.now();
  override secrets: Secrets = NO_SECRETS;

  /** `intended` is the model call that fails where none is begun, `agent` whether functions can run in the turn. */
  constructor(intended: Request, agent: boolean) {
    super();
    this.#intended = intended;
    this.agent = agent;
    this.turn = this;
  }

  begin(call: Call, model: string | undefined): void {
    this.#calls++;
    this.#last = call;
    this.#model ??= model;
    this.#open();
  }

  around(active: Context): Context | undefined {
    return this.span && trace.getSpan(active) === trace.getSpan(this.outside) ? this.context : undefined;
  }

  /** The span opens with the first request, when a provider is there at the latest. */
  #open(): void {
    if (this.agent && !this.span) this.start(AGENT.operation, render.start(AGENT), SpanKind.INTERNAL, this.#began);
  }

  /** Show the first call's inputs and the last call's outputs as the turn's own, where it has a span. */
  keep(outputs: Attributes, inputs: Attributes, prompt: Prompt): void {
    if (!this.span) return;
    if (!Object.keys(this.#inputs).length) this.#inputs = inputs;
    this.#question ||= this.secrets.scrub(render.lastQuestion(prompt));
    this.#outputs = outputs;
  }

  protected override finish(ending: Ending | undefined, failed: { error: unknown } | undefined): void {
    const [intended, last] = [this.#intended, this.#last];
    this.#intended = this.#last = undefined;
    this.turn = undefined;
    if (failed && !this.#calls) this.#open();
    if (failed && intended && !this.#calls && !this.agent) new Call(intended).end(ending, failed);
    last?.end(ending, failed);
    if (!this.span) return;
    const root = trace.getSpan(this.outside) === undefined;
    const name = render.traceName(AGENT.operation, this.#model, this.#question);
    const failure = failed ? this.describe(failed.error) : undefined;
    const attributes = {
      [names.ERROR_TYPE]: failure?.type,
      ...this.#outputs,
      ...this.#inputs,
      ...(root ? { [names.MLFLOW_TRACE_TAG_MLFLOW_TRACE_NAME]: name } : {}),
    };
    this.endSpan(attributes, failure);
    this.#inputs = this.#outputs = {};
  }
}

/** What is known of the run of a tool before it. */
export type Tool = { name: string; id?: string | undefined; arguments: unknown; description?: string | undefined };

/** One run of a tool: an `execute_tool` span that is current while the tool runs. Calls made in it are its children. */
export class ToolRun extends Scope {
  #tool: Tool;
  result: unknown;
  /** What went wrong, where nothing was raised. */
  code: string | undefined;

  constructor(tool: Tool) {
    super();
    this.context = this.turn?.around(this.context) ?? this.context;
    this.secrets = this.turn?.secrets ?? NO_SECRETS;
    this.turn = undefined;
    this.#tool = { ...tool, name: this.secrets.scrub(tool.name) };
    this.start(
      `execute_tool ${this.#tool.name}`,
      render.tool(this.#tool.name, tool.id, tool.description),
      SpanKind.INTERNAL,
    );
  }

  protected override finish(_: Ending | undefined, failed: { error: unknown } | undefined): void {
    const failure = failed
      ? this.describe(failed.error)
      : this.code
        ? { type: this.code, exception: this.code }
        : undefined;
    const { content, dialects, maxBlobBytes } = settings();
    const forms = content ? render.toolContent(dialects, this.#tool.arguments, this.result, !failure) : {};
    const written = guarded("content of a tool", {}, () => this.write(withoutLargeData(forms, maxBlobBytes)));
    this.endSpan({ [names.ERROR_TYPE]: failure?.type, ...written }, failure);
    this.#tool = { name: "", arguments: undefined };
    this.result = undefined;
  }
}
