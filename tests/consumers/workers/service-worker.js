import { openRegistry } from "/node_modules/longwait/dist/index.js";

let registry;

async function greet(client) {
  const { registerProcess, awaitTerminal, getProcess } = await (registry ??= openRegistry());
  await registerProcess({ id: "p", input: { type: "engine", kind: "greet", payload: "world" } });
  const { value } = await awaitTerminal("p");
  client.postMessage(`${value}, since ${(await getProcess("p")).createdAtMs}`);
}

addEventListener("message", (event) => event.waitUntil(greet(event.source)));
