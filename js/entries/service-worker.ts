/**
 * Work that a service worker finishes when no page is open: {@link handleSync} in the script of the worker, {@link requestSync} in the page.
 *
 * @module
 */
import { handle } from "../service-worker/handle.js";
import { request } from "../service-worker/request.js";
import { supported } from "../service-worker/support.js";
import type { SyncHandler, SyncOptions, SyncRequestOptions, SyncRequests, SyncSupport } from "../types/service-worker.js";
import type { ProcessRegistry } from "./index.js";

export type * from "../types/service-worker.js";

/**
 * Has a service worker run processes on its events `sync`, `periodicsync`, `push` and `activate`, and when a page is closed: one bounded sweep each, which runs what can be run
 * until that has ended or waits, and gives back what it has not finished. Call it while the script of the worker is first run, before any `await`:
 * browsers take no listeners later. A sync event that leaves work fails, so that the browser sends it again.
 *
 * @throws ProcessError `invalid_argument` at once for what is not the global of a service worker, and for options of its own. Others, such as those of
 * the driver, fail the events.
 */
export function handleSync(scope: EventTarget, options: SyncOptions): SyncHandler {
  return handle(scope, options);
}

/**
 * Asks the browser for a `sync` event whenever this page cannot be counted upon and work is left: when it is hidden or closed, and after commits while
 * it is hidden or offline. A page that is closed also sends the worker a message, for a sweep at once. Resolves once the page has an active service worker and the registry was looked at.
 *
 * @throws ProcessError `invalid_argument`, also where there are no service workers. What the browser refuses later goes to `reportError`.
 */
export function requestSync(registry: ProcessRegistry, options?: SyncRequestOptions): Promise<SyncRequests> {
  return request(registry, options);
}

/** What of all this the browser has and permits, in a page or a worker. */
export function support(): Promise<SyncSupport> {
  return supported();
}
