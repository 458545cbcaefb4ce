/**
 * What the samples of the documentation need that their pages do not show: page → heading → need. Under "*" all samples of a page
 * are one program.
 *
 * - `runs`: `"node"`, `"chromium"`, or the test that takes the sample from the page and runs it.
 * - `beside`: modules that the sample imports.
 * - `before`, `after`: code around the sample, which sets its scene and prints what became of it.
 * - `files`: the names of the samples under one heading, where each is a module; the last one is the program.
 * - `prints`: what the program prints, where the page has no block of `text` that says so.
 */
import { readFileSync, readdirSync } from "node:fs";

const reports = {
  "reports.ts": `
    export const write = async (topic: string, _: { signal: AbortSignal }): Promise<string> => "about " + topic;
    export const publish = async (draft: string): Promise<string> => "published: " + draft;
  `,
};

const natsReports = {
  "reports.ts": `
    import { defineProcess } from "longwait";
    export const reports = defineProcess<{ month: string }, string>({ kind: "report" });
    export const report = reports.implement(({ input }) => "the report of " + input.month);
  `,
};

/** A model of the AI SDK, which calls the first tool that it is given, and then says a word. */
const model = {
  "model.ts": `
    import { MockLanguageModelV4 } from "ai/test";
    const usage = { inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 }, outputTokens: { total: 1, text: 1, reasoning: 0 } };
    export const model = new MockLanguageModelV4({
      async doStream({ prompt, tools }) {
        const [tool] = prompt.some(({ role }) => role === "tool") ? [] : (tools ?? []);
        const stream = new ReadableStream({
          start(controller) {
            controller.enqueue({ type: "stream-start", warnings: [] });
            if (tool) controller.enqueue({ type: "tool-call", toolCallId: "call-1", toolName: tool.name, input: JSON.stringify({ to: "Ann" }) });
            else {
              controller.enqueue({ type: "text-start", id: "0" });
              controller.enqueue({ type: "text-delta", id: "0", delta: "Done." });
              controller.enqueue({ type: "text-end", id: "0" });
            }
            controller.enqueue({ type: "finish", usage, finishReason: { unified: tool ? "tool-calls" : "stop", raw: undefined } });
            controller.close();
          },
        });
        return { stream };
      },
      doGenerate: async () => ({ content: [{ type: "text", text: "Dear Ann" }], finishReason: { unified: "stop", raw: undefined }, usage, warnings: [] }),
    });
  `,
};

const runners = {
  "runners.ts": `
    import type { DriverOptions } from "longwait";
    export const runners: NonNullable<DriverOptions["runners"]> = {
      async report({ process, step, waitForSignal }) {
        const { topic } = (process.input as unknown as { payload: { topic: string } }).payload;
        const draft = await step("draft", () => "about " + topic);
        await waitForSignal("review");
        return await step("publish", () => "published: " + draft);
      },
    };
  `,
};

/** The graph of docs/langgraph.md. Its last node hangs where the page says so. */
const mailGraph = `
  import { Annotation, END, interrupt, START, StateGraph } from "@langchain/langgraph/web";
  declare const called: (name: string) => Promise<void>;
  declare const globalThis: { hanging?: string; hangs?: boolean };
  const Mail = Annotation.Root({ topic: Annotation<string>, draft: Annotation<string>, answer: Annotation<string>, sent: Annotation<string> });
  export const mailGraph = new StateGraph(Mail)
    .addNode("compose", async ({ topic }) => (await called("write"), { draft: "about " + topic }))
    .addNode("ask", ({ draft }) => ({ answer: interrupt<string, string>(draft) }))
    .addNode("deliver", async ({ draft, answer }) => {
      await called("send");
      globalThis.hangs = globalThis.hanging === "deliver";
      if (globalThis.hangs) await new Promise(() => {});
      return { sent: answer === "yes" ? "sent: " + draft : "nothing" };
    })
    .addEdge(START, "compose")
    .addEdge("compose", "ask")
    .addEdge("ask", "deliver")
    .addEdge("deliver", END);
`;

/** The samples of the pages in docs/errors, which have the registry in common. */
const errors = (code, more = {}) => ({
  [`docs/errors/${code}.md`]: {
    "*": {
      runs: "node",
      before: `
        import { defineProcess, isProcessError, openRegistry } from "longwait";
        const registry = await openRegistry({ storage: "memory" });
      `,
      after: `\nawait registry.close();`,
      ...more,
    },
  },
});

