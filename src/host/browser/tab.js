// What one tab or worker needs to know of the others, its own comings and goings, and chance. All of it is
// calls to the browser; each part does without what a browser lacks or refuses. Nothing here throws into the WebAssembly.

// ── Locks ────────────────────────────────────────────────────────────────────────────────────────

// Absent on insecure origins, and in old browsers. Where the origin may have none, asking for them may throw.
const locks = () => globalThis.navigator?.locks;

/** How long the browser may take to answer a question about locks, in milliseconds. Some never do, as after a crash of the process that keeps them. */
const ANSWER_MS = 5_000;

/**
 * Takes a lock. `held` resolves with whether it is: not where there are no locks, or none for this origin.
 * Released before it was granted, it is given back as soon as it is.
 */
export function hold(name) {
  let release;
  const over = new Promise((resolve) => (release = resolve));
  const granted = new Promise((resolve) => {
    const keep = () => (resolve(true), over);
    // As an async function, so that what is thrown at once is an answer as well.
    (async () => locks()?.request(name, keep))().then(
      () => resolve(false),
      () => resolve(false),
    );
  });
  return { held: within(ANSWER_MS, granted, false), release };
}

/**
 * Takes a lock if it is free. `held` resolves with whether it is; where there are no locks to give, any caller may act as if
 * it held one, so it resolves with `true`.
 */
export function holdIfFree(name) {
  let release;
  const over = new Promise((resolve) => (release = resolve));
  const granted = new Promise((resolve) => {
    const keep = (lock) => (resolve(lock !== null), lock && over);
    (async () => locks().request(name, { ifAvailable: true }, keep))().catch(() => resolve(true));
  });
  return { held: within(ANSWER_MS, granted, false), release };
}

/** Whether the lock is free and no owner waits for it. Rejects where that cannot be learnt. */
export async function isFree(name) {
  const { held, pending } = await within(ANSWER_MS, locks().query(), {});
  // A watcher queues up in shared mode: no sign of life.
  return ![...held, ...pending].some((lock) => lock.name === name && lock.mode === "exclusive");
}

/** How often a watcher also looks whether the lock is free, in milliseconds. */
const FLOOR_MS = 2_000;

/**
 * Calls `answer(true)` once the lock is free, perhaps twice, or `answer(false)` where that cannot be learnt. Gives the function
 * that ends it.
 *
 * A request in the queue would keep the page out of the back-forward cache, so it is made anew afterwards.
 */
export function watch(name, answer) {
  let request;
  const ask = () => {
    request = new AbortController();
    const { signal } = request;
    const tell = (free) => signal.aborted || answer(free);
    (async () => locks().request(name, { mode: "shared", signal }, () => {}))().then(
      () => tell(true),
      () => tell(false),
    );
  };
  ask();
  const unfollow = follow((away) => (away ? request.abort() : request.signal.aborted && ask()));
  // Where Chromium drops a page out of its back-forward cache for a lock that it holds, the queue of that lock stands still.
  const floor = setInterval(
    () =>
      isFree(name).then(
        (free) => free && !request.signal.aborted && answer(true),
        () => {},
      ),
    FLOOR_MS,
  );
  return () => {
    clearInterval(floor);
    unfollow();
    request.abort();
  };
}

// ── Channel ──────────────────────────────────────────────────────────────────────────────────────

/** The most ids of a message, and the most characters of an id: together what a message may cost those who hear it. */
const MAX_IDS = 1_000;
const MAX_ID_LENGTH = 1_024;

/** Whether a message is a list of ids of bounded size. Any page of the origin may send anything. */
function isHint(data) {
  if (!Array.isArray(data) || data.length > MAX_IDS) return false;
  return data.every((id) => typeof id === "string" && id.length <= MAX_ID_LENGTH);
}

/** Whether a message is a notification of a stream. Its chunks are not checked: readers pass them on. */
function isOfChunks(data) {
  const { stream, values } = Object(data);
  const { processId, name, next, attempt } = Object(stream);
  const areNames = [processId, name].every((name) => typeof name === "string" && name.length <= MAX_ID_LENGTH);
  return areNames && [next, attempt].every(Number.isSafeInteger) && Array.isArray(values);
}

/**
 * Lists of ids, and notifications of streams, to and from the other tabs; never one's own. What is neither is left out before it crosses to the WebAssembly,
 * whose memory never shrinks: those who wait find what changed by themselves.
 *
 * An open channel would keep the page out of the back-forward cache, so it is closed there; what was said then is
 * found by the next look at what changed.
 */
