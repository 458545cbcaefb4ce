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
