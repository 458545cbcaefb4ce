/**
 * Whether servers have on their disks what they acknowledge.
 *
 * It decides nothing, and refuses to know what is stored. A stream's own configuration does not say: how often a server flushes is its own setting, which only the account of the
 * system can read, and each account to which that one exports the service.
 */
import type { NatsConnection } from "@nats-io/nats-core";
import { warn } from "../platform/report.js";

const STATISTICS = "$SYS.REQ.SERVER.PING.STATSZ";

/** How long servers of a cluster have to answer after one another, in milliseconds, and all of them together. */
const BETWEEN_MS = 1_000;
const ALL_MS = 5_000;

/** Of a server's answer, what is read. */
interface Statistics {
  readonly server?: { readonly name?: string };
  readonly statsz?: { readonly jetstream?: { readonly config?: { readonly sync_always?: boolean } } };
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
  const lazy: string[] = [];
  let said = false;
  try {
    const answers = await connection.requestMany(STATISTICS, "", { strategy: "stall", stall: BETWEEN_MS, maxWait: ALL_MS });
    for await (const answer of answers) {
      const { server, statsz } = answer.json<Statistics>();
      const config = statsz?.jetstream?.config;
      if (!config) continue;
      said = true;
      if (config.sync_always !== true) lazy.push(server?.name ?? "");
    }
  } catch {
    // Not permitted, or no one is there to answer: what was said is all that is known.
  }
  return said ? lazy : undefined;
}
