/** Waits, iterators, receivers, listeners, sessions: what settles later, and what gives objects with methods of their own. */
import { leaf, optional, tuple } from "../grammar.mjs";
import { same } from "../meaning.mjs";
import { BAD_FUNCTION, Thrown } from "../mutate.mjs";
import { scopeId } from "../model.mjs";
import * as s from "../shapes.mjs";
import { after, ANY, appended, areEvents, fitting, isEvent, read } from "./registry.mjs";

// ── Waits ───────────────────────────────────────────────────────────────────

const isDeclared = (process, type) => process.types.has(type) || /^signal\.[A-Za-z0-9_-]+$/.test(type);

/**
 * What a wait may end with. `found` gives the value that ends it, or nothing; `refused` the codes that do. `owed`: it is
 * woken by changes, so that it must end by itself once one of both is there.
 */
function wait(w, id, { signal, timeoutMs } = {}, { found, refused = () => [], visible = () => true, owed = true }) {
  const lives = w.model.since(id);
  const gone = () => lives().some((life) => life === undefined || life.pruned) || !visible();
  const any = (of) => lives().some((life) => life !== undefined && of(life));
  const [first] = lives();
  const ready = first !== undefined && visible() && found(first) !== undefined;
  const limited = timeoutMs !== undefined && timeoutMs !== Infinity;
  const abortedBefore = signal?.aborted === true;
  return {
    signal,
    wait: true,
    soon: timeoutMs <= 1,
    owed: () => owed && !w.isDriven(id) && !gone() && any((life) => found(life) !== undefined || refused(life).length > 0),
    judge({ value, code }) {
      if (code === undefined) return !abortedBefore && any((life) => same(found(life), value) || isFound(found(life), value));
      if (code === "timeout") return limited && (!ready || gone());
      if (code === "unknown_process") return gone();
      return any((life) => refused(life).includes(code));
    },
  };
}

const isFound = (event, value) =>
  event !== undefined && value !== null && typeof value === "object" && "sequence" in value && isEvent(value, event);

export const terminalOf = (w, id, options, more) => wait(w, id, options, { found: ({ output }) => output, ...more });

export const eventOf = (w, id, type, sequence = 0, options = {}, more) =>
  wait(w, id, options, {
    found: ({ log }) => log.find((event) => event.sequence > sequence && event.eventType === type),
    refused: (life) => [
      ...(isDeclared(life, type) ? [] : ["undeclared_event_type"]),
      ...(options.untilTerminal && life.state !== "running" ? ["process_terminal"] : []),
    ],
    ...more,
  });

export const WAITS = ["unknown_process", "timeout"];

/** The two waits, of whoever has them. */
function waitsOf(prefix, weight, target, { many, view = () => undefined, owed = true, codes = [] } = {}) {
  const visible = (w, id) => {
    const scope = view(w);
    return { owed, ...(scope !== undefined && { visible: () => w.model.grants.get(scope)?.has(id) ?? false }) };
  };
  return [
    {
      name: `${prefix}.awaitTerminal`,
      weight,
      codes: [...ANY, ...WAITS, ...codes],
      args: tuple([s.processId, optional(s.waiting, 0.8)]),
      target,
      many,
      run: (w, given, on) => on.awaitTerminal(...given),
      expect: (w, [id, options]) => terminalOf(w, id, options, visible(w, id)),
    },
    {
      name: `${prefix}.awaitEvent`,
      weight,
      codes: [...ANY, ...WAITS, "process_terminal", "undeclared_event_type", ...codes],
      target,
      many,
      args: tuple([s.processId, s.declaredType, optional(s.count), optional(s.waitingForEvent, 0.8)]),
      run: (w, given, on) => on.awaitEvent(...given),
      expect: (w, [id, type, sequence, options]) => eventOf(w, id, type, sequence, options, visible(w, id)),
    },
  ];
}

const ownerGone = {
  name: "registry.ownerGone",
  weight: 0.5,
  codes: [...ANY, "timeout"],
  args: tuple([s.owner, optional(s.waiting)]),
  run: (w, given) => w.registry.ownerGone(...given),
  // No owner that the grammar makes can be proven dead.
  expect: (w, [, { signal } = {}]) => ({ code: "invalid_argument", signal }),
};

