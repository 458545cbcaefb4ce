/** Which regular expressions are known to take exponential time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { importSource } from "./bundled.mjs";

const { isExponential } = await importSource("js/schema/pattern.ts");

const bad = [
  "(a+)+",
  "(a*)*",
  "^(a+)+$",
  "(a|a)*b",
  "(a|ab|b)*c",
  "([a-z]+)*",
  "(\\w+\\s?)+$",
  "^(\\d+|\\w)*$",
  "(a?b?)*c",
  "(x+x+)+y",
  "(a*b*)*",
  "^(([a-z])+.)+[A-Z]([a-z])+$",
  "(?:\\s*,?\\s*)*$",
  "^([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}$",
  "(.*){20}x",
  "(a?){50}a{50}",
  "^(?=(a+)+b)",
  "(\\p{L}+)+\\d",
  "([\\s\\S]+)*x",
  "(?<word>\\w+)*!",
  "(😀|\\u{1F600})+$",
  "(中文?|文|中)+x",
];
const good = [
  "",
  "a",
  "a+",
  "^[a-z]+(-[a-z]+)*$",
  "^([a-z]+-)*[a-z]+$",
  "^\\d{4}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?Z?)?$",
  "^[\\w.+-]+@[\\w-]+(\\.[\\w-]+)+$",
  "^https?://[^\\s/]+(/[^\\s]*)?$",
  '^("([^"\\\\]|\\\\.)*"|[^"]*)$',
  "(a|b)*c",
  "^(\\d{3}){2}$",
  "(ab|ac)+",
  "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
  "^#[0-9a-fA-F]{3,6}$",
  "(\\p{Lu}\\p{Ll}*\\s)+",
  "^[\\s\\S]*$",
  "\\s+$",
  "^(?!.*\\.\\.)[a-z.]+$",
  "^(/[^/]+)*/?$",
  "^([01]?\\d\\d?|2[0-4]\\d|25[0-5])(\\.([01]?\\d\\d?|2[0-4]\\d|25[0-5])){3}$",
  "(a{2,5}b)+",
  "^\\S+( \\S+)*$",
  "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==)?",
];

for (const source of bad) {
  test(`${source} takes exponential time`, () => {
    new RegExp(source, "u");
    assert.ok(isExponential(source));
  });
}
for (const source of good) {
  test(`${source} does not`, () => {
    new RegExp(source, "u");
    assert.ok(!isExponential(source));
  });
}

test("a large expression is looked through in bounded work, or passes", () => {
  for (const source of [
    `(${Array.from({ length: 1_000 }, (_, number) => `w${number}`).join("|")})*`,
    `(${"[a-z]?".repeat(390)})x`,
    "(".repeat(500) + "a" + ")*".repeat(500),
  ]) {
    new RegExp(source, "u");
    isExponential(source);
  }
});
