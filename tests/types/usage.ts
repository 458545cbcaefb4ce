/** Code that a user would write, and mistakes that the types must catch. Compiling this file is the test. */
import { isProcessError, openRegistry, ProcessError, type ProcessRegistry } from "../../js/entries/index.js";

export async function typical(): Promise<string> {
  await using registry: ProcessRegistry = await openRegistry({ storage: "memory", sink: (event) => console.log(event.sequence) });
  await registry.registerProcess({
    id: "p",
    input: { type: "tool_call", call: { callId: "1", toolName: "search", args: { q: "x" } } },
    eventTypes: [
      {
        name: "progress",
        payloadSchema: { type: "object" },
        semantics: { wake: { input: { template: "{a}", fields: { a: "payload" } } } },
      },
    ],
  });
  for await (const event of registry.events("p", { untilTerminal: true, signal: AbortSignal.timeout(10) })) {
    if (event.semantics.terminal?.awaitOutput.type === "success") break;
  }
  using receiver = registry.hub.subscribe("p");
  await receiver.changed();
  const output = await registry.awaiter.awaitTerminal("p", { timeoutMs: 5 });
  return output.type === "success" ? JSON.stringify(output.value) : output.message;
}

export async function failing(registry: ProcessRegistry): Promise<void> {
  try {
    await registry.getProcess("p");
  } catch (error) {
    if (isProcessError(error, "closed")) error.code satisfies "closed";
    if (error instanceof ProcessError && error.code === "timeout") console.log(error.processId, error.cause);
    throw new ProcessError("why", { code: "internal", cause: error });
  }
}

export async function mistakes(registry: ProcessRegistry): Promise<void> {
  // @ts-expect-error: a misspelt option
  await openRegistry({ stroage: "memory" });
  // @ts-expect-error: a payload that is no JSON
  await registry.appendEvent("p", { eventType: "e", payload: new Date() });
  // @ts-expect-error: a failure needs its class, code and message
  await registry.completeProcess("p", { type: "failure" });
  // @ts-expect-error: the status of a process has no such state
  await registry.listProcesses({ status: "waiting" });
  // @ts-expect-error: codes are a closed set
  isProcessError(undefined, "oops");
}
