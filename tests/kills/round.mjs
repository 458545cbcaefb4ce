/** One round: processes run in several tabs, tabs die, and in the end the logs are judged. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { begun, steps, takeovers as takenOver, wrongs, wrongsBeside, wrongsOfChild } from "./check.mjs";
import { livingTabs } from "./living.mjs";
import * as page from "./page.mjs";
import { childOf, MIDDLE, plan, stepKey } from "./plan.mjs";

/** Until what has not ended counts as left behind: less than a lease lasts. */
const LIMIT_MS = 25_000;

/** Where the logs of a whole run are kept, for whoever else judges them. */
export const HISTORY = inRepo("build/kills.json");

export function keep(processes, file = HISTORY) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ processes }));
}

/**
 * `{ seed, kind, histories, violations, deaths, steps, chunks, attached, attempts, takeovers, firsts }`. The last are the milliseconds from a death to
 * the first run that took over; others may have to wait for their turn.
 */
export async function round(seed, url) {
  const { kind, concurrency, processes, happenings, held } = plan(seed);
  const profile = mkdtempSync(join(tmpdir(), "longwait-kills-"));
  const progress = counted();
  const inWorker = (n) => kind === "worker" || (kind === "mixed" && n % 2 === 1);
  const opening = { name: `seed ${seed}`, concurrency };
  const tabs = await livingTabs({ url, profile, inWorker, ran: progress.add, ...opening });
  try {
    const died = [];
    // Those that are to register may die over it as well.
    const registered = tabs.insist(page.register, processes);
    for (const { at, signal, ...death } of happenings) {
      await progress.until((ran) => ran.length >= at);
      if (signal) await tabs.insist(page.signal, signal);
      else {
        const waits = ({ id, key }) => id === held && key === `before ${stepKey(MIDDLE)}`;
        await progress.until((ran) => ran.some(waits));
        const working = progress.ran.findLast(waits).tab;
        died.push(Date.now());
        await tabs.die(death, working, () => progress.until((ran) => ran.findLast(waits).tab !== working));
      }
    }
    await registered;
    const ids = processes.map(({ id }) => id);
    await tabs.insist(page.ends, [ids, LIMIT_MS]);
    const found = await tabs.afresh(page.histories, [opening.name, ids]);
    const children = await tabs.afresh(page.histories, [opening.name, processes.flatMap(childOf)]);
    const faults = await tabs.faults();
    const policy = (n) => ({ retry: processes[n].retry, concurrencyKey: `${seed} ${processes[n].concurrencyKey ?? `alone ${n}`}` });
    const beside = found.flatMap((history) => wrongsBeside(history).map((words) => `${history.id} ${words}`));
    const chunks = found.reduce((total, { chunks }) => total + chunks.length, 0);
    const attached = found.filter(({ made }) => made !== undefined).length;
    const histories = found.map(({ id, ended, events, createdAtMs, left }, n) => ({
      id,
      ended,
      events,
      createdAtMs,
      left,
      policy: policy(n),
    }));
    const left = children.flatMap((child) => wrongsOfChild(child).map((words) => `${child.id} ${words}`));
    const judgement = judged(histories, progress.ran, died, faults);
    const violations = [...judgement.violations, ...beside, ...left];
    return { seed, kind, histories, deaths: died.length, chunks, attached, ...judgement, violations };
  } finally {
    await tabs.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** Hears of steps that are begun, and tells when something holds of all so far. */
export function counted() {
  const ran = [];
  const looks = new Set();
  const look = () => [...looks].forEach((one) => one());
  return {
    ran,
    look,
    add(step) {
      ran.push(step);
      look();
    },
    until(holds) {
      return new Promise((reached) => {
        const one = () => holds(ran) && (looks.delete(one), reached());
        looks.add(one);
        one();
      });
    },
  };
}

function judged(histories, ran, died, faults) {
  const violations = faults.map((fault) => `nobody caught: ${fault}`);
  const first = new Map();
  let [recorded, attempts, takeovers] = [0, 0, 0];
  for (const history of histories) {
    const own = ran.filter(({ id }) => id === history.id);
    violations.push(...wrongs(history, own).map((words) => `${history.id} ${words}`));
    const runs = begun(history.events);
    for (const { occurredAtMs } of takenOver(history.events)) {
      const death = died.findLast((at) => at <= occurredAtMs);
      first.set(death, Math.min(first.get(death) ?? Infinity, occurredAtMs - death));
      takeovers += 1;
    }
    recorded += steps(history.events).length;
    attempts += runs.length;
  }
  return { violations, takeovers, firsts: [...first.values()], steps: recorded, attempts };
}
