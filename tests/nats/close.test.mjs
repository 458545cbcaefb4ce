/** A registry that is closed while calls are under way. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { openRegistry } from "longwait";
import { natsStore } from "longwait/nats";
import { proxied, startServers } from "./servers.mjs";

test("a sweep that is cut off by a close rejects with closed, and waits for no other attempt", { timeout: 60_000 }, async (t) => {
  const servers = await startServers();
  t.after(() => servers.close());
  const link = await proxied(Number(new URL(servers.tcp[0]).port));
  t.after(() => link.close());
  const registry = await openRegistry({ storage: natsStore({ servers: `nats://127.0.0.1:${link.port}`, namespace: "closing" }) });
  const driver = registry.driver({ runners: { job: () => {} } });
  link.stall();
  const sweep = assert.rejects(driver.claimAndRunPending(), { code: "closed" });
  // The requests of the sweep are on their way.
  await new Promise((resolve) => setImmediate(resolve));
  // No pause between attempts ends by itself any more.
  t.mock.timers.enable({ apis: ["setTimeout"] });
  await registry.close();
  await sweep;
});
