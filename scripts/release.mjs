/**
 * `npm run release -- --bump 0.2.0`: writes the version, its date and its sizes where they stand, and commits that.
 * `npm run release -- --dry-run`: checks all that a release needs, and publishes nothing.
 * `npm run release`: the same, then `npm publish` with provenance, and the git tag. For .github/workflows/release.yml: npm gives provenance
 * to what a workflow built, and to nothing else.
 *
 * `--tested`: the tests of this commit have passed, in the step before of a workflow; otherwise they are run.
 * `--homepage-unchecked`: publishes though `homepage` of package.json does not show the documentation of this version.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isScript } from "./lib/is-script.mjs";
import { attwOf, pack, publintOf } from "./lib/packed.mjs";
import { inRepo } from "./lib/paths.mjs";
import { ask, CommandFailed, main, run, say } from "./lib/run.mjs";
import { dateOf, released, unreleased } from "./release/changelog.mjs";
import { wrongIn } from "./release/contents.mjs";
import { compared, measured, overBudget, writeDocs } from "./size.mjs";

const read = (file) => readFileSync(inRepo(file), "utf8");
const about = () => JSON.parse(read("package.json"));
const git = (...args) => run("git", args, { quiet: true }).then((said) => said.trim());

/** The version that was released last, by its tag; `undefined` before the first one. */
async function lastRelease() {
  const tag = await ask("git", ["describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"]);
  return tag?.replace(/^v/, "");
}

// Bumping

async function bump(version, { date = new Date().toISOString().slice(0, 10) } = {}) {
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) throw new CommandFailed(`${version} is no version`);
  await refuseUnlessClean();
  const { version: now, repository } = about();
  const changed = released(read("CHANGELOG.md"), {
    version,
    date,
    before: await lastRelease(),
    repository: repository.url.replace(/^git\+/, "").replace(/\.git$/, ""),
  });
  writeFileSync(inRepo("CHANGELOG.md"), changed);
  await run("npm", ["version", version, "--no-git-tag-version", "--allow-same-version", "--ignore-scripts"], { quiet: true });
  writeFileSync(inRepo("Cargo.toml"), read("Cargo.toml").replace(`version = "${now}"`, `version = "${version}"`));
  const ours = new RegExp(`^(name = "longwait[\\w-]*"\nversion = )"${now}"$`, "gm");
  writeFileSync(inRepo("Cargo.lock"), read("Cargo.lock").replace(ours, `$1"${version}"`));
  writeDocs(version);
  await run("git", ["commit", "--all", "--quiet", "--message", `Release ${version}`]);
  say(`committed: Release ${version}. Next: push it, and start the workflow "release", or look first: npm run release -- --dry-run`);
}

async function refuseUnlessClean() {
  const changes = await git("status", "--porcelain");
  if (changes !== "") throw new CommandFailed(`there are changes that are not committed:\n${changes}`);
}

// Checking

