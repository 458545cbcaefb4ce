/** Which process a namespace of a thread is. What its log says is of no interest here. */
import { ProcessError } from "../types/errors.js";
import { withHelp } from "../types/help.js";
import type { ProcessRegistration } from "../types/public.js";
import { HEADERS, VALUE } from "./log.js";

/** The kind of the processes that keep threads. */
export const KIND = "langgraph.thread";

/** The label that names the thread: a filter by it finds all namespaces of a thread. */
export const LABEL = "langgraph.thread";

/** A namespace of a thread: the graph itself has `""`, a graph within it one of its own. */
export interface Thread {
  readonly threadId: string;
  readonly namespace: string;
}

/** The part of a config that says what a call is about. */
export interface Configured {
  readonly configurable?: { readonly [name: string]: unknown };
}

/** The thread that a config names; nothing where it names none. */
export function threadOf(config: Configured): Thread | undefined {
  const threadId = named(config, "thread_id");
  return threadId === undefined ? undefined : { threadId, namespace: namespaceOf(config) ?? "" };
}

/** The namespace that a config names; nothing where it names none. */
export function namespaceOf(config: Configured): string | undefined {
  const value = config.configurable?.checkpoint_ns ?? undefined;
  if (value !== undefined && typeof value !== "string") throw refused("checkpoint_ns", "must be a text");
  return value;
}

/** A name in a config, which is a text that is not empty. */
export function named(config: Configured, name: "thread_id" | "checkpoint_id"): string | undefined {
  const value = config.configurable?.[name] ?? undefined;
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  throw refused(name);
}

/** What there must be. */
export function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw refused(name);
  return value;
}

function refused(name: string, why = "must be a text that is not empty", cause?: unknown): ProcessError {
  const code = "invalid_argument";
  return new ProcessError(withHelp(`config.configurable.${name}: ${why}`, code), { code, cause });
}

/** The id of the process of a thread. No two threads have one: of the thread's own slashes none is left. */
export function processIdOf({ threadId, namespace }: Thread): string {
  const root = `langgraph/${encoded(threadId)}`;
  return namespace === "" ? root : `${root}/${namespace}`;
}

function encoded(threadId: string): string {
  try {
    return encodeURIComponent(threadId);
  } catch (cause) {
    throw refused("thread_id", "has a lone surrogate", cause);
  }
}

/** No driver runs it, and nothing but the deletion of the thread ends it. */
export function registrationOf(thread: Thread): ProcessRegistration {
  const { threadId, namespace } = thread;
  return {
    id: processIdOf(thread),
    input: { type: "external", metadata: { threadId, namespace } },
    identity: { kind: KIND, label: namespace === "" ? threadId : `${threadId} / ${namespace}` },
    labels: { [LABEL]: threadId },
    eventTypes: [...HEADERS, VALUE].map((name) => ({ name })),
  };
}
