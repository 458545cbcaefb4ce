/** The Rust tests inside a browser: in a window, in a dedicated worker, and through the JavaScript interface of the built package. */

import { add, libtest, none } from "./counts.mjs";
import { attempt, CommandFailed, say } from "./run.mjs";
import { which } from "./which.mjs";

/** Test binaries, with which of their tests are run; each says in its source where in the browser it runs. */
const suites = [["browser"], ["worker"], ["javascript", "indexed_db::"]];

/** Seconds that a whole suite may take, and that a driver may take to start on a busy machine. */
const env = { WASM_BINDGEN_TEST_TIMEOUT: "300", WASM_BINDGEN_TEST_DRIVER_TIMEOUT: "60" };

const engines = {
  chromium: { flags: ["--chrome", "--chromedriver"], driver: "chromedriver", through: [] },
  firefox: { flags: ["--firefox", "--geckodriver"], driver: "geckodriver", through: [] },
  // WebKitGTK has no headless mode: it gets a virtual screen.
  webkit: { flags: ["--safari", "--safaridriver"], driver: "WebKitWebDriver", through: ["xvfb-run", "-a"] },
};

/**
 * Runs the suites in one engine, each by itself: a suite whose mode does not fit the
 * runner is skipped in silence, and only by itself does that show as zero tests.
 */
export async function inBrowser(engine) {
  let counts = none;
  for (const suite of suites) counts = add(counts, await suiteInBrowser(engine, ...suite));
  return counts;
}

/** Runs those tests of a suite whose names have a text in them; all of them without one. */
export async function suiteInBrowser(engine, suite, tests) {
  const { flags, driver, through } = engines[engine];
  say(`${engine}: ${suite}`);
  const [program, ...args] = [...through, "wasm-pack", "test", "--mode", "no-install", "--headless", ...flags, path(driver)];
  return libtest(await attempt(program, [...args, "--", "--test", suite, ...(tests ? ["--", tests] : [])], { env }));
}

function path(program) {
  const found = which(program);
  if (!found) throw new CommandFailed(`${program} is not installed`);
  return found;
}
