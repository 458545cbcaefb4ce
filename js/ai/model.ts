/** Calls of a model as steps of a run. It refuses to know what the parts of an answer mean, but for tool calls and the pieces of a text. */
import type { Json, RunContext } from "../types/public.js";
import { kept, revived } from "./json.js";
import { either } from "./signals.js";

/** Keeps what a call of a model gave, for as long as the run may be repeated. */
export interface CallStore {
  /** Gives what the step has in place of the parts. */
  keep(parts: Json): Promise<number>;
  read(place: number): Promise<Json>;
}

/** Where a run has a store of its own for calls. Without it, the parts are in the record of the step. */
export const CALLS = Symbol("calls");

/** How the calls of a model are recorded. */
export interface DurableModelOptions {
  /**
   * The keys of the steps are `<key>:1`, `<key>:2`, … in the order of the calls. Default `"model"`. Calls that a run makes side by side need a model
   * with a key of its own each.
   */
  key?: string;
}

/** What this package needs of a language model, of whatever version of the AI SDK's specification. */
export interface AnyLanguageModel {
  readonly specificationVersion: string;
  readonly provider: string;
  readonly modelId: string;
  readonly supportedUrls: unknown;
  doGenerate(options: never): PromiseLike<unknown>;
  doStream(options: never): PromiseLike<unknown>;
}

interface Part {
  readonly type: string;
  readonly id?: string;
  readonly delta?: string;
  readonly error?: unknown;
  readonly providerMetadata?: unknown;
}

interface Call {
  readonly abortSignal?: AbortSignal;
}

interface Answer {
  readonly stream: ReadableStream<Part>;
}

/**
 * The model, with each call being a step of `run`: what a call gave is recorded when it is complete, and a later run is given that instead of
 * calling the model again. Pieces of text come at once, tool calls when the answer that has them is on record: so no tool is
 * run for an answer that a later run would not see. A call that fails is not recorded.
 *
 * The calls are numbered: a run must make them in the same order each time, as it must its steps. They are aborted with the run.
 */
export function durableModel<M extends AnyLanguageModel>(model: M, run: RunContext, options: DurableModelOptions = {}): M {
  const calls = numbering(run, options.key ?? "model");
  const store = (run as RunContext & { readonly [CALLS]?: CallStore })[CALLS];
  const { doGenerate, doStream } = model as unknown as {
    doGenerate: (call: Call) => PromiseLike<object>;
    doStream: (call: Call) => PromiseLike<Answer>;
  };
  const within = (call: Call, signal: AbortSignal): Call => ({ ...call, abortSignal: either(call.abortSignal, signal) });

  async function generate(call: Call): Promise<unknown> {
    return calls.next(async (key) =>
      revived(await run.step(key, async ({ signal }) => kept(await doGenerate.call(model, within(call, signal))))),
    );
  }

  function stream(call: Call): Promise<Answer> {
    return new Promise((began, failed) => {
      const feed = new Feed();
      const answered = calls.next((key) =>
        run.step(key, async ({ signal }) => {
          const answer = await doStream.call(model, within(call, signal));
          feed.isLive = true;
          began({ ...answer, stream: feed.stream });
          const parts = kept(await recorded(answer.stream, (part) => feed.show(part)));
          return store === undefined ? parts : store.keep(parts);
        }),
      );
      answered
        .then(async (record: Json) => {
          if (feed.isLive) return feed.end();
          feed.end(revived(typeof record === "number" && store !== undefined ? await store.read(record) : record) as Part[]);
          began({ stream: feed.stream });
        })
        .catch((error: unknown) => {
          feed.fail(error);
          failed(error);
        });
    });
  }

  return {
    specificationVersion: model.specificationVersion,
    provider: model.provider,
    modelId: model.modelId,
    get supportedUrls() {
      return model.supportedUrls;
    },
    doGenerate: generate,
    doStream: stream,
  } as AnyLanguageModel as M;
}

// ── Keys ────────────────────────────────────────────────────────────────────

interface Numbering {
  /** Makes the next call. One that fails has not used its number up. */
  next<T>(call: (key: string) => Promise<T>): Promise<T>;
}

const numberings = new WeakMap<RunContext, Map<string, Numbering>>();

function numbering(run: RunContext, key: string): Numbering {
  const ofRun = numberings.get(run) ?? new Map<string, Numbering>();
  numberings.set(run, ofRun);
  const known = ofRun.get(key);
  if (known !== undefined) return known;
  let count = 0;
  const made: Numbering = {
    async next(call) {
      const number = ++count;
      try {
        return await call(`${key}:${number}`);
      } catch (error) {
        if (count === number) count--;
        throw error;
      }
    },
  };
  ofRun.set(key, made);
  return made;
}

// ── Parts ───────────────────────────────────────────────────────────────────

/** From these on, what a model says is shown once it is on record: a tool would be run for it, or the call would be taken for complete. */
const isHeld = ({ type }: Part): boolean => type === "tool-call" || type === "finish";

/** What is shown of a call: live, or from its record. */
class Feed {
  isLive = false;
  readonly stream: ReadableStream<Part>;
  private readonly held: Part[] = [];
  private controller: ReadableStreamDefaultController<Part> | undefined;

  constructor() {
    this.stream = new ReadableStream({
      start: (controller) => {
        this.controller = controller;
      },
      cancel: () => {
        this.controller = undefined;
      },
    });
  }

  show(part: Part): void {
    if (this.held.length > 0 || isHeld(part)) this.held.push(part);
    else this.controller?.enqueue(part);
  }

  end(rest: readonly Part[] = this.held): void {
    for (const part of rest) this.controller?.enqueue(part);
    this.controller?.close();
  }

  fail(error: unknown): void {
    this.controller?.enqueue({ type: "error", error });
    this.controller?.close();
  }
}

/** Shows each part, and gives them all; pieces of one text are one part then. Rejects with what the model reports as an error. */
async function recorded(stream: ReadableStream<Part>, show: (part: Part) => void): Promise<Part[]> {
  const parts: Part[] = [];
  const reader = stream.getReader();
  for (;;) {
    const { done, value: part } = await reader.read();
    if (done) return parts;
    if (part.type === "error") {
      reader.cancel(part.error).catch(() => {});
      throw part.error;
    }
    show(part);
    if (part.type === "raw") continue;
    const last = parts.at(-1);
    const isMore = part.delta !== undefined && last?.type === part.type && last.id === part.id;
    if (isMore && last.providerMetadata === undefined && part.providerMetadata === undefined)
      parts[parts.length - 1] = { ...last, delta: `${last.delta}${part.delta}` };
    else parts.push(part);
  }
}
