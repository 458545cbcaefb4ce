/** The connection to the servers: kept open, opened again, and asked with a bounded patience. */
import type { Msg, MsgHdrs, NatsConnection } from "@nats-io/nats-core";
import { closed, disconnected, Failed, refused } from "./fault.js";

/** How long a call waits for a server in all, in ms: a cluster that lost its leader has a new one within 9 s (measured with 2.15.1). */
export const PATIENCE_MS = 20_000;

/** How long a call waits at the least that finds the connection away for longer than that, in ms: an attempt to open it is made every 2 s. */
const MOMENT_MS = 2_500;

/** How long one request waits for its answer, in ms. */
export const REQUEST_MS = 4_000;

/** How often a connection is tried for a sign of life, in ms, and how many signs may be missing. */
export const PING = { pingInterval: 10_000, maxPingOut: 2 };

export type Dial = () => Promise<NatsConnection>;

export class Link {
  readonly #dial: Dial;
  #connection: NatsConnection | undefined;
  #dialing: Promise<NatsConnection> | undefined;
  #isUp = false;
  /** Why the server has let this client in no more. */
  #refusal: unknown;
  /** When the connection was lost that is not up again, by the monotonic clock. */
  #lostAtMs: number | undefined;
  #isClosed = false;
  /** Calls that wait until the connection is up. */
  readonly #waiting = new Set<() => void>();
  readonly #onUp: (connection: NatsConnection, isAnother: boolean) => void;

  /** `onUp` is called whenever the connection is up again, with whether it is another connection. */
  constructor(dial: Dial, onUp: (connection: NatsConnection, isAnother: boolean) => void) {
    this.#dial = dial;
    this.#onUp = onUp;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** The connection, once it is up. `disconnected` where it is not within the patience of a call. */
  async live(patienceMs = PATIENCE_MS): Promise<NatsConnection> {
    if (this.#isClosed) throw closed();
    if (this.#isUp) return this.#connection!;
    if (this.#connection === undefined) {
      // Of a connection that was never open, or that the server ended for good, the reason is worth telling.
      let failure: unknown;
      const opened = await within(
        this.#open().catch((fault: unknown) => void (failure = fault)),
        patienceMs,
      );
      if (this.#isClosed) throw closed();
      if (!opened) throw disconnected(failure);
      return opened;
    }
    // All calls wait for one outage, and not each for its own: of those that come one after another, the last would wait many times as long.
    const lostForMs = performance.now() - (this.#lostAtMs ?? performance.now());
    const leftMs = Math.min(patienceMs, Math.max(PATIENCE_MS - lostForMs, MOMENT_MS));
    await this.#turn(leftMs);
    if (this.#isClosed) throw closed();
    if (!this.#isUp) throw disconnected(this.#refusal);
    return this.#connection!;
  }

  /** Sends a request, and resolves with the answer. Rejects as the client does; the caller knows what that means for it. */
  request(subject: string, body: string | Uint8Array, headers?: MsgHdrs): Promise<Msg> {
    const ask = (connection: NatsConnection) => connection.request(subject, body, { timeout: REQUEST_MS, ...(headers && { headers }) });
    // At once: what was published before it in this turn leaves in the same packet.
    return this.#isUp && !this.#isClosed ? ask(this.#connection!) : this.live().then(ask);
  }

  /** Sends a message that has no answer, if the connection is up. */
  publish(subject: string, body: string | Uint8Array, headers?: MsgHdrs): void {
    if (this.#isUp) this.#connection!.publish(subject, body, headers && { headers });
  }

  /** Does something until it succeeds, as long as what it fails with may pass: `disconnected` once the patience of a call is used up. */
  async patiently<T>(work: () => Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
    const start = performance.now();
    for (let pauseMs = 50; ; pauseMs = Math.min(2 * pauseMs, 1_000)) {
      const leftMs = patienceMs - (performance.now() - start);
      try {
        await this.live(Math.max(leftMs, 0));
        return await work();
      } catch (fault) {
        if (fault instanceof Failed) throw fault;
        if (!isPassing(fault)) throw refused(describe(fault), fault);
        if (this.#isClosed) throw closed();
        if (leftMs <= pauseMs) throw disconnected(fault);
        await this.#turn(pauseMs);
      }
    }
  }

  /** Resolves after so long, and sooner where the connection comes or is closed. */
  #turn(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(done);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#isUp = false;
    this.#waiting.forEach((done) => done());
    const connection = this.#connection ?? (await this.#dialing?.catch(() => undefined));
    await connection?.close();
  }

  #open(): Promise<NatsConnection> {
    this.#dialing ??= this.#dial()
      .then((connection) => {
        if (this.#isClosed) void connection.close();
        else this.#follow(connection);
        return connection;
      })
      .finally(() => (this.#dialing = undefined));
    return this.#dialing;
  }

  #follow(connection: NatsConnection): void {
    this.#connection = connection;
    this.#up(true);
    void (async () => {
      for await (const status of connection.status()) {
        if (status.type === "disconnect") this.#down();
        else if (status.type === "reconnect") this.#up(false);
        else if (status.type === "error" && REFUSALS.has(status.error.name)) this.#refusal = status.error;
      }
    })();
    void connection.closed().then(() => {
      // The server does not want this one any more. The next call dials again.
      this.#down();
      this.#connection = undefined;
      this.#waiting.forEach((done) => done());
    });
  }

  #down(): void {
    this.#isUp = false;
    this.#lostAtMs ??= performance.now();
  }

  #up(isAnother: boolean): void {
    this.#isUp = true;
    this.#lostAtMs = undefined;
    this.#refusal = undefined;
    this.#waiting.forEach((done) => done());
    this.#onUp(this.#connection!, isAnother);
  }
}

/** Whether a later attempt may succeed: no answer came, or the servers are electing a leader. */
export function isPassing(fault: unknown): boolean {
  const { name, code, status, cause } = fault as { name?: string; code?: unknown; status?: number; cause?: { name?: string } };
  if (cause?.name === "PermissionViolationError") return false;
  if (PASSING.has(name ?? "")) return true;
  return status === 503 || code === 503 || code === 408 || (name === "JetStreamApiError" && ELECTING.has(code as number));
}

const REFUSALS: ReadonlySet<string> = new Set(["AuthorizationError", "UserAuthenticationExpiredError"]);

const PASSING: ReadonlySet<string> = new Set([
  "TimeoutError",
  "NoRespondersError",
  "RequestError",
  "ClosedConnectionError",
  "DrainingConnectionError",
  "ConnectionError",
]);

/** Error codes of JetStream: cluster not available, no leader, peers or stream offline. */
const ELECTING: ReadonlySet<number> = new Set([10_008, 10_009, 10_003, 10_118]);

export const describe = (fault: unknown): string => `${(fault as Error).name}: ${(fault as Error).message}`;

export const pause = (spanMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, spanMs));

/** What a promise resolves with, or nothing once the span has passed. */
export async function within<T>(promise: Promise<T>, spanMs: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), spanMs)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
