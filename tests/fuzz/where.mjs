/** Where the fuzzer runs: in this Node, or in a page of Chromium. Each gives `fuzz({ seed, calls, storage, ignore })`, and `close()`. */
import { serveFolders } from "../../scripts/lib/static-server.mjs";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { launch } from "../tabs/playwright.mjs";
import { fuzz } from "./run.mjs";

/** `through`: what each registry is taken through. */
export async function node(through = (registry) => registry) {
  const [longwait, worker] = await Promise.all([import("longwait"), import("longwait/worker")]);
  const api = { ...longwait, worker, openRegistry: async (options) => through(await longwait.openRegistry(options)) };
  return {
    fuzz: ({ ignore, ...given }) => fuzz(api, { ...given, ignored: ignore && new RegExp(ignore) }),
    close: async () => {},
  };
}

/** In Node, through tracing without an SDK: it must make no difference. */
export const traced = async () => node((await import("longwait/opentelemetry")).traced);

export async function chromium() {
  const mounts = [
    { prefix: "/dist/", folder: inRepo("dist") },
    { prefix: "/fuzz/", folder: inRepo("tests/fuzz") },
  ];
  const served = await serveFolders({ mounts, headers: () => ({}) });
  const browser = await launch();
  const tab = await browser.openTab(`${served.url}fuzz/page.html`);
  return {
    fuzz: (given) => tab.run((given) => globalThis.fuzz(given), given),
    async close() {
      await browser.close();
      await served.close();
    },
  };
}

export const places = { node, traced, chromium };
