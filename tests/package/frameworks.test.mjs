/** `longwait/vue` and `longwait/svelte`, with the real packages in a page of happy-dom. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { Window } from "happy-dom";
import { openRegistry } from "longwait";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { external, settled, success } from "./registry.mjs";

const window = new Window();
for (const name of ["document", "navigator", "Node", "Element", "HTMLElement", "SVGElement", "MathMLElement", "Text", "Comment", "Event"])
  globalThis[name] = window[name];
globalThis.window = window;

async function open(t) {
  const registry = await openRegistry({ storage: "memory" });
  t.after(() => registry.close());
  return registry;
}

describe("Vue", async () => {
  const { createApp, createSSRApp, defineComponent, h, ref } = await import("vue");
  const { renderToString } = await import("vue/server-renderer");
  const { provideRegistry, useObserved } = await import("longwait/vue");

  const Shown = (query) =>
    defineComponent(() => {
      const seen = useObserved(query);
      return () => `${seen.value.status} ${seen.value.value?.status?.state ?? seen.value.value ?? ""}`;
    });
  const App = (source, ...children) =>
    defineComponent(() => {
      provideRegistry(source);
      return () => children.map((child) => h("p", h(child)));
    });

  function mounted(t, source, ...children) {
    const container = document.createElement("div");
    const app = createApp(App(source, ...children));
    app.mount(container);
    let isMounted = true;
    const unmount = () => isMounted && ((isMounted = false), app.unmount());
    t.after(unmount);
    return { text: () => Array.from(container.querySelectorAll("p"), ({ textContent }) => textContent), unmount };
  }

  test("shows what changes, follows its query, and lets go with the component", async (t) => {
    const opened = open(t);
    const id = ref("p");
    const page = mounted(
      t,
      opened,
      Shown(() => id.value && { type: "process", id: id.value }),
      Shown({ type: "count" }),
    );
    assert.deepEqual(page.text(), ["loading ", "loading "]);
    const registry = await opened;
    await settled();
    assert.deepEqual(page.text(), ["absent ", "present 0"]);
    for (const id of ["p", "q"]) await registry.registerProcess(external(id));
    await settled();
    assert.deepEqual(page.text(), ["present running", "present 2"]);
    await registry.completeProcess("q", success(1));
    id.value = "q";
    await settled();
    assert.deepEqual(page.text(), ["present completed", "present 1"]);
    id.value = undefined;
    await settled();
    assert.equal(page.text()[0], "absent ");
  });

  test("renders on a server what is loading", async () => {
    const { document } = globalThis;
    delete globalThis.document;
    try {
      assert.match(await renderToString(createSSRApp(App(undefined, Shown({ type: "process", id: "p" })))), /<p>loading <\/p>/);
    } finally {
      globalThis.document = document;
    }
  });
});

describe("Svelte", async () => {
  const { compile } = await import("svelte/compiler");
  const APP = `
    <script>
      import { setRegistry } from "longwait/svelte";
      import Shown from "./shown.mjs";
      let { source } = $props();
      setRegistry(source);
    </script>
    <Shown />
  `;
  const SHOWN = `
    <script>
      import { observed } from "longwait/svelte";
      const process = observed({ type: "process", id: "p" });
      const list = observed({ type: "processes", filter: { status: "any" } });
    </script>
    <p>{$process.status} {$process.value?.status.state} {$list.value?.length}</p>
  `;

  /** Compiled for a browser or a server, in a folder from where the packages are found. */
  async function component(t, generate) {
    const folder = inRepo("build", `svelte-${generate}`);
    mkdirSync(folder, { recursive: true });
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    for (const [name, source] of Object.entries({ app: APP, shown: SHOWN }))
      writeFileSync(`${folder}/${name}.mjs`, compile(source, { generate, filename: `${name}.svelte` }).js.code);
    return (await import(pathToFileURL(`${folder}/app.mjs`))).default;
  }

  test("shows what changes, by a store", async (t) => {
    const opened = open(t);
    const { observed } = await import("longwait/svelte");
    const seen = [];
    const end = observed({ type: "count" }, opened).subscribe(({ status, value }) => seen.push(value ?? status));
    t.after(end);
    const registry = await opened;
    await settled();
    await registry.registerProcess(external("p"));
    await settled();
    assert.deepEqual(seen, ["loading", 0, 1]);
  });

  test("renders on a server what is loading", async (t) => {
    const { render } = await import("svelte/server");
    const App = await component(t, "server");
    const { document } = globalThis;
    delete globalThis.document;
    try {
      assert.match((await render(App, { props: { source: undefined } })).body, /<p>loading/);
    } finally {
      globalThis.document = document;
    }
  });
});
