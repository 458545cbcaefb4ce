/** A page whose token lies in a cookie that it cannot read, in Chromium: NATS takes it from there, at each connection. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { site } from "../e2e/site.mjs";
import { inSeconds, tenants } from "./tenants.mjs";

const served = site();
const PACKAGE = "/node_modules/longwait/dist/";
const map = JSON.stringify({ imports: { longwait: `${PACKAGE}index.js`, "longwait/nats": `${PACKAGE}nats.js` } });
const html = `<!doctype html><title>sample</title><link rel="icon" href="data:,"><script type="importmap">${map}</script>`;

describe("a token in a cookie", () => {
  let world, tenant, address;
  before(async () => {
    const origins = [served.url.replace(/\/$/, "")];
    world = await tenants({ origins, websocket: 'jwt_cookie: "nats"' });
    tenant = await world.tenant("A");
    // The name by which the page was loaded: the cookie is of that.
    address = world.servers.ws[0].replace("127.0.0.1", "localhost");
  });
  after(() => world.close());

  /** A page in a profile of its own. `give` sets its cookie, as a server does that is asked for a new one. */
  async function visit(t, origin = served.url) {
    // A page that the test makes up comes from nowhere, so that Chromium asks whether it may connect to this machine.
    const context = await served.browser.newContext({ permissions: ["local-network-access"] });
    t.after(() => context.close());
    await context.route("**/page.html", (route) => route.fulfill({ contentType: "text/html", body: html }));
    const page = await context.newPage();
    await page.goto(new URL("page.html", origin).href);
    const give = (seconds) => {
      const value = world.token(tenant, { expires: inSeconds(seconds) });
      return context.addCookies([{ name: "nats", value, domain: "localhost", path: "/", httpOnly: true, sameSite: "Strict" }]);
    };
    return { page, give };
  }

  test("lets a page open a registry without an authenticator, and a new one in its place is taken when it has expired", async (t) => {
    const { page, give } = await visit(t);
    await give(6);
    assert.equal(await page.evaluate(() => document.cookie), "");
    await page.evaluate(async (servers) => {
      const { openRegistry } = await import("longwait");
      const { natsStore } = await import("longwait/nats");
      globalThis.registry = await openRegistry({ storage: natsStore({ servers, namespace: "cookies" }) });
      await registry.registerProcess({ id: "p", input: { type: "external" } });
      globalThis.end = registry.awaitTerminal("p");
    }, address);
    await give(600);
    await world.expired(tenant);
    const end = await page.evaluate(async () => {
      await registry.completeProcess("p", { type: "success", value: "after the first had expired" });
      return end;
    });
    assert.deepEqual(end, { type: "success", value: "after the first had expired" });
  });

  test("does not let pages of another origin in", async (t) => {
    const { page, give } = await visit(t, served.url.replace("localhost", "127.0.0.1"));
    await give(600);
    const opened = (url) =>
      new Promise((done) => Object.assign(new WebSocket(url), { onopen: () => done(true), onerror: () => done(false) }));
    assert.equal(await page.evaluate(opened, address), false);
    const own = await visit(t);
    assert.equal(await own.page.evaluate(opened, address), true);
  });
});
