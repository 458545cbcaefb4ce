/**
 * The checkpoint saver: LangGraph's questions, answered from the logs of processes. It decides which value of a channel is stored and which is that of
 * an earlier checkpoint; where in a log that is, js/langgraph/history.ts knows.
 */
import {
  BaseCheckpointSaver,
  compareWritesSortKeys,
  getCheckpointId,
  maxChannelVersion,
  TASKS,
  WRITES_IDX_MAP,
  writesSortKey,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointPendingWrite,
  type CheckpointTuple,
  type DeltaChannelHistory,
  type PendingWrite,
  type SerializerProtocol,
} from "@langchain/langgraph-checkpoint";
import { equal } from "../observe/same.js";
import { isProcessError } from "../types/errors.js";
import type { ProcessRegistry } from "../types/public.js";
import { Batch } from "./batch.js";
import { absolute, History, type Header } from "./history.js";
import { CHECKPOINT, WRITES, type ChannelValue, type CheckpointPayload, type WritesPayload } from "./log.js";
import { Recent } from "./recent.js";
import { load, store, type Stored } from "./stored.js";
import { KIND, LABEL, named, namespaceOf, processIdOf, registrationOf, required, threadOf, type Thread } from "./thread.js";

/** What LangGraph's calls say of a thread and a checkpoint: a `RunnableConfig` of `@langchain/core`, which this package has no dependency on. */
type RunnableConfig = CheckpointTuple["config"];

/**
 * Keeps the checkpoints of LangGraph in a registry: `graph.compile({ checkpointer: new LongwaitSaver(registry) })`. What a resolved put has survived is
 * what `durability` of the registry says.
 *
 * Each namespace of a thread is a process of the kind `langgraph.thread`, with the label `langgraph.thread` of the thread's id, that no driver runs and
 * nothing ends but {@link deleteThread}. Its log is the thread's history. A put is one transaction, and stores the channels that changed.
 *
 * Rejects as the methods of the registry do; with `invalid_argument` for a config that lacks what the call needs, and for a value of more than 33 million
 * characters; with `storage_failed` where a value that a checkpoint refers to is not in the log.
 */
export class LongwaitSaver extends BaseCheckpointSaver {
  readonly #registry: ProcessRegistry;
  /** Where the logs of processes ended, to save reads. */
  readonly #ends = new Recent<number>();
  /** The first writes to checkpoints, by process and checkpoint: LangGraph may store these before the checkpoint. */
  readonly #firstWrites = new Recent<number>();

  /**
   * @param registry Where checkpoints are kept. It is not closed with the saver, which needs no closing.
   * @param serde How values are serialized. Default: LangGraph's own, which takes JSON, messages, maps, sets and bytes.
   */
  constructor(registry: ProcessRegistry, serde?: SerializerProtocol) {
    super(serde);
    this.#registry = registry;
  }

