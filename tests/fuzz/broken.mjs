/**
 * Fuzzes a registry that is broken on purpose, in the way that the first argument names, and says what was found: for
 * broken.test.mjs, which holds the fuzzer to finding it.
 */
import * as longwait from "longwait";
import { fuzz } from "./run.mjs";

const { ProcessError } = longwait;

/** For each way, methods that stand in for those of the registry, which they are given. */
const ways = {
  "counts one too many": (registry) => ({ countEventsThrough: async (...given) => (await registry.countEventsThrough(...given)) + 1 }),
  "forgets an event": (registry) => ({ eventsAfter: async (...given) => (await registry.eventsAfter(...given)).slice(0, -1) }),
  "writes what it refuses": (registry) => ({
    async appendEvent(id, request) {
      if (request?.extra !== undefined) await registry.signal(id, "go").catch(() => {});
      return registry.appendEvent(id, request);
    },
  }),
  "takes what is invalid": (registry) => ({
    hasHandleGrant: (scope, id) => registry.hasHandleGrant(scope, typeof id === "string" ? id : "p"),
  }),
  "changes its arguments": (registry) => ({
    setProcessWait: async (id, wait) => (wait && typeof wait === "object" && (wait.seen = 1), registry.setProcessWait(id, wait)),
  }),
  traps: (registry) => ({ recentEvents: () => Promise.reject(new ProcessError("unreachable")) }),
  "throws something else": (registry) => ({ clearProcessWait: () => Promise.reject(new TypeError("x is not a function")) }),
  "throws instead of rejecting": (registry) => ({
    ackWake() {
      throw new ProcessError("no", { code: "invalid_argument" });
    },
  }),
  "answers the wrong code": (registry) => ({ grantHandle: () => Promise.reject(new ProcessError("no", { code: "unknown_process" })) }),
  "never settles": (registry) => ({ getProcess: () => new Promise(() => {}) }),
  "leaves a rejection behind": (registry) => ({
    listNonTerminal: (...given) => (void Promise.reject(new Error("left")), registry.listNonTerminal(...given)),
  }),
  "shows an error on the console": (registry) => ({
    listNonTerminal: (...given) => (console.error("oh"), registry.listNonTerminal(...given)),
  }),
};

async function openRegistry(options) {
  const registry = await longwait.openRegistry(options);
  return Object.defineProperties(
    {},
    { ...Object.getOwnPropertyDescriptors(registry), ...Object.getOwnPropertyDescriptors(ways[process.argv[2]](registry)) },
  );
}

const { failure } = await fuzz(
  { ...longwait, openRegistry },
  { seed: 1, calls: 5_000, storage: "memory", ...(process.argv[2] === "never settles" && { patience: 300 }) },
);
console.log(JSON.stringify(failure && { fault: failure.faults[0], calls: failure.trace.length }));
process.exit();
