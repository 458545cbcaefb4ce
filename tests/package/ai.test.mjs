/** Chats of the AI SDK in Node, with its mock model: what is asked of the model, recorded, shown and kept. Tabs are in tests/e2e/chat.test.mjs. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { APICallError, convertToModelMessages, createUIMessageStream, generateText, stepCountIs, streamText, tool } from "ai";
import { convertArrayToReadableStream, MockLanguageModelV3 } from "ai/test";
import { chatTurns, durableModel, durableTools, LongwaitChatTransport } from "longwait/ai";
import { createTestWorld } from "longwait/testing";
import { z } from "zod";
import { importSource } from "./bundled.mjs";
import { open, quietConsole, refusal, settled as settle } from "./registry.mjs";

const { alike, chunksOf, Codec, difference, each, kept, latest, revived, settled, Shown, standing } = await importSource(
  "js/ai/chunks.ts",
  "js/ai/history.ts",
  "js/ai/json.ts",
  "js/ai/parts.ts",
  "js/ai/results.ts",
  "js/ai/shown.ts",
);

const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
const start = { type: "stream-start", warnings: [] };
const text = (...words) => [
  { type: "text-start", id: "0" },
  ...words.map((delta) => ({ type: "text-delta", id: "0", delta })),
  { type: "text-end", id: "0" },
];
const calls = (toolCallId, toolName, input = {}) => ({ type: "tool-call", toolCallId, toolName, input: JSON.stringify(input) });
const finish = (unified = "stop") => ({ type: "finish", usage, finishReason: { unified, raw: undefined } });

/** A model that gives these answers, one after the other. */
const says = (...answers) =>
  new MockLanguageModelV3({ doStream: answers.map((parts) => ({ stream: convertArrayToReadableStream([start, ...parts]) })) });

const user = (id, words) => ({ id, role: "user", parts: [{ type: "text", text: words }] });

/** A chat whose turns `respond` answers. */
async function chat(t, respond, options) {
  const registry = await open(t);
  const transport = new LongwaitChatTransport(registry, options);
  const driver = registry.driver({ processes: [chatTurns(registry, respond)] });
  driver.start();
  const send = (messages, more) =>
    transport.sendMessages({ trigger: "submit-message", chatId: "a", messageId: undefined, messages, abortSignal: undefined, ...more });
  return { registry, transport, driver, send };
}

const answers =
  (model, tools = {}) =>
  async (turn) =>
    streamText({
      model: durableModel(model, turn),
      tools: durableTools(tools, turn),
      messages: await convertToModelMessages(turn.messages),
      stopWhen: stepCountIs(5),
      abortSignal: turn.signal,
      maxRetries: 0,
    });

/** A promise, and what resolves it. */
function deferred() {
  let resolve;
  return [new Promise((now) => (resolve = now)), (value) => resolve(value)];
}

/** Chunks of a text of a turn that shows them by itself. */
const begun = (...words) => [{ type: "text-start", id: "0" }, ...words.map((delta) => ({ type: "text-delta", id: "0", delta }))];

async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const wordsOf = (message) => message.parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
const keys = async (registry, id = "chat:a/00000001") =>
  (await registry.eventsAfter(id, 0, { types: ["process.step"] })).map(({ payload }) => payload.key);