  /** The checkpoint that the config names, or else the newest of the thread, with what was written to it. */
  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const thread = threadOf(config);
    if (thread === undefined) return undefined;
    const id = getCheckpointId(config);
    const history = await this.#historyOf(thread);
    const header = id === "" ? await history?.newest() : await history?.checkpoint(id);
    return history && header && this.#tuple(thread, history, header);
  }

  /**
   * Checkpoints, from the newest to the oldest: of one namespace of a thread, of all of them where the config names none, of all threads where it names
   * no thread. They are read as they are asked for.
   */
  override async *list(config: RunnableConfig, options: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
    const { filter = {}, limit = Infinity } = options;
    const only = named(config, "checkpoint_id");
    let left = limit;
    if (left <= 0) return;
    for await (const { thread, history, header } of this.#newestFirst(config, options.before && named(options.before, "checkpoint_id"))) {
      if (only !== undefined && header.payload.id !== only) continue;
      const metadata = (await this.#load(header.payload.metadata)) as { [name: string]: unknown };
      if (!Object.entries(filter).every(([name, value]) => equal(metadata[name], value))) continue;
      yield await this.#tuple(thread, history, header);
      if (--left === 0) return;
    }
  }

  /** Stores a checkpoint, with the channels that changed, in one transaction. */
  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    const thread = required(threadOf(config), "thread_id");
    const parent = named(config, "checkpoint_id");
    const { channel_values: values, ...rest } = checkpoint;
    // At once: a graph may change its state as soon as it has the promise.
    const [stored, described, changed] = await Promise.all([
      this.#store(rest),
      this.#store(metadata),
      all(
        Object.keys(newVersions).filter((channel) => Object.hasOwn(values, channel)),
        (channel) => this.#store(values[channel]),
      ),
    ]);
    const processId = processIdOf(thread);
    const key = `${processId} ${checkpoint.id}`;
    await this.#registered(thread, async () => {
      const history = await History.of(this.#registry, processId, this.#ends.get(processId));
      const batch = new Batch();
      const channels = await this.#channels(history, batch, checkpoint, parent, changed);
      const newest = (await history.newest())?.payload.id;
      const first = Math.min(this.#firstWrites.get(key) ?? Infinity, history.firstWrite(checkpoint.id) ?? Infinity);
      const payload: CheckpointPayload = {
        id: checkpoint.id,
        ...(parent === undefined ? {} : { parent }),
        ...(newest !== undefined && newest > checkpoint.id ? { newest } : {}),
        since: Math.min(history.end, first - 1),
        checkpoint: stored,
        metadata: described,
        values: channels,
      };
      await this.#append(processId, batch, CHECKPOINT, payload);
    });
    this.#firstWrites.delete(key);
    return configOf(thread, checkpoint.id);
  }

  /** Stores what a task wrote to a checkpoint, in one transaction. */
  override async putWrites(config: RunnableConfig, writes: PendingWrite[], taskId: string, taskPath = ""): Promise<void> {
    const thread = required(threadOf(config), "thread_id");
    const id = required(named(config, "checkpoint_id"), "checkpoint_id");
    const stored = await Promise.all(writes.map(([, value]) => this.#store(value)));
    const batch = new Batch();
    const payload: WritesPayload = {
      checkpoint: id,
      task: taskId,
      path: taskPath,
      writes: writes.map(([channel], index) => ({ channel, ...batch.hold(channel, stored[index] as Stored) })),
    };
    const processId = processIdOf(thread);
    await this.#registered(thread, async () => {
      const sequence = await this.#append(processId, batch, WRITES, payload);
      const key = `${processId} ${id}`;
      if (this.#firstWrites.get(key) === undefined) this.#firstWrites.set(key, sequence);
    });
  }

  /**
   * Deletes the thread: its checkpoints and writes, in all namespaces. Each namespace is deleted in one transaction, that of the graph itself last, so that
   * a thread of which anything is left can be deleted again.
   */
  override async deleteThread(threadId: string): Promise<void> {
    required(threadId === "" ? undefined : threadId, "thread_id");
    const ids = await this.#processIds({ threadId });
    // The id of the graph itself is the beginning of the others', and so the first.
    for (const id of ids.reverse()) await this.#registry.deleteProcess(id, { force: true }).catch(unlessUnknown);
  }

  /** As the base class says, in one pass over the log. */
  override async getDeltaChannelHistory(options: {
    config: RunnableConfig;
    channels: string[];
  }): Promise<Record<string, DeltaChannelHistory>> {
    const { config, channels } = options;
    const found = new Map(channels.map((channel) => [channel, { writes: [] } as DeltaChannelHistory]));
    const thread = threadOf(config);
    const history = thread && (await this.#historyOf(thread));
    const id = getCheckpointId(config);
    const open = new Set(channels);
    let at = id === "" ? await history?.newest() : await history?.checkpoint(id);
    while (history && open.size > 0 && at?.payload.parent !== undefined) {
      at = await history.checkpoint(at.payload.parent);
      if (at === undefined) break;
      const writes = await this.#pendingWrites(history, at, open);
      for (const channel of [...open]) {
        const known = found.get(channel) as DeltaChannelHistory;
        known.writes.unshift(...writes.filter(([, written]) => written === channel));
        const held = ownValue(at.payload.values, channel);
        if (held === undefined) continue;
        known.seed = await this.#load(await history.value(at, channel, held));
        open.delete(channel);
      }
    }
    return Object.fromEntries(found);
  }

  // ── Reading ───────────────────────────────────────────────────────────────

  async #historyOf(thread: Thread): Promise<History | undefined> {
    const processId = processIdOf(thread);
    const history = await History.of(this.#registry, processId, this.#ends.get(processId)).catch(unlessUnknown);
    if (history !== undefined) this.#ends.set(processId, history.end);
    return history;
  }

  async #tuple(thread: Thread, history: History, header: Header<CheckpointPayload>): Promise<CheckpointTuple> {
    const { id, parent, values } = header.payload;
    const [checkpoint, metadata, channels, pendingWrites] = await Promise.all([
      this.#load(header.payload.checkpoint) as Promise<Omit<Checkpoint, "channel_values">>,
      this.#load(header.payload.metadata) as Promise<CheckpointMetadata>,
      all(Object.keys(values), async (name) => this.#load(await history.value(header, name, values[name] as ChannelValue))),
      this.#pendingWrites(history, header),
    ]);
    const whole: Checkpoint = { ...checkpoint, channel_values: channels };
    if (whole.v < 4 && parent !== undefined) await this.#migrate(history, whole, parent);
    return {
      config: configOf(thread, id),
      checkpoint: whole,
      metadata,
      ...(parent === undefined ? {} : { parentConfig: configOf(thread, parent) }),
      pendingWrites,
    };
  }

  /** What was written to a checkpoint, in LangGraph's order: to these channels, where they are given. */
  async #pendingWrites(history: History, header: Header<CheckpointPayload>, only?: ReadonlySet<string>): Promise<CheckpointPendingWrite[]> {
    const kept = new Map<string, Write>();
    for (const { sequence, payload } of await history.writes(header))
      payload.writes.forEach((write, place) => {
        const index = WRITES_IDX_MAP[write.channel] ?? place;
        const key = JSON.stringify([payload.task, index]);
        // Of what a task writes twice, the first counts; of an error or an interrupt the last.
        if (index < 0 || !kept.has(key)) kept.set(key, { sequence, payload, write, index });
      });
    const asked = [...kept.values()].filter(({ write }) => only === undefined || only.has(write.channel));
    const keyOf = ({ payload: { path, task }, index }: Write) => writesSortKey(path, task, index);
    asked.sort((one, other) => compareWritesSortKeys(keyOf(one), keyOf(other)));
    return Promise.all(
      asked.map(async ({ sequence, payload, write }): Promise<CheckpointPendingWrite> => {
        const stored = await history.value({ sequence, payload }, write.channel, write);
        return [payload.task, write.channel, await this.#load(stored)];
      }),
    );
  }

  /** Before version 4, what was sent to a step stood in the writes to the checkpoint before it; now it is a channel. */
  async #migrate(history: History, checkpoint: Checkpoint, parent: string): Promise<void> {
    const before = await history.checkpoint(parent);
    const sent = before === undefined ? [] : await this.#pendingWrites(history, before, new Set([TASKS]));
    const versions = Object.values(checkpoint.channel_versions);
    checkpoint.channel_values[TASKS] = sent.map(([, , value]) => value);
    checkpoint.channel_versions[TASKS] = versions.length > 0 ? maxChannelVersion(...versions) : this.getNextVersion(undefined);
  }

  /** The headers of the checkpoints that a list is about, from the newest to the oldest over all its processes. */
  async *#newestFirst(config: RunnableConfig, before: string | undefined): AsyncGenerator<Listed> {
    const heads = await Promise.all((await this.#threads(config)).map((thread) => this.#head(thread, before)));
    const open = heads.filter((head) => head !== undefined);
    while (open.length > 0) {
      const newest = open.reduce((one, other) => (other.header.payload.id > one.header.payload.id ? other : one));
      yield newest;
      const next = await newest.rest.next();
      if (next.done === true) open.splice(open.indexOf(newest), 1);
      else newest.header = next.value;
    }
  }

  async #head(thread: Thread, before: string | undefined): Promise<Listed | undefined> {
    const history = await this.#historyOf(thread);
    const rest = history?.descending(before);
    const first = await rest?.next();
    return history && rest && first?.done === false ? { thread, history, rest, header: first.value } : undefined;
  }

  async #threads(config: RunnableConfig): Promise<Thread[]> {
    const [threadId, namespace] = [named(config, "thread_id"), namespaceOf(config)];
    if (threadId !== undefined && namespace !== undefined) return [{ threadId, namespace }];
    const threads = (await this.#records({ threadId })).map(({ input }) => input.metadata as unknown as Thread);
    return threads.filter((thread) => namespace === undefined || thread.namespace === namespace);
  }

  async #processIds(of: { threadId?: string | undefined }): Promise<string[]> {
    return (await this.#records(of)).map(({ id }) => id);
  }

  #records({ threadId }: { threadId?: string | undefined }) {
    return this.#registry.listProcesses({
      kind: KIND,
      status: "any",
      ...(threadId === undefined ? {} : { labels: { [LABEL]: threadId } }),
    });
  }

  // ── Writing ───────────────────────────────────────────────────────────────

  /**
   * The values of a checkpoint's channels. One that changed is stored. One that did not is that of the parent, or, where the parent has another version, as
   * for a copy that LangGraph puts beside its original, stored again. Without a parent it is what any checkpoint has of that version.
   */
  async #channels(
    history: History,
    batch: Batch,
    { channel_values: values, channel_versions: versions }: Checkpoint,
    parent: string | undefined,
    changed: { readonly [channel: string]: Stored },
  ): Promise<{ [channel: string]: ChannelValue }> {
    const before = parent === undefined ? undefined : await history.checkpoint(parent);
    const channels: { [channel: string]: ChannelValue } = {};
    for (const channel of Object.keys(values)) {
      const version = versions[channel] ?? 0;
      const stored = ownValue(changed, channel);
      const there =
        stored ?? (parent === undefined ? await held(history.descending(), channel, version) : await held([before], channel, version));
      if (stored !== undefined) channels[channel] = { version, ...batch.hold(channel, stored) };
      else if (there !== undefined) channels[channel] = there as ChannelValue;
      else if (parent !== undefined) channels[channel] = { version, ...batch.hold(channel, await this.#store(values[channel])) };
    }
    return channels;
  }

  /** Does what needs the process of a thread to be there: registers it where it is not, or not any more. */
  async #registered(thread: Thread, write: () => Promise<void>): Promise<void> {
    for (;;) {
      const written = await write().then(() => true, unlessUnknown);
      if (written) return;
      await this.#registry.registerProcess(registrationOf(thread));
    }
  }

  /** Appends a batch. Gives the sequence of its header. */
  async #append(processId: string, batch: Batch, eventType: string, payload: object): Promise<number> {
    const results = await this.#registry.appendEvents(processId, batch.events(eventType, payload));
    const { sequence } = (results.at(-1) as (typeof results)[number]).event;
    this.#ends.set(processId, sequence);
    return sequence;
  }

  #store(value: unknown): Promise<Stored> {
    return store(this.serde, value);
  }

  #load(stored: Stored): Promise<unknown> {
    return load(this.serde, stored);
  }
}

