import { expect, test } from "vitest";
import { openRegistry } from "longwait";

test("a process is run and awaited", async () => {
  const registry = await openRegistry({ storage: "memory" });
  registry.driver({ runners: { greet: ({ process }) => `hello ${process.input.payload}` } }).start();
  await registry.registerProcess({ id: "p", input: { type: "engine", kind: "greet", payload: "world" } });
  expect(await registry.awaitTerminal("p")).toEqual({ type: "success", value: "hello world" });
  await registry.close();
});
