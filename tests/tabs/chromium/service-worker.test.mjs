/** A service worker that finishes what pages left: Chromium's protocol sends it the events of the browser. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as page from "../page.mjs";
import { until } from "../../support/until.mjs";
import { tabsForSuite } from "../playwright.mjs";

const success = (value) => ({ type: "success", value });
const IN_WORKER = success("ServiceWorkerGlobalScope");

/** In a page: registers the worker and waits until it is active. */
const install = async ([scope, options]) => {
  const worker = `/syncs.js?${new URLSearchParams(options)}`;
  globalThis.worker = await navigator.serviceWorker.register(worker, { type: "module", scope });
  const { installing, waiting, active } = globalThis.worker;
  const one = installing ?? waiting ?? active;
  if (one.state === "activated") return;
  await new Promise((activated) =>
    one.addEventListener("statechange", () => {
      if (one.state === "activated") activated();
    }),
  );
};

/** In a page with the worker: what a sweep of it did, which comes behind those that events began. */
const sweep = () => {
  const { port1, port2 } = new MessageChannel();
  globalThis.worker.active.postMessage("sweep", [port2]);
  return new Promise((answered) => (port1.onmessage = ({ data }) => answered(data)));
};

describe("a service worker", () => {
  const tabs = tabsForSuite();
  let scopes = 0;

  /** A tab over the test's database with a worker in a scope of its own, and the events that can be sent to that. */
  async function having(t, options = {}) {
    const beside = await tabs.blank(t);
    const protocol = await tabs.browser.context.newCDPSession(beside.page);
    const path = `/scope-${++scopes}/`;
    const [found, versions] = [{}, new Map()];
    const registered = new Promise((resolve) =>
      protocol.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
        const own = registrations.find(({ scopeURL }) => new URL(scopeURL).pathname === path);
        if (own) resolve((found.id = own.registrationId));
      }),
    );
    protocol.on("ServiceWorker.workerVersionUpdated", (event) => {
      for (const version of event.versions) versions.set(version.registrationId, version.versionId);
    });
    await protocol.send("ServiceWorker.enable");
    const origin = tabs.url;
    const send = async (method, more = {}) =>
      protocol.send(`ServiceWorker.${method}`, { origin, registrationId: await registered, ...more });
    return {
      beside,
      install: (tab, more = {}) => tab.run(install, [path, { name: t.name, events: "sync,periodicsync,push", ...options, ...more }]),
      sync: (tag = "longwait") => send("dispatchSyncEvent", { tag, lastChance: false }),
      periodicSync: (tag = "longwait") => send("dispatchPeriodicSyncEvent", { tag }),
      push: () => send("deliverPushMessage", { data: "work" }),
      stop: () => protocol.send("ServiceWorker.stopWorker", { versionId: versions.get(found.id) }),
    };
  }

  /** A tab with the worker. */
  async function installed(t, options) {
    const [tab, worker] = [await tabs.opened(t), await having(t, options)];
    await worker.install(tab);
    return [tab, worker];
  }

  test("finishes what a page registered offline that is closed", async (t) => {
    const { context } = tabs.browser;
    t.after(() => context.setOffline(false));
    const [tab, worker] = await installed(t);
    // The WebAssembly is there then.
    await tab.run(sweep);
    await context.setOffline(true);
    await tab.run(page.work, ["before", "where"]);
    await tab.run(async () => {
      await globalThis.registry.registerProcess({ id: "p", input: { type: "engine", kind: "fetches" }, requires: "network", retry: {} });
    });
    // What requires no network is run; what does is not begun, and so no attempt is spent.
    const { started, left } = await tab.run(sweep);
    assert.deepEqual({ started, left }, { started: ["before"], left: true });
    await tab.close();
    await context.setOffline(false);
    await worker.sync();
    const other = await tabs.opened(t);
    assert.deepEqual(await other.run(page.end, "p"), success(200));
    assert.deepEqual(
      (await other.run(page.call, ["eventsAfter", "p", 0])).map(({ eventType }) => eventType),
      ["process.completed"],
    );
  });

  test("is woken by the browser when it is online again, as the page asked when it was not", async (t) => {
    const { context } = tabs.browser;
    t.after(() => context.setOffline(false));
    const [tab] = await installed(t);
    await tab.run(sweep);
    const asked = await tab.run(async () => {
      const { requestSync } = await import("/service-worker.js");
      const { sync, periodicSync } = await requestSync(globalThis.registry, { registration: globalThis.worker, periodicMs: 3_600_000 });
      return { sync, periodicSync };
    });
    assert.deepEqual(asked, { sync: true, periodicSync: false });
    await context.setOffline(true);
    await tab.run(async () => {
      await globalThis.registry.registerProcess({ id: "p", input: { type: "engine", kind: "fetches" }, requires: "network", retry: {} });
    });
    await until(tab.page, async () => (await globalThis.worker.sync.getTags()).includes("longwait"));
    await tab.close();
    await context.setOffline(false);
    const other = await tabs.opened(t);
    assert.deepEqual(await other.run(page.end, "p"), success(200));
  });

  test("finishes at once what a page was running that is closed", async (t) => {
    const [tab] = await installed(t);
    const heir = await tabs.opened(t);
    await tab.run(async () => {
      const { registry } = globalThis;
      const second = async ({ step }) => {
        await step("first", () => "page");
        return new Promise(() => {});
      };
      registry.driver({ runners: { second } }).start();
      await registry.registerProcess({ id: "p", input: { type: "engine", kind: "second" } });
      await registry.awaitEvent("p", "process.step");
      const { requestSync } = await import("/service-worker.js");
      await requestSync(registry, { registration: globalThis.worker });
    });
    await tab.close();
    assert.deepEqual(await heir.run(page.end, "p"), success({ attempt: 2, first: "page" }));
  });

  test("is asked for when a page goes away that leaves work, and only then", async (t) => {
    const asked = await tabs.opened(t);
    /** How often a page has asked that went away, with processes of these kinds. */
    const times = async (...kinds) => {
      const tab = await tabs.opened(t, { name: `${t.name}: ${kinds}` });
      for (const kind of kinds) await tab.run(page.work, [kind, kind]);
      await tab.run(async () => {
        const { requestSync } = await import("/service-worker.js");
        localStorage.setItem("asked", 0);
        const register = async () => localStorage.setItem("asked", Number(localStorage.getItem("asked")) + 1);
        await requestSync(globalThis.registry, { registration: { unregister() {}, sync: { register } } });
      });
      assert.equal(await asked.run(() => localStorage.getItem("asked")), "0");
      await tab.page.goto(`${tabs.url}elsewhere`);
      return asked.run(() => Number(localStorage.getItem("asked")));
    };
    assert.equal(await times(), 0);
    assert.equal(await times("where"), 1);
  });

  for (const [name, send] of [
    ["sync", (worker) => worker.sync()],
    ["periodicsync", (worker) => worker.periodicSync()],
    ["push", (worker) => worker.push()],
  ])
    test(`sweeps on ${name}`, async (t) => {
      const [tab, worker] = await installed(t);
      await tab.run(page.work, ["p", "where"]);
      await tab.close();
      await send(worker);
      const other = await tabs.opened(t);
      assert.deepEqual(await other.run(page.end, "p"), IN_WORKER);
    });

  test("sweeps on activate", async (t) => {
    const [tab, worker] = [await tabs.opened(t), await having(t)];
    await tab.run(page.work, ["p", "where"]);
    await worker.install(tab, { events: "activate" });
    assert.deepEqual(await tab.run(page.end, "p"), IN_WORKER);
  });

  test("does not sweep on events with another tag", async (t) => {
    const [tab, worker] = await installed(t);
    await tab.run(page.work, ["p", "where"]);
    await worker.sync("other");
    await worker.periodicSync("other");
    assert.deepEqual((await tab.run(sweep)).started, ["p"]);
  });

  test("that has nothing to do looks once", async (t) => {
    const [tab] = await installed(t);
    assert.deepEqual(await tab.run(sweep), { started: [], left: false, transactions: ["readonly"] });
    await tab.run(page.work, ["p", "where"]);
    await tab.run(sweep);
    assert.deepEqual(await tab.run(sweep), { started: [], left: false, transactions: ["readonly"] });
  });

  test("never runs a process while a page runs it", async (t) => {
    const [tab, worker] = await installed(t);
    const ids = Array.from({ length: 60 }, (_, n) => `p${n}`);
    await tab.run(
      async ([ids, name]) => {
        const { registry } = globalThis;
        // The page holds what it has begun until the worker runs something, so that both are at work.
        const begun = Promise.withResolvers();
        const { promise: worker, resolve } = Promise.withResolvers();
        new BroadcastChannel(`runs ${name}`).onmessage = resolve;
        const alone = ({ process, step }) =>
          navigator.locks.request(`run ${process.id}`, { ifAvailable: true }, async (lock) => {
            if (lock === null) return "not alone";
            begun.resolve();
            await worker;
            for (const key of ["a", "b", "c"]) await step(key, () => null);
            return "page";
          });
        globalThis.driver = registry.driver({ runners: { alone }, concurrency: 4 });
        await Promise.all(ids.map((id) => registry.registerProcess({ id, input: { type: "engine", kind: "alone" } })));
        globalThis.driver.start();
        await begun.promise;
      },
      [ids, t.name],
    );
    await Promise.all([worker.sync(), worker.push(), worker.periodicSync()]);
    const places = new Set();
    for (const id of ids) {
      places.add((await tab.run(page.end, id)).value);
      const types = (await tab.run(page.call, ["eventsAfter", id, 0])).map(({ eventType }) => eventType);
      assert.deepEqual(types, ["process.step", "process.step", "process.step", "process.completed"]);
    }
    assert.deepEqual([...places].sort(), ["page", "worker"]);
  });

  test("that is killed leaves its work to the next event, which repeats no step", async (t) => {
    const [tab, worker] = await installed(t);
    await tab.run(page.work, ["p", "second"]);
    await worker.sync();
    const { payload } = await tab.run((id) => globalThis.registry.awaitEvent(id, "process.step"), "p");
    await worker.stop();
    await worker.sync();
    assert.deepEqual(await tab.run(page.end, "p"), success({ attempt: 2, first: payload.value }));
  });

  test("ends its sweep in time, and gives back what it has not finished: another one may have it at once", async (t) => {
    const [tab] = await installed(t, { budgetMs: 500 });
    await tab.run(page.work, ["p", "hold"]);
    const { started, left } = await tab.run(sweep);
    assert.deepEqual({ started, left }, { started: ["p"], left: true });
    const claim = await tab.run(() => globalThis.registry.claimProcessLease("p", globalThis.registry.owner, 60_000));
    assert.deepEqual([claim.outcome, claim.lease?.fencingToken], ["acquired", 2]);
  });

  test("does not wait for what waits for an answer, and makes the next attempt of what fails", async (t) => {
    const [tab] = await installed(t);
    await tab.run(page.work, ["asks", "answered"]);
    await tab.run(async () => {
      const retry = { initialIntervalMs: 1 };
      await globalThis.registry.registerProcess({ id: "fails", input: { type: "engine", kind: "flaky" }, retry });
    });
    const { started, left } = await tab.run(sweep);
    assert.deepEqual({ started, left }, { started: ["asks", "fails"], left: false });
    assert.deepEqual(await tab.run(page.end, "fails"), success(2));
    await tab.run(() => globalThis.registry.signal("asks", "answer", "yes"));
    await tab.run(sweep);
    assert.deepEqual(await tab.run(page.end, "asks"), success("yes"));
  });

  test("says why it cannot sweep", async (t) => {
    const [tab] = await installed(t, { name: " " });
    const { code, message } = await tab.run(sweep);
    assert.equal(code, "invalid_argument");
    assert.match(message, /options\.name/);
  });
});
