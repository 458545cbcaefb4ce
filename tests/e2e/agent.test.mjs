/** The agent of examples/agent: as a person uses it, in one tab and in several, with a script and with an endpoint. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import { complaintsOf } from "../../scripts/lib/demo-page.mjs";
import { screenshot, site } from "./site.mjs";

const served = site();

/** Tabs of one profile. `open(name)` opens the agent in one more; `pace` makes its pauses longer or shorter. */
async function tabs(t, options = {}) {
  const context = await served.browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  t.after(() => context.close());
  context.setDefaultTimeout(20_000);
  return async function open(name, { pace = 0.2, at } = {}) {
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    await page.goto(`${served.url}examples/agent/?tab=${name}&pace=${pace}${at ? new URL(at.url()).hash : ""}`);
    await page.getByText("Its driver runs").waitFor();
    t.after(() => assert.deepEqual(complaints, []));
    return Object.assign(page, { complaints });
  };
}

const suggested = (page, words = "How far is the Moon?") => page.getByRole("button", { name: words }).click();
const state = (page, words) => page.locator("#state").getByText(words, { exact: true }).waitFor();
const allow = (page) => page.getByRole("button", { name: "Allow", exact: true });
const answer = (page) => page.locator(".said[data-last] .words");
const steps = (page) => page.locator(".done li");

/** The steps in the logs of the turn that is shown, and of its tools: `process key tab` for each record. */
const recorded = (page) =>
  page.evaluate(async () => {
    const { openRegistry } = await import("longwait");
    const registry = await openRegistry({ name: "agent" });
    const turn = decodeURIComponent(location.hash.slice(1));
    const found = [];
    for (const { id } of await registry.listProcesses({ status: "any" })) {
      if (!id.startsWith(turn)) continue;
      for (const { payload } of await registry.eventsAfter(id, 0, { types: ["process.step"] }))
        found.push({ process: id.slice(turn.length + 1), key: payload.key, tab: payload.value.tab });
    }
    await registry.close();
    return found;
  });

describe("the agent", () => {
  test("plans, uses tools, asks for permission, and answers", async (t) => {
    const page = await (await tabs(t))("otter");
    await screenshot({ page }, "agent-empty");
    await page.getByLabel("Your question").fill("How long is the river Nile?");
    await page.keyboard.press("Enter");
    await state(page, "Waits for you");
    await screenshot({ page }, "agent-waiting");
    await page.getByRole("group", { name: /May it save the note/ }).getByRole("button", { name: "Allow", exact: true }).click();
    await state(page, "Answered");
    assert.match(await answer(page).innerText(), /^It takes 55 days on foot\. The river Nile is 6650 kilometres long\..*The note is saved\.$/);
    await page.getByRole("region", { name: "Notes" }).getByText("Length of the Nile").waitFor();
    const done = await recorded(page);
    assert.equal(done.length, new Set(done.map(({ process, key }) => `${process} ${key}`)).size);
    assert.deepEqual(done.filter(({ process }) => process === "").map(({ key }) => key), ["model 1", "model 2", "model 3", "model 4"]);
    await screenshot({ page }, "agent-answered");
  });

  test("does not do what it is not allowed to", async (t) => {
    const page = await (await tabs(t))("otter");
    await suggested(page);
    await page.getByRole("button", { name: "Do not allow" }).click();
    await state(page, "Answered");
    assert.match(await answer(page).innerText(), /I have not saved a note, as you wished\.$/);
    await page.getByText("not allowed", { exact: true }).waitFor();
    assert.equal(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("agent note")).length), 0);
  });

  test("goes on after a reload in the middle of a sentence, and while it waits for a person", async (t) => {
    const page = await (await tabs(t))("otter", { pace: 1 });
    await suggested(page);
    await page.locator(".said[data-live] .words", { hasText: "I will" }).waitFor();
    await page.reload();
    await state(page, "Waits for you");
    await page.reload();
    await allow(page).click();
    await state(page, "Answered");
    assert.equal(await page.locator(".said").count(), 4);
    await page.getByText("taken over by").waitFor();
  });

  test("loses nothing when its tab is closed in the middle of a tool: another tab goes on, and repeats no finished step", async (t) => {
    const open = await tabs(t);
    const one = await open("otter", { pace: 1 });
    await suggested(one);
    await steps(one).filter({ hasText: "land" }).waitFor();
    const before = await recorded(one);
    const other = await open("heron", { pace: 0.1, at: one });
    await one.close();
    await allow(other).click();
    await state(other, "Answered");
    const after = await recorded(other);
    for (const step of before) assert.ok(after.some((known) => JSON.stringify(known) === JSON.stringify(step)), JSON.stringify(step));
    assert.equal(after.length, new Set(after.map(({ process, key }) => `${process} ${key}`)).size);
    assert.deepEqual([...new Set(after.filter(({ process }) => process === "search").map(({ tab }) => tab))], ["otter", "heron"]);
    await screenshot({ page: other }, "agent-taken-over");
  });

  test("is cancelled from another tab than the one it runs in", async (t) => {
    const open = await tabs(t);
    const one = await open("otter", { pace: 2 });
    await suggested(one);
    await steps(one).first().waitFor();
    const other = await open("heron", { at: one });
    await other.getByRole("button", { name: "Cancel the turn" }).click();
    await state(one, "Cancelled");
    await state(other, "Cancelled");
    await other.getByText("Cancelled: the person cancelled it").waitFor();
  });

  test("is handed over when its tab's driver is stopped; watching may stop, and changes nothing", async (t) => {
    const open = await tabs(t);
    const one = await open("otter", { pace: 1 });
    await suggested(one);
    await steps(one).first().waitFor();
    await one.getByRole("button", { name: "Stop this tab’s driver" }).click();
    await one.getByText("Its driver is stopped").waitFor();
    const other = await open("heron", { at: one });
    await one.getByText("taken over by").waitFor();
    await one.getByRole("button", { name: "Stop watching" }).click();
    await allow(other).click();
    await state(other, "Answered");
    assert.equal(await answer(one).count(), 0);
    await one.getByRole("button", { name: "Watch again" }).click();
    await state(one, "Answered");
  });

  test("keeps earlier turns, and can be read and used on a small screen, in the dark, by keyboard", async (t) => {
    const page = await (await tabs(t, { viewport: { width: 390, height: 844 }, colorScheme: "dark", reducedMotion: "reduce" }))("otter");
    await page.getByLabel("Your question").focus();
    await page.keyboard.type("What is the meaning of life?");
    await page.keyboard.press("Enter");
    await state(page, "Answered");
    assert.match(await answer(page).innerText(), /My almanac has nothing on that/);
    await page.getByLabel("Your question").fill("How long is a marathon?");
    await page.keyboard.press("Enter");
    await allow(page).focus();
    await page.keyboard.press("Enter");
    await state(page, "Answered");
    await screenshot({ page }, "agent-small");
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
    await page.getByLabel("Earlier turns").selectOption({ label: "What is the meaning of life?" });
    await page.getByRole("heading", { name: "What is the meaning of life?" }).waitFor();
  });
});

