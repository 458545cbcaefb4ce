/**
 * What a page waits for that comes back: from its first line, which imports the library, over opening the database to the answer
 * of its first read. Each round is a page of its own, in a process of its own. The files come from the browser's HTTP cache.
 */
import { race } from "../harness.js";

export const needs = ["inFreshPage"];

export async function run({ rounds }) {
  const contenders = await Promise.all(["longwait", "bare", "dexie", "idb"].map(prepared));
  const figures = await race(contenders, rounds, ({ address }) => globalThis.inFreshPage(address));
  return [{ work: "open to first resolved read, files cached", figures, atMost: { Dexie: 1.3 }, most: 60 }];
}

async function prepared(file) {
  const { name, open } = await import(`../contenders/${file}.js`);
  const log = await open(name);
  await log.register("p");
  await log.close();
  return { name, address: `start.html?${new URLSearchParams({ contender: file, database: name })}` };
}
