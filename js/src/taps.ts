/** How calls see responses and streams as the SDK and the program read them. */
import { abandoned, Call, type Request, type Scope } from "./call.ts";
import { guarded } from "./guard.ts";
import { ready } from "./telemetry.ts";

/** One request: `send` runs in a call, and `settle` sees to it that the call ends when the response has been read. */
export async function traced<T>(
  request: () => Request,
  send: (call?: Call) => Promise<T>,
  settle: (call: Call, result: T) => void,
): Promise<T> {
  await ready();
  const call = guarded("start of a call", undefined, () => new Call(request()));
  if (!call) return send();
  let result: T;
  try {
    result = await call.run(() => send(call));
  } catch (error) {
    call.fail(error);
    throw error;
  }
  guarded("a response", undefined, () => settle(call, result));
  return result;
}

type Stream = { next: (...args: never[]) => Promise<IteratorResult<unknown>> } & Partial<
  Record<"return" | "throw", (value?: unknown) => Promise<IteratorResult<unknown>>>
>;

/** End a scope when the stream ends, however it does. The methods are shadowed on this one object, which stays itself. */
export function tap(
  scope: Scope,
  stream: object,
  each: (value: unknown) => void,
  failing: (error: unknown) => void = () => {},
): void {
  const { next, return: close, throw: raise } = stream as Stream;
  const shadow = (name: string, value: unknown) =>
    Object.defineProperty(stream, name, {
      value,
      writable: true,
      configurable: true,
      enumerable: Object.hasOwn(stream, name),
    });
  let closing = false; // a read that waits is done, or fails, when its stream is closed
  shadow("next", async function (this: unknown, ...args: never[]) {
    try {
      const result = await scope.run(() => Reflect.apply(next, stream, args));
      if (result.done) scope.end(closing ? "closed" : undefined);
      else guarded("a chunk", undefined, () => each(result.value));
      return result;
    } catch (error) {
      if (closing) scope.end("closed");
      else {
        guarded("a failed stream", undefined, () => failing(error));
        scope.fail(error);
      }
      throw error;
    }
  });
  if (close) {
    shadow("return", async (value?: unknown) => {
      closing = true;
      try {
        return await scope.run(() => Reflect.apply(close, stream, [value]));
      } finally {
        scope.end("closed");
      }
    });
  }
  if (raise) {
    shadow("throw", async (error?: unknown) => {
      scope.fail(error);
      return Reflect.apply(raise, stream, [error]);
    });
  }
  abandoned.register(stream, scope);
}

/** See what a method that reads a response returns; `missing` where the object is dropped unread. */
export function tapReading<T extends object>(
  call: Call,
  response: T,
  method: keyof T & string,
  see: (data: unknown) => void,
  done: boolean,
): void {
  const read = response[method] as () => Promise<unknown>;
  Object.defineProperty(response, method, {
    configurable: true,
    writable: true,
    value: async () => {
      try {
        const data = await Reflect.apply(read, response, []);
        guarded("a response", undefined, () => see(data));
        if (done) call.end();
        return data;
      } catch (error) {
        call.fail(error);
        throw error;
      }
    },
  });
  if (done) abandoned.register(response, call);
}
