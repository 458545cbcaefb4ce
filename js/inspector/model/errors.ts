/** Errors as they are shown: their message, the code to look up, and where. */

export function codeOf(error: unknown): string | undefined {
  const { code } = (typeof error === "object" && error !== null ? error : {}) as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

/** At the end of a message of longwait. */
const HELP = / \((https:\/\/[^\s)]+)\)$/;

/** Without the address of its help. */
export function messageOf(error: unknown): string {
  return whole(error).replace(HELP, "");
}

/** The page that explains it. */
export function helpOf(error: unknown): string | undefined {
  return HELP.exec(whole(error))?.[1];
}

function whole(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
