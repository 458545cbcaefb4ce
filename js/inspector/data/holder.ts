/** Where the holder of a lease is. Its liveness lock says so exactly: names of owners may be shared by tabs. */
import type { LeaseOwner, ProcessLease } from "../../types/public.js";
import type { Holder } from "../model/state.js";

export async function holderOf({ owner }: ProcessLease, own: LeaseOwner): Promise<Holder> {
  const { liveness } = owner;
  if (liveness?.kind !== "web_lock" || own.liveness?.kind !== "web_lock" || !("locks" in navigator))
    return owner.ownerId === own.ownerId ? "here" : "elsewhere";
  const { held = [] } = await navigator.locks.query();
  const clientOf = (lock: string) => held.find(({ name }) => name === lock)?.clientId;
  const client = clientOf(liveness.lockName);
  if (client === undefined) return "gone";
  return client === clientOf(own.liveness.lockName) ? "here" : "elsewhere";
}
