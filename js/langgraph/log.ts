/**
 * What the log of a thread holds. A put is one batch of events, and so one transaction: its large values, each in an event of its own, and then a
 * header, which is small. So what a question must look through is headers alone.
 */
import type { Stored } from "./stored.js";

/** The event types of headers: of a checkpoint, and of the writes of a task. */
export const CHECKPOINT = "langgraph.checkpoint";
export const WRITES = "langgraph.writes";
export const HEADERS = [CHECKPOINT, WRITES];

/** The event type of a value that is too large for a header. */
export const VALUE = "langgraph.value";

/**
 * Where a value is: in the header itself, or in an event. `at` is the sequence of that event; where it is negative, it counts back from the header, as
 * the sequences of a batch are not known before it is committed.
 */
export type Held = { readonly value: Stored } | { readonly at: number };

/** The payload of an event of a value. The channel says, when it is read, that it is the one that is looked for. */
export interface ValuePayload {
  readonly channel: string;
  readonly value: Stored;
}

/** The value of a channel, and the version of the channel that it is of. */
export type ChannelValue = Held & { readonly version: number | string };

/** The payload of the header of a checkpoint. */
export interface CheckpointPayload {
  readonly id: string;
  readonly parent?: string;
  /** The highest id among the checkpoints before it in the log, where that is higher than its own. */
  readonly newest?: string;
  /** Writes to it come behind this sequence: LangGraph may store them before the checkpoint itself. */
  readonly since: number;
  /** All of it but the values of its channels. */
  readonly checkpoint: Stored;
  readonly metadata: Stored;
  readonly values: { readonly [channel: string]: ChannelValue };
}

/** The payload of the header of what a task wrote. */
export interface WritesPayload {
  readonly checkpoint: string;
  readonly task: string;
  /** The place of the task among those of its step, by which writes are ordered. */
  readonly path: string;
  readonly writes: readonly (Held & { readonly channel: string })[];
}
