/** The built site: each link within it leads to a page, and to a place of that page. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { buildDocs } from "../../scripts/docs.mjs";
import { inRepo } from "../../scripts/lib/paths.mjs";

await buildDocs();

/** Its files by their addresses, without `.html`, and `index` as the folder. */
const files = new Map(
  readdirSync(inRepo("build/docs"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${parentPath}/${name}`.slice(inRepo("build/docs").length))
    .map((path) => [`/docs${path.replace(/(?<=\/)index\.html$|\.html$/, "")}`, path]),
);

const html = (path) => readFileSync(inRepo(`build/docs${path}`), "utf8");

const all = (text, pattern) => Array.from(text.matchAll(pattern), ([, found]) => found.replaceAll("&amp;", "&"));

test("each link of the site leads to a page, and to a place that is there", () => {
  const pages = new Map();
  for (const [address, path] of files) if (path.endsWith(".html")) pages.set(address, html(path));
  assert.ok(pages.size > 100);
  const places = new Map([...pages].map(([address, text]) => [address, new Set(all(text, / id="([^"]+)"/g))]));
  const broken = [];
  let followed = 0;
  for (const [address, text] of pages) {
    for (const link of new Set(all(text, /<a [^>]*?href="([^"]*)"/g))) {
      const { origin, pathname, hash } = new URL(link, `http://site${address}`);
      if (origin !== "http://site") continue;
      followed += 1;
      const page = decodeURI(pathname);
      const isThere = files.has(page) && (hash === "" || places.get(page)?.has(decodeURIComponent(hash.slice(1))));
      if (!isThere) broken.push(`${address}: ${link}`);
    }
  }
  assert.ok(followed > 1_000);
  assert.deepEqual(broken, []);
});

test("llms.txt lists the pages, and llms-full.txt holds them", () => {
  const [list, full] = ["llms.txt", "llms-full.txt"].map((name) => html(`/${name}`));
  for (const page of ["concepts", "recovery"]) {
    assert.match(list, new RegExp(`\\(https://[^)]*/${page}\\.md\\)`));
    assert.ok(full.includes(readFileSync(inRepo(`docs/${page}.md`), "utf8").trim()));
    assert.equal(html(`/${page}.md`), readFileSync(inRepo(`docs/${page}.md`), "utf8"));
  }
});
