/** What happens when a program loads an SDK, by `import` or by `require`. */
import Module, { register } from "node:module";
import { patchModule } from "./gemini/bindings.ts";
import { patchLegacyModule } from "./gemini/legacy.ts";
import { guarded } from "./guard.ts";
import { LOADED, resolve, SDKS } from "./loader.ts";
import { type Method, wrap } from "./patch.ts";

let hooked = false;

/** Patch the exports of an SDK's module. */
export function patchExports(exports: object): void {
  guarded("patching an SDK", undefined, () => {
    patchModule(exports);
    patchLegacyModule(exports);
  });
}

/** Patch SDKs when they are loaded, and those that `require` has loaded already. */
export function patchWhenLoaded(): void {
  Reflect.set(globalThis, Symbol.for(LOADED), patchExports);
  wrap(Module.prototype, "require", required);
  guarded("modules that are loaded", undefined, () => {
    const cache = Reflect.get(Module, "_cache") as Record<string, { exports: object } | undefined>;
    for (const [file, module] of Object.entries(cache)) {
      if (module && /[\\/]@google[\\/](?:genai|generative-ai)[\\/]dist[\\/]/.test(file)) patchExports(module.exports);
    }
  });
  if (hooked) return;
  hooked = true;
  guarded("hook of the module loader", undefined, () => {
    const registerHooks = Reflect.get(Module, "registerHooks") as ((hooks: object) => void) | undefined;
    // Node 20 has only hooks in a thread of their own, which newer versions deprecate.
    if (registerHooks) registerHooks({ resolve });
    else register("./loader.js", import.meta.url);
  });
}

/** Patch SDKs that are loaded from now on no more. */
export const stopPatching = (): boolean => Reflect.deleteProperty(globalThis, Symbol.for(LOADED));

const required = (original: Method): Method =>
  function (this: unknown, name: string) {
    const exports = original.call(this, name);
    if (SDKS.test(name)) patchExports(exports);
    return exports;
  };
