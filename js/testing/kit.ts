/** The WebAssembly of `longwait/testing`: one instance for all worlds of a program, until it traps. */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import kitGlue, { type KitGlue } from "longwait:kit-glue";
import type { Instance, instantiate } from "../border/instance.js";

let loading: Promise<Instance<KitGlue>> | undefined;

/** The instance. `make` is that of the package's own code, whose errors and definitions a test has in hand. */
export async function kit(make: typeof instantiate): Promise<Instance<KitGlue>> {
  loading ??= load(make).catch((fault: unknown) => {
    loading = undefined;
    throw fault;
  });
  const instance = await loading;
  if (!instance.isDead()) return instance;
  loading = undefined;
  return kit(make);
}

async function load(make: typeof instantiate): Promise<Instance<KitGlue>> {
  // Not by `new URL(…, import.meta.url)`, of which Vitest makes an address of its server.
  const file = join(dirname(fileURLToPath(import.meta.url)), "longwait_testing_bg.wasm");
  return make<KitGlue>(await WebAssembly.compile(await readFile(file)), kitGlue);
}
