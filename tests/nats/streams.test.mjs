/** Streams over three servers: each reader is given each chunk once, whichever replica answers it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { openRegistry } from "longwait";
import { natsStore } from "longwait/nats";
import { startServers } from "./servers.mjs";

const COUNT = 300;
const numbers = Array.from({ length: COUNT }, (_, n) => n);

async function all(registry, from = 0) {
  const values = [];
  for await (const { value } of registry.readStream("job", "out", { startIndex: from })) values.push(value);
  return values;
}

test(
  "readers in two clients, from the start and from the middle, while it is written and behind its end",
  { timeout: 60_000 },
  async (t) => {
    const servers = await startServers({ count: 3 });
    t.after(() => servers.close());
    const open = async () => {
      const registry = await openRegistry({ storage: natsStore({ servers: servers.tcp, namespace: "streams" }) });
      t.after(() => registry.close());
      return registry;
    };
    const [writer, reader] = await Promise.all([open(), open()]);
    const driver = writer.driver({
      runners: {
        async job({ stream }) {
          const out = await stream("out");
          for (const number of numbers) {
            await out.append(number);
            // Several commits, with readers in between.
            if (number % 20 === 0) await out.flush();
          }
          await out.close();
        },
      },
    });
    t.after(() => driver.stop());
    await writer.registerProcess({ id: "job", input: { type: "engine", kind: "job" } });
    const live = [all(reader), all(reader, 100), all(writer)];
    driver.start();
    assert.deepEqual(await Promise.all(live), [numbers, numbers.slice(100), numbers]);
    const late = await open();
    assert.deepEqual(await Promise.all([all(late), all(late), all(reader, 299)]), [numbers, numbers, [299]]);
  },
);
