/** The WebAssembly's memory, which can only grow. Tests send these functions into pages, as text. */
import { inFlight } from "./harness.js";

/** The memory of the module that is loaded next. */
export function memoryOfWasm() {
  let memory;
  for (const way of ["instantiate", "instantiateStreaming"]) {
    const original = WebAssembly[way];
    WebAssembly[way] = async (...given) => {
      const made = await original.apply(WebAssembly, given);
      memory = Object.values((made.instance ?? made).exports).find((part) => part instanceof WebAssembly.Memory);
      return made;
    };
  }
  return { bytes: () => memory.buffer.byteLength };
}

/**
 * How many bytes it has after each part of so many lives of a process, ten operations each: registered, awaited in three ways, of
 * which one is given up, logged to, read, ended, and pruned together with the others of its part.
 */
export async function heapAlong(openRegistry, { open, parts, lives }) {
  const memory = memoryOfWasm();
  const registry = await openRegistry(open);
  const eventTypes = [{ name: "progress" }];
  async function live(id) {
    await registry.registerProcess({ id, input: { type: "external" }, eventTypes });
    const givenUp = new AbortController();
    const end = registry.awaiter.awaitTerminal(id);
    const lost = registry.awaiter.awaitEvent(id, "progress", 100, { signal: givenUp.signal }).catch(() => {});
    const event = registry.awaiter.awaitEvent(id, "progress");
    const append = (percent) => registry.appendEvent(id, { eventType: "progress", payload: { percent }, replayKey: `at ${percent}` });
    await Promise.all([append(1), append(2), append(2)]);
    await Promise.all([event, registry.eventsAfter(id, 1)]);
    givenUp.abort();
    await lost;
    await registry.completeProcess(id, { type: "success", value: { id } });
    await Promise.all([end, registry.getProcess(id)]);
  }
  const sizes = [];
  for (let part = 0; part < parts; part++) {
    await inFlight(lives, 50, (n) => live(`${part}/${n}`));
    await registry.pruneTerminalProcesses(Date.now() + 1);
    sizes.push(memory.bytes());
  }
  await registry.close();
  return sizes;
}
