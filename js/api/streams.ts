/** Streams: the writer of a run, and readers in any tab. */
import { call, callNow } from "../border/call.js";
import { abortSignal, boolean, count, id, oneOf, optional, options } from "../border/check.js";
import { json } from "../border/shapes.js";
import { freeze } from "../platform/intrinsics.js";
import { follow } from "./events.js";
import type { RawRegistry, RawRun } from "../border/raw.js";
import type { Json, ReadStreamOptions, StreamChunk, StreamOptions, StreamReader, StreamWriter } from "../types/public.js";

/** Opens a stream of a run. `through` runs a call of the WebAssembly, and gives what the run is to be given. */
export async function openStream(through: Through, given: string, how: StreamOptions | undefined): Promise<StreamWriter<Json>> {
  const name = id(given, "name");
  const { resume = false, keep } = options<StreamOptions>(how, "options", {
    resume: optional(boolean),
    keep: optional(oneOf("process", "untilTerminal")) as never,
  });
  let nextIndex = await through((raw) => raw.openStream(name, resume, keep === "untilTerminal"));
  let writable: WritableStream<Json> | undefined;

  async function append(chunk: unknown): Promise<void> {
    const copied = json(chunk, "chunk");
    nextIndex = (await through((raw) => raw.appendChunk(name, copied))) + 1;
  }
  const flush = () => through((raw) => raw.flushStream(name, false));
  const close = () => through((raw) => raw.flushStream(name, true));

  return freeze<StreamWriter<Json>>({
    name,
    get nextIndex() {
      return nextIndex;
    },
    // Made when it is asked for: not every host has such a class.
    get writable() {
      return (writable ??= new WritableStream<Json>({ write: append, close }));
    },
    append,
    flush,
    close,
  });
}

export type Through = <T>(work: (raw: RawRun) => Promise<T>) => Promise<T>;

/** A stream to be read. Each iteration begins at the start index. */
export function readStream(raw: RawRegistry, processId: string, name: string, given: ReadStreamOptions | undefined): StreamReader<Json> {
  return callNow(() => {
    const [checkedId, checkedName] = [id(processId, "processId"), id(name, "name")];
    const { startIndex = 0, signal } = options<ReadStreamOptions>(given, "options", READ);
    raw.refuseUnlessOpen();

    function chunks(): AsyncIterableIterator<StreamChunk<Json>> {
      const reader = raw.readStream(checkedId, checkedName);
      return follow({
        read: (after, stop) => call(() => reader.next(after + 1, stop)),
        itemsOf: (batch) => batch.chunks,
        placeOf: (chunk) => chunk.index,
        after: startIndex - 1,
        outer: signal,
        over: () => reader.close(),
      });
    }

    return freeze<StreamReader<Json>>({
      [Symbol.asyncIterator]: chunks,
      toReadableStream() {
        const iterator = chunks();
        return new ReadableStream<StreamChunk<Json>>(
          {
            async pull(controller) {
              const { done, value } = await iterator.next();
              if (done) controller.close();
              else controller.enqueue(value);
            },
            async cancel() {
              await iterator.return?.();
            },
          },
          { highWaterMark: 0 },
        );
      },
    });
  });
}

const READ = { startIndex: optional(count), signal: optional(abortSignal) };