const codes = readdirSync(new URL("../../docs/errors", import.meta.url)).map((name) => name.replace(/\.md$/, ""));

export const needs = {
  "README.md": {
    "Ten lines": { runs: "node" },
    "Show it": {
      runs: "node",
      files: ["program.tsx"],
      beside: {
        "reports.ts": `
          import { defineProcess } from "longwait";
          export const reports = defineProcess<{ topic: string }, string>({ kind: "report" });
          export const report = reports.implement(({ input }) => input.topic);
        `,
      },
      before: `import { renderToString } from "react-dom/server";\n`,
      after: `console.log(renderToString(<App />));`,
      prints: "<button>Write one</button>\n",
    },
    "Have it run": {
      runs: "node",
      beside: reports,
      after: `await registry.close();`,
      prints: "published: about tides\n",
    },
  },
  "site/index.md": {
    "In a few lines": {
      runs: "node",
      before: `
        import "fake-indexeddb/auto";
        const place = async (item: string) => "2 " + item;
        const send = async (id: string) => id + ", on their way";
      `,
      after: `await registry.close();`,
      prints: "2 tickets, on their way\n",
    },
  },
  "docs/testing.md": { "*": { runs: "tests/package/testing.test.mjs" } },
  "docs/start.md": {
    "The page": { runs: "tests/docs/start.test.mjs" },
    "The same page with React": { runs: "tests/docs/start.test.mjs", files: ["program.tsx"] },
  },
  "docs/concepts.md": {
    "A process is a row": {
      runs: "node",
      before: `import { openRegistry } from "longwait"; const registry = await openRegistry({ storage: "memory" });`,
      after: `console.log((await registry.getProcess("report-2031-05"))?.identity.kind);`,
      prints: "report\n",
    },
    "A driver runs processes": {
      runs: "node",
      before: `
        import { openRegistry } from "longwait";
        const registry = await openRegistry({ storage: "memory" });
        globalThis.fetch = async () => Response.json([1, 2, 3]);
      `,
      after: `
        await registry.registerProcess({ id: "r", input: { type: "engine", kind: "report", payload: { month: "2031-05" } } });
        console.log(await driver.awaitTerminal("r"));
        await registry.close();
      `,
      prints: "{ type: 'success', value: 3 }\n",
    },
  },
  "docs/patterns.md": { "*": { runs: "node" } },
  "docs/retries.md": {
    "*": {
      runs: "node",
      before: `
        let charges = 0;
        globalThis.fetch = async (_, request) => {
          const key = new Headers(request?.headers).get("Idempotency-Key");
          const answers = [
            new Response("", { status: 503, headers: { "Retry-After": "0" } }),
            new Response("", { status: 500 }),
            new Response("charged under " + key),
          ];
          return answers[charges++]!;
        };
      `,
    },
  },
  "docs/time.md": { "*": { runs: "node" } },
  "docs/streams.md": { "*": { runs: "node" } },
  "docs/one-at-a-time.md": { "*": { runs: "node" } },
  "docs/children.md": { "*": { runs: "node" } },
  "docs/code-changes.md": { "*": { runs: "node" } },
  "docs/versions.md": { "*": { runs: "node" } },
  "docs/definitions.md": { "*": { runs: "node" } },
  "docs/housekeeping.md": { "*": { runs: "node" } },
  "docs/export.md": {
    "*": { runs: "node", after: `\nfor (const registry of [laptop, desktop, phone, restored]) await registry.close();` },
  },
  "docs/nats.md": {
    "Open it": { runs: "tests/nats/samples.test.mjs", beside: natsReports },
    "Hand work to a server": { runs: "tests/nats/samples.test.mjs", beside: natsReports },
    "An account for each tenant": {
      runs: "tests/nats/samples.test.mjs",
      beside: { "accounts.ts": readFileSync(new URL("../../examples/nats/accounts.ts", import.meta.url), "utf8") },
      before: `const configure = async (_text: string) => {};\n`,
      after: `console.log(token.split(".").length);`,
      prints: "3\n",
    },
    "Tokens that expire": {
      runs: "tests/nats/samples.test.mjs",
      before: `
        import { openRegistry } from "longwait";
        import { natsStore } from "longwait/nats";
        const fetchToken = async () => process.env.NATS_TOKEN ?? "";
      `,
      after: `
        console.log(registry.durability);
        await registry.close();
        process.exit();
      `,
      prints: "remote\n",
    },
  },
  "docs/files.md": {
    "*": {
      runs: "node",
      before: `
        const asked: { [path: string]: number } = {};
        // Busy once, and then, for the last part, not answering until that is given up.
        globalThis.fetch = async (url, request) => {
          const path = new URL(String(url)).pathname;
          asked[path] = (asked[path] ?? 0) + 1;
          if (path === "/sea/0" && asked[path] === 1) return new Response("", { status: 503 });
          if (path === "/sea/2" && asked[path] === 1)
            return new Promise((_, reject) => request!.signal!.addEventListener("abort", () => reject(request!.signal!.reason)));
          return new Response("tag of " + path.at(-1));
        };
      `,
    },
  },
  "docs/recovery.md": {
    "At least once, and recorded once": {
      runs: "node",
      before: `
        import { openRegistry } from "longwait";
        const registry = await openRegistry({ storage: "memory" });
        globalThis.fetch = async (_, request) => Response.json({ charged: new Headers(request?.headers).get("Idempotency-Key") });
      `,
      after: `
        driver.start();
        await registry.registerProcess({ id: "order-1", input: { type: "engine", kind: "charge", payload: { cents: 995 } } });
        console.log(await driver.awaitTerminal("order-1"));
        await registry.close();
      `,
      prints: "{ type: 'success', value: { charged: 'order-1/charge' } }\n",
    },
  },
  "docs/react.md": {
    "*": { runs: "tests/e2e/react.test.mjs", files: ["uploads.ts", "run.ts", "app.tsx", "list.tsx", "one.tsx", "main.tsx"] },
  },
  "docs/observe.md": { "*": { runs: "node" } },
  "docs/inspector.md": {
    "On a page": {
      runs: "chromium",
      after: `
        await customElements.whenDefined("longwait-inspector");
        const shows = (words: string) => inspector.shadowRoot?.textContent?.includes(words);
        while (!shows("in longwait, evictable")) await new Promise((drawn) => requestAnimationFrame(drawn));
        console.log(shows("Prune"));
      `,
      prints: "true\n",
    },
    React: {
      runs: "node",
      files: ["program.tsx"],
      before: `import { renderToString } from "react-dom/server"; import { RegistryProvider } from "longwait/react";\n`,
      after: `console.log(renderToString(<RegistryProvider open={{}}><Inspector /></RegistryProvider>));`,
      prints: `<div style="height:100vh"></div>\n`,
    },
    "TanStack Devtools": { runs: "tests/e2e/inspector.test.mjs" },
    "In production": {
      runs: "chromium",
      after: `
        const pressed = { code: "KeyI", ctrlKey: true, altKey: true };
        dispatchEvent(new KeyboardEvent("keydown", pressed));
        await customElements.whenDefined("longwait-inspector");
        dispatchEvent(new KeyboardEvent("keydown", pressed));
        console.log(document.querySelectorAll("longwait-inspector").length);
      `,
      prints: "1\n",
    },
  },
  "docs/beside.md": {
    "Two registries: this device, and NATS": {
      runs: "tests/nats/samples.test.mjs",
      after: `
        shared.driver({ processes: [reviews.implement(({ input }) => "read: " + input.text)] }).start();
        console.log(await handle.result());
        await local.close();
        await shared.close();
      `,
      prints: "read: Tides\n",
    },
    Dexie: {
      runs: "node",
      before: `
        import "fake-indexeddb/auto";
        const tagsOf = async (name: string) => name.split(" at ");
      `,
      after: `await registry.close(); db.close();`,
    },
    "TanStack Query": {
      runs: "node",
      before: `
        const titles: string[] = [];
        const server = {
          list: async () => [...titles],
          add: async (title: string, _key: string) => ({ id: titles.push(title) }),
        };
      `,
      after: `await registry.close(); queryClient.clear();`,
    },
    "TanStack DB": {
      runs: "node",
      before: `
        const server = { saved: [] as string[], save: async ({ title }: { title: string }, _key: string) => void server.saved.push(title) };
        const sync: SyncConfig<Todo, string> = { sync: ({ markReady }) => markReady() };
      `,
      after: `await registry.close();`,
    },
    "AI SDK": {
      runs: "node",
      before: `
        import { MockLanguageModelV3, simulateReadableStream } from "ai/test";
        const model = new MockLanguageModelV3({
          doStream: async () => ({
            stream: simulateReadableStream({
              chunks: [
                { type: "text-start" as const, id: "t" },
                { type: "text-delta" as const, id: "t", delta: "Twice " },
                { type: "text-delta" as const, id: "t", delta: "a day." },
                { type: "text-end" as const, id: "t" },
                {
                  type: "finish" as const,
                  finishReason: { unified: "stop" as const, raw: "stop" },
                  usage: {
                    inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
                    outputTokens: { total: 1, text: 1, reasoning: undefined },
                  },
                },
              ],
            }),
          }),
        });
      `,
      after: `await registry.close();`,
    },
  },
  "docs/hot-reloading.md": {
    "In a module": { runs: "tests/e2e/hot.test.mjs", beside: runners, before: `/// <reference types="vite/client" />\n` },
  },
  "docs/server-side-rendering.md": {
    "With React": { runs: "node", files: ["program.tsx"] },
    "Without a framework": { runs: "node", after: `console.log(registry());`, prints: "undefined\n" },
  },
  "docs/logging-out.md": {
    "A database for each user": {
      runs: "chromium",
      after: `
        await registry.registerProcess({ id: "p", input: { type: "external" } });
        await logOut();
        console.log((await indexedDB.databases()).length, await registry.getProcess("p").catch(({ code }) => code));
      `,
      prints: "0 closed\n",
    },
    "In React": { runs: "tests/e2e/react.test.mjs", files: ["main.tsx"] },
  },
  "docs/chat.md": {
    "The app": { runs: "tests/e2e/chat.test.mjs", files: ["chat.ts", "App.tsx"], beside: model },
    "Without a network": {
      runs: "node",
      after: `console.log(await transport.loadMessages("chat-1")); await registry.close();`,
      prints: "[]\n",
    },
    "Data parts": {
      runs: "node",
      beside: model,
      after: `
        import { LongwaitChatTransport } from "longwait/ai";
        registry.driver({ processes: [turns] }).start();
        const transport = new LongwaitChatTransport(registry);
        const messages = [{ id: "1", role: "user" as const, parts: [{ type: "text" as const, text: "How many?" }] }];
        const chunks = await transport.sendMessages({ trigger: "submit-message", chatId: "a", messageId: undefined, messages, abortSignal: undefined });
        for await (const chunk of chunks as unknown as AsyncIterable<object>) void chunk;
        for (const { parts } of await transport.loadMessages("a")) for (const part of parts) console.log("data" in part ? part.data : part.type);
        await registry.close();
      `,
      prints: "text\n{ found: 3 }\nstep-start\ntext\n",
    },
    "An agent that calls another": {
      runs: "node",
      beside: model,
      after: `
        import { LongwaitChatTransport } from "longwait/ai";
        const transport = new LongwaitChatTransport(registry);
        const messages = [{ id: "1", role: "user" as const, parts: [{ type: "text" as const, text: "Write to Ann." }] }];
        const chunks = await transport.sendMessages({ trigger: "submit-message", chatId: "a", messageId: undefined, messages, abortSignal: undefined });
        for await (const chunk of chunks as unknown as AsyncIterable<{ type: string; data?: object; output?: string }>)
          if (chunk.data ?? chunk.output) console.log(chunk.data ?? chunk.output);
        await transport.deleteChat("a");
        console.log(await registry.listProcesses({ status: "any" }));
        await registry.close();
      `,
      prints: "{ processId: 'chat:a/00000001/call-1' }\nDear Ann\n[]\n",
    },
  },
  "docs/approvals.md": {
    "*": {
      runs: "node",
      beside: model,
      after: `\nawait registry.close();`,
    },
  },
  "docs/opentelemetry.md": {
    "A trace": { runs: "node", after: `await registry.close();` },
    "In a browser": {
      runs: "tests/e2e/opentelemetry.test.mjs",
      beside: {
        "exporter.ts": `import { ConsoleSpanExporter } from "@opentelemetry/sdk-trace-base"; export const exporter = new ConsoleSpanExporter();`,
      },
    },
  },
  "docs/service-worker.md": {
    "Set it up": {
      runs: "tests/e2e/service-worker.test.mjs",
      files: ["jobs.ts", "sw.ts", "page.ts"],
      after: `console.log(sync, await note.result());`,
      prints: "true 201\n",
    },
    "A network that is not there": {
      runs: "tests/e2e/service-worker.test.mjs",
      after: `console.log(JSON.stringify(order));`,
      prints: '{"type":"success","value":{"attempt":2,"status":201}}\n',
    },
  },
  "docs/langgraph.md": {
    "A graph that asks": {
      runs: "tests/e2e/langgraph.test.mjs",
      files: ["context.ts", "program.ts"],
      beside: {
        "mail.ts": `
          declare const called: (name: string) => Promise<void>;
          export const write = async (topic: string) => (await called("write"), "about " + topic);
          export const send = async (draft: string) => (await called("send"), "sent: " + draft);
        `,
      },
      after: `\nObject.assign(globalThis, { question, answer, ready: true });`,
    },
    "A run that survives its tab": {
      runs: "tests/e2e/langgraph.test.mjs",
      beside: { "graph.ts": mailGraph },
      after: `\nObject.assign(globalThis, { registry, begin, waiting, ready: true });`,
    },
    "Threads in an app": { runs: "node", after: `\nawait registry.close();` },
  },
  "docs/app.md": {
    esbuild: { runs: "tests/consumers/consumers.test.mjs" },
    Rollup: { runs: "tests/consumers/consumers.test.mjs" },
    "In a worker": {
      runs: "chromium",
      files: ["jobs.ts", "program.ts"],
      after: `console.log(JSON.stringify(answer), typeof worker.stop);`,
      prints: `{"type":"success","value":42} function\n`,
    },
    "Testing your app": { runs: "tests/package/samples.test.mjs", beside: runners },
    "Code that you do not trust": {
      runs: "chromium",
      after: `
        for (const id of ["mine", "other"]) await registry.registerProcess({ id, input: { type: "external" } });
        await registry.grantHandle({ sessionId: "plugin" }, "mine");
        const saw = new Promise<string>((told) => addEventListener("message", ({ data }) => told(data)));
        load(\`<script>
          addEventListener("message", ({ ports: [port] }) => {
            const asked = [["get", "mine"], ["get", "other"], ["awaitTerminal", "other"], ["close"], ["constructor"]];
            const answers = [];
            port.onmessage = ({ data: { n, value, code } }) => {
              answers[n] = code ?? (value ? value.id : "unknown");
              if (Object.keys(answers).length < asked.length) return;
              try { indexedDB.open("longwait"); answers.push("opened"); } catch ({ name }) { answers.push(name); }
              parent.postMessage(answers.join(" "), "*");
            };
            asked.forEach(([method, ...given], n) => port.postMessage({ n, method, given }));
          });
        </script>\`);
        console.log(await saw);
      `,
      prints: "mine unknown unknown_process invalid_argument invalid_argument SecurityError\n",
    },
    "One tab at a time, without a driver": {
      runs: "chromium",
      after: `
        await registry.registerProcess({ id: "p", input: { type: "external" }, eventTypes: [{ name: "led" }] });
        const other = await openRegistry();
        const claim = await other.claimProcessLease("p", other.owner, 30_000);
        const led = lead("p", async (lease) => {
          await registry.appendEvent("p", { eventType: "led", payload: lease.fencingToken, lease });
        });
        await other.close();
        await led;
        console.log(claim.outcome, JSON.stringify((await registry.eventsAfter("p", 0)).map(({ payload }) => payload)));
      `,
      prints: "acquired [2]\n",
    },
  },
  ...Object.assign({}, ...codes.map((code) => errors(code))),
  ...errors("storage_blocked", {
    before: `
      import { isProcessError, openRegistry } from "longwait";
      const ask = async (_: string) => {};
    `,
    after: "",
  }),
  ...errors("storage_version", { before: `import { isProcessError, openRegistry } from "longwait";`, after: "" }),
  // The first call that loads the WebAssembly decides for all.
  ...errors("internal", { before: `import { isProcessError, openRegistry } from "longwait";`, after: "" }),
};