// ── Iterators ───────────────────────────────────────────────────────────────

const events = {
  name: "registry.events",
  weight: 1,
  lives: true,
  codes: ANY,
  args: tuple([s.processId, optional(s.following)]),
  sync: true,
  run: (w, given) => w.registry.events(...given),
  expect: (w, [id, { after: from = 0, types, untilTerminal = false, signal } = {}]) => ({
    check: (iterator) => w.keep("iterators", { iterator, id, from, types, untilTerminal, signal, lives: w.model.since(id), over: false }),
  }),
};

function next(w, state) {
  const { id, types, untilTerminal, signal } = state;
  const { lives } = state;
  const nexts = () =>
    lives().map((life) =>
      life?.log.find((event) => event.sequence > state.from && (types === undefined || types.includes(event.eventType))),
    );
  const ended = () => lives().some((life) => life && life.state !== "running");
  const gone = () => lives().some((life) => life === undefined || life.pruned);
  if (w.isDriven(id))
    return { signal, wait: true, judge: ({ value, code }) => code !== undefined || value.done || value.value.sequence > 0 };
  return {
    signal,
    wait: true,
    owed: () => !w.isDriven(id) && !gone() && !state.busy && nexts().some(Boolean),
    judge({ value, code }) {
      if (code !== undefined) {
        state.over = true;
        return code === "unknown_process" ? gone() : code === "undeclared_event_type";
      }
      if (value.done) return (state.over ||= w.closing || signal?.aborted || (untilTerminal && ended()));
      const event = nexts().find((one) => one && isEvent(value.value, one));
      if (event) state.from = event.sequence;
      return event !== undefined;
    },
  };
}

const iterator = (w) => w.some("iterators");
const iterating = [
  {
    name: "iterator.next",
    weight: 4,
    lives: true,
    codes: [...ANY, "unknown_process", "undeclared_event_type"],
    args: tuple([]),
    target: iterator,
    run: (w, _, { iterator }) => iterator.next(),
    expect: (w, _, state) => next(w, state),
  },
  {
    name: "iterator.return",
    weight: 0.4,
    lives: true,
    codes: ANY,
    args: tuple([]),
    target: iterator,
    run: (w, _, { iterator }) => iterator.return("left"),
    expect: (w, _, state) => (
      (state.over = true),
      { wait: true, owed: () => true, judge: ({ value }) => value?.done === true && value.value === "left" }
    ),
  },
  {
    name: "iterator.throw",
    weight: 0.2,
    lives: true,
    codes: ANY,
    args: tuple([]),
    target: iterator,
    run: (w, _, { iterator }) => iterator.throw(new Thrown()),
    expect: (w, _, state) => ((state.over = true), { wait: true, thrown: true, owed: () => true, judge: () => false }),
  },
  {
    name: "iterator.[asyncIterator]",
    weight: 0.1,
    lives: true,
    codes: ANY,
    args: tuple([]),
    target: iterator,
    sync: true,
    run: (w, _, { iterator }) => iterator[Symbol.asyncIterator](),
    expect: (w, _, state) => ({ check: (value) => value === state.iterator }),
  },
];

// ── Streams ─────────────────────────────────────────────────────────────────

const reader = (w) => w.some("readers");

/** Whether what a stream gives is a chunk at that place or behind it. */
const isChunk = ({ index, attempt, value }, from) => index >= from && attempt >= 1 && value !== undefined;

const streams = [
  {
    name: "registry.readStream",
    weight: 0.7,
    lives: true,
    codes: ANY,
    args: tuple([s.processId, s.streamName, optional(s.reading)]),
    sync: true,
    run: (w, given) => w.registry.readStream(...given),
    expect: (w, [id, , { startIndex = 0, signal } = {}]) => ({
      check: (reader) => w.keep("readers", { reader, id, startIndex, signal, lives: w.model.since(id) }),
    }),
  },
  ...[
    ["reader.[asyncIterator]", ({ reader }) => reader[Symbol.asyncIterator]().next()],
    ["reader.toReadableStream", ({ reader }) => reader.toReadableStream().getReader().read()],
  ].map(([name, first]) => ({
    name,
    weight: 0.7,
    lives: true,
    codes: [...ANY, "unknown_process"],
    args: tuple([]),
    target: reader,
    run: (w, _, state) => first(state),
    expect(w, _, { id, startIndex, signal, lives }) {
      const gone = () => lives().some((life) => life === undefined || life.pruned);
      const ended = () => w.isDriven(id) || lives().some((life) => life && life.state !== "running");
      return {
        signal,
        wait: true,
        judge: ({ value, code }) => {
          if (code !== undefined) return code === "unknown_process" && (w.isDriven(id) || gone());
          return value.done ? ended() : isChunk(value.value, startIndex);
        },
      };
    },
  })),
];

