/** What other tabs, other versions and a killed browser may do to the database under an open registry. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { chromiumFlags, chromiumPath } from "../../../scripts/setup/browsers.mjs";
import * as page from "../page.mjs";
import { launch, tab } from "../playwright.mjs";
import { site } from "../site.mjs";

let served;
before(async () => (served = await site()));
after(() => served.close());

/** Opens the database by hand, at a version of the test's own or the present one; answers its version. */
const hold = ([name, above, stubborn]) =>
  new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const { version } = request.result;
      if (stubborn) globalThis.held = request.result;
      else request.result.close();
      if (!above) return resolve(version);
      const upgrade = indexedDB.open(name, version + above);
      upgrade.onerror = () => reject(upgrade.error);
      upgrade.onsuccess = () => {
        globalThis.held = upgrade.result;
        resolve(upgrade.result.version);
      };
    };
  });

const remove = (name) =>
  new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve("removed");
    request.onblocked = () => resolve("blocked");
    request.onerror = () => reject(request.error);
  });

describe("an open registry", () => {
  let browser;
  before(async () => (browser = await launch()));
  after(() => browser.close());

  async function tabs(t, ...opens) {
    const opened = [];
    for (const opening of opens) {
      const one = await browser.openTab(served.url);
      t.after(() => one.close());
      opened.push(opening ? Object.assign(one, await one.run(page.open, { name: t.name })) : one);
    }
    return opened;
  }

  test("makes way for a newer version in another tab at once, and from then on refuses with storage_version", async (t) => {
    const [one, newer] = await tabs(t, true, false);
    await one.run(page.register, "p");
    const waiting = await one.begin(([id]) => globalThis.registry.awaiter.awaitTerminal(id).catch(({ code }) => code), ["p"]);
    const version = await newer.run(hold, [t.name, 1]);
    assert.ok(version >= 2);
    assert.deepEqual(await one.run(page.call, ["getProcess", "p"]), { refused: "storage_version" });
    assert.deepEqual(await one.run(page.call, ["appendEvent", "p", { eventType: "note" }]), { refused: "storage_version" });
    assert.equal(await waiting(), "storage_version");
    const opening = await newer.run((name) => globalThis.longwait.openRegistry({ name }).catch(({ code }) => code), t.name);
    assert.equal(opening, "storage_version");
  });

  test("is refused with storage_blocked while an old tab keeps a deletion waiting, and works once that is over", async (t) => {
    const [one, old] = await tabs(t, true, false);
    await one.run(page.register, "p");
    await old.run(hold, [t.name, 0, true]);
    assert.equal(await old.run(remove, t.name), "blocked");
    const refused = await one.run((name) => globalThis.longwait.openRegistry({ name }).catch(({ code }) => code), t.name);
    assert.equal(refused, "storage_blocked");
    await old.run(() => globalThis.held.close());
    await one.run(page.open, { name: t.name });
    assert.equal(await one.run(page.call, ["getProcess", "p"]), undefined);
    await one.run(page.register, "p");
  });

  for (const [way, removed] of [
    ["deleteRegistry()", (name) => globalThis.longwait.deleteRegistry(name).then(() => "removed")],
    ["other code", remove],
  ])
    test(`ends when its database is deleted in another tab by ${way}: calls, waits and runs are closed, and nothing is made anew`, async (t) => {
      const [one, other] = await tabs(t, true, false);
      await one.run(page.register, "p");
      const waiting = await one.begin(([id]) => globalThis.registry.awaiter.awaitTerminal(id).catch(({ code }) => code), ["p"]);
      await one.run(async () => {
        const { registry } = globalThis;
        await registry.registerProcess({ id: "job", input: { type: "engine", kind: "job" } });
        const began = new Promise((resolve) => {
          const runner = async ({ signal }) => {
            resolve();
            globalThis.aborted = new Promise((abort) => signal.addEventListener("abort", () => abort(signal.reason.code)));
            await globalThis.aborted;
          };
          registry.driver({ runners: { job: runner } }).start();
        });
        await began;
      });
      assert.equal(await other.run(removed, t.name), "removed");
      assert.equal(await waiting(), "closed");
      assert.match(await one.run(() => globalThis.aborted), /closed|lease_lost/);
      assert.deepEqual(await one.run(page.call, ["getProcess", "p"]), { refused: "closed" });
      await one.run(() => globalThis.registry.close());
      const names = () => indexedDB.databases().then((databases) => databases.map(({ name }) => name));
      assert.ok(!(await one.run(names)).includes(t.name), "it was made anew");
      assert.deepEqual(await one.run(page.faults), []);
    });

  test("of another program is not deleted", async (t) => {
    const [one] = await tabs(t, false);
    const code = await one.run(async (name) => {
      const request = indexedDB.open(name, 3);
      request.onupgradeneeded = () => request.result.createObjectStore("things");
      await new Promise((resolve) => (request.onsuccess = resolve));
      request.result.close();
      return globalThis.longwait.deleteRegistry(name).catch(({ code }) => code);
    }, t.name);
    assert.equal(code, "storage_failed");
    assert.equal(await one.run(hold, [t.name]), 3);
  });
});

