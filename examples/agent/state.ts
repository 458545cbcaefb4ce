/** What a process is at, in words: a turn of a chat, and the researcher that it calls. */
import type { ProcessRecord } from "longwait";
import { KEY_SIGNAL } from "./models/choice.js";
import { tab } from "./tab.js";

export interface State {
  /** How it looks. */
  readonly name: "pending" | "running" | "waiting" | "completed" | "failed" | "cancelled";
  readonly words: string;
  readonly isOver: boolean;
  /** More of it, where there is more. */
  readonly detail: string | undefined;
}

/** What is known beside the record. */
export interface Beside {
  /** Whether the driver of this tab is started. */
  readonly isDriving: boolean;
  /** Whether its end was asked for. */
  readonly isStopping?: boolean;
  /** Whether the signal that it waits for has come: no run has taken it yet. */
  readonly isAnswered?: boolean;
}

type Known = Pick<ProcessRecord, "status" | "wait" | "state">;

export function stateOf({ status, wait, state }: Known, { isDriving, isStopping = false, isAnswered = false }: Beside): State {
  if (status.state === "completed") return over("completed", "Answered");
  if (status.state === "cancelled") return over("cancelled", "Stopped");
  if (status.state === "failed") return over("failed", "Failed", status.awaitOutput.type === "failure" ? status.awaitOutput.message : "");

  if (isStopping) return yet("waiting", "Is being stopped");
  const by = (state as { tab?: string } | undefined)?.tab;
  if (wait?.kind === "signal" && wait.name === KEY_SIGNAL)
    return yet("waiting", "Waits for a key", `It needs a key, and ${by} has none. Enter it there, under Model.`);
  if (wait?.kind === "signal" && !isAnswered) return yet("waiting", "Waits for you");
  if (wait?.kind === "retry") return yet("waiting", `Attempt ${wait.attempt} at ${new Date(wait.untilMs).toLocaleTimeString()}`);
  // A record says which tab began the run, and not that its driver was stopped since.
  if (by === undefined || (by === tab && !isDriving)) return yet("pending", "Waits for a tab that runs it");
  return yet("running", "At work");
}

const over = (name: State["name"], words: string, detail?: string): State => ({ name, words, detail, isOver: true });
const yet = (name: State["name"], words: string, detail?: string): State => ({ name, words, detail, isOver: false });
