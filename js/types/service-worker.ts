/** The public types of `longwait/service-worker`. */
import type { DriverOptions, OpenOptions, ProcessRegistry } from "./public.js";

/** An event of a service worker on which a sweep is made. */
export type SyncEventName = "sync" | "periodicsync" | "push" | "activate";

/** What a service worker sweeps with: the options of its driver, and how it opens its registry. */
export interface SyncOptions extends Omit<DriverOptions, "runHandle" | "attach"> {
  /** As for `openRegistry`. Memory is not shared, so there is neither that storage nor that fallback. Default `{}`. */
  open?: Omit<OpenOptions, "storage" | "fallback">;
  /** Gives the registry that the driver is made of, by the one that was opened: `traced` of `longwait/opentelemetry`, say. */
  through?: (registry: ProcessRegistry) => ProcessRegistry;
  /** The tag of the `sync` and `periodicsync` events to react to, non-blank, as the page gives it to `requestSync`. Default `"longwait"`. */
  tag?: string;
  /** The events to react to. Default: all four. */
  events?: readonly SyncEventName[];
  /**
   * The longest that a sweep may take, in milliseconds from its event on. Default 20,000: browsers end a worker whose event takes longer
   * than they allow. A sweep on `activate` takes 2,000 at most, since the page loads of its scope wait for it.
   */
  budgetMs?: number;
  /** As for a driver. Default 9,000: no page waits long for what a worker held that was ended where there are no Web Locks. */
  leaseTtlMs?: number;
  /** As for a driver. Default 3,000. */
  renewEveryMs?: number;
}

/** What a sweep did. */
export interface SyncReport {
  /** What it began to run, in id order. */
  readonly started: readonly string[];
  /**
   * Whether a process of these kinds is left that goes on without an answer from elsewhere: one that was cut off by the end of the sweep, is held
   * by a page, requires a network that is not there, or has a time that comes within the hour.
   */
  readonly left: boolean;
}

/** The sweeps of a service worker. */
export interface SyncHandler {
  /**
   * Makes a sweep, for other events of the worker: `event.waitUntil(handler.sweep("message"))`. A sweep that is under way is waited for, and
   * calls that come in that time share the next one. `reason` is for people.
   *
   * @throws ProcessError As `openRegistry` and `ProcessRegistry.driver`; `storage_unavailable` without IndexedDB; `timeout` where the registry is not
   * open when the sweep has to end; `invalid_argument`.
   */
  sweep(reason?: string): Promise<SyncReport>;
}

/** How a page has the browser wake its service worker. */
export interface SyncRequestOptions {
  /** As for `handleSync`. Default `"longwait"`. */
  tag?: string;
  /** The registration of the worker. Default: that of `navigator.serviceWorker.ready`, which waits until the page has an active worker. */
  registration?: ServiceWorkerRegistration;
  /** Also asks for a `periodicsync` event, at least so many milliseconds apart. Default: none. */
  periodicMs?: number;
  /** Whether the page is online. Default: `navigator.onLine`. */
  isOnline?: () => boolean;
}

/** What a page has asked its browser for. */
export interface SyncRequests {
  /** Whether a `sync` event is asked for when there is work left; not where the browser has no Background Sync. */
  readonly sync: boolean;
  /** Whether the browser took the request for `periodicsync` events. */
  readonly periodicSync: boolean;
  /** Ends it. What the browser was asked for stays. */
  end(): void;
}

/** What of this the browser has, and may be used here. */
export interface SyncSupport {
  /** Whether there are service workers: not on insecure origins. */
  readonly serviceWorker: boolean;
  /** Background Sync: an event when the device is online, also when no page is open any more. */
  readonly sync: Permitted;
  /** Periodic Background Sync: an event now and then, for apps that are installed. */
  readonly periodicSync: Permitted;
  /** Push messages, which need a server and, in most browsers, a notification for each. */
  readonly push: Permitted;
  /** Web Locks: where they are missing, the work of a worker that was ended is taken over when its lease ends, and not at once. */
  readonly locks: boolean;
}

/** Whether the browser has it, and the user or the browser permits it. */
export type Permitted = "granted" | "prompt" | "denied" | "unsupported";