describe("a chat", () => {
  test("keeps each message once, in the order of its turns", async (t) => {
    const { transport, send } = await chat(t, answers(says([...text("One", "."), finish()], [...text("Two."), finish()])));
    await all(await send([user("u1", "First")]));
    const first = await transport.loadMessages("a");
    assert.deepEqual(first.map(wordsOf), [["First"], ["One."]]);
    await all(await send([...first, user("u2", "Second")]));
    assert.deepEqual((await transport.loadMessages("a")).map(wordsOf), [["First"], ["One."], ["Second"], ["Two."]]);
  });

  test("takes what a page does not know of from another page, and removes only what this one has seen", async (t) => {
    const { registry, transport, send } = await chat(t, answers(says(...["A.", "B.", "C."].map((words) => [...text(words), finish()]))));
    await all(await send([user("u1", "a")]));
    const here = await transport.loadMessages("a");
    const other = new LongwaitChatTransport(registry);
    const there = await other.loadMessages("a");
    await all(await other.sendMessages({ trigger: "submit-message", chatId: "a", messages: [...there, user("u2", "b")] }));
    await all(await send([...here, user("u3", "c")]));
    assert.deepEqual((await transport.loadMessages("a")).map(wordsOf).flat(), ["a", "A.", "b", "B.", "c", "C."]);
  });

  test("answers anew in place of what was answered, where that is asked for", async (t) => {
    const { transport, send } = await chat(t, answers(says([...text("Bad."), finish()], [...text("Good."), finish()])));
    await all(await send([user("u1", "a")]));
    await all(await send([user("u1", "a")], { trigger: "regenerate-message" }));
    assert.deepEqual((await transport.loadMessages("a")).map(wordsOf).flat(), ["a", "Good."]);
  });

  test("says why a turn failed, keeps what was said by then, and answers the next one", async (t) => {
    quietConsole(t);
    const broken = [...text("Half "), { type: "error", error: new Error("no more") }];
    const { transport, send, registry } = await chat(t, answers(says(broken, [...text("Whole."), finish()])));
    const chunks = await all(await send([user("u1", "a")]));
    assert.deepEqual(chunks.at(-1), { type: "error", errorText: "no more" });
    const messages = await transport.loadMessages("a");
    assert.deepEqual(messages.map(wordsOf).flat(), ["a", "Half "]);
    assert.deepEqual(await keys(registry), []);
    await all(await send([...messages, user("u2", "b")]));
    assert.deepEqual((await transport.loadMessages("a")).map(wordsOf).flat(), ["a", "Half ", "b", "Whole."]);
  });

  test("keeps what was said where longwait refuses what the app then asks for", async (t) => {
    quietConsole(t);
    const { registry, transport, send } = await chat(t, async (turn) => {
      await turn.write({ type: "text-start", id: "0" });
      await turn.write({ type: "text-delta", id: "0", delta: "Half" });
      await turn.waitForSignal("no name of a signal");
    });
    await all(await send([user("u1", "a")]));
    assert.equal((await registry.awaitTerminal("chat:a/00000001")).code, "invalid_argument");
    assert.deepEqual((await transport.loadMessages("a")).map(wordsOf).flat(), ["a", "Half"]);
  });

  test("keeps what it said before the last tab that crashed over it", async (t) => {
    quietConsole(t);
    const [registry, opened] = deferred();
    const crashes = [deferred(), deferred()];
    let runs = 0;
    const respond = async (turn) => {
      const run = runs++;
      await turn.write({ type: "text-start", id: "0" });
      for (const delta of ["One ", "two ", "three "].slice(0, 2 + run)) await turn.write({ type: "text-delta", id: "0", delta });
      await turn.step("crash", () => new Promise(() => crashes[run][1]()));
    };
    const world = await createTestWorld({ processes: [chatTurns(registry, respond)] });
    t.after(() => world.close());
    opened(world.registry);
    const transport = new LongwaitChatTransport(world.registry, { policy: { crashLimit: 2 } });
    const first = await world.tab();
    await transport.sendMessages({ trigger: "submit-message", chatId: "a", messages: [user("u1", "a")] });
    await crashes[0][0];
    await world.clock.advance(100);
    first.crash();
    const second = await world.tab();
    await crashes[1][0];
    await world.clock.advance(100);
    second.crash();
    await world.tab();
    assert.equal((await world.registry.awaitTerminal("chat:a/00000001")).code, "crash_loop");
    assert.deepEqual((await transport.loadMessages("a")).map(wordsOf).flat(), ["a", "One two "]);
    assert.equal(runs, 2);
  });

  test("keeps each word once, however many runs said it, and no words that were said anew", async (t) => {
    quietConsole(t);
    const attempts = [["One "], ["One ", "two "], ["Other ", "words "], ["Other ", "words "]];
    const { registry, transport, send } = await chat(
      t,
      async (turn) => {
        const words = attempts[turn.attempt - 1];
        const chunks = [{ type: "start-step" }, ...begun(...words), ...(turn.attempt === 4 ? [{ type: "finish-step" }] : [])];
        for (const chunk of chunks) await turn.write(chunk);
        if (turn.attempt < 4) throw new Error("once more");
        return convertArrayToReadableStream([]);
      },
      { policy: { retry: { maxAttempts: 4, initialIntervalMs: 1 } } },
    );
    await all(await send([user("u1", "a")]));
    assert.deepEqual((await transport.loadMessages("a")).map(wordsOf).flat(), ["a", "Other words "]);
    const pieces = [];
    for await (const { value } of registry.readStream("chat:a/00000001", "answer")) pieces.push(value.chunks);
    const says = (words) => pieces.filter((piece) => JSON.stringify(piece).includes(words)).length;
    assert.deepEqual([says("One"), says("two"), says("Other"), pieces.length], [1, 1, 1, 4]);
  });

  test("fails where what its model answered is not there, as in a fork", async (t) => {
    quietConsole(t);
    const model = says([calls("c1", "add", { n: 1 }), finish("tool-calls")], [...text("."), finish()]);
    const add = tool({ inputSchema: z.object({ n: z.number() }), execute: ({ n }) => n + 1 });
    const { registry, send } = await chat(t, answers(model, { add }));
    await all(await send([user("u1", "a")]));
    await registry.forkProcess("chat:a/00000001", { newId: "chat:b/00000001", from: { step: "c1" } });
    const { message } = await registry.awaitTerminal("chat:b/00000001");
    assert.match(message, /not kept with the turn chat:b\/00000001, as in a fork/);
  });

  test("gives body and metadata of the request to the turn", async (t) => {
    const seen = [];
    const model = says([...text("."), finish()]);
    const { send } = await chat(t, (turn) => (seen.push(turn.body, turn.metadata, turn.chatId, turn.trigger), answers(model)(turn)));
    await all(await send([user("u1", "a")], { body: { style: "short" }, metadata: [1] }));
    assert.deepEqual(seen, [{ style: "short" }, [1], "a", "submit-message"]);
  });

  test("shows data parts of a turn, and of a stream in its place", async (t) => {
    const { transport, send } = await chat(t, async (turn) => {
      await turn.write({ type: "data-progress", id: "p", data: 1 });
      await turn.write({ type: "data-progress", id: "p", data: 2 });
      await turn.write({ type: "data-hint", data: "gone", transient: true });
      return createUIMessageStream({ execute: ({ writer }) => writer.write({ type: "data-end", data: 3 }) });
    });
    const chunks = await all(await send([user("u1", "a")]));
    assert.deepEqual(
      chunks.map(({ type, data }) => data ?? type),
      ["start", 1, 2, "gone", 3],
    );
    const [, { parts }] = await transport.loadMessages("a");
    assert.deepEqual(parts, [
      { type: "data-progress", id: "p", data: 2 },
      { type: "data-end", data: 3 },
    ]);
  });

  test("is cancelled by the signal of its request, and what was said by then stays", async (t) => {
    const stop = new AbortController();
    const model = new MockLanguageModelV3({
      doStream: async ({ abortSignal }) => ({
        stream: new ReadableStream({
          start(controller) {
            for (const part of [start, ...text("Half").slice(0, 2)]) controller.enqueue(part);
            abortSignal.addEventListener("abort", () => controller.error(abortSignal.reason));
          },
        }),
      }),
    });
    const { registry, transport, send } = await chat(t, answers(model));
    const stream = await send([user("u1", "a")], { abortSignal: stop.signal });
    const read = async () => {
      for await (const { type } of stream) if (type === "text-delta") stop.abort();
    };
    await assert.rejects(read, { name: "AbortError" });
    assert.equal((await registry.awaitTerminal("chat:a/00000001")).type, "cancelled");
    assert.deepEqual((await transport.loadMessages("a")).map(wordsOf).flat(), ["a", "Half"]);
    assert.equal(await transport.reconnectToStream({ chatId: "a" }), null);
  });

  test("is stopped and deleted by its id, and says so of an approval of another origin", async (t) => {
    const { registry, transport, send } = await chat(t, (turn) => turn.waitForSignal("never"));
    const stream = await send([user("u1", "a")]);
    await transport.stop("a");
    assert.deepEqual((await all(stream)).at(-1), { type: "abort", reason: "stopped" });
    await transport.deleteChat("a");
    assert.equal(await registry.countProcesses({ status: "any" }), 0);
    await assert.rejects(transport.answerApproval({ id: "x", approved: true }), refusal("invalid_argument"));
  });
});

