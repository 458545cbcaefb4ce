/** The tables of the store, which are laid out in three places: by the rules, in IndexedDB, and in the memory of a client of NATS. */
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { open, remove } from "../../src/store/indexed_db/engine.js";
import { importSource, root } from "./bundled.mjs";

const byName = (entries) => Object.fromEntries([...entries].sort(([one], [other]) => (one < other ? -1 : 1)));

/** Tables by name, each with its key and its indexes. Of an index of which a row has a list of keys, the path is that of the list. */
const ofRules = byName(tablesOfRules());

/** As crates/core/src/store/engine/layout.rs has them. */
function* tablesOfRules() {
  const source = readFileSync(join(root, "crates/core/src/store/engine/layout.rs"), "utf8").replace(/\/\/.*$/gm, "");
  const list = /pub const LAYOUT: &\[ObjectStore\] = &\[(.*?)\n\];/s.exec(source)[1];
  const paths = (text) => JSON.parse(`[${text.trim().replace(/,$/, "")}]`);
  for (const [, name, key, rest] of list.matchAll(/\bstore\(\s*"(\w+)",\s*&\[([^\]]*)\],(.*?)\n?\s*\),(?=\s*(?:store\(|$))/gs)) {
    const indexes = [...rest.matchAll(/\bindex(_of_each)?\(\s*"(\w+)",\s*&\[([^\]]*)\]/g)].map(([, each, index, path]) => [
      index,
      { paths: paths(path), isOfEach: each !== undefined },
    ]);
    yield [name, { key: paths(key), indexes: byName(indexes) }];
  }
}

describe("the layout of the rules", () => {
  test("is read whole from its source", () => {
    assert.equal(Object.keys(ofRules).length, 12);
    assert.equal(Object.keys(ofRules.processes.indexes).length, 13);
    assert.deepEqual(ofRules.processes.indexes.byLabel, { paths: ["labels"], isOfEach: true });
    assert.deepEqual(ofRules.chunks, { key: ["processId", "name", "first"], indexes: {} });
  });

  test("is that of a new database of the browser", async (t) => {
    const database = await open("layouts", () => {});
    t.after(() => (database.close(), remove("layouts")));
    const transaction = database.transaction([...database.objectStoreNames]);
    const indexesOf = (store) =>
      [...store.indexNames].map((name) => {
        const { keyPath, multiEntry } = store.index(name);
        return [name, { paths: [keyPath].flat(), isOfEach: multiEntry }];
      });
    const tables = [...database.objectStoreNames].map((name) => {
      const store = transaction.objectStore(name);
      return [name, { key: [store.keyPath].flat(), indexes: byName(indexesOf(store)) }];
    });
    assert.deepEqual(byName(tables), ofRules);
  });

  test("is that of the tables that a client of NATS keeps", async () => {
    const { LAYOUT } = await importSource("js/nats/layout.ts");
    const kept = Object.entries(LAYOUT).map(([name, { key, indexes }]) => {
      const all = Object.entries(indexes).map(([index, { paths, each }]) => [index, { paths, isOfEach: each === true }]);
      return [name, { key: key.paths, indexes: byName(all) }];
    });
    // Of the other tables a client keeps nothing, or has what belongs to one process.
    const { processes, leases, grants } = ofRules;
    assert.deepEqual(byName(kept), byName(Object.entries({ processes, leases, grants })));
  });
});
