/** The agent of examples/agent, with a model behind an endpoint: a real one of HTTP, streamed, on this machine. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import { answer, ask, recorded, state, suggested, tabs } from "./agent-page.mjs";
import { site } from "./site.mjs";

const served = site();

/**
 * A server that speaks OpenAI's chat completions, as a stream. `answer(request, number)` gives `{ pieces }`, the deltas; with
 * `held` it says no more after them, and never ends; with `cut` the connection ends there. Or `{ status, error }`.
 */
async function endpoint(t, answer) {
  const requests = [];
  const server = createServer(async (request, response) => {
    const allowed = { "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*" };
    if (request.method === "OPTIONS") return response.writeHead(204, allowed).end();
    let body = "";
    for await (const part of request) body += part;
    requests.push({ url: request.url, key: request.headers.authorization, ...JSON.parse(body) });
    const { status = 200, pieces = [], error, held, cut } = answer(requests.at(-1), requests.length);
    response.writeHead(status, { ...allowed, "Content-Type": error ? "application/json" : "text/event-stream" });
    if (error) return response.end(JSON.stringify({ error: { message: error } }));
    for (const piece of pieces)
      response.write(`data: ${JSON.stringify(piece.error ? piece : { choices: [{ index: 0, delta: piece }] })}\n\n`);
    if (cut) response.end();
    else if (!held) response.end("data: [DONE]\n\n");
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => (server.closeAllConnections(), server.close()));
  return { requests, base: `http://127.0.0.1:${server.address().port}/v1` };
}

async function using(page, base, key = "") {
  const form = page.locator("#model");
  if ((await form.getAttribute("open")) === null) await form.locator("summary").click();
  await page.getByLabel("Base address").fill(base);
  await page.getByLabel("Model", { exact: true }).fill("some-model");
  await page.getByLabel("Key").fill(key);
  await page.getByRole("button", { name: "Use it" }).click();
  await page.locator("#model-name").getByText("some-model").waitFor();
}

const called = (index, name, args) => ({ tool_calls: [{ index, id: "call_0", type: "function", function: { name, arguments: args } }] });
const failure = (page, words) => page.getByText(`Failed: ${words}`).waitFor();

/** On the console are a line for each pattern, and no more: a run that threw, a request that the browser says has failed. */
const isTold = (page, ...patterns) => {
  const complaints = page.complaints.splice(0);
  assert.equal(complaints.length, patterns.length, complaints.join("\n"));
  for (const words of patterns)
    assert.ok(
      complaints.some((line) => words.test(line)),
      complaints.join("\n"),
    );
};

describe("with a model behind an endpoint, the agent", () => {
  test("streams, calls tools whose arguments come in pieces, and keeps the key out of the log", async (t) => {
    const page = await (await tabs(t, served))("otter");
    const { requests, base } = await endpoint(t, ({ messages }) =>
      messages.at(-1).role === "tool"
        ? { pieces: [{ content: "Six times seven is " }, { content: messages.at(-1).content }, { content: "." }] }
        : {
            pieces: [
              { content: "Let me see." },
              called(0, "calculate", '{"expre'),
              { tool_calls: [{ index: 0, function: { arguments: 'ssion":"6 * 7"}' } }] },
            ],
          },
    );
    await using(page, `${base}/`, "secret-key");
    await ask(page, "What is six times seven?");
    await state(page, "Answered");
    assert.equal(await answer(page).innerText(), "Six times seven is 42.");
    assert.deepEqual(
      requests.map(({ url, key, model, stream }) => [url, key, model, stream]),
      Array(2).fill(["/v1/chat/completions", "Bearer secret-key", "some-model", true]),
    );
    assert.deepEqual(
      requests[0].tools.map((tool) => tool.function.name),
      ["search", "calculate", "clock", "save_note"],
    );
    assert.deepEqual(
      requests[1].messages.map(({ role }) => role),
      ["user", "assistant", "tool"],
    );
    assert.ok(!(await page.evaluate(everythingStored)).includes("secret-key"));
  });

  test("takes calls of one id for two, and tells the model of a call that nobody can read", async (t) => {
    const page = await (await tabs(t, served))("otter");
    const calls = ['{"expression":"1 + 1"}', '{"expression":"2 + 2"}', "{nonsense"];
    const { requests, base } = await endpoint(t, (_, number) => ({
      pieces: calls[number - 1] ? [called(0, "calculate", calls[number - 1])] : [{ content: "There." }],
    }));
    await using(page, base);
    await ask(page, "Do some sums.");
    await state(page, "Answered");
    assert.equal(await answer(page).innerText(), "There.");
    const results = requests
      .at(-1)
      .messages.filter(({ role }) => role === "tool")
      .map(({ content }) => JSON.parse(content));
    assert.deepEqual(results.slice(0, 2), [2, 4]);
    assert.match(results[2], /^It failed: /);
    isTold(page, /of kind "tool" threw TypeError/);
  });

  test("fails with what the endpoint says", async (t) => {
    const page = await (await tabs(t, served))("otter");
    const { base } = await endpoint(t, () => ({ status: 401, error: "that key is not known" }));
    await using(page, base);
    await suggested(page);
    await state(page, "Failed");
    await failure(page, "The model answered 401: that key is not known");
    isTold(page, /status of 401/, /threw NonRetryableError: The model answered 401/);
  });

  test("fails where the endpoint reports an error in the middle of its answer, or hangs up, and records no half answer", async (t) => {
    const page = await (await tabs(t, served))("otter");
    const words = { content: "It is far away, and " };
    const broken = [{ pieces: [words, { error: { message: "out of memory" } }] }, { pieces: [words], cut: true }];
    // Each is asked three times.
    const { base } = await endpoint(t, (_, number) => broken[Math.floor((number - 1) / 3)]);
    await using(page, base);
    await suggested(page);
    await failure(page, "The model broke off: out of memory");
    isTold(page, /threw Error: The model broke off: out of memory/);
    assert.deepEqual(await recorded(page), []);
    await ask(page, "And now?");
    await failure(page, "The model broke off in the middle of its answer.");
    isTold(page, /threw Error: The model broke off in the middle/);
    assert.deepEqual(await recorded(page), []);
  });

  test("says so where nobody answers", async (t) => {
    const page = await (await tabs(t, served))("otter");
    const gone = createServer();
    await new Promise((listening) => gone.listen(0, "127.0.0.1", listening));
    const origin = `http://127.0.0.1:${gone.address().port}`;
    await new Promise((closed) => gone.close(closed));
    await using(page, `${origin}/v1`);
    await suggested(page);
    await failure(page, `${origin} cannot be reached, or does not let this page in (CORS).`);
    isTold(page, ...Array(3).fill(/ERR_CONNECTION_REFUSED/), /threw Error: http.* cannot be reached/);
  });

  test("asks again where the endpoint is busy, and shows nothing of the answer that broke off", async (t) => {
    const page = await (await tabs(t, served))("otter");
    const answers = [
      { status: 503, error: "too many requests" },
      { pieces: [{ content: "It is far away, and " }], cut: true },
      { pieces: [{ content: "It is quite far away." }] },
    ];
    const { requests, base } = await endpoint(t, (_, number) => answers[number - 1]);
    await using(page, base);
    await suggested(page);
    await state(page, "Answered");
    assert.equal(await answer(page).innerText(), "It is quite far away.");
    assert.equal(requests.length, 3);
    isTold(page, /status of 503/);
  });

  test("goes on in another tab with the same model, once that tab has the key", async (t) => {
    const open = await tabs(t, served);
    const one = await open("otter");
    const { requests, base } = await endpoint(t, (_, number) => ({
      pieces: [{ content: "It is quite far away, as far as I know." }],
      held: number === 1,
    }));
    await using(one, base, "secret-key");
    await ask(one, "How far is it?");
    await one.getByText("It is quite far away").waitFor();
    const other = await open("heron", { at: one });
    await one.close();
    await state(other, "Waits for a key");
    await other.getByText("heron has none. Enter it there, under Model.").waitFor();
    await using(other, base);
    await state(other, "Waits for a key");
    await using(other, base, "secret-key");
    await state(other, "Answered");
    assert.equal(await answer(other).innerText(), "It is quite far away, as far as I know.");
    assert.deepEqual(
      requests.map(({ key }) => key),
      ["Bearer secret-key", "Bearer secret-key"],
    );
    assert.ok(!(await other.evaluate(everythingStored)).includes("secret-key"));
  });
});

/** All that the databases of the page hold, as text. Runs in the page. */
async function everythingStored() {
  let text = JSON.stringify(Object.entries(localStorage));
  const answer = (request) =>
    new Promise(
      (resolve, reject) => ((request.onsuccess = () => resolve(request.result)), (request.onerror = () => reject(request.error))),
    );
  for (const { name } of await indexedDB.databases()) {
    const database = await answer(indexedDB.open(name));
    for (const store of database.objectStoreNames)
      text += JSON.stringify(await answer(database.transaction(store).objectStore(store).getAll()));
    database.close();
  }
  return text;
}
