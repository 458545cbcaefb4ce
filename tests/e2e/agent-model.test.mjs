/** The agent of examples/agent, with a model behind an endpoint: a real one of HTTP, streamed, on this machine. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import { answer, ask, recorded, state, suggested, tabs } from "./agent-page.mjs";
import { site } from "./site.mjs";

const served = site();

/**
 * A server that speaks OpenAI's chat completions, as a stream. `answer(request, number)` gives `{ pieces }`, the deltas; with
 * `held` it says no more after them, and never ends; with `cut` the connection breaks there. Or `{ status, error }`.
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
    const say = (chunk) => new Promise((sent) => response.write(`data: ${JSON.stringify(chunk)}\n\n`, sent));
    for (const piece of pieces) await say(piece.error ? piece : { choices: [{ index: 0, delta: piece }] });
    if (cut) return request.socket.destroy();
    if (held) return;
    await say({ choices: [{ index: 0, delta: {}, finish_reason: pieces.some((piece) => piece.tool_calls) ? "tool_calls" : "stop" }] });
    response.end("data: [DONE]\n\n");
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => (server.closeAllConnections(), server.close()));
  return { requests, base: `http://127.0.0.1:${server.address().port}/v1` };
}

async function using(page, base, key = "") {
  const form = page.locator("details.model");
  if ((await form.getAttribute("open")) === null) await form.locator("summary").click();
  await page.getByLabel("Base address").fill(base);
  await page.getByLabel("Model", { exact: true }).fill("some-model");
  await page.getByLabel("Key").fill(key);
  await page.getByRole("button", { name: "Use it" }).click();
  await page.locator("#model-name").getByText("some-model").waitFor();
}

const calls = (id, name, args) => ({ tool_calls: [{ index: 0, id, type: "function", function: { name, arguments: args } }] });
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
  test("streams, calls tools whose arguments come in pieces, and keeps the key out of what is stored", async (t) => {
    const page = await (await tabs(t, served))("otter");
    const { requests, base } = await endpoint(t, ({ messages }) =>
      messages.at(-1).role === "tool"
        ? { pieces: [{ content: "Six times seven is " }, { content: messages.at(-1).content }, { content: "." }] }
        : {
            pieces: [
              { content: "Let me see." },
              calls("call_0", "calculate", '{"expre'),
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
      ["calculate", "clock", "save_note", "research"],
    );
    assert.deepEqual(
      requests[1].messages.map(({ role }) => role),
      ["system", "user", "assistant", "tool"],
    );
    assert.ok(!(await page.evaluate(everythingStored)).includes("secret-key"));
  });

  test("has its researcher asked at the same endpoint, with the same key", async (t) => {
    const page = await (await tabs(t, served))("otter");
    const { requests, base } = await endpoint(t, ({ messages, tools }) => {
      const isResearcher = tools[0].function.name === "read_shelf";
      if (messages.at(-1).role === "tool") return { pieces: [{ content: isResearcher ? "6650 kilometres." : "It is long." }] };
      const call = isResearcher
        ? calls("call_1", "read_shelf", '{"shelf":"water"}')
        : calls("call_0", "research", '{"question":"the Nile"}');
      return { pieces: [call] };
    });
    await using(page, base, "secret-key");
    await ask(page, "How long is it?");
    await state(page, "Answered");
    assert.equal(await answer(page).innerText(), "It is long.");
    assert.equal(await page.locator(".researcher .words").innerText(), "6650 kilometres.");
    assert.deepEqual(
      requests.map(({ key }) => key),
      Array(4).fill("Bearer secret-key"),
    );
    assert.equal(requests.at(-1).messages.at(-1).content, "6650 kilometres.");
    assert.ok(!(await page.evaluate(everythingStored)).includes("secret-key"));
  });

  test("shows the model a call that cannot be read, which tries again", async (t) => {
    const page = await (await tabs(t, served))("otter");
    const args = ["{nonsense", '{"expression":"1 + 1"}'];
    const { requests, base } = await endpoint(t, (_, number) => ({
      pieces: [args[number - 1] ? calls(`call_${number}`, "calculate", args[number - 1]) : { content: "There." }],
    }));
    await using(page, base);
    await ask(page, "Do some sums.");
    await state(page, "Answered");
    assert.equal(await answer(page).innerText(), "There.");
    const results = requests.at(-1).messages.filter(({ role }) => role === "tool");
    assert.match(results[0].content, /Invalid input for tool calculate/);
    assert.equal(results[1].content, "2");
  });

  test("fails with what the endpoint says, and asks only once where another time would not help", async (t) => {
    const page = await (await tabs(t, served))("otter");
    const { requests, base } = await endpoint(t, () => ({ status: 401, error: "that key is not known" }));
    await using(page, base);
    await suggested(page);
    await state(page, "Failed");
    await failure(page, "that key is not known");
    assert.equal(requests.length, 1);
    isTold(page, /status of 401/, /threw NonRetryableError: that key is not known/);
  });

  test("fails where the endpoint reports an error in the middle of its answer, and records no half answer", async (t) => {
    const page = await (await tabs(t, served))("otter");
    const { requests, base } = await endpoint(t, () => ({
      pieces: [{ content: "It is far away, and " }, { error: { message: "out of memory" } }],
    }));
    await using(page, base);
    await suggested(page);
    await failure(page, "out of memory");
    assert.equal(requests.length, 3);
    assert.deepEqual(await recorded(page), []);
    isTold(page, ...Array(3).fill(/threw .*out of memory/));
  });

  test("fails where no endpoint is", async (t) => {
    const page = await (await tabs(t, served))("otter");
    const gone = createServer();
    await new Promise((listening) => gone.listen(0, "127.0.0.1", listening));
    const origin = `http://127.0.0.1:${gone.address().port}`;
    await new Promise((closed) => gone.close(closed));
    await using(page, `${origin}/v1`);
    await suggested(page);
    await failure(page, "Failed to fetch");
    isTold(page, ...Array(3).fill(/ERR_CONNECTION_REFUSED/), ...Array(3).fill(/threw TypeError: Failed to fetch/));
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
    await page.reload();
    assert.equal(await answer(page).innerText(), "It is quite far away.");
    assert.equal(requests.length, 3);
    isTold(
      page,
      /status of 503/,
      /threw .*too many requests/,
      /ERR_INCOMPLETE_CHUNKED_ENCODING/,
      /threw .*Failed to process successful response/,
    );
  });

  test("continues in another tab with the same model, once that tab has the key", async (t) => {
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
