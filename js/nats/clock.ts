/** The time by the clock of the servers. */
import type { Link } from "./link.js";
import type { Messages } from "./stored.js";

/** How often the clocks are compared, in ms: those of computers drift by some milliseconds an hour. */
const EVERY_MS = 600_000;

export class ServerClock {
  readonly #link: Link;
  readonly #messages: Messages;
  readonly #stream: string;
  /** What is to be added to a reading of the monotonic clock. */
  #offsetMs = Date.now() - performance.now();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(link: Link, messages: Messages, stream: string) {
    this.#link = link;
    this.#messages = messages;
    this.#stream = stream;
  }

  now(): number {
    return Math.floor(performance.now() + this.#offsetMs);
  }

  /** Compares the clocks, now and from time to time. */
  async start(): Promise<void> {
    await this.compare();
    this.#timer = setInterval(() => void this.compare().catch(() => undefined), EVERY_MS);
    (this.#timer as { unref?(): void }).unref?.();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Takes the time that the server stamps on an answer as that in the middle between question and answer. */
  async compare(): Promise<void> {
    const manager = await this.#messages.manager();
    const asked = performance.now();
    const { ts } = (await this.#link.patiently(() => manager.streams.info(this.#stream))) as { ts?: string };
    const answered = performance.now();
    if (ts !== undefined) this.#offsetMs = Date.parse(ts) - (asked + answered) / 2;
  }
}
