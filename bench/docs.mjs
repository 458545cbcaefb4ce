/**
 * `npm run bench:docs`: writes docs/benchmarks.md from docs/benchmarks.json, in which `npm run bench -- --docs` puts its run. All the
 * figures of that page come from there; its words are here.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { isScript } from "../scripts/lib/is-script.mjs";
import { inRepo } from "../scripts/lib/paths.mjs";
import { main, say } from "../scripts/lib/run.mjs";
import { gridOf, groupsOf } from "./lib/table.mjs";

const [json, page] = ["docs/benchmarks.json", "docs/benchmarks.md"].map((file) => inRepo(file));

/** Puts a run in the place of the last one of that browser, and writes the page. One of some benchmarks takes the place of those alone. */
export function publish(browser, { isWhole, ...part }) {
  const runs = existsSync(json) ? JSON.parse(readFileSync(json, "utf8")) : {};
  const run = isWhole || !(browser in runs) ? part : within(runs[browser], part);
  writeFileSync(json, `${JSON.stringify({ ...runs, [browser]: run }, brief, 1)}\n`);
  write();
}

function within(run, { at, machine: { load, browser }, rows }) {
  const measured = new Set(rows.map(({ benchmark }) => benchmark));
  const apart = rows.map((row) => ({ ...row, apart: { at, load, browser } }));
  return { ...run, rows: [...run.rows.filter(({ benchmark }) => !measured.has(benchmark)), ...apart] };
}

/** Four digits of a number say all that a sample knows. */
const brief = (_, value) => (typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value);

function write() {
  writeFileSync(page, written(JSON.parse(readFileSync(json, "utf8"))));
  say(`written: ${page}`);
}

/** The page for runs, by their browser. */
export function written(runs) {
  const [{ versions }] = Object.values(runs);
  return (
    [opening, ...Object.values(runs).flatMap((run, place, all) => chapterOf(run, all.slice(0, place))), used(versions)].join("\n\n") + "\n"
  );
}

const opening = `<!-- Written by bench/docs.mjs from benchmarks.json: change those, and run \`npm run bench:docs\`. -->
# Benchmarks

What things cost in a browser, each beside what people would pick instead, or beside the floor: bare IndexedDB with the least
code that does the same. \`npm run bench\` measures it on your machine.

- A figure is the median of rounds in which all that is compared took turns, in one page, so that whatever else
  the machine did has hit all of them alike. One round before them warms up. Each benchmark has a browser and a profile of its own.
- A figure says little by itself, and much beside the others of its row. Look at the ratios.
- A goal is what we set out to reach. ✓ says that it is met, ✗ that it is not.
- All of IndexedDB is written with relaxed durability, the default of this package and of today's browsers.
- Every sample is in [benchmarks.json](benchmarks.json), from which this page is written. No figure is edited by hand.`;

/** The chapter of a run. What a benchmark is about stands in the chapter of the first run that has it. */
function chapterOf(run, earlier) {
  const known = new Set(earlier.flatMap(({ rows }) => rows.map(({ benchmark }) => benchmark)));
  const { machine, at, rounds, quick } = run;
  const measured = new Map(groupsOf(run));
  for (const name of measured.keys()) if (!(name in chapters)) throw new Error(`no words for the benchmark ${name}`);
  const groups = Object.entries(chapters)
    .filter(([name]) => measured.has(name))
    .map(([name, words]) => ({
      words: known.has(name) ? words.split("\n", 1)[0] : words,
      lines: measured.get(name),
      apart: run.rows.find(({ benchmark }) => benchmark === name).apart,
    }));
  const where = `${machine.processor}, ${machine.cores} cores, ${machine.memoryGB} GB, ${machine.system.match(/^\S+ \d+\.\d+/)}`;
  const how = `${at.slice(0, 10)}, ${rounds} rounds${quick ? " of a quick run, with less of everything" : ""}`;
  return [
    `## ${machine.browser}`,
    `${where}. ${how}. The machine's load was ${machine.load.toFixed(1)} when it began.${run.rows.some(({ benchmark }) => known.has(benchmark)) ? " The goals were set for the browser above." : ""}`,
    ...groups.flatMap(({ words, lines, apart }) => [
      words,
      ...(apart ? [`Measured by itself on ${apart.at.slice(0, 10)} in ${apart.browser}, at a load of ${apart.load.toFixed(1)}.`] : []),
      grid(gridOf(lines)),
    ]),
    missed(
      groups.flatMap(({ lines }) => lines),
      machine.browser,
    ),
  ];
}

