/** The package under Jest with jsdom: a realm of its own, without TextDecoder, fetch or IndexedDB, and with fake timers. */
import { jest } from "@jest/globals";
import { isProcessError, openRegistry, ProcessError } from "../../dist/index.js";
import wasm from "../../dist/inline.js";

const open = () => openRegistry({ storage: "memory", wasm });

test("the platform is as poor as it is meant to be", () => {
  expect([typeof TextDecoder, typeof TextEncoder, typeof indexedDB]).toEqual(["undefined", "undefined", "undefined"]);
  expect(typeof document).toBe("object");
});

test("a process is registered, driven and awaited, and texts of any language come back", async () => {
  const registry = await open();
  const driver = registry.driver({ runners: { echo: ({ process }) => process.input.payload } });
  driver.start();
  const payload = { words: ["plain", "schön", "日本語", "🧵", "\u0000\u007f\u0080\u07ff\u0800\uffff"], long: "é🧵x".repeat(5_000) };
  await registry.registerProcess({ id: "p", input: { type: "engine", kind: "echo", payload } });
  expect(await registry.awaiter.awaitTerminal("p")).toEqual({ type: "success", value: payload });
  await registry.close();
});

test("signals of jsdom abort waits, and errors are known", async () => {
  const registry = await open();
  await registry.registerProcess({ id: "p", input: { type: "external" } });
  const stop = new AbortController();
  const wait = registry.awaiter.awaitTerminal("p", { signal: stop.signal });
  stop.abort("enough");
  await expect(wait).rejects.toBe("enough");
  const error = await registry.getProcess(" ").catch((error) => error);
  expect(isProcessError(error, "invalid_argument")).toBe(true);
  expect(error).toBeInstanceOf(ProcessError);
  await registry.close();
});

test("calls answer under fake timers, and timeouts pass when those are moved on", async () => {
  jest.useFakeTimers();
  try {
    const registry = await open();
    await registry.registerProcess({ id: "p", input: { type: "external" } });
    const wait = registry.awaiter.awaitTerminal("p", { timeoutMs: 60_000 }).catch(({ code }) => code);
    await registry.getProcess("p");
    await jest.advanceTimersByTimeAsync(60_000);
    expect(await wait).toBe("timeout");
    await registry.close();
  } finally {
    jest.useRealTimers();
  }
});
