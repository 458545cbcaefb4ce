import { openRegistry } from "longwait";

const registry = await openRegistry({ storage: "memory" });
const driver = registry.driver({ runners: { greet: ({ process }) => `hello ${process.input.payload}` } });
driver.start();
await registry.registerProcess({ id: "p", input: { type: "engine", kind: "greet", payload: "world" } });
console.log(await registry.awaitTerminal("p"));
await registry.close();
