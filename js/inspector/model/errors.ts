/** Errors as they are shown: their message, the code to look up, and where. */
import { helpIn, withoutHelp } from "../../types/help.js";

export function codeOf(error: unknown): string | undefined {
  const { code } = (typeof error === "object" && error !== null ? error : {}) as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

/** Without the address of its help. */
export function messageOf(error: unknown): string {
  return withoutHelp(whole(error));
}

/** The page that explains it. */
export function helpOf(error: unknown): string | undefined {
  return helpIn(whole(error));
}

function whole(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
