/** What the fuzzer needs of where it runs: turns of the event loop, timers, and word of what nobody caught. */

/** A host in Node or in a page. `onFault(words)` is told of what nobody caught, `onError(words)` of what is on the console, unless it `isOurs`. */
export function hostOf(onFault, onError, isOurs) {
  const channel = new MessageChannel();
  const turns = [];
  channel.port1.onmessage = () => turns.shift()?.();
  const node = typeof process === "object" && process.versions?.node !== undefined;
  const quick = node
    ? () => new Promise((done) => setImmediate(done))
    : () => new Promise((done) => (turns.push(done), channel.port2.postMessage(0)));
  if (node) {
    channel.port1.unref();
    process.on("unhandledRejection", (reason) => isOurs(reason) || onFault(`unhandled rejection: ${reason?.stack ?? reason}`));
    process.on("uncaughtException", (error) => isOurs(error) || onFault(`uncaught: ${error?.stack ?? error}`));
  } else {
    addEventListener(
      "unhandledrejection",
      (event) => (event.preventDefault(), isOurs(event.reason) || onFault(`unhandled rejection: ${event.reason?.stack ?? event.reason}`)),
    );
    // Where `reportError` leads to: Node has none, and the console instead.
    addEventListener("error", (event) => (event.preventDefault(), isOurs(event.error) || onError([event.error ?? event.message])));
  }
  const { error } = console;
  console.error = (...words) => words.some(isOurs) || onError(words);
  return {
    /** Gives the console back. */
    end() {
      console.error = error;
      Error.stackTraceLimit = 10;
    },
    patience: 20_000,
    /** So many turns of the event loop, within which what is owed must come. */
    turns: node ? 120 : 600,
    indexedDb: !node,
    database: (seed) => `fuzz-${seed}`,
    /** Forgets a database. */
    discard: (name) => (node ? undefined : void indexedDB.deleteDatabase(name)),
    /** Lets everything run that is ready; the later it is, the more time passes. */
    turn: (n) => (n > 100 ? new Promise((done) => setTimeout(done, 5)) : quick()),
    after(milliseconds, done) {
      const timer = setTimeout(done, milliseconds);
      return () => clearTimeout(timer);
    },
  };
}