function grid({ columns, numbers, rows }) {
  const rule = columns.map((_, column) => (numbers.includes(column) ? "--:" : "---"));
  return [columns, rule, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** What is not reached, in words. */
function missed(lines, browser) {
  const failed = lines.flatMap(({ goals, ...line }) => goals.filter(({ met }) => !met).map((goal) => ({ ...line, goal })));
  if (failed.length === 0) return "All goals are met.";
  const items = failed.map(({ work, subject, other, ratio, goal }) => {
    if (goal.kind === "works") return `- **${work}** ${goal.words}.`;
    const is = goal.kind === "ratio" ? `${ratio} ${ratio.endsWith("faster") ? "than" : "of"} ${other.name}` : subject.median;
    return `- **${work}**: ${is}, where ${goal.words} was wanted.`;
  });
  const why = new Set(browser.startsWith("Firefox") ? [uncommitted] : failed.flatMap(({ work }) => reasons[work] ?? []));
  return ["### Not reached", items.join("\n"), ...why].join("\n\n");
}

/** What is known of figures that miss their goals: from profiles of Chromium, and of Firefox. */
const alone =
  "In a profile of appends one at a time, a call of 1.8 ms takes the WebAssembly 0.1 and the JavaScript around it as much. The calls to the browser " +
  "take 0.7, where those of the bare code take 0.2: there is a transaction over all stores, an event and a process with their indexes, the number of the last " +
  "change, a message to other tabs. The rest is waiting for the browser's other process. The requests alone, made by hand, take 0.9 to 1.3 times the " +
  "bare code from run to run, so that nearly all of what is allowed is spent before anything is decided.";
const together =
  "Of 1,000 at once, in a profile, an append of 0.10 ms takes the page 0.03 in the browser's `put`, 0.02 in WebAssembly, which decides each of them, and 0.01 in " +
  "JavaScript. It is the browser's other process that is waited for: by hand, it takes 0.06 for each event, with our indexes or without them. What is left are the calls " +
  "before the first of them gets there, and the answers after the last one.";
const floor =
  "With 50 in flight over 1,000 processes, nothing is left that could be shared but the transaction: each append puts a row of its own process. By hand, the same rows take " +
  "0.18 ms each, of which 0.03 are the two indexes that lists read; a fourth of what `idb` takes is 0.24.";
const crossing =
  "Of a read of 0.44 ms in a profile, where the bare code takes 0.27, 0.06 are WebAssembly and 0.05 the JavaScript around it: the row crosses as JSON text, is checked while " +
  "it is decoded, and crosses back. The rest are the turns that gather the reads of one moment into one transaction. Reading over fewer stores, and being told of the end " +
  "without a promise, made no difference.";
const starting =
  "Of 42 ms in a quiet run, 11 go by until the module is there, and 18 more until its WebAssembly is, one file after the other. The database is open by then. " +
  "8 go into the lock that proves the owner alive, and 4 into the read.";
const uncommitted =
  "The bare code and idb call `commit()` here as well, which takes a quarter off an append. longwait does not: where a request fails behind that call, Firefox 153 writes the " +
  "rest of the transaction instead of taking it back.";
const batched =
  "Appends to several processes that are in flight at one time are one atomic batch. By hand, on three servers, each message of a batch of 50 takes 0.128 ms, where single ones that are sent " +
  "together take 0.081.";
const deciding =
  "The server on the same machine acknowledges in less than a millisecond. In a profile, an append takes the client's processor about 0.6 ms besides: 0.16 in WebAssembly, which decides, 0.1 in the " +
  "JavaScript around it, the rest in making the message and in the client of NATS. That is the same on three servers and over a network, where it counts for less.";
const looked =
  "The client that waits has the event from the message that wakes it, and looks at the process as it knows it: about 0.4 ms of its processor, behind those of the append.";
const commits =
  "A run is four commits, as by hand, and no read that anything waits for. In a profile, the driver, the rules and the waits take about 4.5 ms of the processor in a run, of which 1.6 are WebAssembly, " +
  "whatever the servers take.";
const viewed =
  "A client that lists or drives begins with a message of each process, which takes about 0.03 ms of its processor. Events add nothing to that.";
const reasons = {
  "append, one at a time": [alone],
  "append, 1,000 at once to one process": [together],
  "append to 1,000 processes, 50 in flight": [together, floor],
  "await a process that has ended": [crossing],
  "open to first resolved read, files cached": [starting],
  "append, one at a time, one server": [deciding],
  "append, 50 in flight over 50 processes, three servers": [batched],
  "append, one at a time, three servers": [deciding],
  "append in one client to a wait in another, one server": [deciding, looked],
  "append in one client to a wait in another, three servers": [deciding, looked],
  "run of one step, driver in the client that waits, one server": [commits],
  "run of one step, driver in another client, one server": [commits],
  "run of one step, driver in the client that waits, three servers": [commits],
  "run of one step, driver in another client, three servers": [commits],
  "open to first process": [viewed],
  "open to first page of 50 processes": [viewed],
  "open to end of a driver's first sweep": [viewed],
};

/** What each benchmark is about, in the order of the page. */
const chapters = {
  together: `### Many appends at once

Calls that are made while a transaction is under way share the next one, and still each gets its own answer. The floor is there
twice: with a transaction for each append, as an app writes it, and with a single one for all of them, which an app can only
write that knows in advance what will be appended.`,
  nested: `### Nested payloads

Payloads of 900 bytes, nested as those of agents are. The floor appends all of them in one transaction, with the indexes
over events that longwait has, and with none. A log and a list are read by \`getAll\`.`,
  large: `### Large inputs

Processes with inputs of 10 MB, listed, driven and awaited by a page that comes back; the floor does the same to rows of its own. It is done once.`,
  append: `### Appending to one process

A call reads the process, and writes the event and the process, in one transaction. Of the peers it is the same by hand. longwait
also checks the event's type, looks its replay key up, keeps a change feed and tells other tabs.`,
  read: `### Reading

A process by its id, and the result of one that has ended.`,
  runs: `### Running a job

From the trigger of a job with one step to its awaited result, one at a time. durably asks its database for new jobs at an interval,
100 ms in its guide, and sits out half of that on average; the other figure polls as often as a timer can, which is not
advised, to show what is left without it.`,
  driver: `### The driver

What it adds to a process that does nothing. The floor makes the same writes without deciding anything: a process is registered,
leased and ended in three transactions, one after another. After a crash, the floor is a Web Lock that is handed over.`,
  backlog: `### A backlog

A driver that is started among many pending processes and among few, up to its first run.`,
  scale: `### The number of processes

The same calls among many stored processes and among few, with ten events each, half of them running and half ended.`,
  history: `### The length of a log

The same call on a process with a long log and on one with a short log.`,
  types: `### The number of event types

The same append to a process whose log has events of many types and to one with a single type. Up to sixteen types of a caller are
counted in the process's row; an append of a further one reads and puts a row more.`,
  start: `### Starting

A page that comes back: from its first line, which imports the library, over opening the database, to the answer of the first read.
Every sample is a new page in a new tab. The files come from the browser's HTTP cache.`,
  wake: `### Waking

From a change to the promise of a waiter, in memory, so that no disk is part of it. The floor is a promise that is resolved
with nothing else to do.`,
  idle: `### Waiting

Promises that wait while nothing happens, each for another process.`,
  memory: `### Memory

Processes are registered, awaited in three ways, logged to, read, ended and pruned. WebAssembly memory can grow and never shrinks.`,
  tabs: `### Another tab

From a change in one tab to the resolved promise in another. By hand: a message on a BroadcastChannel, and a read.`,
  stream: `### A stream

Tokens of a model, 100 a second, from a run in one tab to a reader in another, and the transactions that both tabs make for it. The floor sends each token
as a message of its own, and stores nothing.`,
  inspector: `### The inspector

[The inspector](inspector.md) on a database of 10,000 processes and 100,000 events, of which one process has half, in a page of 1280 × 720. Seven passes of 120 frames, in
each of which the list or the log is moved. A task is what keeps the page from drawing its next frame: the longest is given in the processor's time, which other work of the machine
does not lengthen. A frame is the time from one to the next by the clock, 16.7 ms at the least.`,
  react: `### React

A change of one process of 10,000, until the row on the screen shows it: \`useProcesses\` with a page of 50, and with all of them on the
screen. What is rendered for a change is its row alone, and the list around it.`,
  langgraph: `### A checkpoint of LangGraph

[\`LongwaitSaver\`](langgraph.md) on IndexedDB, in a thread of 10 checkpoints and in one of 1,000, with a state of 6 kB. LangGraph's own saver in memory is the floor: it serializes alike, and
stores nothing. What is read is read by a saver that has read nothing before.`,
  takeover: `### Taking over

From the crash of the tab that holds a lease to the lease in this one. The floor is a Web Lock that is handed over.`,
  "nats-appends": `### Appending over NATS

Measured in Node, with the servers on the machine that measures: one, and a cluster of three; and that cluster behind a link on which each way takes 2.5 ms, as to servers of one's own region. What a server acknowledges is on its disk (\`sync_interval: always\`).
The floor is the official client alone. It keeps a process and its events in messages as long as ours, each conditional on the last one of its subject.
On one process, an append waits for the one before. The other figure is of events that are all known before the first is sent.`,
  "nats-waits": `### Waking over NATS

From an append in one client to the promise of a wait in another. By hand: a consumer that hears of what is stored.`,
  "nats-runs": `### Running over NATS

A process is registered, a driver claims it, runs one step and ends it, and the end is awaited. By hand: these four commits, one after another. Where the driver is in
another client, a consumer there hears of the process, and one here of its end.`,
  "nats-clients": `### Many clients

Clients that share a namespace on three servers. All of it runs on this machine: the servers, and the clients, each with a registry and a connection of its own, in two processes of Node.
Of ten operations, three append to processes for which a client waits, three to any, and four read. Each client waits for ten
processes at any time. A time counts from when the operation was due. A load of which less than nine tenths are done in time is the last.`,
  "nats-opening": `### Opening with a long history

A client that opens a namespace, with a long history and with a short one. Half of the processes have ended. With as many processes, the history may not count; with more of them, a list and
a sweep take longer, as a client has a small row of each.`,
  "nats-growth": `### What is stored over NATS

Bytes of the stream as a server counts them, with the subjects and headers of messages. The payload of an event or a step is about 70 bytes, that of a chunk 8. With three
servers, each has all of it.`,
  "nats-browser": `### Appending from a page over NATS

The same append over the WebSocket of a server.`,
};

const used = (versions) => `## How each is used

Each peer is used as its own documentation says is fastest.

| | how | by |
|---|---|---|
| bare IndexedDB | one \`readwrite\` transaction, \`durability: "relaxed"\`, and \`commit()\` as soon as the last put is made | the specification |
| Dexie ${versions.dexie} | \`db.transaction("rw", …)\` around the get and the puts, \`chromeTransactionDurability: "relaxed"\`, \`cache: "disabled"\`, as nothing here uses its live queries | dexie.org, "Dexie.transaction()" and the options of its constructor |
| idb ${versions.idb} | one transaction with \`durability: "relaxed"\`, its requests awaited together with \`done\`, and \`commit()\` as in the bare code | its README, "Transaction lifetime" and "\`tx.done\`" |
| @coji/durably ${versions["@coji/durably"]} | SQLite in the origin private file system through sqlocal ${versions.sqlocal} and kysely ${versions.kysely}, the only storage that it has for browsers; intervals as in its guide | its docs/llms.md, "Browser Usage", and its guide "Choosing a Database" |`;

if (isScript(import.meta)) await main(write);
