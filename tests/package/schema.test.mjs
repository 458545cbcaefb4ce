/**
 * The validator of the browser build. The native one runs the same table, so that both take and refuse the same.
 * Entries marked `compilesNatively` are the exceptions: schemas that the native one compiles, because it looks at references
 * and patterns only when they are used and treats endless references as satisfied, and that are refused here.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { importSource, root } from "./bundled.mjs";

const { compileSchema } = await importSource("js/schema.ts");
const table = JSON.parse(readFileSync(join(root, "tests/schema-cases.json"), "utf8"));

describe("the shared table of schemas", () => {
  for (const { name, schema, compiles, cases } of table) {
    test(name, () => {
      const before = JSON.stringify(schema);
      if (!compiles) return assert.throws(() => compileSchema(schema), Error);
      const validate = compileSchema(schema);
      assert.ok(cases.length > 0);
      for (const { payload, valid } of cases) {
        const faults = validate(payload);
        assert.equal(faults.length === 0, valid, `${JSON.stringify(payload)}: ${faults.join("; ") || "no fault"}`);
        for (const fault of faults) assert.match(fault, /^(\/[^:]*|\(root\)): ./);
      }
      assert.equal(JSON.stringify(schema), before, "the schema was changed");
    });
  }
});

test("a fault names its place by JSON pointer, and the deepest come first", () => {
  const validate = compileSchema({
    properties: { "a/b c": { items: { properties: { "~n": { type: "number" } } } }, flat: { type: "string" } },
    required: ["missing"],
  });
  const faults = validate({ "a/b c": [{}, { "~n": "x" }], flat: 1 });
  assert.deepEqual(faults.map((fault) => fault.slice(0, fault.indexOf(":"))), ["/a~1b c/1/~0n", "/flat", "(root)"]);
  assert.match(faults[2], /missing/);
});

test("a property that is not allowed is named itself", () => {
  assert.deepEqual(compileSchema({ additionalProperties: false })({ x: 1 }), ["/x: must not be there"]);
});

test("faults are at most ten, and none is told twice", () => {
  const validate = compileSchema({ items: { allOf: [{ type: "string" }, { type: "string" }] } });
  const faults = validate(Array.from({ length: 50 }, (_, index) => index));
  assert.equal(faults.length, 10);
  assert.equal(new Set(faults).size, 10);
  assert.equal(validate([1]).length, 1);
});

test("a huge enumeration does not make a huge fault", () => {
  const [fault] = compileSchema({ enum: Array.from({ length: 10_000 }, (_, index) => index) })("x");
  assert.ok(fault.length < 400);
});

test("more faults than a call stack can carry are still an answer", () => {
  const payload = Array.from({ length: 300_000 }, () => "x");
  assert.notDeepEqual(compileSchema({ items: { items: true, type: "number" } })(payload), []);
  assert.notDeepEqual(compileSchema({ contains: { type: "number" } })(payload), []);
});

test("the same schema and payload give the same faults each time", () => {
  const schema = { anyOf: [{ required: ["a"] }, { properties: { b: { type: "string" } }, required: ["b"] }] };
  const runs = [0, 1, 2].map(() => compileSchema(schema)({ b: 1 }));
  assert.deepEqual(runs[1], runs[0]);
  assert.deepEqual(runs[2], runs[0]);
});

test("what cannot be compiled says where", () => {
  const where = (schema) => {
    try {
      compileSchema(schema);
    } catch (error) {
      return error.message;
    }
  };
  assert.match(where({ properties: { "a/b": { type: "strng" } } }), /^\/properties\/a~1b\/type: /);
  assert.match(where({ allOf: [{}, { pattern: "(" }] }), /^\/allOf\/1\/pattern: is not a regular expression/);
  assert.match(where({ $ref: "#/$defs/x" }), /^\/\$ref: "#\/\$defs\/x"/);
  assert.match(where(7), /^the schema: /);
  assert.match(where({ $ref: "#" }), /refers to itself/);
});

test("chains of references are fine, endless ones refused", () => {
  const chain = (length) => ({
    $ref: "#/$defs/0",
    $defs: Object.fromEntries(Array.from({ length }, (_, index) => [index, index + 1 < length ? { $ref: `#/$defs/${index + 1}` } : { type: "string" }])),
  });
  assert.equal(compileSchema(chain(50))("x").length, 0);
  assert.equal(compileSchema(chain(50))(1).length, 1);
  assert.throws(() => compileSchema(chain(20_000)), /combines more than/);
});

test("dynamic references among several bearers of one name are refused, as the validator cannot choose", () => {
  const leaf = { $id: "leaf", $dynamicAnchor: "node" };
  assert.throws(() => compileSchema({ $dynamicAnchor: "node", $dynamicRef: "#node", $defs: { leaf } }), /dynamic/);
});

test("two schemas of one name are refused", () => {
  assert.throws(() => compileSchema({ $defs: { a: { $anchor: "x" }, b: { $anchor: "x" } } }), /names two/);
  assert.throws(() => compileSchema({ $defs: { a: { $id: "urn:x:y" }, b: { $id: "urn:x:y" } } }), /names two/);
});
