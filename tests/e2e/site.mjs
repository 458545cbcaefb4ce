/** The demo page for the tests beside this file: a site and a browser per file, a profile per test. */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { demo } from "../../scripts/lib/demo-page.mjs";

export function site() {
  let opened;
  before(async () => (opened = await demo()));
  after(() => opened?.close());
  return {
    get url() {
      return opened.url;
    },
    get browser() {
      return opened.browser;
    },
    /** The page in a profile of the test's own, or `{ beside }` another page. In the end its console must be clean. */
    async visit(t, options = {}) {
      const visited = await opened.visit(options);
      t.after(async () => {
        await visited.page.close();
        if (!options.beside) await visited.page.context().close();
        assert.deepEqual(visited.complaints, []);
      });
      return visited;
    },
  };
}

const folder = fileURLToPath(new URL("screenshots/", import.meta.url));

/** Saves what the page looks like, for people to look at. */
export const screenshot = ({ page }, name) => page.screenshot({ path: `${folder}${name}.png`, animations: "disabled" });
