/** The exports themselves: opening, errors, and what a worker's entry does outside of workers. */
import { either, leaf, object, optional, options, tuple, word } from "../grammar.mjs";
import { same } from "../meaning.mjs";
import { BAD_FUNCTION, BAD_OBJECT, NOT_JSON, NOT_TEXT } from "../mutate.mjs";
import * as s from "../shapes.mjs";
import { ANY } from "./registry.mjs";

const SOURCES = [
  ["a number", () => 7],
  ["an object", () => ({})],
  ["an empty string", () => ""],
  ["null", () => null],
  ["true", () => true],
  ["an array", () => []],
];
const storage = leaf(
  (w) => w.r.pick(["memory", "memory", "indexeddb"]),
  [
    ["another word", () => "disk"],
    ["a number", () => 7],
    ["a remote store", () => ({ kind: "nats" })],
    ["null", () => null],
  ],
);

const openOptions = options("OpenOptions", {
  storage: optional(storage, 0.8),
  fallback: optional(word("memory")),
  name: optional(
    leaf((w) => w.host.database(w.seed), s.BAD_NAMES),
    1,
  ),
  durability: optional(word("relaxed", "strict")),
  sink: optional(leaf(() => () => {}, BAD_FUNCTION)),
  onCorruption: optional(leaf(() => () => {}, BAD_FUNCTION)),
  retention: optional(
    object("Retention", { completedMs: optional(s.count), failedMs: optional(s.count), cancelledMs: optional(s.count) }),
    0.3,
  ),
  owner: optional(options(undefined, { ownerId: leaf(() => "page", s.BAD_NAMES) })),
  // Once it is loaded, nobody fetches it again.
  wasm: optional(
    leaf(() => new URL("http://localhost:1/none.wasm"), SOURCES),
    0.2,
  ),
});

const openRegistry = {
  name: "openRegistry",
  weight: 0.4,
  codes: [...ANY, "storage_unavailable"],
  args: tuple([optional(openOptions, 0.95)]),
  lives: true,
  target: (w) => w.api,
  run: (w, given) => w.api.openRegistry(...given),
  expect(w, [{ storage: asked = "indexeddb", fallback } = {}]) {
    const memory = asked === "memory" || !w.host.indexedDb;
    if (memory && asked !== "memory" && fallback === undefined) return { code: "storage_unavailable" };
    return { check: (registry) => (w.later(registry.close()), (registry.durability === "memory") === memory) };
  },
};

const thing = leaf((w) => w.r.pick([...NOT_JSON, ...NOT_TEXT, ...BAD_OBJECT])[1](), []);
const anyError = either(
  [1, thing, () => true],
  [1, leaf((w) => new w.api.ProcessError("m", { code: "closed" }), []), () => false],
  [1, leaf(() => ({ name: "ProcessError", code: "closed" }), []), () => false],
);

const isProcessError = {
  name: "isProcessError",
  weight: 0.5,
  codes: [],
  args: {
    make: (w) => [anyError.make(w), ...(w.r.chance(0.5) ? [w.r.pick(["closed", "timeout", undefined])] : [])],
    spoil: () => undefined,
  },
  sync: true,
  lives: true,
  target: (w) => w.api,
  run: (w, given) => w.api.isProcessError(...given),
  expect: () => ({ check: (is) => typeof is === "boolean" }),
};

const ProcessError = {
  name: "ProcessError",
  weight: 0.2,
  codes: [],
  sync: true,
  lives: true,
  target: (w) => w.api,
  args: {
    make: (w) => w.r.pick([[], ["words"], ["words", {}], ["words", { code: "timeout", processId: "p", cause: 7 }]]),
    spoil: () => undefined,
  },
  run: (w, given) => new w.api.ProcessError(...given),
  expect: (w, [message = "", { code = "internal", processId, cause } = {}]) => ({
    check: (error) =>
      error instanceof Error &&
      w.api.isProcessError(error, code) &&
      error.message === message &&
      error.processId === processId &&
      error.cause === cause &&
      error.name === "ProcessError",
  }),
};

const deleteRegistry = {
  name: "deleteRegistry",
  weight: 0.3,
  codes: [...ANY, "storage_unavailable"],
  // One that is not there: the end of a database under a registry ends the world with it.
  args: tuple([leaf((w) => `${w.host.database(w.seed)}-none`, [...s.BAD_NAMES, ["null", () => null]], { takesUndefined: true })]),
  lives: true,
  target: (w) => w.api,
  run: (w, given) => w.api.deleteRegistry(...given),
  expect: (w) => (w.host.indexedDb ? { value: undefined } : { code: "storage_unavailable" }),
};

/** An error that is made with a word and options, and shows them. */
const errorOf = (name, choices, fits) => ({
  name,
  weight: 0.2,
  codes: ["invalid_argument"],
  sync: true,
  lives: true,
  target: (w) => w.api,
  args: { make: (w) => w.r.pick(choices), spoil: () => undefined },
  run: (w, given) => new w.api[name](...given),
  expect: (w, given) =>
    given[1]?.retryAfterMs < 0
      ? { code: "invalid_argument" }
      : { check: (error) => error instanceof Error && error instanceof w.api[name] && error.name === name && fits(error, ...given) },
});
/** What is given may be disguised, and is kept as it is. */
const alike = (a, b) => a === b || same(a, b);
const RETRIED = [["words"], ["words", {}], ["words", { code: "own", raw: { a: 1 }, cause: 7 }]];
const shows = (error, message, { code, raw, cause } = {}) =>
  error.message === message && error.code === code && alike(error.raw, raw) && error.cause === cause;
const FAILED = { type: "failure", class: "timeout", code: "late", message: "words", raw: [1] };
const CANCELLED = { type: "cancelled", message: "words", raw: [1] };
const ended = (error, id, { message, raw }) => error.processId === id && error.message === message && alike(error.raw, raw);

const endErrors = [
  errorOf("NonRetryableError", RETRIED, shows),
  errorOf(
    "RetryableError",
    [...RETRIED, ["words", { retryAfterMs: 0 }], ["words", { retryAfterMs: -1 }]],
    (error, message, given = {}) => shows(error, message, given) && error.retryAfterMs === given.retryAfterMs,
  ),
  errorOf("ProcessFailedError", [["p", FAILED]], (error, id, output) => ended(error, id, output) && error.code === "late"),
  errorOf("ProcessCancelledError", [["p", CANCELLED]], ended),
];

/** Outside of a worker there is nothing to drive in. */
const outside = (name, given) => ({
  name: `worker.${name}`,
  weight: 0.2,
  codes: ANY,
  args: { make: (w) => [w.r.pick(given)()], spoil: () => undefined },
  lives: true,
  target: (w) => w.api.worker,
  run: (w, given) => w.api.worker[name](...given),
  expect: () => ({ code: "invalid_argument" }),
});

export const openingCalls = [
  openRegistry,
  isProcessError,
  ProcessError,
  deleteRegistry,
  ...endErrors,
  outside("drive", [() => ({}), () => ({ runners: {} }), () => null, () => 7]),
  outside("driveIn", [() => undefined, () => null, () => 7, () => ({}), () => ({ port: {} }), () => new EventTarget()]),
];
