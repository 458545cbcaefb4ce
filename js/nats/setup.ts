/** The stream of a namespace: found, or made, and checked. */
import { DiscardPolicy, type JetStreamManager, RetentionPolicy, StorageType, type StreamConfig, type StreamInfo } from "@nats-io/jetstream";
import { sha256 } from "js-sha256";
import { Failed } from "./fault.js";
import { describe } from "./link.js";
import type { Subjects } from "./subjects.js";

/** The version of what is stored. */
const FORMAT = 1;
const FORMAT_KEY = "longwait.format";

/** What the stream must be like for a commit to be what it promises. */
const NEEDED = {
  allow_atomic: true,
  allow_direct: true,
  allow_rollup_hdrs: true,
  deny_purge: false,
  retention: RetentionPolicy.Limits,
  storage: StorageType.File,
  max_age: 0,
  max_msgs: -1,
  max_msgs_per_subject: -1,
} as const satisfies Partial<StreamConfig>;

/** The stream, with what no other stream has. */
export interface Opened {
  readonly identity: string;
  /** Whether this client has made it. */
  readonly isNew: boolean;
}

export async function openStream(manager: JetStreamManager, subjects: Subjects, replicas: number): Promise<Opened> {
  const info = await find(manager, subjects.stream);
  const { config, created } = info ?? (await make(manager, subjects, replicas));
  const wrong = Object.entries(NEEDED).find(([name, value]) => (config[name as keyof StreamConfig] ?? false) !== value);
  if (wrong)
    throw unusable(
      `the stream ${subjects.stream} has \`${wrong[0]}\` set to ${JSON.stringify(config[wrong[0] as keyof StreamConfig])}, and longwait needs ${JSON.stringify(wrong[1])}`,
    );
  const format = Number(config.metadata?.[FORMAT_KEY] ?? FORMAT);
  if (format > FORMAT)
    throw new Failed("unopened", "storage_version", `the stream ${subjects.stream} was written by a newer version of longwait`);
  // A stream that was deleted and made anew is another one.
  return { identity: sha256(`${subjects.stream} ${created}`).slice(0, 32), isNew: info === undefined };
}

async function find(manager: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(name);
  } catch (fault) {
    if ((fault as { status?: number }).status === 404 || (fault as Error).message === "stream not found") return undefined;
    throw fault;
  }
}

async function make(manager: JetStreamManager, subjects: Subjects, replicas: number): Promise<StreamInfo> {
  try {
    return await manager.streams.add({
      ...NEEDED,
      name: subjects.stream,
      subjects: subjects.stored,
      num_replicas: replicas,
      // Full is full: nothing that was acknowledged makes room.
      discard: DiscardPolicy.New,
      metadata: { [FORMAT_KEY]: `${FORMAT}` },
    });
  } catch (fault) {
    // Another client was first.
    const found = await find(manager, subjects.stream);
    if (found) return found;
    throw unusable(`the stream ${subjects.stream} cannot be made (${describe(fault)})`, fault);
  }
}

const unusable = (message: string, cause?: unknown) => new Failed("unopened", "storage_unavailable", message, cause);
