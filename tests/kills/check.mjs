/** The promises that the log of a process keeps after any kill: a first check. tests/history/main.rs judges the histories, too. */
import { STEPS } from "./plan.mjs";

/** How long a lease lasts. */
const LEASE_MS = 30_000;

/**
 * What is wrong with a process, in words. `ran` are the steps of it that were begun: `{ key, fence }`. Where the death of a holder is known before its lease
 * ends, no run is taken over as late as that, `leaseMs` after its beginning.
 */
export function wrongs({ ended, events, left }, ran, leaseMs = LEASE_MS) {
  const wrong = [];
  const must = (holds, words) => holds || wrong.push(words);

  must(ended, `has not ended: ${JSON.stringify(left)}`);
  must(
    events.every(({ sequence }, n) => sequence === n + 1),
    "has a log with gaps",
  );

  const written = events.map(fenceOf).filter((fence) => fence !== undefined);
  must(
    written.every((fence, n) => n === 0 || fence >= written[n - 1]),
    `was written by fences in the order ${written}`,
  );

  const runs = begun(events);
  must(new Set(runs.map(({ payload }) => payload.fence)).size === runs.length, "has runs under one fence");
  must(rising(runs.map(({ payload }) => payload.attempt)), "has attempts that do not rise");
  for (const [before, run] of pairs(runs)) {
    const waited = run.occurredAtMs - before.occurredAtMs;
    if (takeovers(events).includes(run))
      must(waited < leaseMs, `was taken over by ${run.payload.tab} after ${waited} ms, when the lease had ended by itself`);
  }

  const recorded = steps(events);
  must(new Set(recorded.map(({ key }) => key)).size === recorded.length, "has a step that was recorded twice");
  for (const { key, fence } of ran) {
    const record = recorded.find((step) => step.key === key);
    must(record === undefined || fence <= record.value.fence, `ran ${key} under fence ${fence}, recorded under ${record?.value.fence}`);
  }

  const ends = events.filter(({ semantics }) => semantics.terminal);
  must(ends.length === (ended ? 1 : 0), `has ${ends.length} ends`);
  for (const { payload } of ends) {
    const { type, value } = payload.awaitOutput;
    must(type === "success", `ended with ${JSON.stringify(payload.awaitOutput)}`);
    if (type !== "success") continue;
    must(value.fence === runs.at(-1)?.payload.fence, "was ended by another run than the last");
    must(recorded.length === STEPS, `ended with ${recorded.length} steps`);
    must(JSON.stringify(value.seen) === JSON.stringify(recorded.map((step) => step.value)), "saw steps as they were not recorded");
  }
  return wrong;
}

/** What is wrong with the stream and the attachment of a process that has ended, in words. */
export function wrongsBeside({ events, says, chunks, made }) {
  const wrong = [];
  const must = (holds, words) => holds || wrong.push(words);
  const recorded = steps(events);

  must(
    chunks.every(({ index }, n) => index === n),
    "has a stream with gaps",
  );
  for (const [before, next] of pairs(chunks)) {
    const isSameRun = before.value.fence === next.value.fence;
    must(before.value.fence <= next.value.fence, `has a chunk of fence ${next.value.fence} behind one of fence ${before.value.fence}`);
    must(
      isSameRun || says.resume === (before.attempt === next.attempt),
      `has a chunk of attempt ${next.attempt} behind one of ${before.attempt}`,
    );
    must(!isSameRun || before.attempt === next.attempt, "has chunks of one run under two attempts");
  }
  for (const { value } of says ? recorded : []) {
    const parts = chunks.slice(value.said - 3, value.said).map((chunk) => chunk.value);
    const are = parts.length === 3 && parts.every(({ part, ...of }, n) => part === n && of.key === value.key && of.run === value.run);
    must(are, `has not, before ${value.said}, what ${value.key} said before it was recorded`);
  }

  const last = recorded.at(-1)?.value;
  must(
    made === undefined || (made.key === last?.key && made.run === last?.run),
    `has what ${made?.key} attached, and not what ${last?.key} did`,
  );
  return wrong;
}

/** What is wrong with a child whose parent has ended, in words. */
export function wrongsOfChild({ ended, events }) {
  const asked = events.some(({ eventType }) => eventType === "process.cancel_requested");
  return ended || asked ? [] : ["was left running"];
}

/** The runs that took over from one that died: not those that followed one that threw. */
export const takeovers = (events) =>
  pairs(begun(events))
    .filter(([before, run]) => !events.slice(before.sequence, run.sequence).some(({ eventType }) => eventType === "process.attempt_failed"))
    .map(([, run]) => run);

/** The runs that got as far as to say so. */
export const begun = (events) => events.filter(({ eventType }) => eventType === "signal.begun");

export const steps = (events) => events.filter(({ eventType }) => eventType === "process.step").map(({ payload }) => payload);

/** Who wrote an event, where it says so. */
const fenceOf = ({ payload }) => payload?.fence ?? payload?.value?.fence ?? payload?.awaitOutput?.value?.fence;

const pairs = (list) => list.slice(1).map((next, n) => [list[n], next]);

const rising = (numbers) => pairs(numbers).every(([one, next]) => one < next);