// ── Hub ─────────────────────────────────────────────────────────────────────

const receiver = (w) => w.some("receivers");

const hub = [
  {
    name: "hub.subscribe",
    weight: 1,
    codes: ANY,
    args: tuple([s.processId]),
    sync: true,
    run: (w, given) => w.registry.hub.subscribe(...given),
    expect: (w, [id]) => ({ check: (raw) => w.keep("receivers", { raw, id, closed: false, told: 0 }) }),
  },
  {
    name: "hub.notify",
    weight: 1,
    codes: ANY,
    args: tuple([s.processId]),
    sync: true,
    run: (w, given) => w.registry.hub.notify(...given),
    expect: () => ({ value: undefined }),
  },
  {
    name: "hub.trackedProcesses",
    weight: 0.3,
    lives: true,
    codes: ["closed"],
    args: tuple([]),
    sync: true,
    run: (w) => w.registry.hub.trackedProcesses,
    expect: () => ({ check: (n) => Number.isSafeInteger(n) && n >= 0 }),
  },
  {
    name: "receiver.changed",
    weight: 2,
    codes: ANY,
    args: tuple([]),
    target: receiver,
    run: (w, _, { raw }) => raw.changed(),
    expect(w, _, state) {
      const before = w.model.changed.get(state.id);
      const again = state.pending > 0; // Those that wait on one receiver take turns: a change wakes one.
      state.pending = (state.pending ?? 0) + 1;
      return {
        wait: true,
        owed: () => !again && !w.isDriven(state.id) && (state.closed || w.model.changed.get(state.id) !== before),
        judge({ code }) {
          state.pending--;
          return code === undefined || (code === "closed" && state.closed);
        },
      };
    },
  },
  ...["close", Symbol.dispose ?? Symbol.for("Symbol.dispose")].map((method) => ({
    name: `receiver.${typeof method === "symbol" ? "[dispose]" : method}`,
    weight: 0.3,
    lives: true,
    codes: ANY,
    args: tuple([]),
    target: receiver,
    sync: true,
    run: (w, _, { raw }) => raw[method](),
    expect: (w, _, state) => ((state.closed = true), { value: undefined }),
  })),
];

// ── Listeners ───────────────────────────────────────────────────────────────

const listener = leaf((w) => w.someListener(), BAD_FUNCTION);

const listening = ["onChange", "onDurabilityChange", "onWake"].flatMap((method) => [
  {
    name: `registry.${method}`,
    weight: 0.5,
    lives: true,
    codes: ANY,
    args: tuple([listener]),
    sync: true,
    run: (w, given) => w.registry[method](...given),
    expect: () => ({ check: (off) => typeof off === "function" }),
    done: (w, off) => w.keep("offs", off),
  },
]);
const off = {
  name: "registry.onChange()",
  weight: 0.5,
  lives: true,
  codes: ANY,
  args: tuple([]),
  target: (w) => w.some("offs"),
  sync: true,
  run: (w, _, off) => off(),
  expect: () => ({ value: undefined }),
};

// ── Sessions ────────────────────────────────────────────────────────────────

const session = {
  name: "registry.session",
  weight: 0.7,
  lives: true,
  codes: ANY,
  args: tuple([s.scopeAsOptions]),
  sync: true,
  run: (w, given) => w.registry.session(...given),
  expect: (w, [scope]) => ({ check: (view) => same({ ...view.scope }, scope) && w.keep("views", { view, scope: scopeId(scope) }) }),
};
const view = (w) => w.some("views");
const viewed = (name, weight, codes, types, expect) => ({
  name: `session.${name}`,
  weight,
  codes: [...ANY, ...codes],
  args: tuple(types),
  target: view,
  run: (w, given, { view }) => w.method(view, name)(...given),
  expect: (w, given, { scope }) => expect(w, given, scope),
});
export const signalling = [s.processId, s.signalName, optional(s.payload), optional(s.signalOptions)];

