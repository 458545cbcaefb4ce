/**
 * What every benchmark shares: taking turns, medians, and loops of calls.
 *
 * A figure stands only beside another one of the same run. So contenders take turns round by round, and what the
 * machine does besides hits all of them alike.
 */

/**
 * Lets every contender run once per round and answers a figure each: `{ name, samples, median }`, in the order given.
 *
 * `measure(contender, round)` resolves with one sample, in milliseconds. The first round only warms up. Who begins
 * changes from round to round, so that no contender always runs right after the same other one.
 */
export async function race(contenders, rounds, measure) {
  const figures = contenders.map(({ name }) => ({ name, samples: [] }));
  for (let round = 0; round <= rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const which = (turn + round) % contenders.length;
      const sample = await measure(contenders[which], round);
      if (round > 0) figures[which].samples.push(sample);
    }
  }
  return figures.map((figure) => ({ ...figure, median: median(figure.samples) }));
}

export function median(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Milliseconds per call of `work(n)`, called `times` times, each after the one before. */
export async function each(times, work) {
  const start = performance.now();
  for (let n = 0; n < times; n++) await work(n);
  return (performance.now() - start) / times;
}

/** Milliseconds per call of `work(n)`, called `times` times with up to `width` of them under way at once. */
export async function inFlight(times, width, work) {
  let next = 0;
  const lane = async () => {
    while (next < times) await work(next++);
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: Math.min(width, times) }, lane));
  return (performance.now() - start) / times;
}

/** Lets everything run that is ready to, without the least delay that timers have. */
export function settled() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** A payload like those of real logs, a little different each time. */
export const payload = (n) => ({ percent: n % 100, note: `step ${n} of the nightly report`, done: false });

/** A payload of 900 bytes as JSON, nested as those of agents are. The number has five digits, so that all weigh the same. */
export function nested(n) {
  const number = String(n % 100_000).padStart(5, "0");
  return {
    message: {
      id: `msg_${number}`,
      role: "assistant",
      content: [
        {
          type: "text",
          text: "The nightly report has twelve pages. I will look up the totals of the last three weeks before I compare them.",
        },
        {
          type: "tool_call",
          call: {
            callId: `call_${number}`,
            toolName: "query_table",
            args: {
              table: "sales",
              where: [
                { column: "week", operator: ">=", value: 31 },
                { column: "region", operator: "in", value: ["north", "south", "west"] },
              ],
              columns: ["week", "region", "total", "returns"],
              limit: 500,
            },
          },
        },
      ],
      usage: { inputTokens: 1843, outputTokens: 97, cached: { read: 1536, write: 0 }, cost: { currency: "EUR", amount: 0.0123 } },
    },
    trace: {
      span: { id: `span_${number}`, parent: "span_root", attributes: { model: "large-2", attempt: 1, retried: false, reason: null } },
      links: [{ kind: "source", href: "https://example.com/reports/nightly/2026-11-28" }],
    },
    note: "Compare with the totals of last year as well, and name what stands out.",
  };
}
