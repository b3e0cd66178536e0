/** A hook of Node's module loader: `import` of an SDK gets its module with a note to us, in a thread of the loader's or in ours. */

/** The SDKs, as programs name them. */
export const SDKS: RegExp = /^@google\/(?:genai(?:\/(?:node|web))?|generative-ai)$/;
/** The name of the function, on `globalThis`, that is given the exports of an SDK. */
export const LOADED = "genspan.loaded";

type Resolved = { url: string; format?: string | null; shortCircuit?: boolean };
type Next = (specifier: string, context?: unknown) => Resolved | Promise<Resolved>;

/** https://nodejs.org/api/module.html#resolvespecifier-context-nextresolve, synchronous where `next` is. */
export function resolve(
  specifier: string,
  context: { conditions: string[] },
  next: Next,
): Resolved | Promise<Resolved> {
  const found = next(specifier, context);
  if (!SDKS.test(specifier) || !context.conditions.includes("import")) return found;
  return found instanceof Promise ? found.then(noted) : noted(found);
}

/** A module that exports what the SDK's does; no export is replaced. */
function noted({ url }: Resolved): Resolved {
  const sdk = JSON.stringify(url);
  const source = `import * as sdk from ${sdk}; globalThis[Symbol.for("${LOADED}")]?.(sdk); export * from ${sdk};`;
  return { url: `data:text/javascript,${encodeURIComponent(source)}`, format: "module", shortCircuit: true };
}