describe("a database that is opened while the WebAssembly is loaded", () => {
  let browser;
  before(async () => (browser = await launch()));
  after(() => browser.close());

  /** A tab that opens a registry and waits for its WebAssembly, with its database opened. */
  async function halfOpen(t) {
    const one = await browser.openTab(served.url);
    t.after(() => one.close());
    await one.run(async (name) => {
      const { readable, writable } = new TransformStream();
      const wasm = new Response(readable, { headers: { "Content-Type": "application/wasm" } });
      globalThis.opening = globalThis.longwait.openRegistry({ name, wasm }).then((registry) => (globalThis.registry = registry));
      globalThis.finish = async () => (await fetch("/longwait_bg.wasm")).body.pipeTo(writable);
      globalThis.fail = () => writable.abort(new Error("offline"));
      const isThere = async () => (await indexedDB.databases()).some((database) => database.name === name && database.version > 0);
      while (!(await isThere()));
    }, t.name);
    return one;
  }

  const finish = async () => {
    await globalThis.finish();
    await globalThis.opening;
  };

  test("is the one that the registry works on", async (t) => {
    const one = await halfOpen(t);
    await one.run(() => {
      globalThis.opened = 0;
      const open = IDBFactory.prototype.open;
      IDBFactory.prototype.open = function (...given) {
        globalThis.opened += 1;
        return open.apply(this, given);
      };
    });
    await one.run(finish);
    await one.run(page.register, "p");
    assert.equal(await one.run(() => globalThis.opened), 0);
  });

  test("makes way for a deletion, and is opened again", async (t) => {
    const one = await halfOpen(t);
    assert.equal(await one.run(remove, t.name), "removed");
    await one.run(finish);
    await one.run(page.register, "p");
    assert.equal((await one.run(page.call, ["appendEvent", "p", { eventType: "note" }])).event.sequence, 1);
  });

  test("is closed when the WebAssembly cannot be loaded", async (t) => {
    const one = await halfOpen(t);
    const refused = await one.run(async () => {
      globalThis.fail();
      return globalThis.opening.catch(({ code }) => code);
    });
    assert.equal(refused, "internal");
    const version = await one.run(hold, [t.name]);
    assert.equal(await one.run(hold, [t.name, 1]), version + 1);
  });
});

