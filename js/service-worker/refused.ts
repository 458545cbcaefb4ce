/** Errors of this entry, which are those of the package. */
import { ProcessError, type ProcessErrorCode } from "../entries/index.js";
import { withHelp } from "../types/help.js";

export const refused = (message: string, code: ProcessErrorCode = "invalid_argument") =>
  new ProcessError(withHelp(message, code), { code });

/** The default of `handleSync` and of `requestSync`. */
const TAG = "longwait";

/** A tag, or the default. */
export function tagIn(given: unknown): string {
  if (given === undefined) return TAG;
  if (typeof given !== "string" || given.trim() === "") throw refused("options.tag: must be a non-blank string");
  return given;
}

/** A number of milliseconds, or the default. */
export function millisIn(given: unknown, name: string, otherwise: number): number {
  if (given === undefined) return otherwise;
  if (!Number.isSafeInteger(given) || (given as number) < 1) throw refused(`${name}: must be a whole number of milliseconds, at least 1`);
  return given as number;
}

/** An object of options without others than these. */
export function known(given: unknown, names: readonly string[]): void {
  if (typeof given !== "object" || given === null) throw refused("options: must be an object");
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) throw refused(`options.${unknown}: is not an option here`);
}