interface Write extends Header<WritesPayload> {
  readonly write: WritesPayload["writes"][number];
  readonly index: number;
}

/** A list of one process, and how far it is. */
interface Listed {
  readonly thread: Thread;
  readonly history: History;
  readonly rest: AsyncGenerator<Header<CheckpointPayload>>;
  header: Header<CheckpointPayload>;
}

const configOf = ({ threadId, namespace }: Thread, id: string) => ({
  configurable: { thread_id: threadId, checkpoint_ns: namespace, checkpoint_id: id },
});

/** The value that the first of these checkpoints holds of this version of a channel, with its place in the log. */
async function held(
  headers: AsyncIterable<Header<CheckpointPayload>> | Iterable<Header<CheckpointPayload> | undefined>,
  channel: string,
  version: number | string,
): Promise<ChannelValue | undefined> {
  for await (const header of headers) {
    const value = header && ownValue(header.payload.values, channel);
    if (value?.version !== version) continue;
    return "at" in value ? { ...value, at: absolute(value.at, header!.sequence) } : value;
  }
  return undefined;
}

/** The value of a name that is the object's own. */
const ownValue = <V>(values: { readonly [name: string]: V }, name: string): V | undefined =>
  Object.hasOwn(values, name) ? values[name] : undefined;

/** What `of` gives for each name, under it. */
async function all<V>(names: readonly string[], of: (name: string) => Promise<V>): Promise<{ [name: string]: V }> {
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await of(name)] as const)));
}

/** A process that is not there is an answer. */
function unlessUnknown(fault: unknown): undefined {
  if (!isProcessError(fault, "unknown_process")) throw fault;
}
