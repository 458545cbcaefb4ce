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

const { compileSchema } = await importSource("js/schema/schema.ts");
const table = JSON.parse(readFileSync(join(root, "tests/fixtures/schema-cases.json"), "utf8"));

describe("the shared table of schemas", () => {
  for (const { name, schema, compiles, cases } of table) {
    test(name, () => {
      const before = JSON.stringify(schema);
      if (!compiles) return assert.throws(() => compileSchema(schema), Error);
      const validate = compileSchema(schema, true);
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
  assert.deepEqual(
    faults.map((fault) => fault.slice(0, fault.indexOf(":"))),
    ["/a~1b c/1/~0n", "/flat", "(root)"],
  );
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
    $defs: Object.fromEntries(
      Array.from({ length }, (_, index) => [index, index + 1 < length ? { $ref: `#/$defs/${index + 1}` } : { type: "string" }]),
    ),
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

describe("what a validation costs", () => {
  test("is bounded where schemas branch and branch again", () => {
    const branching = (levels, keyword) =>
      levels === 0 ? { type: "string" } : { [keyword]: [branching(levels - 1, keyword), branching(levels - 1, keyword)] };
    const shared = (levels, keyword) => ({
      $ref: "#/$defs/0",
      $defs: Object.fromEntries(
        Array.from({ length: levels }, (_, level) => {
          const next = level + 1 < levels ? { $ref: `#/$defs/${level + 1}` } : { type: "string" };
          return [level, { [keyword]: [next, { ...next, minLength: 0 }] }];
        }),
      ),
    });
    for (const keyword of ["anyOf", "oneOf", "allOf"]) {
      assert.equal(compileSchema(branching(8, "anyOf"), true)("x").length, 0);
      assert.match(compileSchema(shared(60, keyword), true)(keyword === "anyOf" ? 1 : "x")[0], /^\(root\): (takes more work|is too large)/);
    }
  });

  test("is no obstacle to a large payload", () => {
    const row = {
      type: "object",
      required: ["id", "tags"],
      properties: {
        id: { type: "integer" },
        tags: { items: { enum: ["a", "b", "c"] } },
        note: { anyOf: [{ type: "null" }, { type: "string", pattern: "^[a-z ]*$" }] },
      },
    };
    const payload = Array.from({ length: 50_000 }, (_, id) => ({ id, tags: ["a", "c"], note: id % 2 ? "some text" : null }));
    assert.deepEqual(compileSchema({ type: "array", items: row }, true)(payload), []);
  });

  test("of items that must be unique grows with the square of their number, and is bounded, too", () => {
    const validate = compileSchema({ properties: { list: { uniqueItems: true } } }, true);
    const numbers = (count) => Array.from({ length: count }, (_, number) => number);
    const objects = (count) => numbers(count).map((number) => ({ a: 1, b: [number] }));
    assert.deepEqual(validate({ list: numbers(2_000), other: numbers(100_000) }), []);
    assert.deepEqual(validate({ list: objects(500) }), []);
    assert.match(validate({ list: [...objects(500), { b: [7], a: 1 }] })[0], /^\/list: Duplicate items/);
    assert.match(validate({ list: numbers(20_000) })[0], /takes more work/);
  });

  test("of a list of allowed values grows with it, and is bounded, too", () => {
    const values = Array.from({ length: 20_000 }, (_, number) => `v${number}`);
    const validate = compileSchema({ items: { enum: values } }, true);
    assert.deepEqual(validate(values.slice(0, 300)), []);
    assert.match(validate(Array.from({ length: 20_000 }, () => "v19999"))[0], /takes more work/);
  });

  test("of a regular expression cannot be bounded: a new schema may not have one of exponential time", () => {
    const schemas = [
      { pattern: "^(a+)+$" },
      { properties: { x: { propertyNames: { pattern: "(a|a)*b" } } } },
      { patternProperties: { "(\\w+\\s?)+$": true } },
      { pattern: "a".repeat(2_001) },
    ];
    for (const schema of schemas) {
      assert.throws(() => compileSchema(schema, true), /regular expression/);
      compileSchema(schema); // What is registered goes on working.
    }
  });
});
