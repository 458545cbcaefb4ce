/** What the package fetches in a real browser, and what it says where that is refused. That it works is for tests/consumers/. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { blocks } from "../samples/programs.mjs";
import { site } from "./site.mjs";

const served = site();
const PACKAGE = "/node_modules/longwait/dist/index.js";

/** The policy of docs/app.md, and the icon of nothing that the pages here have. */
const POLICY = blocks("docs/app.md")
  .find(({ heading }) => heading === "Content security policy")
  .code.trim();
const STRICT = `${POLICY}; img-src data:`;
/** With an icon of nothing: browsers ask for one, and complain where it is missing. */
const html = (script) => `<!doctype html><title>test</title><link rel="icon" href="data:,"><script type="module" src="${script}"></script>`;

/** A page of these files, beside the package; `open()` loads it, again too, and answers what it reports. */
async function pageOf(t, files, policy) {
  const context = await served.browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  for (const [path, body] of Object.entries(files)) {
    const contentType = path.endsWith(".html") ? "text/html" : "text/javascript";
    await context.route(`**/${path}`, (route) => route.fulfill({ body, contentType, headers: { "Content-Security-Policy": policy } }));
  }
  return { page, open: () => result(page, `${served.url}test.html`) };
}

async function result(page, url) {
  await page.goto(url);
  return (await page.waitForFunction(() => globalThis.result)).jsonValue();
}

describe("a page without any tool", () => {
  test("fetches the schema validator when it meets the first schema, and not before", async (t) => {
    const { page, seen } = await watched(t);
    await page.evaluate(() => globalThis.append("plain", 1));
    assert.deepEqual(seen, []);
    const refusals = await page.evaluate(() => Promise.all([globalThis.append("strict", "x"), globalThis.append("strict", "y")]));
    assert.deepEqual(refusals, ["invalid_payload", "invalid_payload"]);
    assert.equal(await page.evaluate(() => globalThis.append("strict", 1)), 1);
    assert.equal(seen.length, 1);
  });

  test("says so where the validator cannot be fetched; what needs none goes on", async (t) => {
    const { page } = await watched(t, (route) => route.abort());
    assert.equal(await page.evaluate(() => globalThis.append("strict", 1)), "internal");
    assert.equal(await page.evaluate(() => globalThis.append("plain", 1)), 1);
  });

  for (const needed of ["'wasm-unsafe-eval'", "connect-src 'self'"])
    test(`where the policy lacks ${needed}, opening is rejected with a code`, async (t) => {
      assert.ok(STRICT.includes(needed));
      const script = `
        import { openRegistry } from "${PACKAGE}";
        openRegistry().catch(({ name, code }) => (globalThis.result = { name, code }));`;
      const { open } = await pageOf(t, { "test.html": html("/script.js"), "script.js": script }, STRICT.replace(needed, ""));
      assert.deepEqual(await open(), { name: "ProcessError", code: "internal" });
    });
});

/** A page that can append to a process without a schema and to one with; `seen` are the requests for the validator. */
async function watched(t, answer = (route) => route.continue()) {
  const script = `
    import { openRegistry } from "${PACKAGE}";
    const registry = await openRegistry();
    globalThis.append = async (id, payload) => {
      try {
        const payloadSchema = id === "strict" ? { type: "number" } : undefined;
        await registry.registerProcess({ id, input: { type: "external" }, eventTypes: [{ name: "tick", payloadSchema }] });
        return (await registry.appendEvent(id, { eventType: "tick", payload })).event.sequence;
      } catch ({ code }) {
        return code;
      }
    };
    globalThis.result = true;`;
  const { page, open } = await pageOf(t, { "test.html": html("/script.js"), "script.js": script }, STRICT);
  const seen = [];
  await page.route("**/schema.js", (route) => {
    seen.push(route.request().url());
    return answer(route);
  });
  await open();
  return { page, seen };
}
