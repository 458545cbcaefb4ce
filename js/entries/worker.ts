/**
 * A driver in a worker, so that what it runs never holds up a page: {@link drive} in the module of the worker, {@link driveIn}
 * in the page. Between the two go the words of its life and nothing else: a page registers and awaits through a registry of its own.
 *
 * @module
 */
import { isA } from "../platform/intrinsics.js";
import { patiently } from "../../src/host/browser/tab.js";
import { withHelp } from "../types/help.js";
import { isProcessError, openRegistry, ProcessError } from "./index.js";
import type { DriverOptions, LeaseOwner, OpenOptions, ProcessErrorCode, ProcessRegistry, ProcessWorkDriver } from "./index.js";

/** What a worker drives with: the options of its driver, and how it opens its registry. */
export interface DriveOptions extends DriverOptions {
  /** As for `openRegistry`. Memory is not shared, so there is neither that storage nor that fallback. Default `{}`. */
  open?: Omit<OpenOptions, "storage" | "fallback">;
  /** Gives the registry that the driver is made of, by the one that was opened: `traced` of `longwait/opentelemetry`, say. */
  through?: (registry: ProcessRegistry) => ProcessRegistry;
}

/** A driver in a worker, as a page has it. */
export interface WorkerDriver {
  /** Of the worker's registry. Its leases are held under this `ownerId`, and `ownerGone` tells a registry of its end. */
  readonly owner: LeaseOwner;
  /**
   * Stops the driver, as `ProcessWorkDriver.stop` does: in a shared worker for every page. Resolves once it is stopped, or
   * its worker is gone. {@link driveIn} starts it again.
   */
  stop(): Promise<void>;
}

/**
 * Opens a registry and keeps driving, in the dedicated or the shared worker that this is called in. Call it once, and before
 * any top-level `await`: the page that makes a shared worker is not heard later. Resolves with the driver, for code of the worker.
 *
 * @throws ProcessError As `openRegistry` and `ProcessRegistry.driver`; `storage_unavailable` without IndexedDB;
 * `invalid_argument` outside of such workers. The pages that asked learn of it, and each that asks again has it tried again.
 */
export async function drive(given: DriveOptions): Promise<ProcessWorkDriver> {
  const scope = globalThis as unknown as Scope;
  const shared = "onconnect" in scope;
  if (!shared && !("DedicatedWorkerGlobalScope" in scope)) throw invalid("drive: must be called in a dedicated or shared worker");
  let opening: Promise<ProcessWorkDriver> | undefined;

  async function tell(port: Port, word: Word): Promise<ProcessWorkDriver> {
    try {
      const driver = await (opening ??= opened(given));
      await driver[word]();
      port.postMessage({ longwait: word, owner: driver.registry.owner } satisfies Told);
      return driver;
    } catch (fault) {
      opening = undefined;
      port.postMessage({ longwait: word, ...described(fault) } satisfies Told);
      throw fault;
    }
  }

  function listen(port: Port): Promise<ProcessWorkDriver> {
    port.addEventListener("message", ({ data, ports: [reply = port] }) => {
      const word = data?.longwait;
      // The answer carries the fault.
      if (word === "start" || word === "stop") tell(reply, word).catch(() => {});
    });
    port.start?.();
    return tell(port, "start");
  }

  if (!shared) return listen(scope);
  scope.addEventListener("connect", ({ ports: [port] }) => void listen(port as Port).catch(() => {}));
  return tell({ postMessage() {}, addEventListener() {} }, "start");
}

/**
 * Resolves once the driver in a worker, whose module calls {@link drive}, has started; starts one that was stopped.
 *
 * @throws ProcessError What {@link drive} threw in there; `invalid_argument` for what is no worker; `internal` where its module
 * could not be loaded or threw; `timeout` after a minute without an answer, which is how browsers show, most of the time, a shared worker that threw.
 */
