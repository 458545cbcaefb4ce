/** The package in frames of a page, for tests in Rust: arguments come, and answers go, as JSON text. */

// Imported from here: where a test has five modules of its own, the server of the test runner sometimes leaves one unanswered.
import { remove as removeDatabase } from "/tests/storage/bare.js";

/** Resolves after a span by the real clock. */
export const patience = (spanMs) => new Promise((resolve) => setTimeout(resolve, spanMs));

/**
 * A frame with a copy of the package. Its clock and timers are replaced, and not those of this page, by which the test runner and the
 * driver of the browser go.
 */
class Frame {
  /** What `performance.now` gave last: to the package it may be slow from one case to the next, but never go back. */
  #latest = 0;

  constructor() {
    const frame = document.body.appendChild(document.createElement("iframe"));
    this.window = frame.contentWindow;
    this.loaded = this.window.eval(`import("${location.origin}/dist/index.js")`);
  }

  /** Replaces the clock and the timers of the frame by those of a case. */
  follow(clock) {
    const start = this.#latest;
    const { Date, performance } = this.window;
    Date.now = () => clock.now();
    performance.now = () => (this.#latest = start + clock.monotonic());
    this.window.setTimeout = (work, span = 0) => clock.begin(work, span);
    this.window.clearTimeout = (timer) => clock.end(timer ?? 0);
  }
}

/** The frames that were made, one for each tab that a case had at most. The next case uses them again. */
const frames = [];

/** Where the rows of a case lie: the storage of one more tab, `undefined` for that of the package itself, and how all is removed. */
const storages = {
  indexedDb: { open: () => undefined, remove: removeDatabase },
  nats: {
    /** Each storage is a client of its own. What it stores is stamped with the time of the case. */
    async open(namespace, clock) {
      const [{ natsStore }, servers] = await Promise.all([clients(), addresses()]);
      return natsStore({ servers, namespace, now: () => clock.now() });
    },
    async remove(namespace) {
      const [server] = await addresses();
      await removeStreams(server, [`LONGWAIT_${namespace}`, `OBJ_LONGWAIT_${namespace}`]);
    },
  },
};

let loaded, fetched;

/**
 * The package of the clients, in a frame of its own that goes by real timers: no hours pass between a request and its answer, nor does a
 * pause last until the case advances its clock.
 */
function clients() {
  if (!loaded) {
    const { contentDocument, contentWindow } = document.body.appendChild(document.createElement("iframe"));
    const names = contentDocument.createElement("script");
    names.type = "importmap";
    names.textContent = JSON.stringify({ imports: { longwait: `${location.origin}/dist/index.js` } });
    contentDocument.head.append(names);
    loaded = contentWindow.eval(`import("${location.origin}/dist/nats.js")`);
  }
  return loaded;
}

/** The WebSocket addresses of the servers, from the file that scripts/jobs/conformance-nats.mjs writes. */
const addresses = () => (fetched ??= fetch("/build/nats-servers.json").then((answer) => answer.json()));

/** Removes streams, by the protocol of the server: the package has no way, and some cases make none of the two. */
function removeStreams(server, streams) {
  const socket = new WebSocket(server);
  socket.binaryType = "arraybuffer";
  const asked = streams.map((stream) => `PUB $JS.API.STREAM.DELETE.${stream} removed 0\r\n\r\n`);
  let answers = "";
  return new Promise((resolve, reject) => {
    socket.onopen = () => socket.send(`CONNECT {"verbose":false}\r\nSUB removed 1\r\n${asked.join("")}`);
    socket.onerror = () => reject(new Error(`${server} cannot be reached`));
    socket.onmessage = ({ data }) => {
      answers += new TextDecoder().decode(data);
      if (answers.split("stream_delete_response").length > streams.length) resolve();
    };
  }).finally(() => socket.close());
}

/** The tabs of one case. */
export class Page {
  #storage;
  #name;
  #tabs = [];
  #locks = new Map();

  constructor(storage, name) {
    this.#storage = storages[storage];
    this.#name = name;
  }

