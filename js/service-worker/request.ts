/** Asks the browser of a page to wake its service worker, when the page cannot be counted upon and work is left. */
import { reportError } from "../platform/report.js";
import type { ProcessRegistry } from "../entries/index.js";
import type { SyncRequestOptions, SyncRequests } from "../types/service-worker.js";
import { closing } from "./closing.js";
import { isWorkLeft } from "./left.js";
import { known, millisIn, refused, tagIn } from "./refused.js";

/** How often the registry is looked at for work while it changes, in milliseconds. */
const LOOK_MS = 1_000;

/** The registration of a worker, with what the types of the language leave out. */
type Registration = ServiceWorkerRegistration & {
  readonly sync?: { register(tag: string): Promise<void> };
  readonly periodicSync?: { register(tag: string, options: { minInterval: number }): Promise<void> };
};

/** What `requestSync()` does. */
export async function request(registry: ProcessRegistry, given: SyncRequestOptions = {}): Promise<SyncRequests> {
  known(given, ["tag", "registration", "periodicMs", "isOnline"]);
  const tag = tagIn(given.tag);
  const periodicMs = given.periodicMs === undefined ? undefined : millisIn(given.periodicMs, "options.periodicMs", 0);
  const { isOnline = () => navigator.onLine } = given;
  if (typeof isOnline !== "function") throw refused("options.isOnline: must be a function");
  if (typeof registry?.onChange !== "function") throw refused("registry: must be a registry");
  const registration = await registrationOf(given.registration);
  const { sync, periodicSync } = registration;
  const isPeriodic = periodicMs !== undefined && periodicSync !== undefined && (await isTaken(periodicSync, tag, periodicMs));
  const end = await ask(registry, isOnline, {
    register: async () => sync?.register(tag),
    close: () => registration.active?.postMessage(closing(tag)),
  });
  return Object.freeze({ sync: sync !== undefined, periodicSync: isPeriodic, end });
}

async function registrationOf(given: unknown): Promise<Registration> {
  if (given !== undefined) {
    if (typeof (given as Registration | null)?.unregister !== "function")
      throw refused("options.registration: must be that of a service worker");
    return given as Registration;
  }
  const container = globalThis.navigator?.serviceWorker as ServiceWorkerContainer | undefined;
  if (container === undefined) throw refused("there are no service workers here: support() says so");
  return container.ready;
}

/** Browsers refuse it to what is not installed as an app. */
async function isTaken(periodicSync: NonNullable<Registration["periodicSync"]>, tag: string, minInterval: number): Promise<boolean> {
  try {
    await periodicSync.register(tag, { minInterval });
    return true;
  } catch {
    return false;
  }
}

/** What is asked, and of what. */
interface Asking {
  register(): Promise<void>;
  close(): void;
}

/**
 * Where work is left, calls `register` when the page is away, once for each time that it goes away, and `close` when it is closed. Resolves with
 * what ends this, once it has looked.
 */
async function ask(registry: ProcessRegistry, isOnline: () => boolean, { register, close }: Asking): Promise<() => void> {
  let left = false;
  let asked = false;
  let looking = false;
  let hasChanged = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ended = new AbortController();
  const { signal } = ended;

  const isAway = () => document.visibilityState === "hidden" || !isOnline();

  function askIfLeft(): void {
    if (!left || asked) return;
    asked = true;
    register().catch((fault: unknown) => {
      asked = false;
      reportError(fault);
    });
  }

  async function look(): Promise<void> {
    looking = true;
    hasChanged = false;
    try {
      left = await isWorkLeft(registry, () => true);
      if (isAway() && !signal.aborted) askIfLeft();
    } catch (fault) {
      if (!signal.aborted) reportError(fault);
    }
    looking = false;
    if (hasChanged) lookSoon();
  }

  /** At once where the page is away; otherwise what is known is only needed when it goes. */
  function lookSoon(): void {
    hasChanged = true;
    if (looking || signal.aborted || (isAway() && asked)) return;
    if (isAway()) void look();
    else
      timer ??= setTimeout(() => {
        timer = undefined;
        if (!looking) void look();
      }, LOOK_MS);
  }

  function onTurn(): void {
    if (!isAway()) asked = false;
    else if (left) askIfLeft();
    else lookSoon();
  }

  const unsubscribe = registry.onChange(lookSoon);
  document.addEventListener("visibilitychange", onTurn, { signal });
  for (const type of ["online", "offline"]) addEventListener(type, onTurn, { signal });
  addEventListener(
    "pagehide",
    () => {
      asked = false;
      askIfLeft();
      if (left) close();
    },
    { signal },
  );
  await look();
  return () => {
    ended.abort();
    clearTimeout(timer);
    unsubscribe();
  };
}
