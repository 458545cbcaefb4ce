/** Definitions: made, started, executed, and their handles awaited together. Their processes are those that drivers work on. */
import { leaf, optional, options, tuple, word } from "../grammar.mjs";
import { BAD_NAME, BAD_OBJECT, NOT_JSON } from "../mutate.mjs";
import * as s from "../shapes.mjs";
import { ANY } from "./registry.mjs";

const BAD_SCHEMA = [
  ["a text", () => "string"],
  ["a number", () => 7],
  ["null", () => null],
  ["an array", () => []],
  ["a schema of another version", () => ({ "~standard": { version: 2, validate: (value) => ({ value }) } })],
];
const standard = () => ({ "~standard": { version: 1, vendor: "fuzz", validate: (value) => ({ value }) } });
const schema = leaf((w) => w.r.pick([true, { type: ["object", "number"] }, standard()]), BAD_SCHEMA);
const schemas = {
  make: (w) => ({ [w.r.pick(["note", "other"])]: schema.make(w) }),
  spoil: (w) => ({ value: w.r.chance(0.5) ? { note: w.r.pick(BAD_SCHEMA)[1]() } : w.r.pick(BAD_OBJECT)[1](), why: "no schemas" }),
};

/** What only a rule can know, as the range of a priority, is refused when a process is started. */
const spec = options(undefined, {
  kind: leaf((w) => w.r.pick(["run:a", "run:none"]), BAD_NAME),
  input: optional(schema),
  output: optional(schema),
  events: optional(schemas),
  signals: optional(schemas),
  recovery: optional(word("rerun", "abandon")),
  version: optional(s.count),
});

const defineProcess = {
  name: "defineProcess",
  weight: 1,
  codes: ["invalid_argument"],
  sync: true,
  lives: true,
  target: (w) => w.api,
  args: tuple([spec]),
  run: (w, given) => w.api.defineProcess(...given),
  expect: (w, [{ kind }]) => ({
    check: (made) => Object.isFrozen(made) && made.kind === kind && made.implement(() => {}).kind === kind,
  }),
};

const start = options(undefined, {
  // Always given: the model does not know other ids.
  id: optional(
    leaf((w) => `d${w.r.below(6)}`, BAD_NAME),
    1,
  ),
  label: optional(s.label),
  labels: optional(s.labels),
  priority: optional(s.registration.fields.priority),
});
const waits = { signal: s.waiting.fields.signal, timeoutMs: s.waiting.fields.timeoutMs };
const input = leaf(
  (w) => w.r.pick([null, 1, { a: [1] }, "words"]),
  NOT_JSON.filter(([, make]) => make() !== undefined),
  { takesUndefined: true, takesNull: true },
);

const STARTS = [...ANY, "registration_conflict", "invalid_payload", "conflict"];

/** Called for a definition, which is no plain data, and so never disguised or spoilt. */
const defined = (name, weight, codes, types, more) => ({
  name: `registry.${name}`,
  weight,
  codes: [...STARTS, ...codes],
  args: tuple(types),
  run: (w, given) => w.registry[name](w.api.defineProcess({ kind: "run:none" }), ...given),
  expect: (w, given) => ({ loose: true, thrown: true, wait: true, signals: [given.at(-1)?.signal] }),
  ...more,
});

const isHandle = (handle) => typeof handle?.id === "string" && ["created", "existing", "queued"].includes(handle.disposition);

/** How many handles: they are no plain data either. */
const handles = leaf(
  (w) => 1 + w.r.below(3),
  [
    ["an object", () => ({})],
    ["a text", () => "x"],
    ["a number", () => 7],
    ["a list of a number", () => [7]],
    ["a list of null", () => [null]],
    ["a list of what is no handle", () => [{ id: "p", result: async () => 1 }]],
  ],
);

/** How processes end is an answer, too. */
const together = (name) => ({
  name,
  weight: 0.7,
  codes: [...ANY, "unknown_process", "timeout"],
  args: tuple([handles, optional(s.waiting, 0.9)]),
  target: (w) => (w.pools.begun.length > 0 ? w.api : undefined),
  run: (w, [many, ...given]) =>
    w.api[name]([1, 2, 3].includes(many) ? w.pools.begun.slice(-many) : many, ...given).catch((error) => {
      if (error instanceof w.api.ProcessFailedError || error instanceof w.api.ProcessCancelledError) return;
      throw error;
    }),
  expect: (w, given) => ({ loose: true, thrown: true, wait: true, signals: [given.at(-1)?.signal] }),
});

export const definitionCalls = [
  defineProcess,
  defined("start", 3, [], [input, optional(start, 1)], {
    expect: (w) => ({ loose: true, check: isHandle }),
    done: (w, handle) => w.keep("begun", handle),
  }),
  defined("execute", 1, ["unknown_process", "timeout"], [input, optional(options(undefined, { ...start.fields, ...waits }), 1)], {
    run: (w, given) =>
      w.registry.execute(w.api.defineProcess({ kind: "run:none" }), ...given).catch((error) => {
        if (error instanceof w.api.ProcessFailedError || error instanceof w.api.ProcessCancelledError) return;
        throw error;
      }),
  }),
  defined("handle", 1, [], [s.processId], {
    sync: true,
    expect: () => ({ check: isHandle }),
    done: (w, handle) => w.keep("begun", handle),
  }),
  together("waitAll"),
  together("waitFirst"),
];