const sessions = [
  viewed("list", 1, [], [optional(s.filter)], (w, [filter = {}], scope) =>
    read(w, () => {
      const wanted = w.model.granted(scope, fitting(filter));
      const known = (values) => values.filter(({ record }) => !w.isDriven(record.id));
      return {
        check: (values) =>
          known(values).length === wanted.length && known(values).every(({ record }, n) => w.model.matches(record, wanted[n].process)),
      };
    }),
  ),
  viewed("get", 1, [], [s.processId], (w, [id], scope) =>
    read(w, () => {
      const { process } = w.model.events(id, () => [], scope);
      return process === undefined ? { value: undefined } : { check: (value) => w.model.matches(value, process) };
    }),
  ),
  viewed("eventsAfter", 1, ["unknown_process"], [s.processId, s.count, optional(s.query)], (w, [id, sequence, query], scope) =>
    read(w, () => {
      const { code, events: wanted } = w.model.events(id, after(sequence, query), scope);
      return code ? { code } : { check: (values) => areEvents(values, wanted) };
    }),
  ),
  viewed(
    "signal",
    1.5,
    ["unknown_process", "replay_conflict", "invalid_payload", "missing_replay_key", "already_terminal"],
    signalling,
    (w, [id, name, payload, { signalId } = {}], scope) => appended(w, w.model.signal(id, name, payload, signalId, scope)),
  ),
  viewed("requestCancel", 1, ["unknown_process"], [s.processId, s.reason], (w, [id, reason], scope) =>
    appended(w, w.model.requestCancel(id, reason, scope)),
  ),
];

/** The waits of a session, which run on the view and see what is granted. */
const waitsOfSessions = ["awaitTerminal", "awaitEvent"].map((method, n) => {
  const plain = waitsOf("session", 0.7, view)[n];
  const visible = (w, id, scope) => ({ owed: false, visible: () => w.model.grants.get(scope)?.has(id) ?? false });
  return {
    ...plain,
    run: (w, given, { view }) => view[method](...given),
    expect(w, given, { scope }) {
      const [id, type, sequence, options] = given;
      return loosened(
        method === "awaitTerminal"
          ? terminalOf(w, id, given[1], visible(w, id, scope))
          : eventOf(w, id, type, sequence, options, visible(w, id, scope)),
      );
    },
  };
});
/** A handle that comes or goes while it waits decides what it sees, and when it looks is left open. */
const loosened = (expected) => ({ ...expected, judge: (outcome) => outcome.code === "unknown_process" || expected.judge(outcome) });

const signal = {
  name: "registry.signal",
  weight: 2,
  codes: [...ANY, "unknown_process", "replay_conflict", "invalid_payload", "missing_replay_key", "already_terminal"],
  args: tuple(signalling),
  target: (w) => (typeof w.registry.signal === "function" ? w.registry : undefined),
  run: (w, given, on) => on.signal(...given),
  expect: (w, [id, name, payload, { signalId } = {}]) => appended(w, w.model.signal(id, name, payload, signalId)),
};

const abort = {
  name: "AbortController.abort",
  weight: 1.5,
  lives: true,
  codes: [],
  args: tuple([]),
  target: (w) => w.some("controllers"),
  sync: true,
  ours: true,
  run: (w, _, controller) => controller.abort(...w.r.pick([[], [new Thrown("aborted")], ["a word"], [null], [{}]])),
  expect: () => ({ value: undefined }),
};

export const waitingCalls = [
  ...waitsOf("awaiter", 1.5, (w) => w.registry.awaiter),
  ...waitsOf("registry", 1.5, (w) => (typeof w.registry.awaitTerminal === "function" ? w.registry : undefined)),
  ...waitsOf("polling", 0.5, (w) => w.registry.pollingAwaiter(), { owed: false }),
  ownerGone,
  events,
  ...iterating,
  ...streams,
  ...hub,
  ...listening,
  off,
  session,
  ...sessions,
  ...waitsOfSessions,
  signal,
  abort,
];
