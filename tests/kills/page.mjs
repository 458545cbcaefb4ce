/** What the kill tests run inside of a page or a worker. Each is sent there as text: see tests/tabs/page.mjs. */

/** Opens the registry, with a driver that is started where it is to run processes here. `leases` are its options for leases. */
export const open = async ({ name, tab, concurrency, drives, leases }) => {
  const registry = await globalThis.longwait.openRegistry({ name });

  async function job(context) {
    const run = crypto.randomUUID();
    const { attempt, fencingToken: fence, process } = context;
    const { pauses, middle, signalled, child, sleep, throws, stepThrows, startsChild, says, attaches } = process.input.payload;
    await context.append({ eventType: "signal.begun", payload: { attempt, fence, tab } });
    if (startsChild) await context.startChild({ input: { type: "engine", kind: "endless" } }, { key: "child" });
    if (sleep) await context.sleep("nap", sleep);
    const stream = says && (await context.stream("said", says));
    const given = attaches && (await (await context.attachment("given")).text());
    if (attaches && given !== process.id) throw new Error(`was given ${given}`);
    const failed = throws && (await registry.eventsAfter(process.id, 0, { types: ["process.attempt_failed"] })).length;
    const seen = [];
    for (const [n, pause] of pauses.entries()) {
      const key = `step ${n}`;
      if (n === pauses.length - 1 && failed < throws) throw new Error(`failure ${failed + 1}`);
      const comes = (key) => globalThis.ran({ id: process.id, key, fence, tab });
      if (n === middle && (signalled || child)) comes(`before ${key}`);
      if (n === middle && signalled) await context.waitForSignal("go");
      if (n === middle && child) await context.awaitTerminal(child);
      const work = async ({ attempt }) => {
        comes(key);
        if (n === 0 && attempt <= stepThrows)
          throw Object.assign(new Error(`failure ${attempt}`), { key, fence, run, most: stepThrows + 1 });
        await (pause === 0 ? turn() : new Promise((over) => setTimeout(over, pause)));
        const done = { key, fence, run };
        if (attaches) await context.putAttachment("made", new TextEncoder().encode(JSON.stringify(done)));
        if (!says) return done;
        for (const part of [0, 1, 2]) await stream.append({ ...done, part });
        await stream.flush();
        return { ...done, said: stream.nextIndex };
      };
      const options = n === 0 && stepThrows ? { retry: { maxAttempts: stepThrows + 1, initialIntervalMs: 300 } } : {};
      seen.push(await context.step(key, work, options));
    }
    return { fence, seen };
  }

  function turn() {
    const { port1, port2 } = new MessageChannel();
    port2.postMessage(null);
    return new Promise((over) => (port1.onmessage = () => (port1.close(), over())));
  }

  /** Attachments do not come as JSON from where the processes are planned. */
  const register = (process) =>
    registry.registerProcess(
      process.input.payload?.attaches ? { ...process, attachments: { given: new TextEncoder().encode(process.id) } } : process,
    );

  const endless = (context) => context.waitForSignal("never");

  const driver = registry.driver({ concurrency, ...leases, runners: { job, endless } });
  if (drives) driver.start();
  Object.assign(globalThis, { registry, driver, register });
};

/** The same in a worker of this page. */
export const openInWorker = async ([module, open, options]) => {
  const code = `
    import * as longwait from ${JSON.stringify(module)};
    Object.assign(globalThis, { longwait, ran: postMessage });
    await (${open})(${JSON.stringify(options)});
    postMessage("ready");
  `;
  globalThis.worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })), { type: "module" });
  await new Promise((ready, failed) => {
    globalThis.worker.onmessage = ({ data }) => (data === "ready" ? ready() : globalThis.ran(data));
    globalThis.worker.onerror = ({ message }) => failed(new Error(message));
  });
};

/** All of them at once; those that are registered already stay as they are. */
export const register = async (processes) => {
  await Promise.all(processes.map(globalThis.register));
};

/** Whoever was to register it may have died over that; and under an id, two of these are one signal. */
export const signal = async (process) => {
  await globalThis.register(process);
  await globalThis.driver.signal(process.id, "go", null, { signalId: "once" });
};

/** Waits for the ends of all, for so long. */
export const ends = async ([ids, timeoutMs]) => {
  const late = (error) => {
    if (error.code !== "timeout") throw error;
  };
  await Promise.all(ids.map((id) => globalThis.registry.awaiter.awaitTerminal(id, { timeoutMs }).catch(late)));
};

/** What became of the processes. */
export const histories = async ([name, ids]) => {
  const registry = await globalThis.longwait.openRegistry({ name });
  const history = async (id) => {
    const [record, events] = [await registry.getProcess(id), await registry.eventsAfter(id, 0)];
    const ended = record !== undefined && record.status.state !== "running";
    const { says, attaches } = record?.input.payload ?? {};
    const chunks = ended && says ? await all(registry.readStream(id, "said")) : [];
    const made = ended && attaches ? await registry.getAttachment(id, "made") : undefined;
    return {
      id,
      ended,
      events,
      says,
      chunks,
      made: made && JSON.parse(await made.text()),
      createdAtMs: record?.createdAtMs,
      left: ended || !record ? undefined : await left(id),
    };
  };
  const all = async (chunks) => {
    const read = [];
    for await (const chunk of chunks) read.push(chunk);
    return read;
  };
  /** Who has it, and whether that one lives. */
  const left = async (id) => {
    const lease = await registry.getProcessLease(id);
    const { held, pending } = (await globalThis.navigator?.locks?.query()) ?? { held: [], pending: [] };
    const by = ({ name }) => name === lease?.owner.liveness?.lockName;
    return { lease, now: Date.now(), holders: held.filter(by), waiting: pending.filter(by) };
  };
  return Promise.all(ids.map(history));
};
