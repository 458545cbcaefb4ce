/**
 * The waits of this tab, and how each ended.
 *
 * A wait lives in the page, its process in the database. So that a reload does not lose them, what pending waits wait
 * for is kept in sessionStorage: it outlives a reload and belongs to one tab. Time limits are kept as wall-clock
 * deadlines, which go on while the page is away. Where the browser refuses to store, waits work until the reload.
 */

/** Each storage that the tab has used has its own. */
const KEPT = `longwait.waits${location.search}`;

/** Waits through `registry`; `changed` is told after each change, with the wait that has settled if one has. */
export function openWaits(registry, changed) {
  const waits = new Map();

  /**
   * Starts a wait for `{ processId, goal: "terminal" | "event", eventType, after, untilTerminal, deadlineMs }`.
   * It is one of `all()` until it is dismissed.
   */
  function start(what) {
    arm({ ...what, key: crypto.randomUUID(), sinceMs: Date.now() }, false);
    keep();
    changed();
  }

  function arm(what, rearmed) {
    const stop = new AbortController();
    const wait = { what, rearmed, stop, state: "pending" };
    waits.set(what.key, wait);
    begin(what, stop.signal).then(
      (value) => settle(wait, { state: "resolved", value }),
      (error) => settle(wait, stop.signal.aborted ? { state: "aborted" } : { state: "rejected", error }),
    );
  }

  function begin({ processId, goal, eventType, after, untilTerminal, deadlineMs }, signal) {
    const limit = deadlineMs === undefined ? {} : { timeoutMs: Math.max(0, deadlineMs - Date.now()) };
    return goal === "terminal"
      ? registry.awaiter.awaitTerminal(processId, { signal, ...limit })
      : registry.awaiter.awaitEvent(processId, eventType, after, { signal, untilTerminal, ...limit });
  }

  function settle(wait, ending) {
    Object.assign(wait, ending, { settledAtMs: Date.now() });
    keep();
    changed(wait);
  }

  const all = () => [...waits.values()];
  const pending = () => all().filter(({ state }) => state === "pending");
  const keep = () => write(pending().map(({ what }) => what));

  for (const what of read()) arm(what, true);

  return {
    start,
    all,
    pending,
    /** Ends the wait. The process is not touched. */
    abort: (key) => waits.get(key).stop.abort(),
    /** Takes settled waits off the list: the one of that key, or all of them. */
    dismiss(key) {
      for (const { what, state } of all()) if (state !== "pending" && (key ?? what.key) === what.key) waits.delete(what.key);
      changed();
    },
  };
}

function write(waits) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(waits));
  } catch {
    // Nothing to tell a person: the wait itself is under way.
  }
}

/** What was pending when the page went away. What cannot be read is as good as absent. */
function read() {
  try {
    const waits = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(waits) ? waits : [];
  } catch {
    return [];
  }
}
