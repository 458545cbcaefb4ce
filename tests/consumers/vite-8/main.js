import { openRegistry } from "longwait";

const registry = await openRegistry();
const driver = registry.driver({
  runners: {
    async greet({ process, append }) {
      const greeting = `hello ${process.input.payload}`;
      await append({ eventType: "greeted", payload: greeting });
      return greeting;
    },
  },
});
driver.start();
await registry.registerProcess({
  id: "p",
  input: { type: "engine", kind: "greet", payload: "world" },
  eventTypes: [{ name: "greeted", payloadSchema: { type: "string" } }],
});
const output = await registry.awaitTerminal("p");
const { createdAtMs } = await registry.getProcess("p");
document.querySelector("output").textContent = `${output.value}, since ${createdAtMs}`;