export class Channel {
  constructor(name) {
    this.name = name;
  }

  /** Calls `hear` with each of them, until `close()`. */
  listen(hear) {
    const open = () => {
      if (this.channel) return;
      try {
        this.channel = new BroadcastChannel(this.name);
      } catch {
        return; // None here, or none for this origin: the change poller finds what changed.
      }
      this.channel.onmessage = ({ data }) => {
        if (isHint(data) || isOfChunks(data)) hear(data);
      };
    };
    open();
    this.unfollow = follow((away) => (away ? this.pause() : open()));
  }

  post(ids) {
    for (let from = 0; from < ids.length; from += MAX_IDS) this.send(ids.slice(from, from + MAX_IDS));
  }

  /** Sends what was committed to a stream. */
  sendChunks(stream, values) {
    this.send({ stream, values });
  }

  send(message) {
    try {
      this.channel?.postMessage(message);
    } catch {
      // The page is on its way out: other pages find what changed by themselves.
    }
  }

  pause() {
    if (!this.channel) return;
    this.channel.onmessage = null;
    this.channel.close();
    this.channel = undefined;
  }

  close() {
    this.unfollow?.();
    this.pause();
  }
}

// ── Page ─────────────────────────────────────────────────────────────────────────────────────────

/**
 * Calls `turn(true)` when the page goes into the back-forward cache, and `turn(false)` when it comes out of it or thaws, perhaps
 * twice. Workers have no such events. Gives the function that ends it.
 */
export function follow(turn) {
  const ended = new AbortController();
  const on = (type, call) => {
    try {
      globalThis.addEventListener?.(type, (event) => ended.signal.aborted || call(event), { capture: true, signal: ended.signal });
    } catch {
      // A page that refuses listeners is taken for one that is never put aside.
    }
  };
  on("pagehide", ({ persisted }) => persisted && turn(true));
  on("pageshow", ({ persisted }) => persisted && turn(false));
  // Of the document; capturing, the window hears it too.
  on("resume", () => turn(false));
  return () => ended.abort();
}

/**
 * Calls `wake` when the page may have been asleep: it comes out of the back-forward cache, thaws, or is shown again. Workers have no such
 * events. Gives the function that ends it.
 */
export function onWake(wake) {
  const unfollow = follow((away) => away || wake());
  const { document } = globalThis;
  const shown = () => document.visibilityState === "visible" && wake();
  document?.addEventListener("visibilitychange", shown);
  return () => {
    unfollow();
    document?.removeEventListener("visibilitychange", shown);
  };
}

// ── Patience ─────────────────────────────────────────────────────────────────────────────────────

/** Long enough for every event that has come already to have its turn. */
const GRACE_MS = 100;

/**
 * Calls `giveUp` after `span` milliseconds. Gives the function that ends it.
 *
 * A timer that became due while the page was busy, asleep or stopped by a debugger may run before an event that came earlier. So the
 * last stretch is counted from when the page runs again: an event that is there already is handled first.
 */
export function patiently(span, giveUp) {
  let timer = setTimeout(() => {
    timer = setTimeout(giveUp, GRACE_MS);
  }, span);
  return () => clearTimeout(timer);
}

/** What a promise comes to, or `otherwise` where it does not settle within `span` milliseconds; see {@link patiently}. */
export function within(span, promise, otherwise) {
  return new Promise((resolve, reject) => {
    const stop = patiently(span, () => resolve(otherwise));
    promise.then(resolve, reject).finally(stop);
  });
}

// ── Chance ───────────────────────────────────────────────────────────────────────────────────────

/**
 * 128 random bits in lower hex, by what insecure origins have too (`randomUUID` they have not). Where there is no such thing, by
 * `Math.random`: names have to be different, and none gives access to anything.
 */
export function randomName() {
  let bytes;
  try {
    bytes = crypto.getRandomValues(new Uint8Array(16));
  } catch {
    bytes = Uint8Array.from({ length: 16 }, () => Math.random() * 256);
  }
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// ── Tasks ────────────────────────────────────────────────────────────────────────────────────────

// As they are now: a test framework may put fakes in their place, which stand still.
const { setImmediate, MessageChannel, setTimeout } = globalThis;

/**
 * Resolves in a later task of the event loop, when every microtask has run. Not by a timer where there is another way: the
 * timers of hidden pages are slowed down.
 */
export function nextTask() {
  return new Promise((resolve) => {
    if (setImmediate) setImmediate(resolve);
    else if (MessageChannel) {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(undefined);
    } else setTimeout(resolve);
  });
}
