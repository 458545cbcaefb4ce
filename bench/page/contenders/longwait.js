/** This package, through the calls that an app makes. */
import { openRegistry } from "longwait";

export const name = "longwait";

export async function open(database) {
  const registry = await openRegistry({ name: database });
  return {
    register: (id) => registry.registerProcess({ id, input: { type: "external" }, eventTypes: [{ name: "progress" }] }),
    append: (id, payload) => registry.appendEvent(id, { eventType: "progress", payload }),
    end: (id, value) => registry.completeProcess(id, { type: "success", value }),
    read: (id) => registry.getProcess(id),
    result: (id) => registry.awaiter.awaitTerminal(id),
    events: (id) => registry.eventsAfter(id, 0),
    close: () => registry.close(),
  };
}
