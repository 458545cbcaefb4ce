/** What is kept of the answer of a turn: pieces, each of what was shown since the one before it. So a text is kept once, however many runs wrote it. */
import type { UIMessageChunk } from "ai";
import type { Json, ProcessRegistry, RunContext, StreamWriter } from "../types/public.js";
import { Codec, settled, standing } from "./chunks.js";
import { STREAMS } from "./names.js";
import { closing } from "./open-calls.js";
import { between } from "./stored.js";

type Piece = {
  /** How many chunks of the live stream it and those before it are made of. */
  upTo: number;
  chunks: Json[];
};

/** Keeps the answer of a turn, in one of its runs. */
export class AnswerWriter {
  private opened: Promise<StreamWriter<Piece>> | undefined;
  private upTo = 0;

  constructor(
    private readonly run: RunContext,
    private readonly registry: ProcessRegistry,
  ) {}

  /** Keeps what was shown, by this run and earlier ones. All of it is committed to the live stream. */
  async keep(shown: readonly UIMessageChunk[]): Promise<void> {
    const out = await (this.opened ??= this.open());
    if (shown.length <= this.upTo) return;
    const codec = new Codec();
    const chunks = settled(shown.slice(this.upTo), { isPart: true }).map((chunk) => codec.encode(chunk));
    this.upTo = shown.length;
    await out.append({ upTo: this.upTo, chunks });
  }

  private async open(): Promise<StreamWriter<Piece>> {
    const out = await this.run.stream<Piece>(STREAMS.answer, { resume: true });
    const count = out.nextIndex;
    const pieces = between<Piece>(this.registry, this.run.process.id, STREAMS.answer, Math.max(0, count - 1), count);
    for await (const { upTo } of pieces) this.upTo = upTo;
    return out;
  }
}

/** The answer of a turn that has ended. Calls that it left open are closed, unless it is complete: then the page answers them. */
export async function answerOf(registry: ProcessRegistry, turnId: string, isComplete: boolean): Promise<UIMessageChunk[]> {
  const shown: UIMessageChunk[] = [];
  for await (const { value } of registry.readStream<Piece>(turnId, STREAMS.answer)) {
    const codec = new Codec();
    shown.push(...value.chunks.map((chunk) => codec.decode(chunk)));
  }
  return settled(isComplete ? shown : [...shown, ...closing(standing(shown))]);
}
