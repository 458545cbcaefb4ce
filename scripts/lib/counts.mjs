/**
 * Counts of checks, read from what test runners print.
 *
 * A runner that ran nothing, or failed without naming a failure, counts as a failure:
 * otherwise a suite that is skipped by mistake would look like one that passes.
 */

export const pass = { passed: 1, failed: 0 };
export const fail = { passed: 0, failed: 1 };

export const add = (a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed });

/** For a command that is one check. */
export const one = ({ code }) => (code === 0 ? pass : fail);

/** For cargo test and wasm-pack test: adds up the result lines of all test binaries. */
export function libtest({ code, output }) {
  const lines = plain(output).matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed;/gm);
  return judged(code, Array.from(lines, ([, passed, failed]) => [+passed, +failed]));
}

/** For `node --test --test-reporter=spec`: the summary it ends with. */
export function nodeTest({ code, output }) {
  const last = (name) => +(plain(output).match(new RegExp(`^ℹ ${name} \\d+$`, "gm"))?.at(-1).split(" ")[2] ?? 0);
  return judged(code, [[last("pass"), last("fail") + last("cancelled")]]);
}

function judged(code, counted) {
  const total = counted.map(([passed, failed]) => ({ passed, failed })).reduce(add, { passed: 0, failed: 0 });
  const ranNothing = total.passed + total.failed === 0;
  const diedUncounted = code !== 0 && total.failed === 0;
  return ranNothing || diedUncounted ? add(total, fail) : total;
}

/** Without the colours that a runner may add. */
const plain = (output) => output.replace(/\x1b\[[0-9;]*m/g, "");
