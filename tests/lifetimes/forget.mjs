/**
 * Starts a driver that nothing refers to, and forces collections until its processes have ended. Runs in Node and, sent there
 * as text, in a page: it sees only its arguments.
 *
 * `options` open the registry. Resolves with `{ collections, outcomes }`: how often a collection was forced, and how many
 * processes ended in which way.
 */
export async function forget({ openRegistry, gc, options, count }) {
  const kinds = {};
  let open;
  const gate = new Promise((resolve) => (open = resolve));
  let judged;
  const outcomes = new Promise((resolve) => (judged = resolve));
  /** A turn of the event loop, without a timer, which pages in the background slow down. */
  const turn = () =>
    new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => (port1.close(), resolve());
      port2.postMessage(null);
    });

  // Made out here: a function keeps all that the functions beside it use, and these must not keep the registry.
  const runners = {
    async job({ step, append, waitForSignal, process }) {
      await gate; // No process has ended before the first collection.
      for (let part = 0; part < 3; part++) await step(`part ${part}`, turn);
      await append({ eventType: "progress" });
      if (process.input.payload % 2 === 0) await waitForSignal("go");
      return process.input.payload;
    },
    async judge({ awaitTerminal }) {
      for (let n = 0; n < count; n++) {
        const output = await awaitTerminal(`job ${n}`);
        const kind = output.type === "success" && output.value === n ? "completed" : `${output.type} ${output.code ?? ""}`;
        kinds[kind] = (kinds[kind] ?? 0) + 1;
      }
      judged(kinds);
      return null;
    },
  };
  const registration = (id, kind, payload) => ({ id, input: { type: "engine", kind, payload }, eventTypes: [{ name: "progress" }] });

  /** Nothing refers to the registry and its driver once this is over. */
  async function start() {
    const registry = await openRegistry(options);
    const driver = registry.driver({ runners });
    driver.start();
    for (let n = 0; n < count; n++) {
      await registry.registerProcess(registration(`job ${n}`, "job", n));
      await driver.signal(`job ${n}`, "go");
    }
    await registry.registerProcess(registration("judge", "judge", null));
  }
  await start();

  let collections = 0;
  let ended;
  outcomes.then((kinds) => (ended = kinds));
  while (ended === undefined) {
    gc();
    if (++collections === 3) open();
    await turn();
  }
  return { collections, outcomes: ended };
}
