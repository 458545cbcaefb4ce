/** The tables of the client of NATS: whatever is put in, taken out and changed, each order has the rows that are there, by its keys. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { importSource } from "./bundled.mjs";

const { Table, compareKeys } = await importSource("js/nats/table.ts", "js/nats/key.ts");

const everything = { after: null, before: null };
const layout = {
  key: { paths: ["id"] },
  indexes: { byChange: { paths: ["change"] }, byDue: { paths: ["due.atMs", "id"] }, byLabel: { paths: ["labels"], each: true } },
};
/** As the layout says it of one row. */
const keysIn = {
  null: ({ id }) => [[id]],
  byChange: ({ change }) => [[change]],
  byDue: ({ due, id }) => (due ? [[due.atMs, id]] : []),
  byLabel: ({ labels }) => labels,
};

/** Numbers below a limit, the same ones in every run. */
function numbers(seed) {
  let state = seed;
  return (limit) => (state = (state * 48_271) % 2_147_483_647) % limit;
}

function check(table, rows) {
  for (const [index, keys] of Object.entries(keysIn)) {
    const [entries, from, to] = table.sorted(index === "null" ? null : index).stretch(everything);
    const found = entries.slice(from, to).map(({ key, row }) => [key, row]);
    const wanted = [...rows.values()].flatMap((row) => keys(row).map((key) => [key, row]));
    wanted.sort(([a, one], [b, other]) => compareKeys(a, b) || compareKeys([one.id], [other.id]));
    assert.deepEqual(found, wanted, index);
  }
}

for (const [what, isLoose] of [
  ["one by one", () => false],
  ["many at once", () => true],
  ["now one by one, now many at once", (next) => next(2) === 0],
])
  test(`rows that come ${what} are in the order of each index`, () => {
    const [table, rows, next] = [new Table(layout), new Map(), numbers(7)];
    for (let change = 1; change <= 2_000; change++) {
      const id = `p${next(60)}`;
      const before = rows.get(id);
      const labels = [
        ["team", "a"],
        ["tier", "b"],
      ]
        .filter(() => next(2) === 0)
        .map(([name, value]) => [name, value, id]);
      const due = next(3) === 0 ? undefined : { atMs: next(5) };
      const after = next(6) === 0 ? undefined : { id, labels, due, change: next(4) === 0 && before ? before.change : change };
      table.replace(before, after, isLoose(next));
      if (after) rows.set(id, after);
      else rows.delete(id);
      if (change % 97 === 0) check(table, rows);
    }
    check(table, rows);
    assert.ok(rows.size > 20);
  });
