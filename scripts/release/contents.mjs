/** What the packed package may hold, and must. */

/** Everything else is ours alone. */
const EXPECTED = [
  /^(README|CHANGELOG|THIRD_PARTY)\.md$/,
  /^(LICENSE|NOTICE|package\.json)$/,
  /^docs\/(errors\/)?[\w-]+\.(md|json)$/,
  /^dist\/(development\/)?[\w-]+\.js$/,
  /^dist\/[\w-]+\.js\.map$/,
  /^dist\/[\w-]+\.wasm$/,
  /^dist\/(\w+\/)?[\w-]+\.d\.ts$/,
];

/** Files that it must not hold, and those that `package.json` names and that are not there, in words. */
export function wrongIn(files, { exports, main, module, types }) {
  const held = new Set(files);
  const unexpected = files.filter((file) => !EXPECTED.some((pattern) => pattern.test(file)));
  const missing = [...new Set([main, module, types, ...targets(exports)])]
    .map((file) => file.replace(/^\.\//, ""))
    .filter((file) => !held.has(file));
  return [...unexpected.map((file) => `${file} should not be in it`), ...missing.map((file) => `${file} is not in it`)];
}

/** The files that an `exports` leads to, under whatever conditions. */
const targets = (exports) => (typeof exports === "string" ? [exports] : Object.values(exports).flatMap(targets));
