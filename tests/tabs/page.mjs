/**
 * What tests run inside of a page. Each is sent there as text, so it sees only its arguments and the page's globals:
 * `longwait`, and `registry` once it is open.
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

/** What nobody caught in this page. */
export const faults = () => globalThis.faults;

export const end = (id) => globalThis.registry.awaiter.awaitTerminal(id);
