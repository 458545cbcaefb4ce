/** One round: clients write and drive, servers, links and clients fail, and in the end all that was acknowledged is looked for. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";
import { openRegistry } from "longwait";
import { natsStore } from "longwait/nats";
import { begun, takeovers, wrongs, wrongsBeside, wrongsOfChild } from "../../kills/check.mjs";
import * as page from "../../kills/page.mjs";
import { childOf } from "../../kills/plan.mjs";
import { longestStall, writesOf, wrongsOf } from "./check.mjs";
import { startServers } from "../servers.mjs";
import { browserOfClients, livingClients } from "./clients.mjs";
import { registrations } from "./load.mjs";
import { LEASES, plan } from "./plan.mjs";
import { follow, streamOf, wrongsOfRaw } from "./raw.mjs";

/** How long may pass until writes are acknowledged again after a fault, and until all processes have ended after the last one, in milliseconds. */
const FLOW_MS = 40_000;
const END_MS = 25_000;

/** How long the followers are frozen, in milliseconds: longer than a client waits for an answer. */
const FREEZE_MS = 4_500;

/** How long a client is away, in milliseconds: longer than a call waits for a server in all. */
const AWAY_MS = 26_000;

/** What rounds take place on, one after the other: three servers, and a browser. */
export async function ground() {
  const [cluster, browser] = await Promise.all([startServers({ count: 3 }), browserOfClients()]);
  const close = () => Promise.all([cluster.close(), browser.close()]);
  return { cluster, browser, close };
}

/**
 * `{ seed, violations, histories, faults, acknowledged, open, fences, takeovers, stallMs, folder }`. `violations` are `{ kind, words }`, as `wrongsOf` says;
 * where there are any, what the clients recorded is kept in `folder`.
 */
export async function round(seed, { cluster, browser }) {
  const { faults, processes, held } = plan(seed);
  const namespace = `kills-${seed}-${process.pid}`;
  const folder = mkdtempSync(join(tmpdir(), `longwait-nats-kills-${seed}-`));
  const opened = [];
  const open = async () => {
    const registry = await openRegistry({ storage: natsStore({ servers: cluster.tcp, namespace, now: Date.now }) });
    opened.push(registry);
    return registry;
  };
  try {
    return await fought(await insist(open));
  } finally {
    await Promise.all(opened.map((registry) => registry.close()));
  }

  /** `steady` is the registry of the round itself, which is never killed. It registers what drivers run. */
  async function fought(steady) {
    const violations = [];
    await insist(() => steady.registerProcesses(registrations()));
    const witness = await follow(cluster.tcp, namespace);
    opened.push(witness);
    const clients = await livingClients({ cluster, browser, namespace, seed, leases: LEASES, folder });
    try {
      Object.assign(globalThis, { registry: steady, driver: steady.driver({ runners: {} }), longwait: { openRegistry: open } });
      globalThis.register = (one) => insist(() => registerJob(steady, one));
      await clients.flow(0, FLOW_MS);
      const jobs = registerAndSignal(processes, held);
      await failAll(faults, { cluster, clients, stream: streamOf(namespace) });
      await jobs.over(FLOW_MS);
      await clients.flow(Date.now(), FLOW_MS);
      await clients.rest(FLOW_MS);
      await page.ends([processes.map(({ id }) => id), END_MS]);
      await clients.close(FLOW_MS);
    } catch (error) {
      violations.push({ kind: "other", words: error.stack });
    } finally {
      await clients.end();
    }
    const lines = clients.history();
    const found = await page.histories([namespace, processes.map(({ id }) => id)]);
    const children = await page.histories([namespace, processes.flatMap(childOf)]);
    violations.push(...wrongsOfRuns(found, children, lines));
    const writes = writesOf(lines);
    violations.push(...wrongsOf(lines, await foundBy(await open(), writes)));
    const keys = new Map(processes.flatMap(({ id, concurrencyKey }) => (concurrencyKey ? [[id, concurrencyKey]] : [])));
    violations.push(...wrongsOfRaw(await witness.end(), writes, keys));

    if (violations.length === 0) rmSync(folder, { recursive: true });
    else writeFileSync(join(folder, "round.json"), JSON.stringify({ seed, faults, violations, found }, undefined, 2));
    const of = (state) => writes.filter((write) => write.state === state).length;
    return {
      seed,
      violations,
      folder,
      faults,
      histories: found.map((history, n) => ({ ...history, policy: policyOf(seed, processes[n]) })),
      acknowledged: of("acknowledged"),
      open: of("open"),
      conflicts: writes.filter(({ code }) => code === "conflict").length,
      fences:
        writes.filter(({ op, answer }) => op === "claim" && answer?.fence).length + found.flatMap(({ events }) => begun(events)).length,
      takeovers: found.flatMap(({ events }) => takeovers(events)).length,
      stallMs: longestStall(lines),
    };
  }
}

/** What is wrong with what drivers ran, and with the children of that. */
function wrongsOfRuns(found, children, lines) {
  const ran = lines.filter(({ is }) => is === "ran");
  const wrong = found.flatMap((history) => {
    const own = ran.filter(({ id }) => id === history.id);
    return [...wrongs(history, own, Infinity), ...wrongsBeside(history)].map((words) => `${history.id} ${words}`);
  });
  const left = children.flatMap((child) => wrongsOfChild(child).map((words) => `${child.id} ${words}`));
  return [...wrong, ...left].map((words) => ({ kind: "other", words }));
}

/** What the checker of the simulation looks at; rounds have keys of their own. */
const policyOf = (seed, { id, retry, concurrencyKey }) => ({ retry, concurrencyKey: `${seed} ${concurrencyKey ?? id}` });

