/** An append from a page over the WebSocket of a server, beside the bare client in the same page. */
import { openRegistry } from "longwait";
import { natsStore } from "longwait/nats";
import { open } from "../contenders/bare-nats.js";
import { each, payload, race } from "../harness.js";

export async function run({ rounds, quick, servers, namespace, bytes, name }) {
  const registry = await openRegistry({ storage: natsStore({ servers, namespace }) });
  const log = await open(servers, { stream: "BARE_page", replicas: 1, bytes });
  const contenders = [
    { name: "longwait", append: (n) => registry.appendEvent("p", { eventType: "progress", payload: payload(n) }) },
    { name: "bare client", append: (n) => log.append("p", payload(n)) },
  ];
  try {
    await log.register("p");
    const figures = await race(contenders, rounds, ({ append }) => each(quick ? 50 : 200, append));
    return [{ work: `append, one at a time, ${name}`, figures, atMost: 1.5 }];
  } finally {
    await log.close();
    await registry.close();
  }
}
