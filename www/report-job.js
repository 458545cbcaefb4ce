/** The jobs of the first page, as an app would have them: a weekly report with most of what a process can have, and two smaller ones. */

const pause = (ms, signal) =>
  new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });

const WORDS =
  "Sales rose in all regions but one. Returns fell to four percent, the least this year. The north needs a second look before Friday.".split(
    " ",
  );

/** A service that fails at first. What fails how often is decided by the attempt, so that each visitor sees it. */
async function fetchOrders({ attempt, signal }) {
  await pause(600, signal);
  if (attempt < 3) throw new Error("503: the shop is busy");
  return { orders: 1284, total: 48_210.5, currency: "EUR" };
}

async function report(run) {
  const { signal, process } = run;
  await run.progress(0, 5, "reading orders");
  const orders = await run.step("fetch orders", fetchOrders, { retry: { maxAttempts: 5, initialIntervalMs: 900, jitter: false } });

  await run.progress(1, 5, "waiting for late orders");
  await run.sleep("late orders", 2_500);

  await run.progress(2, 5, "drawing charts");
  const charts = await run.startChild(
    { input: { type: "engine", kind: "charts", payload: { of: orders.orders } }, identity: { kind: "charts", label: "Draw the charts" } },
    { key: "charts" },
  );
  await charts.result();

  await run.progress(3, 5, "writing");
  const draft = await run.stream("draft", { resume: true });
  for (const word of WORDS.slice(draft.nextIndex)) {
    await draft.append(word);
    await pause(90, signal);
  }
  await draft.close();
  await run.step("attach report", async () => {
    await run.putAttachment("report.csv", new Blob([`orders,total\n${orders.orders},${orders.total}\n`], { type: "text/csv" }));
  });

  await run.progress(4, 5, "waiting for approval");
  const { payload } = await run.waitForSignal("approve");
  await run.step("publish", () => pause(500, signal));
  await run.progress(5, 5, "published");
  return { published: true, approvedBy: payload?.by ?? null, week: process.input.payload.week };
}

async function charts(run) {
  for (const region of ["north", "south", "west"]) await run.step(region, () => pause(500, run.signal));
  return { charts: 3 };
}

async function importInvoices(run) {
  await run.step("download", () => pause(400, run.signal));
  await run.step(
    "parse",
    async ({ signal }) => {
      await pause(300, signal);
      throw new SyntaxError(`line 214: ${run.process.input.payload.separator ? "no amount" : "no separator"}`);
    },
    { retry: { maxAttempts: 2, initialIntervalMs: 700, jitter: false } },
  );
}

export const runners = { "weekly-report": report, charts, "import-invoices": importInvoices };

/** Starts a report, of the week after the last one. Gives its id. */
export async function startReport(registry) {
  const week = (await registry.countProcesses({ kind: "weekly-report", status: "any" })) + 1;
  const id = `weekly-report-${week}`;
  await registry.registerProcess({
    id,
    input: { type: "engine", kind: "weekly-report", payload: { week } },
    identity: { kind: "weekly-report", label: `Weekly report ${week}` },
    labels: { team: "sales" },
  });
  return id;
}

/** Starts the jobs where there are none: on the first visit, and not on each reload. Gives the id of the newest report. */
export async function begin(registry) {
  const [newest] = await registry.listProcesses({ kind: "weekly-report", status: "any" }, { order: "newest", limit: 1 });
  if (newest !== undefined) return newest.id;
  await registry.registerProcesses([
    {
      id: "import-invoices-1",
      input: { type: "engine", kind: "import-invoices", payload: { file: "invoices.csv", separator: "" } },
      identity: { kind: "import-invoices", label: "Import invoices" },
      labels: { team: "finance" },
    },
    {
      id: "import-invoices-2",
      input: { type: "engine", kind: "import-invoices", payload: { file: "corrections.csv", separator: ";" } },
      identity: { kind: "import-invoices", label: "Import corrections" },
      labels: { team: "finance" },
      startAtMs: Date.now() + 30 * 60_000,
    },
  ]);
  return startReport(registry);
}
