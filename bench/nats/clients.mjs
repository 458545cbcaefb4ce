/**
 * A mixed load of many clients over NATS, at rising rates: each client has a registry and a connection of its own, in a few processes of Node on the
 * machine of the servers. A client waits for events of ten processes at any time. Of ten operations, three append to processes that are waited for,
 * three to any process, two read a process and two read its last events. An operation's time counts from when it was due.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { say } from "../../scripts/lib/run.mjs";
import { inFlight } from "../page/harness.js";
import { onServers } from "./lib/setting.mjs";

const WAITS = 10;
/** Of Node, which share the clients. */
const PROCESSES = 2;
/** What is not done within this many milliseconds of the end of a load is not counted. */
const PATIENCE_MS = 5_000;

export const run = ({ quick, dist }) => onServers(dist, ["three"], (stage) => measured(stage, dist, quick));

async function measured(stage, dist, quick) {
  const processes = quick ? 1_000 : 10_000;
  const seconds = quick ? 2 : 5;
  const registry = await stage.registry("clients");
  const each = await inFlight(processes, 200, (n) =>
    registry.registerProcess({ id: `p${n}`, input: { type: "external" }, eventTypes: [{ name: "progress" }] }),
  );
  say(`  ${processes.toLocaleString("en")} processes registered, ${each.toFixed(2)} ms each`);
  await registry.close();
  const rows = [];
  for (const [clients, rates] of Object.entries(
    quick ? { 10: [100, 400] } : { 1: [100, 400, 800, 1_600], 10: [100, 400, 800], 100: [50, 100, 200, 400] },
  ))
    rows.push(...(await loaded(stage, dist, { clients: Number(clients), rates, seconds, processes })));
  return rows;
}

/** The rows of so many clients, up to the first rate that is too much for them. */
async function loaded(stage, dist, { clients, rates, seconds, processes }) {
  const children = await Promise.all(
    Array.from({ length: Math.min(PROCESSES, clients) }, async () => {
      const child = fork(new URL("lib/client.mjs", import.meta.url), { serialization: "advanced" });
      const ask = async (task, given) => {
        child.send({ task, given });
        const [{ result, fault }] = await once(child, "message");
        if (fault) throw new Error(fault);
        return result;
      };
      return { ask, end: () => (child.kill(), once(child, "exit")) };
    }),
  );
  const all = (task, given) => Promise.all(children.map(({ ask }, place) => ask(task, given(place))));
  try {
    const start = performance.now();
    const share = clients / children.length;
    await all("open", (place) => ({
      dist,
      servers: stage.tcp,
      from: place * share,
      to: (place + 1) * share,
      clients,
      waits: WAITS,
      processes,
    }));
    say(`  ${clients} clients opened in ${((performance.now() - start) / 1_000).toFixed(1)} s`);
    const rows = [];
    for (const rate of rates) {
      const samples = await all("load", () => ({ rate: rate / children.length, seconds, patience: PATIENCE_MS }));
      const row = rowOf(clients, rate, seconds, samples);
      rows.push(row);
      say(
        `  ${Object.entries(row.cells)
          .map(([name, value]) => `${name} ${value}`)
          .join(", ")}`,
      );
      if (row.isTooMuch) break;
    }
    return rows;
  } finally {
    await Promise.all(children.map(({ end }) => end()));
  }
}

function rowOf(clients, rate, seconds, samples) {
  const [appends, reads, wakes] = ["appends", "reads", "wakes"].map((kind) => samples.flatMap((each) => each[kind]).sort((a, b) => a - b));
  const done = samples.reduce((sum, { inTime }) => sum + inTime, 0) / seconds;
  const faults = samples.flatMap((each) => each.faults);
  if (faults.length > 0) say(`  ${faults.length} operations failed: ${faults[0]}`);
  return {
    work: `${clients} clients, ${rate} operations/s`,
    isTooMuch: done < 0.9 * rate,
    cells: {
      clients: clients.toLocaleString("en"),
      "asked for": `${rate.toLocaleString("en")}/s`,
      done: `${Math.round(done).toLocaleString("en")}/s`,
      ...quantiles("append", appends),
      ...quantiles("wake", wakes),
      ...quantiles("read", reads, [0.5, 0.99]),
    },
    figures: [],
  };
}

function quantiles(name, sorted, shares = [0.5, 0.95, 0.99]) {
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return Object.fromEntries(shares.map((share) => [`${name} p${share * 100}`, sorted.length ? `${three(at(share))} ms` : "–"]));
}

const three = (number) => (number >= 100 ? Math.round(number).toLocaleString("en") : number.toPrecision(3));
