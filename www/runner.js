/**
 * One tab that would run the job: takes it where it is free, stands by while another has it, and takes over at once
 * when that one dies.
 */

import { isProcessError, openRegistry } from "longwait";
import { byId, element, say } from "./dom.js";
import { LEASE_MS, registration, STEPS } from "./takeover-job.js";

const parameters = new URLSearchParams(location.search);
const job = parameters.get("job");
const tab = parameters.get("tab") ?? "?";
const pace = Number(parameters.get("pace") ?? 600);

document.body.dataset.tab = tab;
try {
  const registry = await openRegistry();
  await registry.registerProcess(registration(job));
  await work(registry);
} catch (error) {
  role("stopped", "Stopped", error.message);
}

async function work(registry) {
  for (;;) {
    try {
      const claim = await registry.claimProcessLease(job, registry.owner, LEASE_MS);
      const won = claim.outcome === "acquired" ? { lease: claim.lease } : await standBy(registry, claim.holder);
      if (won) await run(registry, won);
    } catch (error) {
      if (isProcessError(error, "already_terminal")) return role("done", "The job is done");
      // Another has it now: whatever this tab did not get written, that one does.
      if (!isProcessError(error, "lease_lost")) throw error;
      tell("lost the lease");
    }
  }
}

/** Waits until the holder is gone, or its lease is over. Answers what this tab then holds, if it was the first. */
async function standBy(registry, holder) {
  role("waiting", "Standing by", `another tab runs the job, with fence ${holder.fencingToken}`);
  const over = new AbortController();
  const quiet = (wait) => wait.catch((error) => (over.signal.aborted ? undefined : Promise.reject(error)));
  const expired = () => new Promise((done) => setTimeout(done, Math.max(holder.expiresAtMs - Date.now(), 100), "expired"));
  // Without Web Locks no tab can know of its end: then the lease's end is all there is.
  const unknowable = (error) => (isProcessError(error, "invalid_argument") ? new Promise(() => {}) : Promise.reject(error));
  const gone = registry.ownerGone(holder.owner, { signal: over.signal }).catch(unknowable);
  const first = await Promise.race([
    quiet(gone).then(() => "gone"),
    quiet(registry.awaiter.awaitTerminal(job, { signal: over.signal })).then(() => "ended"),
    expired(),
  ]);
  over.abort();
  if (first !== "gone") return undefined;
  const heard = performance.now();
  const claim = await registry.reclaimProcessLease(job, registry.owner, holder, LEASE_MS);
  if (claim.outcome === "busy") return undefined;
  return { lease: claim.lease, from: holder.fencingToken, afterMs: Math.round(performance.now() - heard) };
}

/** Does the steps that the log has not. Each is appended under the lease, so that a tab which lost it can add none. */
async function run(registry, { lease, from, afterMs }) {
  const fence = lease.fencingToken;
  role("running", "Running the job", `with fence ${fence}`);
  tell(from === undefined ? `took the job, fence ${fence}` : `took over, fence ${fence}, in ${afterMs} ms`);
  await registry.appendEvent(job, { eventType: "taken", payload: { tab, fence, ...(from && { from, afterMs }) }, lease });
  const done = await registry.countEventsThrough(job, "step", Number.MAX_SAFE_INTEGER);
  let held = lease;
  for (let number = done + 1; number <= STEPS; number++) {
    await new Promise((next) => setTimeout(next, pace));
    await registry.appendEvent(job, { eventType: "step", payload: { number, tab, fence }, replayKey: `done ${number}`, lease: held });
    held = await registry.renewProcessLease(held, LEASE_MS);
    role("running", "Running the job", `step ${number} of ${STEPS}, with fence ${fence}`);
  }
  await registry.completeProcessWithLease(held, { type: "success", value: { steps: STEPS } });
  tell("ended the job");
}

function role(state, words, more = "") {
  document.body.dataset.role = state;
  say(byId("role"), words);
  say(byId("role-more"), more);
}

function tell(words) {
  byId("said").append(element("li", {}, words));
}