describe("a turn that has ended", () => {
  const mail = tool({ inputSchema: z.object({}), needsApproval: true, execute: async () => "sent" });

  test("leaves no tool call open: not for its readers, not for pages that load it, and not for the model of the next turn", async (t) => {
    const model = says([calls("c1", "mail"), finish("tool-calls")], [...text("Well."), finish()]);
    const { transport, send } = await chat(t, answers(model, { mail }));
    const chunks = [];
    for await (const chunk of await send([user("u1", "a")])) {
      chunks.push(chunk);
      if (chunk.type === "tool-approval-request") await transport.stop("a");
    }
    const errorText = "the turn ended before the tool had";
    assert.deepEqual(chunks.slice(-2), [
      { type: "tool-output-error", toolCallId: "c1", errorText },
      { type: "abort", reason: "stopped" },
    ]);
    const [asked, answer] = await transport.loadMessages("a");
    assert.deepEqual(
      answer.parts.flatMap(({ state, errorText }) => (state ? [[state, errorText]] : [])),
      [["output-error", errorText]],
    );
    // A page whose stream was aborted has not seen that.
    const open = { ...answer, parts: answer.parts.map((part) => (part.state ? { ...part, state: "approval-requested" } : part)) };
    await all(await send([asked, open, user("u2", "b")]));
    const given = model.doStreamCalls
      .at(-1)
      .prompt.flatMap(({ content }) => content)
      .filter(({ type }) => type === "tool-result");
    assert.deepEqual(
      given.map(({ output }) => output),
      [{ type: "error-text", value: errorText }],
    );
    assert.deepEqual((await transport.loadMessages("a")).map(wordsOf).flat(), ["a", "b", "Well."]);
  });

  test("keeps the calls of a complete answer open that are the page's to answer", async (t) => {
    const ask = tool({ inputSchema: z.object({}) });
    const model = says([calls("c1", "ask"), finish("tool-calls")], [...text("Well."), finish()]);
    const { transport, send } = await chat(t, answers(model, { ask }));
    await all(await send([user("u1", "a")]));
    const [asked, answer] = await transport.loadMessages("a");
    const [call] = answer.parts.filter(({ toolCallId }) => toolCallId);
    assert.equal(call.state, "input-available");
    const parts = answer.parts.map((part) => (part === call ? { ...part, state: "output-available", output: "yes" } : part));
    await all(await send([asked, { ...answer, parts }]));
    assert.deepEqual(wordsOf((await transport.loadMessages("a")).at(-1)), ["Well."]);
  });

  test("is not tried again where the provider says that it would be of no use", async (t) => {
    quietConsole(t);
    // The AI SDK gives a stream that breaks off the status of its beginning.
    for (const [statusCode, runs] of [
      [401, 1],
      [503, 2],
      [200, 2],
    ]) {
      const refused = new APICallError({ message: "no", url: "", requestBodyValues: {}, statusCode });
      const model = new MockLanguageModelV3({ doStream: () => Promise.reject(refused) });
      const { registry, send } = await chat(t, answers(model), { policy: { retry: { maxAttempts: 2, initialIntervalMs: 1 } } });
      assert.deepEqual((await all(await send([user("u1", "a")]))).at(-1), { type: "error", errorText: "no" });
      assert.equal(model.doStreamCalls.length, runs);
      await registry.close();
    }
  });

  test("is deleted with its children, and theirs, but for those that were to outlive it", async (t) => {
    quietConsole(t);
    const { registry, transport, driver, send } = await chat(t, async (turn) => {
      await turn.startChild({ input: { type: "engine", kind: "parent" } }, { key: "ends" });
      await turn.startChild({ input: { type: "engine", kind: "child" } }, { key: "stays", onParentEnd: "abandon" });
      await turn.write({ type: "data-started", data: null });
      return turn.waitForSignal("never");
    });
    registry
      .driver({
        runners: {
          async parent({ startChild }) {
            await (await startChild({ input: { type: "engine", kind: "child" } }, { key: "below" })).result();
            return null;
          },
          child: () => null,
        },
      })
      .start();
    const stream = (await send([user("u1", "a")])).getReader();
    for (let { value } = await stream.read(); value.type !== "data-started";) ({ value } = await stream.read());
    for (const name of ["ends", "ends/below", "stays"]) await registry.awaitTerminal(`chat:a/00000001/${name}`);
    await transport.deleteChat("a");
    await assert.rejects(stream.read(), refusal("unknown_process", "chat:a/00000001"));
    const left = await registry.listProcesses({ status: "any" });
    assert.deepEqual(
      left.map(({ id }) => id),
      ["chat:a/00000001/stays"],
    );
    await driver.stop();
  });
});

