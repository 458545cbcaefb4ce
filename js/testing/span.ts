/** Spans and times of a test, as it writes them. */
import { ProcessError } from "../entries/index.js";
import type { Span } from "../types/testing.js";

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

const PART = /(\d+(?:\.\d+)?)\s*(ms|[smhdw])\s*/y;

/** A span in milliseconds: a number of them, or such as `"3d"` and `"1h 30m"`. */
export function spanMs(given: Span, name: string): number {
  const ms = typeof given === "string" ? parsed(given) : given;
  if (typeof ms !== "number" || !Number.isFinite(ms) || ms < 0 || ms > Number.MAX_SAFE_INTEGER)
    throw invalid(`${name}: must be milliseconds, or a text such as "3d", "1h 30m" or "250ms"`);
  return Math.round(ms);
}

function parsed(text: string): number {
  let total = text.trim() === "" ? NaN : 0;
  PART.lastIndex = text.length - text.trimStart().length;
  while (PART.lastIndex < text.length) {
    const [, digits, unit] = PART.exec(text) ?? [];
    if (digits === undefined || unit === undefined) return NaN;
    total += Number(digits) * UNITS[unit]!;
  }
  return total;
}

/** A time in epoch milliseconds. */
export function timeMs(given: Date | number, name: string): number {
  const ms = typeof given === "number" ? given : Number(given);
  if (!Number.isSafeInteger(ms) || ms < 0) throw invalid(`${name}: must be a Date, or whole milliseconds since 1970`);
  return ms;
}

/** The refusal of an argument. */
export const invalid = (message: string) => new ProcessError(message, { code: "invalid_argument" });