/** A server that speaks OpenAI's chat completions, as a stream: what `answer(request)` gives, piece by piece. */
async function endpoint(t, answer) {
  const requests = [];
  const server = createServer(async (request, response) => {
    const allowed = { "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*" };
    if (request.method === "OPTIONS") return response.writeHead(204, allowed).end();
    let body = "";
    for await (const part of request) body += part;
    requests.push({ url: request.url, key: request.headers.authorization, ...JSON.parse(body) });
    const { status = 200, pieces = [], error } = answer(requests.at(-1), requests.length);
    response.writeHead(status, { ...allowed, "Content-Type": error ? "application/json" : "text/event-stream" });
    if (error) return response.end(JSON.stringify({ error: { message: error } }));
    for (const delta of pieces) response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`);
    response.end("data: [DONE]\n\n");
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => (server.closeAllConnections(), server.close()));
  return { requests, base: `http://127.0.0.1:${server.address().port}/v1` };
}

async function using(page, base, key = "") {
  await page.getByText("a script, offline").click();
  await page.getByLabel("Base address").fill(base);
  await page.getByLabel("Model", { exact: true }).fill("some-model");
  await page.getByLabel("Key").fill(key);
  await page.getByRole("button", { name: "Use it" }).click();
  await page.locator("#model-name").getByText("some-model").waitFor();
}

describe("with a model behind an endpoint", () => {
  test("it streams, calls tools whose arguments come in pieces, and keeps the key out of the log", async (t) => {
    const page = await (await tabs(t))("otter");
    const { requests, base } = await endpoint(t, ({ messages }) =>
      messages.at(-1).role === "tool"
        ? { pieces: [{ content: "Six times seven is " }, { content: messages.at(-1).content }, { content: "." }] }
        : {
            pieces: [
              { content: "Let me see." },
              { tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "calculate", arguments: '{"expre' } }] },
              { tool_calls: [{ index: 0, function: { arguments: 'ssion":"6 * 7"}' } }] },
            ],
          },
    );
    await using(page, `${base}/`, "secret-key");
    await page.getByLabel("Your question").fill("What is six times seven?");
    await page.keyboard.press("Enter");
    await state(page, "Answered");
    assert.equal(await answer(page).innerText(), "Six times seven is 42.");
    assert.deepEqual(requests.map(({ url, key, model, stream }) => [url, key, model, stream]), Array(2).fill(["/v1/chat/completions", "Bearer secret-key", "some-model", true]));
    assert.deepEqual(requests[0].tools.map((tool) => tool.function.name), ["search", "calculate", "clock", "save_note"]);
    assert.deepEqual(requests[1].messages.map(({ role }) => role), ["user", "assistant", "tool"]);
    assert.ok(!(await page.evaluate(everythingStored)).includes("secret-key"));
  });

  test("it fails with what the endpoint says", async (t) => {
    const page = await (await tabs(t))("otter");
    const { base } = await endpoint(t, () => ({ status: 401, error: "that key is not known" }));
    await using(page, base);
    await suggested(page);
    await state(page, "Failed");
    await page.getByText("Failed: The model answered 401: that key is not known").waitFor();
    // The browser says so as well.
    assert.deepEqual(page.complaints.splice(0).map((words) => words.includes("401")), [true]);
  });
});

/** All that the databases of the page hold, as text. Runs in the page. */
async function everythingStored() {
  let text = JSON.stringify(Object.entries(localStorage));
  const answer = (request) => new Promise((resolve, reject) => ((request.onsuccess = () => resolve(request.result)), (request.onerror = () => reject(request.error))));
  for (const { name } of await indexedDB.databases()) {
    const database = await answer(indexedDB.open(name));
    for (const store of database.objectStoreNames) text += JSON.stringify(await answer(database.transaction(store).objectStore(store).getAll()));
    database.close();
  }
  return text;
}