export async function driveIn(worker: Worker | (EventTarget & { readonly port: MessagePort })): Promise<WorkerDriver> {
  const port = portOf(worker);
  const settled = new AbortController();
  const { signal } = settled;
  let stopWaiting = () => {};
  try {
    return await new Promise((started, failed) => {
      const fail = (message: string, code: ProcessErrorCode, cause?: unknown) => failed(made(message, code, cause));
      const on = (target: EventTarget, type: string, call: (event: never) => void) =>
        target.addEventListener(type, call as EventListener, { signal });
      on(port, "message", ({ data }: MessageEvent<Told | undefined>) => {
        if (data?.longwait !== "start") return;
        const { owner, code, message, cause } = data;
        if (isOwner(owner)) started(handle(worker, port, owner));
        else if (owner === undefined && typeof code === "string" && typeof message === "string") fail(message, code, cause);
        else fail("the worker answered what no worker of this version of longwait does", "internal");
      });
      on(port, "messageerror", () => fail("the worker's answer could not be read", "internal"));
      on(worker, "error", ({ message, error }: Partial<ErrorEvent>) =>
        fail(`the worker failed: ${message ?? "its module could not be loaded"}`, "internal", error),
      );
      stopWaiting = patiently(LIMIT_MS, () =>
        fail("the worker does not answer: its module threw, or called no drive(), or did so after an await", "timeout"),
      );
      port.start?.();
      port.postMessage({ longwait: "start" } satisfies Told);
    });
  } catch (fault) {
    if (fault instanceof ProcessError) throw fault;
    throw made("worker: could not be used", "invalid_argument", fault);
  } finally {
    stopWaiting();
    settled.abort();
  }
}

type MessagesOf = EventTarget & Port;

function portOf(worker: Worker | (EventTarget & { readonly port: MessagePort })): MessagesOf {
  if (isA(worker, "Worker")) return worker as MessagesOf;
  if (isA(worker, "SharedWorker")) return (worker as SharedWorker).port as MessagesOf;
  throw invalid("worker: must be a Worker or a SharedWorker");
}

/** A worker is another program, perhaps of another version: what it says is checked before it is believed. */
function isOwner(owner: LeaseOwner | undefined): owner is LeaseOwner {
  if (typeof owner?.ownerId !== "string" || typeof owner.incarnationId !== "string") return false;
  const { liveness } = owner;
  return liveness === undefined || liveness.kind === "opaque" || (liveness.kind === "web_lock" && typeof liveness.lockName === "string");
}

/** The workers that drive: one that nothing refers to could be ended by the garbage collector. */
const driving = new Set<object>();

function handle(worker: object, port: Port, owner: LeaseOwner): WorkerDriver {
  driving.add(worker);
  return Object.freeze({ owner, stop: () => stop(port, owner).finally(() => driving.delete(worker)) });
}

/** Far above a slow download, far below anybody's patience. */
const LIMIT_MS = 60_000;

function stop(port: Port, { liveness }: LeaseOwner): Promise<void> {
  return new Promise((stopped) => {
    const { port1, port2 } = new MessageChannel();
    const gone = new AbortController();
    const over = () => {
      port1.close();
      gone.abort();
      stopped();
    };
    port1.onmessage = over;
    port.postMessage({ longwait: "stop" } satisfies Told, [port2]);
    // A worker that was terminated answers nothing; but its lock is free then.
    if (liveness?.kind === "web_lock")
      navigator.locks?.request(liveness.lockName, { mode: "shared", signal: gone.signal }, over).catch(() => {});
  });
}

async function opened(given: DriveOptions): Promise<ProcessWorkDriver> {
  if (typeof given !== "object" || given === null) throw invalid("options: must be an object");
  const { open, through = (registry) => registry, ...options } = given;
  if (typeof through !== "function") throw invalid("options.through: must be a function");
  const registry = await openRegistry(open);
  try {
    if (registry.durability === "memory") throw made("memory is not shared with pages", "storage_unavailable");
    return through(registry).driver(options);
  } catch (fault) {
    await registry.close();
    throw fault;
  }
}

const invalid = (message: string) => made(message, "invalid_argument");

const made = (message: string, code: ProcessErrorCode, cause?: unknown) => new ProcessError(withHelp(message, code), { code, cause });

/** An error does not cross as what it is: its parts do. */
function described(fault: unknown): Pick<Told, "code" | "message" | "cause"> {
  const { message, cause } = fault as Error;
  return { message, code: isProcessError(fault) ? fault.code : "internal", ...(cause !== undefined && { cause: String(cause) }) };
}

/** What is asked of the driver, by the name of its method. */
type Word = "start" | "stop";

/** What is asked of a worker, and what it answers: whose driver does so now, or why none does. */
interface Told {
  longwait: Word;
  owner?: LeaseOwner;
  code?: ProcessErrorCode;
  message?: string;
  cause?: string;
}

interface Port {
  postMessage(message: Told, transfer?: Transferable[]): void;
  addEventListener(type: "message", listen: (event: MessageEvent<Told | undefined>) => void): void;
  start?(): void;
}

/** The global of a worker, dedicated or shared. */
interface Scope extends Port {
  addEventListener(type: "message" | "connect", listen: (event: MessageEvent) => void): void;
}
