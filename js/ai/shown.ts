/** What of a message earlier runs of a turn have shown, so that a later one, which makes the message again, shows the rest. */
import type { UIMessageChunk } from "ai";
import { isDelta, isOutput, isPreliminary, isStart, RESET, settled, type Output } from "./chunks.js";

/** A text as readers have it: of a part, or the input of a tool call. */
interface Text {
  /** The id that readers know it by. */
  readonly id: string;
  text: string;
  isEnded: boolean;
}

/** How far the run is with a text. */
interface Progress {
  readonly of: Text;
  text: string;
}

/** A step of the message, or what stands between two. */
interface Section {
  /** By what they are and their place among those. */
  readonly texts: Map<string, Text>;
  /** By tool calls: their preliminary outputs, which the run need not make again. */
  readonly preliminary: Map<string, string[]>;
  /** The tool calls whose final output was shown. */
  readonly ended: Set<string>;
  /** How often each of the other chunks was shown, and not made by the run yet. */
  readonly left: Map<string, number>;
}

/**
 * Compares what a run makes with what was shown, section by section. A text is compared by what it says, as its id may be another one; all else
 * of a section may come in any order, and data parts in any section. Where a run makes a step otherwise, as a model does that is asked
 * again, the step is shown anew behind a {@link RESET}.
 */
export class Shown {
  private readonly sections: Section[] = [];
  private readonly data = new Map<string, number>();
  private readonly progress = new Map<string, Progress>();
  private readonly places = new Map<string, number>();
  private at = -1;
  /** What the run has made of the section that it is at. */
  private made: UIMessageChunk[] = [];
  /** The tool calls whose final output the run has made. */
  private readonly ended = new Set<string>();
  private isReset = false;

  /** Those that were shown, and stand. */
  constructor(chunks: readonly UIMessageChunk[]) {
    if (chunks.length > 0) this.sections.push(emptySection());
    for (const chunk of chunks) this.add(chunk);
    this.enter();
  }

  /** What is to be shown for a chunk that the run has made. */
  next(chunk: UIMessageChunk): UIMessageChunk[] {
    if (chunk.type === "start-step") this.enter();
    const section = this.isReset ? undefined : this.sections[this.at];
    if (isPreliminary(chunk) && (this.ended.has(chunk.toolCallId) || section?.ended.has(chunk.toolCallId))) return [];
    if (isFinal(chunk)) this.ended.add(chunk.toolCallId);
    // Some models give the id of a call a second time, to another one.
    else if (chunk.type === "tool-input-available") this.ended.delete(chunk.toolCallId);
    this.made.push(chunk);
    if (isData(chunk)) return take(this.data, chunk) ? [] : [chunk];
    if (section === undefined) return [chunk];
    const shows = this.compared(section, chunk);
    const isOver = chunk.type === "finish-step";
    if (shows === undefined || (isOver && !this.isDone(section))) return this.reset();
    if (isOver) this.enter();
    return shows;
  }

  private add(chunk: UIMessageChunk): void {
    if (chunk.type === "start-step") this.begin();
    const { texts, preliminary, ended, left } = this.sections.at(-1) ?? emptySection();
    if (isStart(chunk)) {
      const text = { id: chunk.id, text: "", isEnded: false };
      texts.set(this.placeOf(chunk.type), text);
      this.progress.set(keyOf(chunk), { of: text, text: "" });
    } else if (isPiece(chunk)) this.progressOf(texts, chunk).of.text += pieceOf(chunk);
    else if (isEnd(chunk)) this.progressOf(texts, chunk).of.isEnded = true;
    else if (isPreliminary(chunk)) listOf(preliminary, chunk.toolCallId).push(JSON.stringify(chunk));
    else put(isData(chunk) ? this.data : left, chunk);
    if (isFinal(chunk)) ended.add(chunk.toolCallId);
    if (chunk.type === "finish-step") this.begin();
  }