describe("a page that another one's chat is shown in", () => {
  test("hears of each turn once, also of those of a chat that was deleted and begins again", async (t) => {
    quietConsole(t);
    const { registry, transport, send } = await chat(t, (turn) => turn.waitForSignal("never"));
    const other = new LongwaitChatTransport(registry);
    let heard = 0;
    let hears = () => {};
    t.after(other.onTurn("a", () => (heard++, hears())));
    for (const turns of [1, 2]) {
      const isHeard = new Promise((now) => (hears = now));
      await send([user("u1", "a")]);
      await isHeard;
      await settle();
      assert.equal(heard, turns);
      await transport.deleteChat("a");
      await settle();
    }
    assert.equal(heard, 2);
  });
});

describe("a model and its tools", () => {
  const add = (count) => tool({ inputSchema: z.object({ n: z.number() }), execute: ({ n }) => (count.push(n), n + 1) });

  test("are asked once each, whatever run repeats them", async (t) => {
    const count = [];
    const model = says([...text("I add."), calls("c1", "add", { n: 1 }), finish("tool-calls")], [...text("It is 2."), finish()]);
    let runs = 0;
    const { registry, transport, send } = await chat(
      t,
      async (turn) => {
        const answer = await answers(model, { add: add(count) })(turn);
        if (++runs > 1) return answer;
        await answer.consumeStream();
        throw Object.assign(new Error("lost"), { name: "RetryableError" });
      },
      { policy: { retry: { maxAttempts: 2, initialIntervalMs: 1 } } },
    );
    quietConsole(t);
    await all(await send([user("u1", "a")]));
    assert.equal(runs, 2);
    assert.deepEqual([model.doStreamCalls.length, count], [2, [1]]);
    assert.deepEqual(await keys(registry), ["model:1", "c1", "model:2"]);
    assert.deepEqual(wordsOf((await transport.loadMessages("a")).at(-1)), ["I add.", "It is 2."]);
  });

  test("run no tool for an answer that is not on record", async (t) => {
    quietConsole(t);
    const count = [];
    const model = says([calls("c1", "add", { n: 1 }), { type: "error", error: new Error("cut off") }]);
    const { send } = await chat(t, answers(model, { add: add(count) }));
    await all(await send([user("u1", "a")]));
    assert.deepEqual(count, []);
  });

  test("leave no answer of a model open that has failed", async (t) => {
    quietConsole(t);
    const [left, leave] = deferred();
    const stream = new ReadableStream({
      start: (controller) => controller.enqueue({ type: "error", error: new Error("cut off") }),
      cancel: leave,
    });
    const { send } = await chat(t, answers(new MockLanguageModelV3({ doStream: async () => ({ stream }) })));
    await all(await send([user("u1", "a")]));
    assert.match(String(await left), /cut off/);
  });

  test("may have one id for two calls, as some models give them", async (t) => {
    const count = [];
    const call = (n) => [calls("call_0", "add", { n }), finish("tool-calls")];
    const { registry, send } = await chat(t, answers(says(call(1), call(2), [...text("."), finish()]), { add: add(count) }));
    await all(await send([user("u1", "a")]));
    assert.deepEqual(count, [1, 2]);
    assert.deepEqual(await keys(registry), ["model:1", "call_0", "model:2", "call_0#2", "model:3"]);
  });

  test("ask before they act, and record whether they do", async (t) => {
    const done = [];
    const needsApproval = ({ n }) => n > 1;
    const spend = tool({ inputSchema: z.object({ n: z.number() }), needsApproval, execute: async ({ n }) => (done.push(n), "spent") });
    const both = [calls("c1", "spend", { n: 1 }), calls("c.2", "spend", { n: 2 }), finish("tool-calls")];
    const model = says(both, [...text("Well."), finish()]);
    const { registry, transport, send } = await chat(t, answers(model, { spend }));
    const asked = [];
    for await (const chunk of await send([user("u1", "a")]))
      if (chunk.type === "tool-approval-request") {
        asked.push(chunk.toolCallId);
        await transport.answerApproval({ id: chunk.approvalId, approved: false, reason: "too much" });
      }
    assert.deepEqual([asked, done], [["c.2"], [1]]);
    assert.deepEqual((await keys(registry)).sort(), ["c.2/needs-approval", "c1", "c1/needs-approval", "model:1", "model:2"]);
    const { parts } = (await transport.loadMessages("a")).at(-1);
    assert.deepEqual(
      parts.filter(({ toolCallId }) => toolCallId).map(({ state, output, errorText }) => [state, output ?? errorText]),
      [
        ["output-available", "spent"],
        ["output-error", "too much"],
      ],
    );
  });

  test("are durable in any run, and give what is no JSON as it was", async (t) => {
    const registry = await open(t);
    const timestamp = new Date(0);
    const content = [{ type: "file", mediaType: "image/png", data: new Uint8Array([1, 2]) }];
    const doGenerate = { content, usage, finishReason: { unified: "stop" }, warnings: [], response: { id: "r", timestamp } };
    const model = new MockLanguageModelV3({ doGenerate: async () => doGenerate });
    const given = [];
    registry
      .driver({
        runners: {
          async picture(run) {
            const { response, files } = await generateText({
              model: durableModel(model, run, { key: "draw" }),
              prompt: "a",
              abortSignal: run.signal,
              maxRetries: 0,
            });
            given.push([response.timestamp, files[0].uint8Array]);
            if (run.attempt === 1) throw new Error("once more");
            return model.doGenerateCalls.length;
          },
        },
      })
      .start();
    quietConsole(t);
    await registry.registerProcess({
      id: "p",
      input: { type: "engine", kind: "picture" },
      retry: { maxAttempts: 2, initialIntervalMs: 1 },
    });
    assert.deepEqual(await registry.awaitTerminal("p"), { type: "success", value: 1 });
    assert.deepEqual(given, Array(2).fill([timestamp, new Uint8Array([1, 2])]));
    assert.deepEqual(await keys(registry, "p"), ["draw:1"]);
  });
});

