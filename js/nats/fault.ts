/** How a transaction fails, as the store in the WebAssembly has to know it. */
import type { RemoteFault } from "../border/remote.js";
import type { ProcessErrorCode } from "../types/errors.js";

/** A transaction that came to nothing. */
export class Failed extends Error implements RemoteFault {
  readonly how: RemoteFault["how"];
  readonly code: ProcessErrorCode;

  constructor(how: RemoteFault["how"], code: ProcessErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.how = how;
    this.code = code;
  }
}

/** Another commit came first: the rules run again on fresher rows. */
export const raced = () => new Failed("raced", "conflict", "another client changed the process first");

export const closed = () => new Failed("unopened", "closed", "the registry is closed");

/** Nothing was sent. */
export const disconnected = (cause?: unknown) =>
  new Failed("unopened", "disconnected", `the NATS server cannot be reached${because(cause)}; nothing was written`, cause);

/** The reason that the client of NATS gives, by which a refused token differs from a server that does not answer. */
function because(cause: unknown): string {
  const reason = cause instanceof Failed ? cause.cause : cause;
  return reason instanceof Error && reason.message !== "" ? ` (${reason.message})` : "";
}

/** The commit was sent, and it is not known what became of it. */
export const unsettled = (cause?: unknown) =>
  new Failed(
    "unsettled",
    "disconnected",
    "the connection to the NATS server was lost before it answered; the write may have happened",
    cause,
  );

export const refused = (message: string, cause?: unknown) => new Failed("refused", "storage_failed", message, cause);
