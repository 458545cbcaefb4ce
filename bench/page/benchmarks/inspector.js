/** The inspector on a database of 10,000 processes and 100,000 events, of which one process has half: its first paint, its longest tasks and frames while it is scrolled, its memory. */
import { inFlight, median } from "../harness.js";

const PROCESSES = 10_000;
const EVENTS = 100_000;
const LONG = EVENTS / 2;
const PASSES = 7;
const FRAMES = 120;

export const needs = ["traceTasks"];

export async function run() {
  const { openRegistry } = await import("longwait");
  const registry = await openRegistry({ name: "inspected" });
  await fill(registry);
  await import("longwait/inspector");
  await customElements.whenDefined("longwait-inspector");
  const before = await memory();

  const paints = [];
  for (let round = 0; round <= PASSES; round++) {
    const shown = show(registry);
    const took = await shown.painted(list, "[role=option]");
    if (round > 0) paints.push(took);
    shown.close();
  }
  const shown = show(registry);
  await shown.painted(list, "[role=option]");
  const listed = await passes(list(shown.element), 600);
  const ofList = (await memory()) - before;

  shown.element.selected = "p05000";
  const opened = await shown.painted(timeline, "[role=treeitem]");
  deep(shown.element, "detail").querySelector("#tab-log").click();
  await shown.painted(log, ".payload");
  const logged = await passes(log(shown.element), 1_500);
  const dragged = await passes(log(shown.element), "anywhere");
  const ofAll = (await memory()) - before;
  shown.close();

  const row = (work, samples, more) => ({ work, figures: [{ name: "longwait/inspector", samples, median: median(samples) }], ...more });
  const stored = `${PROCESSES.toLocaleString("en")} processes, ${EVENTS.toLocaleString("en")} events`;
  return [
    row(`${stored}: from the element to the first rows on the screen`, paints, { most: 300 }),
    row("longest task of the page while the list is scrolled, 750 rows a second", listed.tasks, { most: 50 }),
    row("its longest frame then, by the clock", listed.frames, { most: 50 }),
    row(`open a process with ${LONG.toLocaleString("en")} events, to its timeline`, [opened]),
    row("longest task of the page while its log is scrolled, 2,800 rows a second", logged.tasks, { most: 50 }),
    row("its longest frame then, by the clock", logged.frames, { most: 50 }),
    row("longest task of the page while its log is dragged to a place far away in each frame", dragged.tasks, { most: 50 }),
    row("its longest frame then, by the clock", dragged.frames, { most: 50 }),
    row("memory of the page with the list, beyond that before the inspector", [ofList / 2 ** 20], { unit: "MB" }),
    row("memory of the page with the log, too", [ofAll / 2 ** 20], { unit: "MB" }),
  ];
}

const id = (n) => `p${String(n).padStart(5, "0")}`;

/** Processes in all states, each with a few events. */
async function fill(registry) {
  const eventTypes = [{ name: "note" }];
  for (let from = 0; from < PROCESSES; from += 500)
    await registry.registerProcesses(
      Array.from({ length: 500 }, (_, n) => ({
        id: id(from + n),
        input: { type: "external", metadata: { order: from + n, customer: `customer ${n}` } },
        identity: { kind: n % 3 === 0 ? "report" : "upload", label: `Work ${from + n}` },
        labels: { team: n % 2 === 0 ? "sales" : "finance" },
        eventTypes,
      })),
    );
  const events = (count) =>
    Array.from({ length: count }, (_, n) => ({ eventType: "note", payload: { n, text: "what was done", ok: true } }));
  for (let at = 0; at < LONG; at += 1_000) await registry.appendEvents(id(5_000), events(1_000));
  await inFlight(PROCESSES, 200, (n) => registry.appendEvents(id(n), events((EVENTS - LONG) / PROCESSES)));
  await inFlight(PROCESSES / 2, 200, (n) =>
    n % 10 === 0 ? undefined : registry.completeProcess(id(n), { type: "success", value: { n } }),
  );
}

// ── The inspector ───────────────────────────────────────────────────────────

const deep = (element, ...names) =>
  names.reduce((root, name) => root?.querySelector(`longwait-inspector-${name}`)?.shadowRoot, element.shadowRoot);
const list = (element) => deep(element, "list")?.querySelector(".scroller");
const timeline = (element) => deep(element, "detail", "waterfall")?.querySelector(".scroller");
const log = (element) => deep(element, "detail", "log")?.querySelector(".scroller");

const frame = () => new Promise((next) => requestAnimationFrame(next));

function show(registry) {
  const started = performance.now();
  const element = document.createElement("longwait-inspector");
  element.style.cssText = "position:fixed;inset:0";
  element.registry = registry;
  document.body.append(element);
  return {
    element,
    /** Milliseconds until there is such a thing, and its frame is drawn. */
    async painted(part, selector) {
      const from = element.selected === undefined ? started : performance.now();
      while (!part(element)?.querySelector(selector)) await frame();
      await frame();
      return performance.now() - from;
    },
    close: () => element.remove(),
  };
}

/**
 * In each pass, with one step in each frame, the longest task of the page, in milliseconds of the processor's time, and the longest time between two
 * frames, in milliseconds of the clock, which grows with what else the machine does. The first pass only warms up.
 */
async function passes(scroller, by) {
  const [tasks, frames] = [[], []];
  for (let pass = 0; pass <= PASSES; pass++) {
    if (pass > 0) await globalThis.traceTasks();
    let last = await frame();
    let longest = 0;
    for (let n = 0; n < FRAMES; n++) {
      if (by === "anywhere") scroller.scrollTop = (scroller.scrollHeight * ((n * 37) % FRAMES)) / FRAMES;
      else scroller.scrollTop += by;
      const now = await frame();
      longest = Math.max(longest, now - last);
      last = now;
    }
    if (pass > 0) {
      tasks.push(await globalThis.longestTask());
      frames.push(longest);
    }
  }
  return { tasks, frames };
}

/** Bytes of the page, after its garbage is gone. */
async function memory() {
  const { bytes } = await performance.measureUserAgentSpecificMemory();
  return bytes;
}