describe("a tool that gives several results one after the other", () => {
  const inputSchema = z.object({});
  const generator = async function* () {
    yield "searching";
    yield "found 1";
    yield "found 2";
  };
  const called = () => says([calls("c1", "search"), finish("tool-calls")], [...text("Done."), finish()]);
  /** The results of calls, as chunks have them. */
  const outputs = (chunks) =>
    chunks.flatMap(({ type, output, errorText, preliminary }) =>
      /^tool-output/.test(type) ? [`${output ?? errorText}${preliminary ? " …" : ""}`] : [],
    );
  const partOf = ({ parts }) => {
    const { state, output, errorText, preliminary } = parts.find(({ toolCallId }) => toolCallId !== undefined);
    return { state, result: output ?? errorText, preliminary };
  };

  for (const [name, execute] of Object.entries({ "a generator": generator, "a function that gives an iteration": () => generator() }))
    test(`shows each as it comes, and keeps the last one, where it is ${name}`, async (t) => {
      const taken = [];
      let shown;
      const slowly = async function* () {
        for await (const result of execute()) {
          yield result;
          // Where the function is no generator, results that come in between are passed over.
          taken.push(result);
          await new Promise((now) => (shown = now));
        }
      };
      const tools = { search: tool({ inputSchema, execute: execute === generator ? slowly : () => slowly() }) };
      const { registry, transport, send } = await chat(t, answers(called(), tools));
      const chunks = [];
      for await (const chunk of await send([user("u1", "a")])) {
        chunks.push(chunk);
        if (chunk.preliminary !== true) continue;
        while (shown === undefined) await new Promise((over) => setImmediate(over));
        shown();
        shown = undefined;
      }
      assert.deepEqual(outputs(chunks), ["searching …", "found 1 …", "found 2 …", "found 2"]);
      assert.deepEqual(taken, ["searching", "found 1", "found 2"]);
      assert.deepEqual(partOf((await transport.loadMessages("a")).at(-1)), {
        state: "output-available",
        result: "found 2",
        preliminary: undefined,
      });
      const [, step] = await registry.eventsAfter("chat:a/00000001", 0, { types: ["process.step"] });
      assert.deepEqual([step.payload.key, step.payload.value], ["c1", "found 2"]);
    });

  test("gives one that has one result nothing before it", async (t) => {
    const { send } = await chat(t, answers(called(), { search: tool({ inputSchema, execute: () => "found" }) }));
    assert.deepEqual(outputs(await all(await send([user("u1", "a")]))), ["found"]);
  });

  test("gives a later run the last one alone, and shows no older one behind it", async (t) => {
    quietConsole(t);
    let calls = 0;
    const execute = async function* () {
      calls++;
      yield* generator();
    };
    const model = called();
    const { registry, send } = await chat(
      t,
      async (turn) => {
        const answer = await answers(model, { search: tool({ inputSchema, execute }) })(turn);
        if (turn.attempt === 2) return answer;
        for await (const chunk of answer.toUIMessageStream()) if (chunk.type !== "start") await turn.write(chunk);
        throw new Error("once more");
      },
      { policy: { retry: { maxAttempts: 2, initialIntervalMs: 1 } } },
    );
    assert.deepEqual(outputs(await all(await send([user("u1", "a")]))), ["searching …", "found 1 …", "found 2 …", "found 2"]);
    assert.deepEqual([calls, await keys(registry)], [1, ["model:1", "c1", "model:2"]]);
  });

  test("waits for its approval before the first", async (t) => {
    const { transport, send } = await chat(
      t,
      answers(called(), { search: tool({ inputSchema, needsApproval: true, execute: generator }) }),
    );
    const chunks = [];
    for await (const chunk of await send([user("u1", "a")])) {
      chunks.push(chunk);
      if (chunk.type !== "tool-approval-request") continue;
      assert.deepEqual(outputs(chunks), []);
      await transport.answerApproval({ id: chunk.approvalId, approved: true });
    }
    assert.deepEqual(outputs(chunks), ["searching …", "found 1 …", "found 2 …", "found 2"]);
  });

  test("may fail behind some, which is not recorded, and be tried again", async (t) => {
    const execute = async function* () {
      yield* generator();
      throw new Error("no more");
    };
    const { registry, transport, send } = await chat(t, answers(called(), { search: tool({ inputSchema, execute }) }));
    assert.deepEqual(outputs(await all(await send([user("u1", "a")]))).slice(-2), ["found 2 …", "no more"]);
    assert.deepEqual(partOf((await transport.loadMessages("a")).at(-1)), {
      state: "output-error",
      result: "no more",
      preliminary: undefined,
    });
    assert.deepEqual(await keys(registry), ["model:1", "model:2"]);

    let tries = 0;
    const second = async function* () {
      yield `try ${++tries}`;
      if (tries === 1) throw new Error("once more");
    };
    const model = called();
    const other = await chat(t, async (turn) => {
      const tools = durableTools({ search: tool({ inputSchema, execute: second }) }, turn, {
        retry: { maxAttempts: 2, initialIntervalMs: 1 },
      });
      return streamText({ model: durableModel(model, turn), tools, prompt: "a", stopWhen: stepCountIs(5), abortSignal: turn.signal });
    });
    assert.deepEqual(outputs(await all(await other.send([user("u1", "a")]))), ["try 1 …", "try 2 …", "try 2"]);
  });

  test("ends with a turn that is stopped, which closes the call as failed", async (t) => {
    const [isOver, ends] = deferred();
    const execute = async function* (_input, { abortSignal }) {
      try {
        yield "searching";
        yield "found 1";
        await new Promise((now) => abortSignal.addEventListener("abort", now));
        yield "too late";
      } finally {
        ends();
      }
    };
    const model = called();
    const { registry, transport, send } = await chat(t, answers(model, { search: tool({ inputSchema, execute }) }));
    const chunks = [];
    for await (const chunk of await send([user("u1", "a")])) {
      chunks.push(chunk);
      if (chunk.output === "found 1") await transport.stop("a");
    }
    await isOver;
    const errorText = "the turn ended before the tool had";
    assert.deepEqual(outputs(chunks), ["searching …", "found 1 …", errorText]);
    assert.equal((await registry.awaitTerminal("chat:a/00000001")).type, "cancelled");
    const [asked, answer] = await transport.loadMessages("a");
    assert.deepEqual(partOf(answer), { state: "output-error", result: errorText, preliminary: undefined });
    // A page whose stream was aborted has not seen that.
    const parts = answer.parts.map((part) =>
      part.toolCallId ? { ...part, state: "output-available", errorText: undefined, output: "found 1", preliminary: true } : part,
    );
    await all(await send([asked, { ...answer, parts }, user("u2", "b")]));
    const [result] = model.doStreamCalls.at(-1).prompt.flatMap(({ role, content }) => (role === "tool" ? content : []));
    assert.deepEqual(result.output, { type: "error-text", value: errorText });
  });

  test("gives them to whatever reads the model's answer in a run that is no chat", async (t) => {
    const registry = await open(t);
    const model = called();
    const runner = async (run) => {
      const tools = durableTools({ search: tool({ inputSchema, execute: generator }) }, run);
      const results = [];
      for await (const part of streamText({ model: durableModel(model, run), tools, prompt: "a", abortSignal: run.signal }).fullStream)
        if (part.type === "tool-result") results.push([part.output, part.preliminary === true]);
      return results;
    };
    registry.driver({ runners: { runner } }).start();
    await registry.registerProcess({ id: "p", input: { type: "engine", kind: "runner" } });
    assert.deepEqual((await registry.awaitTerminal("p")).value, [
      ["searching", true],
      ["found 1", true],
      ["found 2", true],
      ["found 2", false],
    ]);
  });

  test("makes each when it is asked for, and ends where its reader leaves it", async () => {
    const made = [];
    const work = async (show) => {
      for (const n of [1, 2, 3]) {
        made.push(n);
        await show(n);
      }
      return 3;
    };
    const results = each(work);
    assert.deepEqual([await results.next(), made], [{ done: false, value: 1 }, [1]]);
    await new Promise((over) => setImmediate(over));
    assert.deepEqual(made, [1]);
    assert.deepEqual([await results.next(), made], [{ done: false, value: 2 }, [1, 2]]);
    await results.return();
    await new Promise((over) => setImmediate(over));
    assert.deepEqual(made, [1, 2, 3]);
    assert.deepEqual(await all(each(async () => 7)), [7]);
    assert.deepEqual(await all(each(async () => undefined)), []);
    await assert.rejects(all(each(() => Promise.reject(new Error("no")))), /no/);
  });

  test("passes over results that others have followed by the time that they could be shown", async () => {
    const shown = [];
    let free;
    const show = latest((result) => (shown.push(result), new Promise((now) => (free = now))));
    for (const result of [1, 2, 3]) show(result);
    assert.deepEqual(shown, [1]);
    free();
    await new Promise((over) => setImmediate(over));
    assert.deepEqual(shown, [1, 3]);
    free();
    await new Promise((over) => setImmediate(over));
    show(4);
    assert.deepEqual(shown, [1, 3, 4]);
  });
});

