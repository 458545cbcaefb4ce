/**
 * The test kit in a document that is not real.
 *
 * @vitest-environment happy-dom
 */
import { expect, test } from "vitest";
import { cases, measured } from "../kit/cases.js";

test("there is a document", () => {
  expect(document.createElement("p").tagName).toBe("P");
});

test.each(Object.entries(cases))("%s", (name, run) => measured(name, run, "Vitest, happy-dom"));
