/**
 * Loaded into each file of tests (`node --import`). What a failed test left open, a browser or a server, does not keep its file running:
 * the process ends a moment after the last test.
 *
 * `--test-force-exit` would end it at once, and lose the results that are not yet written to the pipe: a run on a busy machine lacked the
 * last 16 tests of a file, and passed.
 */
import { after } from "node:test";

/** How long the results have to get out, in milliseconds. A process with nothing left open ends sooner. */
const GRACE_MS = 2_000;

after(() => void setTimeout(() => process.exit(), GRACE_MS).unref());
