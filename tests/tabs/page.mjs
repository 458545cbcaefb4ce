/**
 * What tests run inside of a page. Each is sent there as text, so it sees only its arguments and the page's globals:
 * `longwait`, `longwaitInWorkers`, and `registry` once it is open.
 */

export const open = async (options) => {
  globalThis.registry = await globalThis.longwait.openRegistry(options);
  return { owner: globalThis.registry.owner, durability: globalThis.registry.durability };
};

export const register = async (id) => {
  await globalThis.registry.registerProcess({ id, input: { type: "external" }, eventTypes: [{ name: "note" }] });
};

/** Calls a method; a refusal answers its code. */
export const call = async ([method, ...given]) => {
  try {
    return await globalThis.registry[method](...given);
  } catch (error) {
    if (error.name !== "ProcessError") throw error;
    return { refused: error.code };
  }
};

/** So many appends, all of them under way at once. */
export const appends = async ([id, who, times]) => {
  const one = (n) => globalThis.registry.appendEvent(id, { eventType: "note", payload: `${who} ${n}` });
  return (await Promise.all(Array.from({ length: times }, (_, n) => one(n)))).map(({ event }) => event.sequence);
};

/** Sets the clock of this page back by so many milliseconds, and has it send no more hints. */
export const setBack = (ms) => {
  const { now } = Date;
  Date.now = () => now() - ms;
  BroadcastChannel.prototype.postMessage = () => {};
};

/** What nobody caught in this page since this was last asked. */
export const faults = () => globalThis.faults.splice(0);

/** Makes a worker of a module, with options for its registry, and resolves with its owner; a refusal answers why. */
export const driveIn = async ([kind, file, open]) => {
  globalThis.worker = new globalThis[kind](`/${file}?${new URLSearchParams(open)}`, { type: "module" });
  try {
    globalThis.driving = await globalThis.longwaitInWorkers.driveIn(globalThis.worker);
    return globalThis.driving.owner;
  } catch (error) {
    return { refused: error.code, why: error.message };
  }
};

export const driveAgain = async () => (await globalThis.longwaitInWorkers.driveIn(globalThis.worker)).owner;

export const stop = () => globalThis.driving.stop();

/** Registers a process for a runner of that kind. */
export const work = async ([id, kind, payload = null]) => {
  await globalThis.registry.registerProcess({ id, input: { type: "engine", kind, payload }, eventTypes: [{ name: "began" }] });
};

export const began = ([id, after]) => globalThis.registry.awaiter.awaitEvent(id, "began", after);

export const end = (id) => globalThis.registry.awaiter.awaitTerminal(id);

/**
 * Starts a driver in this page. A `job` does two steps, each of which says who did it, with a wait for a signal `go` in between; a
 * `quick` one ends at once; a `patient` one ends when it is asked to; a `racer` races waits; a `sleeper` sleeps for a while, and then has a step fail once.
 */
export const drive = async (who) => {
  globalThis.driver = globalThis.registry.driver({
    runners: {
      quick: () => who,
      async sleeper({ sleep, step, attempt }) {
        await sleep("night", 1_500);
        const now = Date.now();
        const tries = await step(
          "wake",
          ({ attempt, idempotencyKey }) => {
            if (attempt === 1) throw new Error("not yet");
            return [attempt, idempotencyKey];
          },
          { retry: { initialIntervalMs: 1 } },
        );
        return { now, tries, attempt, who };
      },
      /** Takes four signals, each by two waits that race, and has nothing of those that lose. Says after each how far it is. */
      async racer({ waitForSignal, step }) {
        const got = [];
        while (got.length < 4) {
          const losers = new AbortController();
          const waits = ["a", "b"].map((name) => waitForSignal(name, { signal: losers.signal }));
          got.push((await Promise.race(waits)).payload);
          losers.abort();
          await Promise.allSettled(waits);
          await step(`race ${got.length}`, () => got.at(-1));
        }
        return got;
      },
      patient: ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      async job({ step, waitForSignal, attempt }) {
        const first = await step("first", () => who);
        const { payload } = await waitForSignal("go");
        return { first, payload, second: await step("second", () => who), attempt };
      },
    },
  });
  globalThis.driver.start();
};

export const start = async ([id, kind]) => {
  await globalThis.registry.registerProcess({ id, input: { type: "engine", kind } });
};

export const stopDriver = () => globalThis.driver.stop();

/** Resolves once the log has an event of that type. */
export const logged = async ([id, eventType]) => {
  await globalThis.registry.awaiter.awaitEvent(id, eventType);
};

/** Claims `p` for a worker of this page, from there. */
export const claimInWorker = async ([module, name]) => {
  const code = `
    import { openRegistry } from ${JSON.stringify(module)};
    const registry = await openRegistry({ name: ${JSON.stringify(name)} });
    postMessage(await registry.claimProcessLease("p", registry.owner, 3_600_000));
  `;
  globalThis.worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })), { type: "module" });
  const { data } = await new Promise((heard) => (globalThis.worker.onmessage = heard));
  return data.lease;
};
