/** The release script: what it refuses, and what it does where all is well, in a repository of its own. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { dateOf, released, unreleased } from "../../scripts/release/changelog.mjs";
import { wrongIn } from "../../scripts/release/contents.mjs";
import { compared, written } from "../../scripts/size.mjs";
import { root } from "./bundled.mjs";

const CHANGELOG = `# Changelog

## [Unreleased]

### Added

- Something.

## [0.1.0] - 2026-11-28

The first version.

[Unreleased]: https://example.com/compare/v0.1.0...HEAD
`;

describe("the changelog", () => {
  const bumped = released(CHANGELOG, { version: "0.2.0", date: "2026-12-01", before: "0.1.0", repository: "https://example.com" });

  test("gives what is unreleased to the version, and leaves nothing behind", () => {
    assert.equal(unreleased(CHANGELOG), "### Added\n\n- Something.");
    assert.equal(unreleased(bumped), "");
    assert.match(bumped, /## \[Unreleased\]\n\n## \[0\.2\.0\] - 2026-12-01\n\n### Added\n\n- Something\.\n\n## \[0\.1\.0\]/);
  });

  test("compares the version with the one before, and what comes next with the version", () => {
    assert.match(bumped, /^\[Unreleased\]: https:\/\/example\.com\/compare\/v0\.2\.0\.\.\.HEAD$/m);
    assert.match(bumped, /^\[0\.2\.0\]: https:\/\/example\.com\/compare\/v0\.1\.0\.\.\.v0\.2\.0$/m);
  });

  test("has a date for what was released, and for nothing else", () => {
    assert.deepEqual(
      ["0.2.0", "0.1.0", "0.3.0", "Unreleased"].map((version) => dateOf(bumped, version)),
      ["2026-12-01", "2026-11-28", undefined, undefined],
    );
  });

  test("of which nothing is unreleased becomes no version", () => {
    assert.throws(() => released(bumped, { version: "0.3.0", date: "2026-12-02", repository: "" }), /nothing under/);
  });

  test("of the project has a part that is unreleased", () => {
    assert.match(readFileSync(join(root, "CHANGELOG.md"), "utf8"), /^## \[Unreleased\]\n[^]*^\[Unreleased\]: https:/m);
  });
});

describe("the contents of the package", () => {
  const about = {
    main: "./dist/node.js",
    module: "./dist/index.js",
    types: "./dist/entries/index.d.ts",
    exports: { ".": { node: { default: "./dist/node.js" } } },
  };
  const fine = [
    "package.json",
    "README.md",
    "docs/app.md",
    "dist/node.js",
    "dist/index.js",
    "dist/index.js.map",
    "dist/entries/index.d.ts",
    "dist/development/node.js",
  ];

  test("are fine where they are what it is made of", () => assert.deepEqual(wrongIn(fine, about), []));

  for (const file of ["src/lib.rs", "js/api/run.ts", "dist/api/run.ts", ".npmrc", "tests/a.test.mjs", "dist/a.tgz", "docs/private/a.md"])
    test(`are refused with ${file}`, () => assert.deepEqual(wrongIn([...fine, file], about), [`${file} should not be in it`]));

  test("are refused without a file that package.json leads to", () => {
    const less = fine.filter((file) => file !== "dist/node.js");
    assert.deepEqual(wrongIn(less, about), ["dist/node.js is not in it"]);
  });
});

describe("the sizes", () => {
  test("are compared with those of the release before", () => {
    const before = { entries: [{ entry: "a", brotli: 2_000 }] };
    assert.equal(
      compared(
        [
          { entry: "a", brotli: 1_500 },
          { entry: "b", brotli: 100 },
        ],
        before,
        "0.1.0",
      ).replace(/ +/g, " "),
      "kB brotli now 0.1.0 change\na 1.5 2.0 -0.5\nb 0.1 new",
    );
  });

  test("in the documentation are as they were measured", () => {
    const figures = JSON.parse(readFileSync(join(root, "docs/size.json"), "utf8"));
    assert.equal(readFileSync(join(root, "docs/size.md"), "utf8"), written(figures));
  });
});

/** As any author; and not in a workflow that gives provenance. */
const { ACTIONS_ID_TOKEN_REQUEST_URL: _, NODE_TEST_CONTEXT: __, ...rest } = process.env;
const author = { GIT_AUTHOR_NAME: "T", GIT_AUTHOR_EMAIL: "t@example.com", GIT_COMMITTER_NAME: "T", GIT_COMMITTER_EMAIL: "t@example.com" };
const ENVIRONMENT = { ...rest, ...author };

