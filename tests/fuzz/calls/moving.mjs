/**
 * Exports and imports. What an export holds is compared by the invariants, which import it elsewhere; the imports here are of files without processes, and
 * of broken ones: what an import makes of a process, the model does not say.
 */
import { either, leaf, list, optional, options, tuple } from "../grammar.mjs";
import { same } from "../meaning.mjs";
import { BAD_OBJECT } from "../mutate.mjs";
import * as s from "../shapes.mjs";
import { ANY } from "./registry.mjs";

const has = (field) => (value) => typeof value === "object" && value !== null && field in value;
const exporting = either(
  [1, options("ExportOptions", { ids: optional(list(s.processId, 0, 3), 0.9) }), has("ids")],
  [1, options("ExportOptions", { filter: optional(s.filter, 0.9) }), has("filter")],
);

const EMPTY = '{"longwait":"processes","version":1}\n{"complete":{"processes":0}}\n';

/** A file in one of the forms that an import takes. */
const forms = [
  (text) => new Blob([text]),
  (text) => new Blob([text]).stream(),
  async function* (text) {
    for (const character of text) yield character;
  },
  async function* (text) {
    yield new TextEncoder().encode(text);
  },
];
const broken = [
  ["nothing", ""],
  ["no JSON", "{"],
  ["no first line", EMPTY.split("\n")[1]],
  ["no last line", EMPTY.split("\n")[0]],
  ["another version", EMPTY.replace("1", "2")],
  ["another format", EMPTY.replace("processes", "rows")],
  ["a wrong count", EMPTY.replace("0", "1")],
  ["a line behind the last", `${EMPTY}{}`],
  ["an unknown line", EMPTY.replace("\n", '\n{"other":1}\n')],
  ["an end without a beginning", EMPTY.replace("\n", '\n{"end":"p"}\n')],
  ["an event without a process", EMPTY.replace("\n", '\n{"event":{}}\n')],
  ["a list", "[]"],
];
const source = leaf(
  (w) => w.r.pick(forms)(EMPTY),
  [
    ...broken.map(([why, text]) => [why, () => forms[0](text)]),
    ["text", () => EMPTY],
    [
      "pieces that are neither bytes nor text",
      async function* () {
        yield 7;
      },
    ],
    ...BAD_OBJECT,
  ],
);
const importing = options("ImportOptions", {
  ids: optional(
    leaf(
      (w) => w.r.pick(["keep", (id) => `other-${id}`]),
      [
        ["another word", () => "other"],
        ["a number", () => 7],
        ["an object", () => ({})],
      ],
    ),
  ),
  signal: optional(s.signal, 0.3),
});

const exported = (w) => w.some("exports");
const begins = (text) => text.startsWith('{"longwait":"processes"');

export const movingCalls = [
  {
    name: "registry.exportProcesses",
    weight: 0.7,
    lives: true,
    codes: ANY,
    args: tuple([optional(exporting)]),
    sync: true,
    run: (w, given) => w.registry.exportProcesses(...given),
    expect: (w) => ({ check: (given) => w.keep("exports", given) }),
  },
  ...[
    ["export.[asyncIterator]", async (given) => (await given[Symbol.asyncIterator]().next()).value],
    ["export.toReadableStream", async (given) => new TextDecoder().decode((await given.toReadableStream().getReader().read()).value)],
  ].map(([name, first]) => ({
    name,
    weight: 0.7,
    lives: true,
    codes: ANY,
    args: tuple([]),
    target: exported,
    run: (w, _, given) => first(given),
    expect: () => ({ check: begins }),
  })),
  {
    name: "registry.importProcesses",
    weight: 0.7,
    codes: ANY,
    args: tuple([source, optional(importing)]),
    run: (w, given) => w.registry.importProcesses(...given),
    expect: (w, [, { signal } = {}]) => ({
      signal,
      wait: true,
      judge: ({ value, code }) => code === undefined && same(value, { imported: [], existing: [] }),
    }),
  },
];
