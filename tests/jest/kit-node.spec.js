/**
 * The test kit under Jest as it comes, without a document.
 *
 * @jest-environment node
 */
import { cases } from "../kit/cases.js";

test.each(Object.entries(cases))("%s", async (_, run) => {
  await run();
});
