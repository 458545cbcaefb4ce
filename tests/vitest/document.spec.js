/**
 * The test kit in a document that is not real.
 *
 * @vitest-environment happy-dom
 */
import { expect, test } from "vitest";
import { cases } from "../kit/cases.js";

test("there is a document", () => {
  expect(document.createElement("p").tagName).toBe("P");
});

test.each(Object.entries(cases))("%s", async (_, run) => {
  await run();
});