/** What a release needs, in this order. Each throws `CommandFailed` where it is not so, and answers a few words where it is. */
const checks = {
  async "clean tree"() {
    await refuseUnlessClean();
    return git("rev-parse", "--short", "HEAD");
  },
  async version() {
    const { version } = about();
    if (await ask("git", ["rev-parse", "--verify", `refs/tags/v${version}`]))
      throw new CommandFailed(`v${version} is tagged already: --bump first`);
    const locked = JSON.parse(read("package-lock.json")).version;
    if (locked !== version) throw new CommandFailed(`package-lock.json has ${locked}, and package.json ${version}`);
    for (const [file, line] of Object.entries({
      "Cargo.toml": `\nversion = "${version}"`,
      "Cargo.lock": `\nname = "longwait"\nversion = "${version}"`,
    }))
      if (!read(file).includes(line)) throw new CommandFailed(`${file} has another version than ${version}`);
    return version;
  },
  async changelog() {
    const { version } = about();
    const text = read("CHANGELOG.md");
    const date = dateOf(text, version);
    if (date === undefined) throw new CommandFailed(`CHANGELOG.md has no "## [${version}] - <date>"`);
    if (unreleased(text) !== "") throw new CommandFailed("CHANGELOG.md has more under Unreleased: --bump puts it under the version");
    return date;
  },
  async tests({ tested }) {
    if (tested) return "passed before, by --tested";
    await run("npm", ["test"]);
    return "passed";
  },
  async sizes() {
    const entries = measured();
    const last = await lastRelease();
    const before = last && (await ask("git", ["show", `v${last}:docs/size.json`]));
    say(compared(entries, before && JSON.parse(before), last));
    const over = overBudget(entries);
    if (over.length > 0) throw new CommandFailed(over.join("\n"));
    const written = JSON.parse(read("docs/size.json"));
    const isOfThese =
      written.entries.length === entries.length && entries.every(({ entry }, place) => written.entries[place].entry === entry);
    if (written.version !== about().version || !isOfThese)
      throw new CommandFailed("docs/size.md is of another version: npm run size -- --docs");
    return "within their budgets";
  },
  async contents({ files, unpackedSize }) {
    for (const file of files) say(`  ${file}`);
    const wrong = wrongIn(files, about());
    if (wrong.length > 0) throw new CommandFailed(wrong.join("\n"));
    return `${files.length} files, ${(unpackedSize / 1e6).toFixed(1)} MB unpacked`;
  },
  async publint({ installed }) {
    const messages = await publintOf(installed);
    if (messages.length > 0) throw new CommandFailed(messages.join("\n"));
    return "nothing to suggest";
  },
  async attw({ tarball }) {
    const { isFine, output } = await attwOf(tarball);
    if (!isFine) throw new CommandFailed(output);
    return "all types are found";
  },
  async homepage({ homepageUnchecked }) {
    const { homepage, version } = about();
    if (homepageUnchecked) return `${homepage} is not looked at, by --homepage-unchecked`;
    await refuseUnlessShown(homepage, version);
    return `${homepage} shows ${version}`;
  },
  async provenance({ dryRun }) {
    if (dryRun) return "not looked at: a dry run publishes nothing";
    if (!process.env.ACTIONS_ID_TOKEN_REQUEST_URL)
      throw new CommandFailed("npm gives none here: start the workflow of .github/workflows/release.yml");
    return "by GitHub Actions";
  },
};

/** Error messages and README lead there: people must find what they lead to. */
async function refuseUnlessShown(homepage, version) {
  const hint = "Publish the documentation there first (npm run docs -- --base /), or give --homepage-unchecked.";
  const page = await fetch(homepage, { signal: AbortSignal.timeout(20_000) }).catch((error) => {
    throw new CommandFailed(`${homepage} does not answer (${error.cause?.message ?? error.message}). ${hint}`);
  });
  const shown = /<meta name="version" content="([^"]*)">/.exec(await page.text())?.[1];
  if (!page.ok || shown !== version)
    throw new CommandFailed(`${homepage} shows ${shown ?? "no documentation of ours"}, and not that of ${version}. ${hint}`);
}

async function release(how) {
  const folder = mkdtempSync(join(tmpdir(), "longwait-release-"));
  try {
    const failed = [];
    let packed = {};
    for (const [name, check] of Object.entries(checks)) {
      try {
        // Behind the tests, which build it.
        if (name === "contents") packed = await pack(folder);
        say(`✔ ${name}: ${await check({ ...how, ...packed })}`);
      } catch (error) {
        if (!(error instanceof CommandFailed)) throw error;
        failed.push(name);
        say(`✘ ${name}: ${error.message}`);
      }
    }
    if (failed.length > 0) throw new CommandFailed(`not released: ${failed.join(", ")}`);
    const { version } = about();
    if (how.dryRun) return say(`${version} can be released; nothing was published`);
    await run("npm", ["publish", packed.tarball, "--provenance", "--access", "public", "--ignore-scripts"]);
    await git("tag", "--annotate", `v${version}`, "--message", `longwait ${version}`);
    await git("push", "origin", `v${version}`);
    say(`published and tagged: ${version}. Next: its fixture, node tests/fixtures/write.mjs dist ${version}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (isScript(import.meta))
  await main(async () => {
    const { values } = parseArgs({
      options: {
        bump: { type: "string" },
        "dry-run": { type: "boolean", default: false },
        tested: { type: "boolean", default: false },
        "homepage-unchecked": { type: "boolean", default: false },
      },
    });
    if (values.bump !== undefined) return bump(values.bump);
    await release({ dryRun: values["dry-run"], tested: values.tested, homepageUnchecked: values["homepage-unchecked"] });
  });
