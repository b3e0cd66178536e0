/** The one place where our own failures end, so that none of them reaches the user's call. */
import { diag } from "@opentelemetry/api";

const reported = new Set<string>();

/** Log a failure of ours once per site, at debug. */
export function swallow(site: string, error: unknown): void {
  if (reported.has(site)) return;
  reported.add(site);
  diag.debug(`genspan failed in ${site}; the program's call is not affected`, error);
}

/** What `run` returns; `otherwise` where it fails. */
export function guarded<T>(site: string, otherwise: T, run: () => T): T {
  try {
    return run();
  } catch (error) {
    swallow(site, error);
    return otherwise;
  }
}

/** Say something to the user, once per cause: a warning of the process, which its flags and listeners govern. */
export function warn(cause: string, message: string): void {
  if (reported.has(`warning: ${cause}`)) return;
  reported.add(`warning: ${cause}`);
  process.emitWarning(message, { type: "GenspanWarning" });
}

/** Let a cause be told again: what was wrong has been right in between. */
export const forget = (cause: string): boolean => reported.delete(`warning: ${cause}`);
