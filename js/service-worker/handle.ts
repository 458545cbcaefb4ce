/** The events of a service worker on which it sweeps: one sweep at a time, and one more for all events that come during it. */
import type { SyncEventName, SyncHandler, SyncOptions, SyncReport } from "../types/service-worker.js";
import { millisIn, refused, tagIn } from "./refused.js";
import { CLOSING, isClosing } from "./closing.js";
import { sweep, type Sweep } from "./sweep.js";

/** Below what browsers allow an event: see docs/service-worker.md. */
const BUDGET_MS = 20_000;

/** The page loads of the worker's scope wait until it is activated. */
const ACTIVATE_MS = 2_000;

const EVENTS: readonly SyncEventName[] = ["sync", "periodicsync", "push", "activate"];

/** What `handleSync()` does. */
export function handle(scope: EventTarget, given: SyncOptions): SyncHandler {
  if (typeof scope?.addEventListener !== "function" || !("registration" in scope))
    throw refused("handleSync: its first argument must be the global of a service worker, self");
  if (typeof given !== "object" || given === null) throw refused("options: must be an object");
  const { open, through = (registry) => registry, tag, events = EVENTS, budgetMs, ...driver } = given;
  if (typeof through !== "function") throw refused("options.through: must be a function");
  const wanted = eventsIn(events);
  const ownTag = tagIn(tag);
  const spanMs = millisIn(budgetMs, "options.budgetMs", BUDGET_MS);
  const of: Sweep = { open, through, driver: { leaseTtlMs: 9_000, renewEveryMs: 3_000, ...driver } };
  const sweeps = inTurn((reason: string, endsAt: number) => sweep(of, reason, endsAt));

  const react: Record<SyncEventName, (event: WorkerEvent) => Promise<unknown> | undefined> = {
    sync: (event) => (event.tag === ownTag ? sweeps("sync", spanMs).then(again) : undefined),
    periodicsync: (event) => (event.tag === ownTag ? sweeps("periodicsync", spanMs) : undefined),
    push: () => sweeps("push", spanMs),
    activate: () => sweeps("activate", Math.min(spanMs, ACTIVATE_MS)),
  };
  // From a page that is being closed: what it runs is free in a moment.
  scope.addEventListener("message", (given) => {
    const event = given as WorkerEvent;
    if (isClosing(event.data, ownTag)) event.waitUntil(sweeps(CLOSING, spanMs));
  });
  for (const name of wanted)
    scope.addEventListener(name, (given) => {
      const event = given as WorkerEvent;
      const work = react[name](event);
      if (work !== undefined) event.waitUntil(work);
    });
  return Object.freeze({
    async sweep(reason = "manual") {
      if (typeof reason !== "string") throw refused("reason: must be a string");
      return sweeps(reason, spanMs);
    },
  });
}

/** A sync event that fails is sent once more, later: so does one that leaves work. */
function again({ left }: SyncReport): void {
  if (left) throw new Error("longwait: work is left, so the browser is to send the sync event again");
}

/** One call of `work` at a time; those that come while one is under way share the next. The span of each counts from its call on. */
function inTurn(work: (reason: string, endsAt: number) => Promise<SyncReport>) {
  let current: Promise<unknown> | undefined;
  let next: Promise<SyncReport> | undefined;
  return (reason: string, spanMs: number): Promise<SyncReport> => {
    if (next) return next;
    const endsAt = performance.now() + spanMs;
    const begin = () => {
      next = undefined;
      // The one before may have taken up its time.
      const working = work(reason, Math.max(endsAt, performance.now() + spanMs / 10));
      current = working;
      const over = () => void (current === working && (current = undefined));
      working.then(over, over);
      return working;
    };
    if (current === undefined) return begin();
    return (next = current.then(begin, begin));
  };
}

function eventsIn(given: unknown): SyncEventName[] {
  if (!Array.isArray(given)) throw refused("options.events: must be an array");
  const wrong = given.findIndex((name) => !EVENTS.includes(name));
  if (wrong >= 0) throw refused(`options.events[${wrong}]: must be ${EVENTS.map((name) => `"${name}"`).join(", ")}`);
  return [...new Set<SyncEventName>(given)];
}

/** An event of a service worker, whose types are in no library of a page. */
interface WorkerEvent extends Event {
  readonly tag?: string;
  readonly data?: unknown;
  waitUntil(work: Promise<unknown>): void;
}