describe("what a later run makes again", () => {
  const step = { type: "start-step" };
  const over = { type: "finish-step" };
  const says = (id, ...words) => [{ type: "text-start", id }, ...words.map((delta) => ({ type: "text-delta", id, delta }))];
  const end = (id) => ({ type: "text-end", id });
  const rest = (before, made) => {
    const shown = new Shown(standing(before));
    return made.flatMap((chunk) => shown.next(chunk));
  };
  const RESET = { type: "reset-step" };

  test("is shown where it was not, under the ids that are known", () => {
    const before = [{ type: "start" }, step, ...says("x", "One ", "tw")];
    const made = [{ type: "start" }, step, ...says("y", "One two", " three"), end("y"), over, { type: "finish" }];
    assert.deepEqual(rest(before, made), [
      { type: "text-delta", id: "x", delta: "o" },
      { type: "text-delta", id: "x", delta: " three" },
      end("x"),
      over,
      { type: "finish" },
    ]);
    assert.deepEqual(rest(made, made), []);
  });

  test("may come in another order, where several things are made at once", () => {
    const outputs = ["a", "b"].map((toolCallId) => ({ type: "tool-output-available", toolCallId, output: 1 }));
    const data = { type: "data-p", id: "d", data: 1 };
    assert.deepEqual(rest([step, outputs[0], data], [data, step, outputs[1], outputs[0], over]), [outputs[1], over]);
  });

  test("is shown anew from the beginning of the step where it says something else, or less", () => {
    const before = [step, ...says("x", "One"), end("x"), over, step, ...says("z", "Two")];
    const first = [step, ...says("x", "One"), end("x"), over];
    const other = [step, ...says("y", "Three"), end("y"), over];
    assert.deepEqual(rest(before, [...first, ...other]), [RESET, ...other.slice(1)]);
    const less = [step, over, { type: "finish" }];
    assert.deepEqual(rest(before, [...first, ...less]), [RESET, over, { type: "finish" }]);
    const all = [...before, ...rest(before, [...first, ...other])];
    assert.deepEqual(settled(all), [...first, ...other]);
    const at = all.indexOf(RESET) - 1;
    const parts = [all.slice(0, at), all.slice(at)].flatMap((part) => settled(part, { isPart: true }));
    assert.deepEqual(settled(parts), [...first, ...other], "also of an answer that is kept in two parts");
  });

  test("includes what a tool has given so far, but nothing that a final result has taken the place of", () => {
    const given = (output) => ({ type: "tool-output-available", toolCallId: "c", output, preliminary: true });
    const final = { type: "tool-output-available", toolCallId: "c", output: 3 };
    const call = { type: "tool-input-available", toolCallId: "c", toolName: "t", input: {} };
    const before = [step, call, given(1), given(2)];
    assert.deepEqual(rest(before, [step, call, given(1), given(2), given(3), final, over]), [given(3), final, over]);
    assert.deepEqual(rest(before, [step, call, given(2), final, over]), [final, over], "that is recorded");
    assert.deepEqual(rest(before, [step, call, given(1), given(5), given(2), final, over]), [given(5), given(2), final, over]);
    assert.deepEqual(rest([...before, final], [step, call, given(3), final, over]), [over]);
    assert.deepEqual(rest([], [step, call, final, given(3), over, step, call, given(1)]), [step, call, final, over, step, call, given(1)]);
    assert.deepEqual(settled([...before, given(3), final, over]), [step, call, final, over]);
    assert.deepEqual(settled(before), [step, call, given(2)]);
    assert.deepEqual(settled([...before, { type: "tool-output-error", toolCallId: "c", errorText: "no" }]).length, 3);
  });

  test("includes the input of a tool call, piece by piece", () => {
    const piece = (inputTextDelta) => ({ type: "tool-input-delta", toolCallId: "c", inputTextDelta });
    const begun = { type: "tool-input-start", toolCallId: "c", toolName: "t" };
    assert.deepEqual(rest([step, begun, piece('{"a"')], [step, begun, piece('{"a":1}'), over]), [piece(":1}"), over]);
  });
});

