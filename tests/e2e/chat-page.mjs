/** The app of docs/chat.md in Chromium, with one version of the AI SDK and its mock model: each word of an answer comes when the test lets it. */
import { complaintsOf } from "../../scripts/lib/demo-page.mjs";
import { blocks } from "../samples/programs.mjs";
import { bundleWithSdk } from "../support/ai-sdk.mjs";

/**
 * A model that answers by what it is asked. `Weather` and `Mail` have it call that tool, and say the words of the second answer then; all else is
 * answered at once. Before each word it asks the test, which says what the word is.
 */
const model = `
  import { Mock } from "mock";
  const TOOLS = {
    Weather: { toolName: "weather", input: JSON.stringify({ city: "Oslo" }) },
    Mail: { toolName: "mail", input: JSON.stringify({ to: "Ann", text: "Hello" }) },
  };
  const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
  export const model = new Mock({
    async doStream({ prompt, abortSignal }) {
      const last = prompt.findLastIndex(({ role }) => role === "user");
      const question = prompt[last].content[0].text;
      const results = prompt.slice(last).filter(({ role }) => role === "tool").length;
      const call = question + ":" + (results + 1);
      await globalThis.modelIsCalled(call, prompt.length);
      const tool = results === 0 ? TOOLS[question] : undefined;
      const stream = new ReadableStream({
        async start(controller) {
          abortSignal?.addEventListener("abort", () => controller.error(abortSignal.reason));
          controller.enqueue({ type: "stream-start", warnings: [] });
          controller.enqueue({ type: "text-start", id: "0" });
          for (let n = 0; ; n++) {
            const word = await globalThis.wordOf(call, n);
            if (abortSignal?.aborted) return;
            if (word === null) break;
            controller.enqueue({ type: "text-delta", id: "0", delta: word });
          }
          controller.enqueue({ type: "text-end", id: "0" });
          if (tool) controller.enqueue({ type: "tool-call", toolCallId: "call-" + question, ...tool });
          const finishReason = { unified: tool ? "tool-calls" : "stop", raw: "" };
          controller.enqueue({ type: "finish", usage, finishReason });
          controller.close();
        },
      });
      return { stream };
    },
  });
`;

const main = `
  import { createRoot } from "react-dom/client";
  import { StrictMode } from "react";
  import App from "./App.js";
  import { registry, transport } from "./chat.js";
  Object.assign(globalThis, { registry, transport });
  createRoot(document.getElementById("root")).render(<StrictMode><App /></StrictMode>);
`;

/** `[from, to]`: has the tool `weather` give what the test says, one after the other, and the app show it. */
export const SEVERAL_RESULTS = [
  [
    "execute: async ({ city }) => `rain in ${city}`",
    `async *execute() {
      for (let n = 0; ; n++) {
        const result = await globalThis.wordOf("weather", n);
        if (result === null) return;
        yield result;
      }
    }`,
  ],
  ["{part.state}]", '{part.state}{part.preliminary && " …"} {String(part.output)}]'],
];

/** The page's script, with changes to the app: `[from, to]`. */
export function bundled(version, changes = []) {
  const shown = blocks("docs/chat.md").filter(({ heading, language }) => heading === "The app" && /^tsx?$/.test(language));
  const [chat, app] = shown.map(({ code }) => changes.reduce((all, [from, to]) => all.replace(from, () => to), code));
  const modules = { "./chat.js": chat, "./App.js": app, "./model.js": model };
  return bundleWithSdk(version, { main, modules });
}

/** What the model says, and when. */
export function script() {
  const said = new Map();
  const asked = [];
  const calls = [];
  const look = new Set();
  const changed = () => [...look].forEach((one) => one());
  const until = (holds) =>
    new Promise((reached) => {
      const one = () => holds() && (look.delete(one), reached());
      look.add(one);
      one();
    });
  const of = (call) => said.get(call) ?? said.set(call, []).get(call);
  return {
    calls,
    /** Lets the model say these words in a call, such as `"Mail:1"`; `null` behind them ends it. */
    say(call, ...words) {
      of(call).push(...words);
      changed();
    },
    /** Has the next call of it say other words, from the first one on. */
    forget: (call) => said.delete(call),
    /** Resolves once the model waits for its nth word in a call that has been made so many times. */
    waits: (call, n, times = 1) => until(() => asked.filter((one) => one === `${call} ${n}`).length >= times),
    async expose(context) {
      await context.exposeFunction("modelIsCalled", (call, messages) => void (calls.push(call), changed(), messages));
      await context.exposeFunction("wordOf", async (call, n) => {
        asked.push(`${call} ${n}`);
        changed();
        await until(() => of(call).length > n);
        return of(call)[n];
      });
    },
  };
}

/** Tabs of one profile, with the page in each. */
export async function chats(t, served, code) {
  const context = await served.browser.newContext();
  context.setDefaultTimeout(20_000);
  t.after(() => context.close());
  const said = script();
  await said.expose(context);
  await context.route("**/chat.html", (route) =>
    route.fulfill({
      contentType: "text/html",
      body: `<!doctype html><title>chat</title><div id="root"></div><script type="module">${code.replaceAll("</script", "<\\/script")}</script>`,
    }),
  );
  async function open() {
    const tab = await context.newPage();
    const complaints = complaintsOf(tab);
    await tab.goto(`${served.url}chat.html`);
    await tab.waitForSelector("form");
    return Object.assign(tab, { complaints });
  }
  return { context, open, said };
}

export async function send(tab, text) {
  await tab.fill("input", text);
  await tab.click("text=Send");
}

/** Waits until the messages read so, one after the other. */
export const shows = (tab, ...texts) =>
  tab
    .waitForFunction(
      (texts) => JSON.stringify([...document.querySelectorAll("p")].map((p) => p.textContent)) === texts,
      JSON.stringify(texts),
    )
    .catch(async (error) => {
      const found = await tab.locator("p").allTextContents();
      throw new Error(`shows ${JSON.stringify(found)} in place of ${JSON.stringify(texts)}`, { cause: error });
    });

export const status = (tab, text) => tab.waitForSelector(`output:text-is("${text}")`);

/** The log of the chat's nth turn, as `type key` or `type`. */
export const log = (tab, n = 1) =>
  tab.evaluate(
    async (id) => {
      const events = await globalThis.registry.eventsAfter(id, 0);
      return events.map(({ eventType, payload }) => (payload?.key === undefined ? eventType : `${eventType} ${payload.key}`));
    },
    `chat:chat-1/${String(n).padStart(8, "0")}`,
  );

export async function crash(context, tab) {
  const session = await context.newCDPSession(tab);
  const crashed = tab.waitForEvent("crash");
  session.send("Page.crash").catch(() => {});
  await crashed;
}
