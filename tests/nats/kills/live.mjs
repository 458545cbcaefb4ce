/** The life of a client of a round, in a process or in a page: it opens the registry, drives, and writes. */
import { dice } from "../../kills/plan.mjs";
import * as page from "../../kills/page.mjs";
import { load } from "./load.mjs";

/**
 * Opens and begins. `record(line)` resolves once the line is kept where the death of the client does not reach it; `post(word)` sends the round what
 * happens. Gives `hear(word)`, for what the round has to say: `"rest"` ends the writes, `"close"` everything.
 */
export async function live({ modules: { openRegistry, natsStore }, options, record, post }) {
  const { client, servers, namespace, seed, leases } = options;
  const kept = async (line) => {
    await record({ client, at: Date.now(), ...line });
    if (line.is === "acknowledged") post("acknowledged");
  };
  globalThis.reportError = (error) => kept({ is: "reported", code: error.code, message: String(error.stack ?? error) });
  // With a clock of its own a store takes short leases. All of a round have that of one machine.
  const storage = () => natsStore({ servers, namespace, now: Date.now });
  globalThis.longwait = { openRegistry: (more) => openRegistry({ ...more, storage: storage() }) };
  globalThis.ran = (step) => kept({ is: "ran", ...step });

  while (!globalThis.registry)
    try {
      await page.open({ name: namespace, tab: client, concurrency: 16, drives: true, leases });
    } catch (error) {
      // It may be begun in the middle of a fault.
      if (error.code !== "disconnected") throw error;
    }
  await kept({ is: "opened" });
  const loaded = load({ registry: globalThis.registry, client, roll: dice(seed), record: kept });
  post("ready");
  return async (word) => {
    if (word === "rest") await loaded.stop();
    if (word === "close") await globalThis.registry.close();
    post(word);
  };
}

/** What was caught by nothing, as a line. */
export const uncaught = (client, error) => ({ client, at: Date.now(), is: "uncaught", message: String(error?.stack ?? error) });