describe("chunks and messages", () => {
  test("are kept as their text alone where they are pieces of the last text", () => {
    const chunks = [
      { type: "text-start", id: "a" },
      { type: "text-delta", id: "a", delta: "x" },
      { type: "reasoning-start", id: "b" },
      { type: "reasoning-delta", id: "b", delta: "y" },
      { type: "text-delta", id: "a", delta: "z" },
    ];
    const [codec, decoder] = [new Codec(), new Codec()];
    const kept = chunks.map((chunk) => codec.encode(chunk));
    assert.deepEqual(kept, [chunks[0], "x", chunks[2], "y", chunks[4]]);
    assert.deepEqual(
      kept.map((chunk) => decoder.decode(chunk)),
      chunks,
    );
  });

  test("are made of a message again", () => {
    const parts = [
      { type: "step-start" },
      { type: "text", text: "Hello" },
      { type: "tool-add", toolCallId: "1", state: "output-available", input: {}, output: 2 },
      { type: "dynamic-tool", toolName: "x", toolCallId: "2", state: "approval-requested", input: {}, approval: { id: "q" } },
      { type: "data-p", id: "d", data: 1 },
    ];
    assert.deepEqual(
      chunksOf({ id: "m", role: "assistant", metadata: { a: 1 }, parts }).map(({ type }) => type),
      [
        "start",
        "start-step",
        "text-start",
        "text-delta",
        "text-end",
        "tool-input-available",
        "tool-output-available",
        "tool-input-available",
        "tool-approval-request",
        "data-p",
      ],
    );
  });

  test("hold times, bytes and addresses as JSON", () => {
    const value = { at: new Date(5), bytes: new Uint8Array([0, 255]), url: new URL("https://a.example/"), list: [null, 1, undefined] };
    const json = kept(value);
    assert.deepEqual(JSON.parse(JSON.stringify(json)), json);
    assert.deepEqual(revived(json), { ...value, list: [null, 1, null] });
    assert.deepEqual(revived(kept({ $date: "2030", more: undefined })), { $date: "2030" });
    const alikeThem = { one: { $date: "2030" }, two: { $date: "2030", $url: 1 }, three: { $object: { $bytes: 5 } }, four: { $other: 1 } };
    assert.deepEqual(revived(kept(alikeThem)), alikeThem);
    assert.ok(alike({ a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }));
  });

  test("differ by what a page has changed of what it has seen", () => {
    const [a, b, c] = ["a", "b", "c"].map((id) => user(id, id));
    assert.deepEqual(
      difference([a, b], [a, c], (id) => id === "a"),
      { remove: [], add: [c] },
    );
    assert.deepEqual(
      difference([a, b], [a, c], () => true),
      { remove: ["b"], add: [c] },
    );
  });
});
