/**
 * The test kit under Jest as it comes, without a document.
 *
 * @jest-environment node
 */
import { cases, measured } from "../kit/cases.js";

test.each(Object.entries(cases))("%s", (name, run) => measured(name, run, "Jest"));
