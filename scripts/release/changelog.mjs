/** CHANGELOG.md, as text: which versions it has, and how what is unreleased becomes one. */

const UNRELEASED = /^## \[Unreleased\]\n/m;

/** The date of a version, `undefined` where it has none or there is no such version. */
export function dateOf(text, version) {
  const heading = text.split("\n").find((line) => line.startsWith(`## [${version}]`));
  return heading && /^## \[[^\]]+\] - (\d{4}-\d\d-\d\d)$/.exec(heading)?.[1];
}

/** What stands under "Unreleased", without its heading. */
export function unreleased(text) {
  const [, after] = text.split(UNRELEASED);
  return after === undefined ? "" : after.split(/^(?:## |\[Unreleased\]:)/m)[0].trim();
}

/** The text with what was unreleased as this version, of this date (`2026-12-01`). `before` is the version before, whose changes npm has. */
export function released(text, { version, date, before, repository }) {
  if (unreleased(text) === "") throw new Error('CHANGELOG.md has nothing under "## [Unreleased]"');
  const compare = (from, to) => `${repository}/compare/${from}...${to}`;
  return text
    .replace(UNRELEASED, `## [Unreleased]\n\n## [${version}] - ${date}\n`)
    .replace(
      /^\[Unreleased\]: .*$/m,
      `[Unreleased]: ${compare(`v${version}`, "HEAD")}\n[${version}]: ${before ? compare(`v${before}`, `v${version}`) : `${repository}/releases/tag/v${version}`}`,
    );
}
