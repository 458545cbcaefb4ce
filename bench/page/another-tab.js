/** A second tab of this browser, as the first one sees it: see tab.js for what it does. */

let count = 0;

/**
 * Opens it, with options for `openTab`; resolves when it is ready. `openTab`, `crashTab` and `closeTab` come from the script that runs
 * the benchmark.
 */
export async function anotherTab(options) {
  const name = `tab ${count++}`;
  const channel = new BroadcastChannel(`bench ${name}`);
  const expected = new Map();
  const heard = (key) => new Promise((resolve) => expected.set(key, resolve));
  channel.onmessage = ({ data }) => {
    const key = data.ready ? "ready" : data.waits !== undefined ? `waits ${data.waits}` : data.number;
    expected.get(key)?.(data.result);
    expected.delete(key);
  };
  let numbers = 0;
  const ask = (task, id) => {
    const number = numbers++;
    const result = heard(number);
    channel.postMessage({ task, id, number });
    return result;
  };
  const ready = heard("ready");
  await globalThis.openTab(name, options);
  await ready;
  /** Resolves once it waits for this. */
  const waits = (id) => heard(`waits ${id}`);
  return {
    name,
    ask,
    waits,
    /** Milliseconds from a change here to the time that a task there answers, which has said before that it waits for this. */
    async woken(task, id, change, offset) {
      const waiting = waits(id);
      const resolved = ask(task, id);
      await waiting;
      const start = performance.timeOrigin + performance.now();
      await change();
      return (await resolved) - offset - start;
    },
    /** Its clock minus ours, in milliseconds: taken from the quickest of some answers, which leaves the least room for error. */
    async clockOffset() {
      let best = { trip: Infinity };
      for (let n = 0; n < 50; n++) {
        const sent = performance.timeOrigin + performance.now();
        const theirs = await ask("clock");
        const received = performance.timeOrigin + performance.now();
        if (received - sent < best.trip) best = { trip: received - sent, offset: theirs - (sent + received) / 2 };
      }
      return best.offset;
    },
    /** Resolves with the milliseconds that a timer of a chain takes there, once these are as many as that. */
    async throttled(least) {
      let gap = 0;
      while (gap < least) [gap] = await ask("timers", 1);
      return gap;
    },
    /** Kills its process, as a crash would. */
    crash: () => globalThis.crashTab(name),
    close: async () => {
      channel.close();
      await globalThis.closeTab(name);
    },
  };
}