  /** What is to be shown; nothing where the run says otherwise than what was shown. */
  private compared({ texts, preliminary, left }: Section, chunk: UIMessageChunk): UIMessageChunk[] | undefined {
    if (isStart(chunk)) {
      const place = this.placeOf(chunk.type);
      const shown = texts.get(place);
      const of = shown ?? { id: chunk.id, text: "", isEnded: false };
      texts.set(place, of);
      this.progress.set(keyOf(chunk), { of, text: "" });
      return shown === undefined ? [chunk] : [];
    }
    if (isPiece(chunk)) {
      const progress = this.progressOf(texts, chunk);
      const { of } = progress;
      progress.text += pieceOf(chunk);
      if (of.text.startsWith(progress.text)) return [];
      if (of.isEnded || !progress.text.startsWith(of.text)) return undefined;
      const rest = progress.text.slice(of.text.length);
      of.text = progress.text;
      return [isDelta(chunk) ? { ...chunk, id: of.id, delta: rest } : { ...chunk, inputTextDelta: rest }];
    }
    if (isEnd(chunk)) {
      const { of, text } = this.progressOf(texts, chunk);
      if (text !== of.text) return undefined;
      const wasEnded = of.isEnded;
      of.isEnded = true;
      return wasEnded ? [] : [{ ...chunk, id: of.id }];
    }
    if (isPreliminary(chunk)) {
      const shown = listOf(preliminary, chunk.toolCallId);
      const place = shown.indexOf(JSON.stringify(chunk));
      // Behind one that was not shown, all are.
      shown.splice(0, place === -1 ? shown.length : place + 1);
      return place === -1 ? [chunk] : [];
    }
    return take(left, chunk) ? [] : [chunk];
  }

  /** Whether the run has made all that was shown of the section. */
  private isDone({ texts, left }: Section): boolean {
    const done = new Set([...this.progress.values()].filter(({ of, text }) => text === of.text).map(({ of }) => of));
    return [...left.values()].every((count) => count === 0) && [...texts.values()].every((text) => done.has(text));
  }

  private reset(): UIMessageChunk[] {
    this.isReset = true;
    // Those that the run has not made again are removed with the step.
    this.data.clear();
    return [RESET, ...settled(this.made).filter(({ type }) => type !== "start-step")];
  }

  private begin(): void {
    this.sections.push(emptySection());
    this.places.clear();
    this.progress.clear();
  }

  private enter(): void {
    this.at++;
    this.made = [];
    this.places.clear();
    this.progress.clear();
  }

  private placeOf(type: string): string {
    const place = this.places.get(type) ?? 0;
    this.places.set(type, place + 1);
    return `${type}:${place}`;
  }

  /** How far the run is with the text of a chunk. The input of a tool call has no chunk that begins it alone. */
  private progressOf(texts: Section["texts"], chunk: Piece | End): Progress {
    const key = keyOf(chunk);
    const known = this.progress.get(key);
    if (known !== undefined) return known;
    const of = texts.get(key) ?? { id: key, text: "", isEnded: false };
    const progress = { of, text: "" };
    texts.set(key, of);
    this.progress.set(key, progress);
    return progress;
  }
}

// ── Chunks ──────────────────────────────────────────────────────────────────

type Piece = Extract<UIMessageChunk, { type: "text-delta" | "reasoning-delta" | "tool-input-delta" }>;
type End = Extract<UIMessageChunk, { type: "text-end" | "reasoning-end" }>;
type Start = Extract<UIMessageChunk, { type: "text-start" | "reasoning-start" }>;

const isPiece = (chunk: UIMessageChunk): chunk is Piece => isDelta(chunk) || chunk.type === "tool-input-delta";
const isEnd = (chunk: UIMessageChunk): chunk is End => chunk.type === "text-end" || chunk.type === "reasoning-end";
const isFinal = (chunk: UIMessageChunk): chunk is Output => isOutput(chunk) && !isPreliminary(chunk);
const isData = ({ type }: UIMessageChunk): boolean => type.startsWith("data-");

const pieceOf = (chunk: Piece): string => (chunk.type === "tool-input-delta" ? chunk.inputTextDelta : chunk.delta);

/** Which text a chunk is of, among those of a run. */
const keyOf = (chunk: Piece | Start | End): string =>
  chunk.type === "tool-input-delta" ? `input ${chunk.toolCallId}` : `${chunk.type.slice(0, chunk.type.indexOf("-"))} ${chunk.id}`;

const emptySection = (): Section => ({ texts: new Map(), preliminary: new Map(), ended: new Set(), left: new Map() });

function listOf(lists: Map<string, string[]>, key: string): string[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

function put(counts: Map<string, number>, chunk: UIMessageChunk): void {
  const key = JSON.stringify(chunk);
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Whether there was one of these. */
function take(counts: Map<string, number>, chunk: UIMessageChunk): boolean {
  const key = JSON.stringify(chunk);
  const count = counts.get(key) ?? 0;
  if (count > 0) counts.set(key, count - 1);
  return count > 0;
}
