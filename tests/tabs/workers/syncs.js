/** A service worker that sweeps: how is in its own address. It tells pages what its sweeps did, and which transactions they took. */
import { handleSync } from "/service-worker.js";

const { name, ...given } = Object.fromEntries(new URLSearchParams(location.search));
const life = crypto.randomUUID();
const runs = new BroadcastChannel(`runs ${name}`);

const transactions = [];
const { transaction } = IDBDatabase.prototype;
IDBDatabase.prototype.transaction = function (stores, mode, options) {
  transactions.push(mode ?? "readonly");
  return transaction.call(this, stores, mode, options);
};

const runners = {
  where: () => self.constructor.name,
  /** Says that it runs, and does not end. */
  async hold({ append, attempt }) {
    await append({ eventType: "began", payload: attempt });
    return new Promise(() => {});
  },
  /** Does a step, and ends in the run behind the one that did it. */
  async second({ step, attempt }) {
    const first = await step("first", () => life);
    return attempt > 1 && first !== life ? { attempt, first } : new Promise(() => {});
  },
  flaky({ attempt }) {
    if (attempt === 1) throw new Error("not yet");
    return attempt;
  },
  async answered({ waitForSignal }) {
    return (await waitForSignal("answer")).payload;
  },
  /** Runs for a few turns, unless it runs elsewhere as well. */
  async alone({ process, step }) {
    return navigator.locks.request(`run ${process.id}`, { ifAvailable: true }, async (lock) => {
      if (lock === null) return "not alone";
      runs.postMessage(process.id);
      for (const key of ["a", "b", "c"]) await step(key, () => null);
      return "worker";
    });
  },
  fetches: async () => (await fetch("/index.js")).status,
};

const { sweep } = handleSync(self, {
  open: { name },
  runners,
  ...(given.budgetMs && { budgetMs: Number(given.budgetMs) }),
  ...(given.events !== undefined && { events: given.events.split(",").filter((event) => event !== "") }),
});

addEventListener("message", (event) => {
  transactions.length = 0;
  const answer = (answered) => event.ports[0].postMessage(answered);
  event.waitUntil(
    sweep("message").then(
      (report) => answer({ ...report, transactions: [...transactions] }),
      ({ code, message }) => answer({ code, message }),
    ),
  );
});
