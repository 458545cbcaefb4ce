/**
 * Counts of checks, read from what test runners print.
 *
 * A runner that ran nothing, or failed without naming a failure, counts as a failure:
 * otherwise a suite that is skipped by mistake would look like one that passes. What was skipped is counted by itself.
 */

export const none = { passed: 0, failed: 0, skipped: 0 };
export const pass = { ...none, passed: 1 };
export const fail = { ...none, failed: 1 };

export const add = (a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped });

/** For a command that is one check. */
export const one = ({ code }) => (code === 0 ? pass : fail);

/** For cargo test and wasm-pack test: adds up the result lines of all test binaries. */
export function libtest({ code, output }) {
  const lines = plain(output).matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;/gm);
  return judged(
    code,
    Array.from(lines, ([, passed, failed, skipped]) => ({ passed: +passed, failed: +failed, skipped: +skipped })),
  );
}

/** For `node --test --test-reporter=spec`: the summary it ends with. */
export function nodeTest({ code, output }) {
  const last = (name) =>
    +(
      plain(output)
        .match(new RegExp(`^ℹ ${name} \\d+$`, "gm"))
        ?.at(-1)
        .split(" ")[2] ?? 0
    );
  return judged(code, [{ passed: last("pass"), failed: last("fail") + last("cancelled"), skipped: last("skipped") + last("todo") }]);
}

function judged(code, counted) {
  const total = counted.reduce(add, none);
  const ranNothing = total.passed + total.failed === 0;
  const diedUncounted = code !== 0 && total.failed === 0;
  return ranNothing || diedUncounted ? add(total, fail) : total;
}

/** Without the colours that a runner may add. */
const plain = (output) => output.replace(/\x1b\[[0-9;]*m/g, "");