/** Does work again where it was not settled, which is harmless for what this is used for. */
async function insist(work) {
  const end = Date.now() + FLOW_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (error.code !== "disconnected" || Date.now() > end) throw error;
    }
  }
}

/** Attachments are not part of what is planned as JSON. */
const registerJob = (registry, one) =>
  registry.registerProcess(one.input.payload.attaches ? { ...one, attachments: { given: new TextEncoder().encode(one.id) } } : one);

/**
 * Registers what drivers run, over the whole round: in the reverse order, as each may wait for the one after it. Those that wait for a signal get it some
 * processes later, and the one that is held at the end, so that a process runs throughout. `over(ms)` resolves once all of them have theirs.
 */
function registerAndSignal(processes, held) {
  let isOver = false;
  const wake = new AbortController();
  const pause = () => later(150, undefined, { signal: wake.signal }).catch(() => {});
  const signal = (one) => insist(() => page.signal(one));
  async function work() {
    const [first, ...others] = processes;
    await globalThis.register(first);
    const waiting = [];
    for (const one of others.toReversed()) {
      if (!isOver) await pause();
      await globalThis.register(one);
      if (one.input.payload.signalled) waiting.push(one);
      if (waiting.length > 2) await signal(waiting.shift());
    }
    await Promise.all(waiting.map(signal));
    while (!isOver) await pause();
    await signal(processes.find(({ id }) => id === held));
  }
  const working = work();
  working.catch(() => {});
  return {
    async over(ms) {
      isOver = true;
      wake.abort();
      await within(ms, working, "what drivers run was not registered");
    },
  };
}

async function within(ms, work, otherwise) {
  const late = new AbortController();
  const lapse = later(ms, undefined, { signal: late.signal }).then(() => {
    throw new Error(`after ${ms} ms ${otherwise}`);
  });
  lapse.catch(() => {});
  await Promise.race([work, lapse]).finally(() => late.abort());
}

/** Everything that fails, one after the other; in the end everything is whole again. */
async function failAll(faults, { cluster, clients, stream }) {
  const down = new Map();
  const mends = [];

  async function killServer(index, forMs) {
    // One that is being started may lead already.
    await down.get(index);
    await cluster.kill(index);
    const back = later(forMs)
      .then(() => cluster.start(index))
      .finally(() => down.delete(index));
    down.set(index, back);
    mends.push(back);
  }
  function freeze(indexes, forMs) {
    for (const index of indexes) cluster.pause(index);
    mends.push(later(forMs).then(() => indexes.forEach((index) => cluster.resume(index))));
  }
  const indexes = cluster.tcp.map((_, index) => index);
  const standing = (but) => indexes.filter((index) => index !== but && !down.has(index));
  const spoil = (victim, forMs, spoils, mend) => {
    for (const link of clients.linksOf(victim)) spoils(link);
    const links = clients.linksOf(victim);
    mends.push(later(forMs).then(() => links.forEach(mend)));
  };
  const stall = (victim, forMs) =>
    spoil(
      victim,
      forMs,
      (link) => link.stall(),
      (link) => link.heal(),
    );
  const happens = {
    async leader({ victim, forMs }) {
      await killServer((await cluster.leaderOf(stream)) ?? standing()[victim % standing().length], forMs);
    },
    async follower({ victim, forMs }) {
      const others = standing(await cluster.leaderOf(stream));
      await killServer(others[victim % others.length], forMs);
    },
    async freeze({ forMs }) {
      const leader = await cluster.leaderOf(stream);
      if (leader !== undefined) freeze([leader], 3 * forMs);
    },
    async quorum({ forMs }) {
      freeze(standing(await cluster.leaderOf(stream)), FREEZE_MS + forMs);
    },
    cut: ({ victim, forMs }) =>
      spoil(
        victim,
        forMs,
        (link) => link.cut(),
        (link) => link.heal(),
      ),
    stall: ({ victim, forMs }) => stall(victim, forMs),
    away: ({ victim, forMs }) => stall(victim, AWAY_MS + forMs),
    slow: ({ victim, forMs }) =>
      spoil(
        victim,
        2 * forMs,
        (link) => link.delay(forMs >> 3),
        (link) => link.delay(0),
      ),
    client: ({ victim }) => clients.kill(victim),
  };
  for (const fault of faults) {
    await later(fault.afterMs);
    const since = Date.now();
    await happens[fault.kind](fault);
    if (fault.waits) await clients.flow(since, FLOW_MS);
  }
  await Promise.all(mends);
}

/** What is there of all that was written: see `wrongsOf`. */
async function foundBy(registry, writes) {
  const ids = new Set(writes.flatMap(({ id, other }) => (other ? [id, other] : [id])));
  const processes = new Map();
  for (const id of ids) {
    const record = await registry.getProcess(id);
    if (!record) {
      processes.set(id, { events: [] });
      continue;
    }
    const [events, blob] = [await registry.eventsAfter(id, 0), await registry.getAttachment(id, "kept")];
    const text = await blob?.text();
    processes.set(id, { record, events, kept: text && { token: text.replace(/\.+$/, ""), size: text.length } });
  }
  const sessions = new Map();
  for (const sessionId of new Set(writes.flatMap(({ session }) => session ?? []))) {
    const grants = await registry.listHandleGrants({ sessionId });
    sessions.set(
      sessionId,
      grants.map(({ grant }) => grant.processId),
    );
  }
  const listed = await registry.listProcesses({ status: "any" });
  const own = listed.map(({ id }) => id).filter((id) => ids.has(id));
  return { processes, sessions, listed: own };
}