describe("a browser that is killed", () => {
  // A profile for each: Chromium does not always survive a second start, as the last test shows.
  for (const round of [1, 2, 3])
    test(`keeps every append acknowledged under strict durability, and nothing half-written (${round})`, async (t) => {
      const profile = newProfile(t);
      const acknowledged = new Set();
      const { work, killed } = await victim(t, profile);
      let enough;
      const many = new Promise((resolve) => (enough = resolve));
      await work.page.exposeFunction("acknowledge", (id, sequence) => {
        acknowledged.add(`${id} ${sequence}`);
        if (acknowledged.size >= 50 * (round + 1)) enough();
      });
      await work.run(page.open, { name: "killed", durability: "strict" });
      await work.begin(async () => {
        const { registry, acknowledge } = globalThis;
        const line = async (lane) => {
          for (let n = 0; ; n++) {
            const id = `${lane}-${n}`;
            await registry.registerProcess({ id, input: { type: "external" }, eventTypes: [{ name: "note" }] });
            for (let k = 1; k <= 5; k++)
              acknowledge(id, (await registry.appendEvent(id, { eventType: "note", payload: k })).event.sequence);
            if (n % 2 === 0) await registry.completeProcess(id, { type: "success", value: n });
          }
        };
        await Promise.all([line("a"), line("b"), line("c")]);
      });
      await many;
      await killed();
      const again = await victim(t, profile);
      await again.work.run(page.open, { name: "killed" });
      await check(again.work, acknowledged, again.said);
      await again.killed();
    });

  test("in the middle of a write has its database or is said to have lost it, once it was started two times more", async (t) => {
    const profile = newProfile(t);
    const round = async (id) => {
      const { work, killed } = await victim(t, profile);
      const found = await work.run(async (id) => {
        const damages = [];
        const onCorruption = ({ code, processId, message }) => damages.push({ code, processId, message });
        const registry = await globalThis.longwait.openRegistry({ name: "killed", durability: "strict", onCorruption });
        const ids = (await registry.listProcesses()).map(({ id }) => id);
        await registry.registerProcess({ id, input: { type: "external" } });
        return { ids, damages };
      }, id);
      await killed();
      return found;
    };
    assert.deepEqual(await round("a"), { ids: [], damages: [] });
    assert.deepEqual(await round("b"), { ids: ["a"], damages: [] });
    // What a write leaves that did not come to its end.
    const log = logOf(profile);
    truncateSync(log, statSync(log).size - 20);
    const { ids, damages } = await round("c");
    assert.deepEqual([ids.filter((id) => id !== "b"), damages], [["a"], []]);
    const last = await round("d");
    if (last.damages.length === 0) return assert.deepEqual(last.ids, [...ids, "c"]);
    const [{ code, processId, message }] = last.damages;
    assert.deepEqual([last.ids, code, processId], [[], "storage_failed", undefined]);
    assert.match(message, /^the browser found the database "killed" damaged, and has deleted all that was in it \(.+\)/);
  });
});

function newProfile(t) {
  const profile = mkdtempSync(join(tmpdir(), "longwait-killed-"));
  t.after(() => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }));
  return profile;
}

/** The log of LevelDB that Chromium writes what is new in IndexedDB to. */
function logOf(profile) {
  const folder = join(profile, "Default", "IndexedDB");
  const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".log"));
  assert.equal(names.length, 1);
  return join(folder, names[0]);
}

/** Every acknowledged event is there, every log is dense, every process is whole. Where not, `said` is what the browser has written about it. */
async function check(work, acknowledged, said) {
  const processes = await work.run(async () => {
    const { registry } = globalThis;
    const records = await registry.listProcesses({ status: "any" });
    return Promise.all(records.map(async ({ id, status }) => ({ id, status, log: await registry.eventsAfter(id, 0) })));
  });
  const stored = new Set();
  for (const { id, status, log } of processes) {
    assert.deepEqual(
      log.map(({ sequence }) => sequence),
      log.map((_, n) => n + 1),
      id,
    );
    const notes = log.filter(({ eventType }) => eventType === "note");
    assert.deepEqual(
      notes.map(({ payload }) => payload),
      notes.map((_, n) => n + 1),
      id,
    );
    const ends = log.filter(({ semantics }) => semantics.terminal);
    assert.equal(ends.length, status.state === "running" ? 0 : 1, id);
    for (const { sequence } of log) stored.add(`${id} ${sequence}`);
  }
  const lost = [...acknowledged].filter((event) => !stored.has(event));
  assert.deepEqual(lost, [], `of ${acknowledged.size} acknowledged, with ${stored.size} stored\n${said.join("\n")}`);
}

/** A browser over a profile that is ours to kill. */
async function victim(t, profile) {
  const { chromium } = await import("playwright-core");
  const args = [
    ...chromiumFlags,
    "--headless",
    "--enable-logging=stderr",
    `--user-data-dir=${profile}`,
    "--remote-debugging-port=0",
    "about:blank",
  ];
  const child = spawn(chromiumPath(), args, { detached: true, stdio: ["ignore", "ignore", "pipe"] });
  const dead = once(child, "close");
  const killed = async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, "SIGKILL");
    await dead;
  };
  t.after(killed);
  const said = [];
  const address = await new Promise((listens) =>
    createInterface({ input: child.stderr }).on("line", (line) => {
      const [, address] = /^DevTools listening on (ws:\S+)$/.exec(line) ?? [];
      if (address) listens(address);
      else said.push(line);
    }),
  );
  const browser = await chromium.connectOverCDP(address);
  const [context] = browser.contexts();
  const opened = await context.newPage();
  await opened.goto(served.url);
  await opened.waitForFunction("globalThis.ready");
  return { work: tab(opened), killed, said };
}
