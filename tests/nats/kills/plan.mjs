/** What happens in one round on NATS, all of it drawn from its seed: who connects how, what fails when, and which processes drivers run. */
import { inRepo } from "../../../scripts/lib/paths.mjs";
import { dice, plan as planOfTabs, seeds as seedsOf } from "../../kills/plan.mjs";

/** Where the logs of a whole run are kept, for the checker of the simulation. */
export const HISTORY = inRepo("build/nats-kills.json");

/**
 * What fails in each round, in an order of its own. `leader`, `follower`, `client`: killed by -9. `cut`, `stall`, `slow`: the connection of a client ends, says nothing
 * for a while, or takes its time.
 */
const ALWAYS = ["leader", "follower", "cut", "stall", "slow", "client"];

/**
 * What fails besides in many rounds. `freeze`, `quorum`: the leader, or both of the others, say nothing for a while, so that what was sent to the leader is
 * neither stored nor refused. `away`: a client has no connection for longer than its calls wait, and what it sent before arrives when it has one again.
 */
const SOMETIMES = ["freeze", "freeze", "quorum", "quorum", "away"];

export const FAULTS = [...new Set([...ALWAYS, ...SOMETIMES])];

/** The clients: processes of Node over the servers' own ports and over their WebSockets, and a page of Chromium. */
export const CLIENTS = ["tcp", "ws", "tcp", "tab"];

/** How many processes drivers run in a round. */
const PROCESSES = 24;

/** How long drivers hold a lease: short, so that a round sees takeovers. */
export const LEASES = { leaseTtlMs: 3_000, renewEveryMs: 1_000 };

/** The seeds that were asked for: `LONGWAIT_NATS_ROUNDS` of them, from `LONGWAIT_SEED` on, which alone means just that one. */
export const seeds = (usual, { LONGWAIT_SEED, LONGWAIT_NATS_ROUNDS } = process.env) =>
  seedsOf(usual, { LONGWAIT_SEED, LONGWAIT_ROUNDS: LONGWAIT_NATS_ROUNDS });

/**
 * `{ faults, processes, held }`. A fault is `{ kind, victim, forMs, afterMs, waits }`: `victim` is a number that chooses the client, `forMs` how long a
 * server stays down or a link slow or cut, `afterMs` the pause before it, and `waits` whether writes have to be acknowledged again before the next one.
 */
export function plan(seed) {
  const roll = dice(seed + 29_000);
  const { processes, held } = planOfTabs(seed, PROCESSES);
  const besides = SOMETIMES[roll(8)];
  const kinds = [...ALWAYS, ...(besides ? [besides] : [])].map((kind) => ({ kind, at: roll(1_000_000) })).sort((a, b) => a.at - b.at);
  // What is away is away for all of its time: all else is of other clients.
  const away = besides === "away" ? roll(CLIENTS.length) : undefined;
  const others = [...CLIENTS.keys()].filter((place) => place !== away);
  const faults = kinds.map(({ kind }) => ({
    kind,
    victim: kind === "away" ? away : others[roll(others.length)],
    forMs: 200 + roll(1_500),
    afterMs: 200 + roll(600),
    waits: roll(3) === 0,
  }));
  return { faults, processes, held };
}
