/** What of the browser's parts for work without a page is here, and permitted. */
import type { Permitted, SyncSupport } from "../types/service-worker.js";

/** What `support()` does. */
export async function supported(): Promise<SyncSupport> {
  const registration = (globalThis as { ServiceWorkerRegistration?: { prototype: object } }).ServiceWorkerRegistration?.prototype;
  const has = (part: string) => registration !== undefined && part in registration;
  const [sync, periodicSync, push] = await Promise.all([
    permitted(has("sync"), "background-sync"),
    permitted(has("periodicSync"), "periodic-background-sync"),
    permitted(has("pushManager"), "notifications"),
  ]);
  return Object.freeze({
    serviceWorker: registration !== undefined,
    sync,
    periodicSync,
    push,
    locks: globalThis.navigator?.locks !== undefined,
  });
}

/** A browser that knows no such permission asks for none. */
async function permitted(isThere: boolean, name: string): Promise<Permitted> {
  if (!isThere) return "unsupported";
  try {
    return (await navigator.permissions.query({ name: name as PermissionName })).state;
  } catch {
    return "granted";
  }
}