describe("a release", () => {
  let repository;
  let homepage;
  let shown = "";

  before(async () => {
    homepage = createServer((_, response) => response.end(`<meta name="version" content="${shown}">`)).listen(0, "127.0.0.1");
    await once(homepage, "listening");
    repository = mkdtempSync(join(tmpdir(), "longwait-repository-"));
    const parts = [
      "CHANGELOG.md",
      "Cargo.toml",
      "Cargo.lock",
      "LICENSE",
      "NOTICE",
      "README.md",
      "THIRD_PARTY.md",
      "package-lock.json",
      ".npmrc",
    ];
    for (const part of [...parts, "docs", "dist", "scripts"]) cpSync(join(root, part), join(repository, part), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(repository, "node_modules"));
    const about = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    about.homepage = `http://127.0.0.1:${homepage.address().port}`;
    writeFileSync(join(repository, "package.json"), `${JSON.stringify(about, undefined, 2)}\n`);
    writeFileSync(join(repository, ".gitignore"), "/node_modules\n/dist/\n");
    // Small, so that they are compressed in no time. What they take is watched by the job `size`.
    for (const file of ["longwait_bg.wasm", "inline.js"]) writeFileSync(join(repository, "dist", file), file);
    assert.equal(spawnSync(process.execPath, ["scripts/size.mjs", "--docs"], { cwd: repository }).status, 0);
    git("init", "--quiet", "--initial-branch", "main");
    commit("Begin");
    git("tag", `v${about.version}`);
  });
  after(() => {
    rmSync(repository, { recursive: true, force: true });
    homepage.close();
  });

  const git = (...args) => {
    const { status, stdout, stderr } = spawnSync("git", args, { cwd: repository, env: ENVIRONMENT, encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return stdout.trim();
  };
  const commit = (message) => (git("add", "--all"), git("commit", "--quiet", "--message", message));
  const release = (...args) =>
    new Promise((done) => {
      const child = spawn(process.execPath, ["scripts/release.mjs", ...args], { cwd: repository, env: ENVIRONMENT });
      let said = "";
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (said += part));
      child.on("close", (status) => done({ status, said }));
    });

  test("of a version that is tagged is refused, with all else that is wrong", async () => {
    const { status, said } = await release("--dry-run", "--tested");
    assert.equal(status, 1);
    assert.match(said, /✘ version: v0\.1\.0 is tagged already/);
    assert.match(said, /✘ changelog: CHANGELOG\.md has more under Unreleased/);
    assert.match(said, /✘ homepage: http:\/\/127\.0\.0\.1:\d+ shows/);
    assert.match(said, /not released: version, changelog, homepage\n/);
  });

  test("is not bumped with changes that are not committed", async () => {
    writeFileSync(join(repository, "docs", "new.md"), "# New\n");
    assert.match((await release("--bump", "0.2.0")).said, /not committed:\n\?\? docs\/new\.md/);
    rmSync(join(repository, "docs", "new.md"));
  });

  test("of a version that was bumped passes its dry run, which publishes and tags nothing", async () => {
    shown = "0.2.0";
    assert.match((await release("--bump", "0.2.0")).said, /committed: Release 0\.2\.0/);
    assert.equal(git("log", "-1", "--format=%s"), "Release 0.2.0");
    const { status, said } = await release("--dry-run", "--tested");
    assert.equal(status, 0, said);
    assert.match(said, /0\.2\.0 can be released; nothing was published/);
    for (const check of ["clean tree", "version", "changelog", "tests", "sizes", "contents", "publint", "attw", "homepage"])
      assert.match(said, new RegExp(`✔ ${check}: `));
    assert.match(said, /kB brotli +now +0\.1\.0 +change\nlongwait +\d+\.\d/);
    assert.equal(git("tag"), "v0.1.0");
  });

  test("is refused where the homepage shows another version", async () => {
    shown = "0.1.9";
    assert.match(
      (await release("--dry-run", "--tested")).said,
      /✘ homepage: .* shows 0\.1\.9, and not that of 0\.2\.0\. Publish the documentation/,
    );
  });

  test("that is no dry run is refused outside of the workflow that gives provenance", async () => {
    const { status, said } = await release("--tested", "--homepage-unchecked");
    assert.equal(status, 1);
    assert.match(said, /✔ homepage: .* is not looked at, by --homepage-unchecked/);
    assert.match(said, /✘ provenance: npm gives none here[^]*not released: provenance\n/);
    assert.equal(git("tag"), "v0.1.0");
  });
});
