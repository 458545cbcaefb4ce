export interface Lock {
  readonly held: Promise<boolean>;
  release(): void;
}
export function hold(name: string): Lock;
export function isFree(name: string): Promise<boolean>;
export function watch(name: string, answer: (free: boolean) => void): () => void;
export class Channel {
  constructor(name: string);
  listen(hear: (said: unknown) => void): void;
  post(ids: string[]): void;
  sendChunks(stream: unknown, values: unknown): void;
  close(): void;
}
export function follow(turn: (away: boolean) => void): () => void;
export function onWake(wake: () => void): () => void;
export function randomName(): string;
export function patiently(span: number, giveUp: () => void): () => void;
export function nextTask(): Promise<void>;
