/**
 * Whether servers have on their disks what they acknowledge.
 *
 * It decides nothing, and refuses to know what is stored. A stream's own configuration does not say: how often a server flushes is its own setting, which only the account of the
 * system can read, and each account to which that one exports the service.
 */
import type { NatsConnection } from "@nats-io/nats-core";
import { warn } from "../platform/report.js";

const STATISTICS = "$SYS.REQ.SERVER.PING.STATSZ";

/** How long servers have to answer one question, and all that are asked, in milliseconds. */
const ONCE_MS = 1_000;
const ALL_MS = 5_000;

/** Of a server's answer, what is read. */
interface Statistics {
  readonly server?: { readonly name?: string };
  readonly statsz?: {
    /** How many servers this one knows of, with itself. */
    readonly active_servers?: number;
    readonly jetstream?: { readonly config?: { readonly sync_always?: boolean } };
  };
}

/** Says on the console which servers acknowledge writes before these are on their disks, as far as servers say. */
export async function warnOfLazyServers(connection: Pick<NatsConnection, "requestMany">): Promise<void> {
  const lazy = await lazyServers(connection);
  if (lazy?.length)
    warn(
      `longwait: the NATS servers ${lazy.sort().join(", ")} acknowledge writes before these are on their disks, so that a power failure may lose the last ones: ` +
        "set `sync_interval: always` in their configurations",
    );
}

/**
 * The names of the servers that acknowledge messages before these are on their disks: a power failure may lose the last ones, by default those of two minutes. `undefined` where no
 * server says, since this account may not ask. Servers that do not answer in time are left out.
 */
export async function lazyServers(connection: Pick<NatsConnection, "requestMany">): Promise<string[] | undefined> {
  /** By name: whether it is lazy. Nothing for one without streams. */
  const answered = new Map<string, boolean | undefined>();
  const end = performance.now() + ALL_MS;
  try {
    // A server that has just joined a cluster may miss a question. Where none answers, this account may not ask.
    for (let count = 1, left = ALL_MS; left > 0 && answered.size < count; left = end - performance.now()) {
      const answers = await connection.requestMany(STATISTICS, "", { strategy: "timer", maxWait: Math.min(ONCE_MS, left) });
      for await (const answer of answers) {
        const { server, statsz } = answer.json<Statistics>();
        const config = statsz?.jetstream?.config;
        answered.set(server?.name ?? "", config && config.sync_always !== true);
        count = Math.max(count, statsz?.active_servers ?? 0);
        if (answered.size >= count) break;
      }
      if (answered.size === 0) break;
    }
  } catch {
    // Not permitted, or no one is there to answer: what was said is all that is known.
  }
  const known = [...answered].filter(([, isLazy]) => isLazy !== undefined);
  return known.length > 0 ? known.filter(([, isLazy]) => isLazy).map(([name]) => name) : undefined;
}
