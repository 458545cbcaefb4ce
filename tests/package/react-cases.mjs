/** What holds of `longwait/react`, with whichever React is found by its name. A page of happy-dom; the registry is in memory. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Window } from "happy-dom";
import { defineProcess, openRegistry } from "longwait";
import { eventTypes, external, quietConsole, settled, success } from "./registry.mjs";

const noted = (id, more) => external(id, { eventTypes, ...more });

export async function cases(version) {
  const window = new Window();
  Object.assign(globalThis, { window, document: window.document, navigator: window.navigator, IS_REACT_ACT_ENVIRONMENT: true });
  const React = await import("react");
  const { createRoot, hydrateRoot } = await import("react-dom/client");
  const { renderToString } = await import("react-dom/server");
  const hooks = await import("longwait/react");
  const { createElement: h, act, memo, StrictMode, Suspense, Component } = React;
  const { RegistryProvider, Driver } = hooks;

  test("this is the React that is meant", () => assert.equal(React.version.split(".")[0], version));

  const mounted = new Set();

  /** A registry of the test's own, closed after it, and after what shows it is gone. */
  async function open(t) {
    const registry = await openRegistry({ storage: "memory" });
    t.after(async () => {
      for (const unmount of mounted) await unmount();
      await registry.close();
    });
    return registry;
  }

  /** Renders into a page of its own, within a provider. */
  async function render(t, registry, ...children) {
    const container = document.createElement("div");
    const root = createRoot(container);
    const unmount = async () => {
      if (mounted.delete(unmount)) await act(async () => (root.unmount(), await settled()));
    };
    mounted.add(unmount);
    t.after(unmount);
    const show = (...children) => act(async () => (root.render(h(RegistryProvider, { registry }, ...children)), await settled()));
    const showBare = (element) => act(async () => (root.render(element), await settled()));
    if (children.length > 0) await show(...children);
    return { root, container, text: () => container.textContent, show, showBare, unmount };
  }

  /** A component that shows what `use` gives, and counts how often it is rendered. */
  function shows(use, words = (value) => JSON.stringify(value)) {
    function Shown(props) {
      const value = use(props);
      Shown.renders++;
      Shown.last = value;
      return words(value);
    }
    Shown.renders = 0;
    Shown.rendered = () => [Shown.renders, (Shown.renders = 0)][0];
    return Shown;
  }

  const changed = (work) => act(async () => (await work(), await settled()));
  const progress = (payload) => ({ eventType: "progress", payload });

  describe("useProcess", () => {
    test("renders once when the record is read, once for each change, and not for changes of others", async (t) => {
      const registry = await open(t);
      for (const id of ["p", "q"]) await registry.registerProcess(noted(id));
      const Shown = shows(
        () => hooks.useProcess("p"),
        ({ status, value }) => `${status} ${value?.status.state ?? ""}`,
      );
      const page = await render(t, registry, h(Shown));
      assert.deepEqual([page.text(), Shown.rendered()], ["present running", 2]);
      await changed(() => registry.appendEvent("q", progress(1)));
      assert.equal(Shown.rendered(), 0);
      await changed(() => registry.completeProcess("p", success(1)));
      assert.deepEqual([page.text(), Shown.rendered()], ["present completed", 1]);
    });

    test("of a part of the record renders when that part changes, and not for the rest of it", async (t) => {
      const registry = await open(t);
      await registry.registerProcess(noted("p"));
      const Shown = shows(() => hooks.useProcess("p", { select: ({ status }) => ({ of: status.state }) }));
      const page = await render(t, registry, h(Shown));
      Shown.rendered();
      await changed(() => registry.appendEvent("p", progress(1)));
      assert.equal(Shown.rendered(), 0);
      await changed(() => registry.completeProcess("p", success(1)));
      assert.deepEqual([page.text(), Shown.rendered()], [`{"status":"present","value":{"of":"completed"}}`, 1]);
    });

    test("follows its id, and is absent without one", async (t) => {
      const registry = await open(t);
      for (const id of ["p", "q"]) await registry.registerProcess(noted(id));
      const Shown = shows(
        ({ id }) => hooks.useProcess(id),
        ({ status, value }) => `${status} ${value?.id}`,
      );
      const page = await render(t, registry, h(Shown, {}));
      assert.equal(page.text(), "absent undefined");
      await page.show(h(Shown, { id: "p" }));
      assert.equal(page.text(), "present p");
      await page.show(h(Shown, { id: "q" }));
      assert.equal(page.text(), "present q");
    });
  });

  describe("useProcesses", () => {
    test("renders the one row that changed, and the list once", async (t) => {
      const registry = await open(t);
      for (let n = 0; n < 20; n++) await registry.registerProcess(noted(`p${n}`));
      const rendered = [];
      const Row = memo(({ record }) => (rendered.push(record.id), record.status.state));
      const List = shows(
        () => hooks.useProcesses({ filter: { status: "any" }, order: "newest", limit: 10 }),
        ({ value = [] }) => value.map((record) => h(Row, { key: record.id, record })),
      );
      await render(t, registry, h(List));
      assert.deepEqual([rendered.splice(0).length, List.rendered()], [10, 2]);
      await changed(() => registry.appendEvent("p15", progress(1)));
      assert.deepEqual([rendered.splice(0), List.rendered()], [["p15"], 1]);
      await changed(() => registry.appendEvent("p2", progress(1)));
      assert.deepEqual([rendered, List.rendered()], [[], 0]);
    });

    test("shows another page behind the first one, which stays", async (t) => {
      const registry = await open(t);
      for (let n = 0; n < 5; n++) await registry.registerProcess(noted(`p${n}`));
      const seen = [];
      const List = shows(
        (props) => {
          const list = hooks.useProcesses({ limit: 2, ...props });
          seen.push([list.status, list.value?.length, list.hasMore]);
          return list;
        },
        ({ value = [] }) => value.map(({ id }) => id).join(),
      );
      const page = await render(t, registry, h(List));
      assert.equal(page.text(), "p0,p1");
      seen.length = 0;
      await changed(() => List.last.loadMore());
      assert.deepEqual([page.text(), List.last.hasMore], ["p0,p1,p2,p3", true]);
      assert.ok(seen.every(([status, length]) => status === "present" && length >= 2));
      await changed(() => List.last.loadMore());
      await changed(() => List.last.loadMore());
      assert.deepEqual([page.text(), List.last.hasMore], ["p0,p1,p2,p3,p4", false]);
      await page.show(h(List, { order: "newest" }));
      assert.equal(page.text(), "p4,p3");
    });
  });

  test("counts, events, results and streams are shown as they change", async (t) => {
    const registry = await open(t);
    const talk = defineProcess({ kind: "talk", output: true, events: { said: true } });
    const run = talk.implement(async ({ append, stream, waitForSignal }) => {
      const out = await stream("words");
      await out.append("one");
      await out.flush();
      await append({ eventType: "said", payload: "hello" });
      await waitForSignal("end");
      return "done";
    });
    const Shown = shows(
      () => [
        hooks.useCount(talk),
        hooks.useProcessEvents(talk, "t", { types: ["said"], last: 1 }),
        hooks.useLatestEvent(talk, "t", "said"),
        hooks.useResult(talk, "t"),
        hooks.useStream("t", "words", { throttleMs: 0 }),
      ],
      () => "",
    );
    await render(t, registry, h(Shown), h(Driver, { processes: [run] }));
    assert.deepEqual(
      Shown.last.map(({ status, value }) => value ?? status),
      [0, "absent", "absent", "absent", "absent"],
    );
    await changed(() => registry.start(talk, null, { id: "t" }));
    await changed(() => registry.awaitEvent("t", "said"));
    const [count, events, latest, result, stream] = Shown.last;
    assert.deepEqual([count.value, events.value[0].payload, latest.value.payload, result.status], [1, "hello", "hello", "running"]);
    assert.deepEqual(stream.value.values, ["one"]);
    await changed(async () => (await registry.signal("t", "end"), await registry.awaitTerminal("t")));
    assert.deepEqual([Shown.last[0].value, Shown.last[3].value], [0, "done"]);
  });

  test("useStart starts, and shows that it does and what keeps it from it; the function stays the same", async (t) => {
    const registry = await open(t);
    const upload = defineProcess({ kind: "upload", input: { type: "object", required: ["url"] } });
    const Shown = shows(
      () => hooks.useStart(upload),
      ({ isPending, error, handle }) => `${isPending} ${error?.code} ${handle?.id}`,
    );
    const page = await render(t, registry, h(Shown));
    const { start } = Shown.last;
    await act(async () => {
      const starting = start({ url: "/" }, { id: "u" });
      await settled();
      assert.equal((await starting).id, "u");
    });
    assert.equal(page.text(), "false undefined u");
    await changed(() => void start({})); // Not caught, and no unhandled rejection.
    assert.equal(page.text(), "false invalid_payload undefined");
    assert.equal(Shown.last.start, start);
  });

  test("useSignal sends what a definition allows", async (t) => {
    const registry = await open(t);
    const ask = defineProcess({ kind: "ask", signals: { answer: { type: "boolean" } } });
    await registry.start(ask, null, { id: "a" });
    const Shown = shows(
      () => hooks.useSignal(ask, "a"),
      () => "",
    );
    await render(t, registry, h(Shown));
    await Shown.last("answer", true);
    await assert.rejects(Shown.last("answer", 1), { code: "invalid_payload" });
    assert.deepEqual(
      (await registry.eventsAfter("a", 0)).map(({ eventType, payload }) => [eventType, payload]),
      [["signal.answer", true]],
    );
  });

  describe("useSuspenseProcess", () => {
    const Shown = ({ id }) => hooks.useSuspenseProcess(id)?.id ?? "none";
    const within = (...children) => h(Suspense, { fallback: "waiting" }, ...children);

    test("shows the fallback, then the record, and undefined where there is none", async (t) => {
      let opened;
      const registry = new Promise((resolve) => (opened = resolve));
      const page = await render(t, registry, within(h(Shown, { id: "p" }), " ", h(Shown, { id: "q" })));
      assert.equal(page.text(), "waiting");
      const real = await open(t);
      await real.registerProcess(noted("p"));
      await changed(() => opened(real));
      assert.equal(page.text(), "p none");
      await changed(() => real.registerProcess(noted("q")));
      assert.equal(page.text(), "p q");
    });

    test("waits again for what was let go of in between", async (t) => {
      t.mock.timers.enable({ apis: ["setTimeout"] });
      const registry = await open(t);
      await registry.registerProcess(noted("p"));
      let reads = 0;
      const counting = { ...registry, getProcess: (id) => (reads++, registry.getProcess(id)) };
      const page = await render(t, counting, within(h(Shown, { id: "p" })));
      assert.deepEqual([page.text(), reads], ["p", 1]);
      const show = (child) => act(async () => (page.root.render(h(RegistryProvider, { registry: counting }, child)), await settled()));
      await show("nothing");
      t.mock.timers.tick(2_000);
      await registry.deleteProcess("p", { force: true });
      await settled();
      assert.equal(reads, 1);
      await show(within(h(Shown, { id: "p" })));
      assert.deepEqual([page.text(), reads], ["none", 2]);
    });

    test("gives what kept it from being read to an error boundary", async (t) => {
      quietConsole(t);
      class Boundary extends Component {
        state = {};
        static getDerivedStateFromError = (error) => ({ error });
        render = () => this.state.error?.code ?? this.props.children;
      }
      const registry = await open(t);
      await registry.close();
      const page = await render(t, registry, h(Boundary, {}, within(h(Shown, { id: "p" }))));
      assert.equal(page.text(), "closed");
    });
  });

  describe("the provider", () => {
    const Registry = shows(hooks.useRegistry, (registry) => (registry ? registry.name : "none"));

    /** Resolves once a registry is closed. */
    const closing = (registry) => assert.rejects(registry.hub.subscribe("any").changed(), { code: "closed" });

    test("opens a registry once in strict mode, and closes it when it is gone", async (t) => {
      const page = await render(t);
      const element = () => h(StrictMode, {}, h(RegistryProvider, { open: { storage: "memory", name: "mine" } }, h(Registry)));
      await page.showBare(element());
      assert.equal(page.text(), "mine");
      const first = Registry.last;
      await page.showBare(element());
      assert.equal(Registry.last, first);
      const end = closing(first);
      await page.unmount();
      await end;
    });

    test("opens another registry for other options, and closes the one before", async (t) => {
      const page = await render(t);
      const element = (name) => h(RegistryProvider, { open: { storage: "memory", name } }, h(Registry));
      await page.showBare(element("one"));
      const end = closing(Registry.last);
      await page.showBare(element("two"));
      assert.equal(page.text(), "two");
      await end;
    });

    test("opens another registry for another address of the WebAssembly", async (t) => {
      const page = await render(t);
      const element = (wasm) => h(RegistryProvider, { open: { storage: "memory", wasm: new URL(wasm) } }, h(Registry));
      await page.showBare(element("https://example.test/1"));
      const end = closing(Registry.last);
      await page.showBare(element("https://example.test/2"));
      await end;
    });

    test("leaves a registry open that it was given", async (t) => {
      const registry = await open(t);
      const page = await render(t, registry, h(Registry));
      await page.unmount();
      assert.equal(await registry.getProcess("p"), undefined);
    });

    test("shows what keeps a registry from being opened, and still renders what has no use for it", async (t) => {
      const reported = quietConsole(t);
      const page = await render(t);
      const Shown = shows(
        () => [hooks.useRegistry(), hooks.useProcesses().error, hooks.useProcess("p").error],
        ([registry, ...errors]) => `${registry} ${errors.map((error) => error?.code)}`,
      );
      await page.showBare(h(RegistryProvider, { open: {} }, h(Driver, { processes: [] }), h(Shown)));
      assert.equal(page.text(), "undefined storage_unavailable,storage_unavailable");
      assert.deepEqual(
        reported.map(([{ code }]) => code),
        ["storage_unavailable"],
      );
    });

    test("is missed in words", async (t) => {
      quietConsole(t);
      const page = await render(t);
      await assert.rejects(async () => page.showBare(h(Registry)), /no RegistryProvider/);
    });
  });

  test("a process that is shown by two components in strict mode is read once", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(noted("p"));
    let reads = 0;
    const counting = { ...registry, getProcess: (id) => (reads++, registry.getProcess(id)) };
    const Shown = shows(() => hooks.useProcess("p"));
    await render(t, counting, h(StrictMode, {}, h(Shown), h(Shown)));
    assert.equal(reads, 1);
  });

  describe("a driver", () => {
    const watched = (registry) => {
      const drivers = [];
      const driver = (options) => {
        const made = registry.driver(options);
        const one = { options, isStarted: false };
        drivers.push(one);
        return {
          ...made,
          start: () => ((one.isStarted = true), made.start()),
          stop: () => ((one.isStarted = false), made.stop()),
        };
      };
      return { registry: { ...registry, driver }, running: () => drivers.filter(({ isStarted }) => isStarted), drivers };
    };
    const job = defineProcess({ kind: "job" });

    test("is one in strict mode, stays with options that are alike, and is replaced for another implementation", async (t) => {
      const { registry, running, drivers } = watched(await open(t));
      const [first, second] = ["first", "second"].map((version) => job.implement(() => version));
      const page = await render(t, registry, h(StrictMode, {}, h(Driver, { processes: [first], concurrency: 2 })));
      assert.equal(running().length, 1);
      const made = drivers.length;
      await page.show(h(StrictMode, {}, h(Driver, { processes: [first], concurrency: 2 })));
      assert.equal(drivers.length, made);
      assert.equal(await registry.execute(job, null), "first");
      await page.show(h(StrictMode, {}, h(Driver, { processes: [second], concurrency: 2 })));
      assert.deepEqual(
        running().map(({ options }) => options.processes),
        [[second]],
      );
      assert.equal(await registry.execute(job, null), "second");
      await page.unmount();
      assert.deepEqual(running(), []);
    });
  });

  describe("on a server", () => {
    const Shown = () => {
      const { status } = hooks.useProcess("p");
      const list = hooks.useProcesses();
      const result = hooks.useResult("p");
      return `${status} ${list.status} ${result.status}`;
    };
    const app = (registry) => h(RegistryProvider, { registry }, h("main", {}, h(Shown)));

    test("everything is loading, nothing is opened, and the page takes that over without a complaint", async (t) => {
      const complaints = quietConsole(t);
      const html = renderToString(h(RegistryProvider, { open: { name: "never" } }, h("main", {}, h(Shown))));
      assert.equal(html, "<main>loading loading loading</main>");
      assert.equal(renderToString(app(undefined)), html);
      const registry = await open(t);
      await registry.registerProcess(noted("p"));
      const container = document.createElement("div");
      container.innerHTML = html;
      let root;
      await act(async () => ((root = hydrateRoot(container, app(registry))), await settled()));
      t.after(() => act(async () => root.unmount()));
      assert.equal(container.textContent, "present present running");
      assert.deepEqual(complaints, []);
    });

    test("what waits with Suspense renders its fallback", (t) => {
      quietConsole(t);
      const { document } = globalThis;
      delete globalThis.document;
      t.after(() => (globalThis.document = document));
      const Waits = () => hooks.useSuspenseProcess("p").id;
      const html = renderToString(h(RegistryProvider, { open: {} }, h(Suspense, { fallback: "waiting" }, h(Waits))));
      assert.match(html, /waiting/);
    });
  });
}