  /** Opens one more tab, and gives its registry. Calls `shown` with what its sink is shown, and `ticked` with each id that changed. */
  async open(clock, shown, ticked) {
    const tab = this.#tabs.push(undefined) - 1;
    const frame = (frames[tab] ??= new Frame());
    const { openRegistry } = await frame.loaded;
    frame.follow(clock);
    const sink = ({ processId, sequence }) => shown(processId, sequence);
    const storage = await this.#storage.open(this.#name, clock);
    const registry = await openRegistry({ name: this.#name, storage, sink });
    registry.onChange(ticked);
    return (this.#tabs[tab] = registry);
  }

  /** Calls a method that answers with a promise. */
  call(target, method, given) {
    return this.#answer(() => target[method](...this.#read(given)));
  }

  /** Calls a method whose last argument is options with a signal; `stop` aborts it. */
  wait(target, method, given) {
    const stop = new AbortController();
    const all = this.#read(given);
    all.push({ ...all.pop(), signal: stop.signal });
    return { answer: this.#answer(() => target[method](...all)), stop: () => stop.abort() };
  }

  /** Waits for the first event that a feed gives; `undefined` where it ends without. */
  first(target, given) {
    const stop = new AbortController();
    const [processId, options] = this.#read(given);
    const answer = this.#answer(async () => {
      const { value } = await target.events(processId, { ...options, signal: stop.signal }).next();
      return value;
    });
    return { answer, stop: () => stop.abort() };
  }

  /** A document of a whole process, from the lines of its export. */
  exportDocument(registry, id) {
    return this.#answer(async () => {
      const document = { events: [], streams: [], chunks: [], attachments: [] };
      for await (const text of registry.exportProcesses({ ids: [id] })) {
        const { process, event, stream, chunks, attachment, bytes } = JSON.parse(text);
        if (process) document.process = process;
        if (event) document.events.push(event);
        if (stream) document.streams.push(stream);
        if (chunks) document.chunks.push(chunks);
        if (attachment) document.attachments.push({ info: attachment, body: { blob: "" } });
        if (bytes) document.attachments.at(-1).body.blob += atob(bytes);
      }
      return document;
    });
  }

  /** Imports such a document as lines; answers what became of it. */
  importDocument(registry, given, renamed) {
    const [{ process, events, streams, chunks, attachments }, renames] = [JSON.parse(given), JSON.parse(renamed)];
    const lines = [{ longwait: "processes", version: 1 }, { process }];
    for (const event of events) lines.push({ event });
    for (const stream of streams) lines.push({ stream });
    for (const row of chunks) lines.push({ chunks: row });
    for (const { info, body } of attachments) lines.push({ attachment: info }, { bytes: btoa(body.blob) });
    lines.push({ end: process.registration.id }, { complete: { processes: 1 } });
    const file = new Blob(lines.map((line) => `${JSON.stringify(line)}\n`));
    return this.#answer(async () => {
      const { imported } = await registry.importProcesses(file, { ids: (id) => renames[id] ?? id });
      return imported.length === 1 ? "imported" : "existing";
    });
  }

  /** Calls a method that answers at once; throws what that throws. */
  now(target, method, given) {
    return target[method](...this.#read(given));
  }

  /** Holds a lock, if it is not held. */
  async hold(name) {
    if (this.#locks.has(name)) return;
    let free;
    const freed = new Promise((resolve) => (free = resolve));
    await new Promise((held) => {
      const over = navigator.locks.request(this.#lockName(name), () => (held(), freed));
      this.#locks.set(name, () => (free(), over));
    });
  }

  /**
   * Gives a lock back, if it is held. Chromium says that it is over before the process that keeps the locks has heard, and a frame may be
   * shown it as held; what this page asks after that is answered after that.
   */
  async free(name) {
    const free = this.#locks.get(name);
    if (!free) return;
    this.#locks.delete(name);
    await free();
    await navigator.locks.query();
  }

  /** Closes the tabs, and leaves none of their rows behind. */
  async remove() {
    await Promise.all([...this.#locks.keys()].map((name) => this.free(name)));
    await Promise.all(this.#tabs.map((registry) => registry.close()));
    await this.#storage.remove(this.#name);
  }

  /** What a lock that proves an owner alive must be named in this database: the cases know nothing of it. */
  #lockName(name) {
    return `longwait:${this.#name}:owner:${name}`;
  }

  /** Arguments. `null` stands for one that is not given, `{ blob }` for a Blob of that text. */
  #read(given) {
    const all = JSON.parse(given, (key, value) => {
      if (key === "lockName") return this.#lockName(value);
      return typeof value?.blob === "string" ? new Blob([value.blob], { type: "text/plain" }) : value;
    });
    return all.map((value) => value ?? undefined);
  }

  /** A JSON text of `{ value }`, of a Blob its text, or of `{ error }` where the package refuses. */
  async #answer(ask) {
    const begin = this.#lockName("").length;
    const shorten = (key, value) => (key === "lockName" ? value.slice(begin) : value);
    try {
      const value = await ask();
      // Of another realm: it is that of the frame.
      const isBlob = Object.prototype.toString.call(value) === "[object Blob]";
      return JSON.stringify({ value: isBlob ? await value.text() : value }, shorten);
    } catch (error) {
      const { name, code, message, processId } = error;
      if (name !== "ProcessError") throw error;
      return JSON.stringify({ error: { code, message, processId } });
    }
  }
}
