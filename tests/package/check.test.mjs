/** What callers may pass: the walk over JSON values, and the checks of single arguments. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import vm from "node:vm";
import { importSource } from "./bundled.mjs";
import { helped } from "./registry.mjs";

const check = await importSource("js/border/check.ts");
const { shape, SHAPES } = await importSource("js/border/shapes.ts", "js/border/arguments.ts");

/** Payloads are below a field that is the caller's own, as in a real request. */
const payload = (value) => shape({ eventType: "e", payload: value }, "request", SHAPES.append).payload;

/** The message of the refusal, after making sure that it is one. */
function refusal(call) {
  try {
    call();
  } catch (error) {
    assert.equal(error.name, "ProcessError");
    assert.equal(error.code, "invalid_argument");
    return error.message;
  }
  assert.fail("was not refused");
}

/** What a checked shape has, without its null prototype, which keeps what a library adds to every object out of it. */
const plain = (shape) => structuredClone(shape);

describe("JSON values", () => {
  test("are copied, deeply and without change", () => {
    const value = { text: "ä😀\u0000", list: [1, -1.5, 1e300, true, false, null, [], {}], "": { a: "" } };
    const copy = payload(value);
    assert.deepEqual(copy, value);
    assert.notEqual(copy, value);
    assert.notEqual(copy.list, value.list);
    value.list.push("later");
    assert.equal(copy.list.length, 8);
  });

  test("of another realm, or without prototype, are as good", () => {
    assert.deepEqual(payload(vm.runInNewContext(`({ a: [1, { b: "x" }] })`)), { a: [1, { b: "x" }] });
    assert.deepEqual(payload(Object.assign(Object.create(null), { a: 1 })), { a: 1 });
  });

  test("turn -0 into 0, as their text would", () => {
    assert.ok(Object.is(payload(-0), 0));
  });

  test("are taken without what is not enumerable: marks of libraries are no data", () => {
    const marked = (value) => {
      Object.defineProperty(value, "__ob__", { value: () => {} });
      return Object.defineProperty(value, Symbol("mark"), { value: 1 });
    };
    assert.deepEqual(payload(marked({ a: marked([1]) })), { a: [1] });
    assert.deepEqual(payload(((strings) => strings)`a${1}b`), ["a", "b"]);
  });

  test("read each getter once", () => {
    let reads = 0;
    assert.deepEqual(
      payload({
        get a() {
          return ++reads;
        },
      }),
      { a: 1 },
    );
    assert.equal(reads, 1);
  });

  test("keep their keys, whatever they are called", () => {
    const value = JSON.parse(`{"constructor":1,"toString":2,"hasOwnProperty":3,"weird key":4}`);
    assert.deepEqual(payload(value), value);
  });

  const cycle = { inner: {} };
  cycle.inner.back = cycle;
  class Point {}
  const refused = [
    ["undefined in an array", [1, undefined], "request.payload[1]: is undefined"],
    ["undefined as a property", { a: undefined }, "request.payload.a: is undefined"],
    ["a hole", { list: [1, , 3] }, "request.payload.list[1]: is undefined"], // eslint-disable-line no-sparse-arrays
    ["a function", { a: () => {} }, "request.payload.a: is a function"],
    ["a symbol", { a: [Symbol("x")] }, "request.payload.a[0]: is a symbol"],
    ["a BigInt", { "a b": 1n }, `request.payload["a b"]: is a BigInt`],
    ["NaN", { a: { b: NaN } }, "request.payload.a.b: is NaN"],
    ["infinity", [-Infinity], "request.payload[0]: is -Infinity"],
    ["half a character", { a: "x\ud800" }, "request.payload.a: has half of a surrogate pair"],
    ["half a character in a key", { "\udc00": 1 }, `request.payload["\\udc00"]: is a key that has half`],
    ["a cycle", cycle, "request.payload.inner.back.inner.back"],
    ["a class instance", { a: new Point() }, "request.payload.a: is an instance of Point"],
    ["a Date", [new Date(0)], "request.payload[0]: is an instance of Date"],
    ["a Map", { a: new Map() }, "request.payload.a: is an instance of Map"],
    ["bytes", { a: new Uint8Array(1) }, "request.payload.a: is an instance of Uint8Array"],
    ["a boxed string", Object("x"), "request.payload: is an instance of String"],
    ["an object that inherits", Object.create({ a: 1 }), "request.payload: is an object, not plain JSON"],
    ["an array of another class", { a: new (class List extends Array {})() }, "request.payload.a: is an instance of List"],
    ["a symbol for a key", { a: { [Symbol("x")]: 1 } }, "request.payload.a: has a symbol for a key"],
    ["a symbol for a key of an array", { a: Object.assign([1], { [Symbol("x")]: 1 }) }, "request.payload.a: has a symbol for a key"],
    ["a name on an array", { list: Object.assign([1, 2], { total: 2 }) }, "request.payload.list.total: is a name on an array"],
    ["a name on an empty array", Object.assign([], { "a b": 1 }), `request.payload["a b"]: is a name on an array`],
    ["the names of a match", ["x".match(/x/)], "request.payload[0].index: is a name on an array"],
    [
      "an index past those of arrays",
      { list: Object.assign([], { 4294967295: 1 }) },
      `request.payload.list["4294967295"]: is a name on an array`,
    ],
    ["a key __proto__", JSON.parse(`{"a":{"__proto__":{"x":1}}}`), "request.payload.a.__proto__: is a key"],
  ];
  for (const [what, value, message] of refused) {
    test(`with ${what} are refused by their path`, () => {
      const got = refusal(() => payload(value));
      assert.ok(got.startsWith(message), got);
    });
  }

  test("that throw when they are read are refused with what they threw", () => {
    const boom = new Error("boom");
    for (const value of [
      {
        get a() {
          throw boom;
        },
      },
      new Proxy(
        {},
        {
          ownKeys() {
            throw boom;
          },
        },
      ),
      new Proxy([], {
        getPrototypeOf() {
          throw boom;
        },
      }),
    ]) {
      assert.throws(
        () => payload({ deep: [value] }),
        (error) => {
          assert.equal(error.code, "invalid_argument");
          assert.match(error.message, /^request\.payload\.deep\[0\]/);
          return error.cause === boom;
        },
      );
    }
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    assert.match(
      refusal(() => payload([proxy])),
      /^request\.payload\[0\]/,
    );
  });

  test("may be a hundred levels deep, no more", () => {
    const nested = (levels) => (levels === 0 ? "x" : [nested(levels - 1)]);
    assert.deepEqual(payload(nested(99)), nested(99)); // The request itself is a level, too.
    assert.match(
      refusal(() => payload(nested(100))),
      /\[0\]: is more than 100 levels deep/,
    );
    let abyss = {};
    for (let level = 0; level < 200_000; level++) abyss = { abyss };
    refusal(() => payload(abyss));
  });

  test("may have 33,554,432 characters in all, no more", () => {
    const large = "x".repeat(33_554_000);
    assert.equal(payload(large).length, large.length);
    assert.match(
      refusal(() => payload(`${large}${large}`)),
      /^request\.payload: .*33554432 characters/,
    );
    assert.match(
      refusal(() => payload([large, large])),
      /^request\.payload\[1\]: .*33554432 characters/,
    );
  });

  test("count as the characters of their JSON text", () => {
    const half = 16_777_000;
    for (const text of ['"', "\\", "\n", "\b"]) {
      assert.equal(payload(text.repeat(half)).length, half);
      refusal(() => payload(text.repeat(half + 500)));
    }
    const sixth = 5_592_000;
    for (const text of ["\u0000", "\u001f", "\u000b"]) {
      assert.equal(payload(text.repeat(sixth)).length, sixth);
      refusal(() => payload(text.repeat(sixth + 500)));
    }
    refusal(() => payload({ ["\u0000".repeat(sixth + 500)]: 1 }));
    assert.equal(check.text("\u0000".repeat(sixth), "reason").length, sixth);
    refusal(() => check.text("\u0000".repeat(sixth + 500), "reason"));
    const numbers = (count, number) => new Array(count).fill(number);
    assert.equal(payload(numbers(1_300_000, -1.2345678901234567e-300)).length, 1_300_000);
    for (const [count, number] of [
      [1_400_000, 0.5],
      [3_100_000, -123456789],
      [5_600_000, false],
      [6_800_000, null],
    ]) {
      refusal(() => payload(numbers(count, number)));
    }
  });

  test("that fold out to endless size are refused before they do", () => {
    let bomb = [];
    for (let level = 0; level < 90; level++) bomb = [bomb, bomb];
    refusal(() => payload(bomb));
  });

  test("that start another walk from a getter do not disturb it", () => {
    const value = {
      get a() {
        refusal(() => payload("x".repeat(33_554_433)));
        return 1;
      },
      b: "y",
    };
    assert.deepEqual(payload(value), { a: 1, b: "y" });
  });

  test("name long and odd keys in a readable way", () => {
    const long = "k".repeat(1000);
    const got = refusal(() => payload({ [long]: NaN }));
    assert.ok(got.length < 200, got);
    assert.match(
      refusal(() => payload({ 'a"b': [NaN] })),
      /^request\.payload\["a\\"b"\]\[0\]: /,
    );
    assert.match(
      refusal(() => payload({ "": NaN })),
      /^request\.payload\[""\]: /,
    );
  });
});

describe("our own shapes", () => {
  test("are objects", () => {
    for (const value of [undefined, null, 1, "x", [], () => {}, Symbol("x"), 1n]) {
      assert.match(
        refusal(() => shape(value, "filter", SHAPES.filter)),
        /^filter: must be an object, not /,
      );
    }
  });

  test("take undefined for absent, at every level that is ours", () => {
    const registration = {
      id: "p",
      identity: undefined,
      input: { type: "tool_call", call: { callId: "1", toolName: "t", toolId: undefined, args: { x: 1 } } },
      eventTypes: [{ name: "e", payloadSchema: undefined, semantics: { wake: { input: { const: 1 }, when: undefined } } }],
    };
    assert.deepEqual(plain(shape(registration, "registration", SHAPES.registration)), {
      id: "p",
      input: { type: "tool_call", call: { callId: "1", toolName: "t", args: { x: 1 } } },
      eventTypes: [{ name: "e", semantics: { wake: { input: { const: 1 } } } }],
    });
  });

  test("take it for absent where they know the field, and nowhere else", () => {
    const given = (registration) => shape({ id: "p", input: { type: "external" }, ...registration }, "registration", SHAPES.registration);
    const call = (more) => given({ input: { type: "tool_call", call: { callId: "1", toolName: "t", ...more } } });
    const wake = (input) => given({ eventTypes: [{ name: "e", semantics: { wake: { input } } }] });
    const host = { type: "host" };
    assert.deepEqual(plain(call({ args: undefined })), { id: "p", input: { type: "tool_call", call: { callId: "1", toolName: "t" } } });
    const refused = [
      [() => call({ owner: { a: undefined } }), "registration.input.call.owner.a: is undefined"],
      [() => call({ owner: undefined }), "registration.input.call.owner: is undefined"],
      [() => call({ scope: { sessionId: undefined } }), "registration.input.call.scope.sessionId: is undefined"],
      [() => call({ args: { input: { when: undefined } } }), "registration.input.call.args.input.when: is undefined"],
      [() => given({ misspelt: undefined }), "registration.misspelt: is not known here"],
      [() => given({ input: { type: "external", metadata: { a: undefined } } }), "registration.input.metadata.a: is undefined"],
      [() => given({ identity: { kind: "k", definition: { input: undefined } } }), "registration.identity.definition.input: is undefined"],
      [
        () => given({ provenance: { originator: host, causedBy: { scope: { a: undefined } } } }),
        "registration.provenance.causedBy.scope.a: is undefined",
      ],
      [
        () => given({ eventTypes: [{ name: "e", payloadSchema: { const: undefined } }] }),
        "registration.eventTypes[0].payloadSchema.const: is undefined",
      ],
      [
        () => wake({ template: "", fields: { a: undefined } }),
        'registration.eventTypes[0].semantics.wake.input.fields.a: must be "payload", ',
      ],
      [() => wake({ const: { fields: { a: undefined } } }), "registration.eventTypes[0].semantics.wake.input.const.fields.a: is undefined"],
    ];
    for (const [call, message] of refused) {
      const got = refusal(call);
      assert.ok(got.startsWith(message), got);
    }
    const nested = { template: "{a}", fields: { a: { template: "{b}", fields: { b: { pointer: "/x", present: undefined } } } } };
    assert.deepEqual(plain(wake(nested)).eventTypes[0].semantics.wake.input.fields.a.fields.b, { pointer: "/x" });
  });

  test("leave out null where a field may be left out, and keep it where it is a value", () => {
    const registration = {
      id: "p",
      envRef: null,
      recovery: null,
      wakeTarget: { sessionId: "s", agentFrameId: null },
      provenance: null,
      input: { type: "tool_call", call: { callId: "1", toolName: "t", toolId: null, args: null, more: null } },
      identity: { kind: "k", label: null, definition: null },
      eventTypes: [
        {
          name: "e",
          payloadSchema: null,
          semantics: { terminal: null, wake: { when: null, input: { pointer: null, template: "", fields: null }, dedupeKey: null } },
        },
      ],
    };
    assert.deepEqual(plain(shape(registration, "registration", SHAPES.registration)), {
      id: "p",
      wakeTarget: { sessionId: "s" },
      input: { type: "tool_call", call: { callId: "1", toolName: "t", args: null, more: null } },
      identity: { kind: "k", definition: null },
      eventTypes: [{ name: "e", payloadSchema: null, semantics: { wake: { input: { template: "" } } } }],
    });
  });

  test("read each of their fields once, also where one of them says what the others are", () => {
    let reads = 0;
    const counted = (fields) => new Proxy(fields, { get: (target, key) => (reads++, target[key]) });
    shape(counted({ message: "m", type: "cancelled", raw: 1 }), "output", SHAPES.output);
    assert.equal(reads, 3);
    const boom = new Error("boom");
    assert.throws(
      () =>
        shape(
          {
            type: "success",
            get value() {
              throw boom;
            },
          },
          "output",
          SHAPES.output,
        ),
      { message: helped("output.value: could not be read"), cause: boom },
    );
  });
});

describe("single arguments", () => {
  test("strings are strings of whole characters", () => {
    assert.equal(check.text("", "reason"), "");
    for (const value of [undefined, null, 1, {}, Object("x"), "\ud800"]) refusal(() => check.text(value, "reason"));
    assert.match(
      refusal(() => check.text("x".repeat(33_554_433), "reason")),
      /33554432/,
    );
  });

  test("exactly the listed characters of all of Unicode are blank", () => {
    // The same list stands in crates/core/src/text.rs.
    const blanks = [
      0x9, 0xa, 0xb, 0xc, 0xd, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009,
      0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff,
    ];
    for (let point = 0; point <= 0x10ffff; point++) {
      if (check.isBlank(String.fromCodePoint(point)) !== blanks.includes(point)) assert.fail(`U+${point.toString(16)}`);
    }
    assert.ok(check.isBlank("") && check.isBlank(" \ufeff\u0085") && !check.isBlank("\ufeffa"));
  });

  test("names have at most 1,024 characters", () => {
    for (const longest of ["x".repeat(1_024), "ä".repeat(1_024), "😀".repeat(512)]) {
      assert.equal(check.id(longest, "processId"), longest);
      assert.equal(
        refusal(() => check.id(`${longest}x`, "processId")),
        helped("processId: has more than 1024 characters"),
      );
    }
    const signal = `signal.${"x".repeat(1_024)}`;
    assert.equal(check.eventType(signal, "eventType"), signal);
    refusal(() => check.eventType(`${signal}x`, "eventType"));
    assert.match(
      refusal(() => check.ids(["a", "x".repeat(1_025)], "ids")),
      /^ids\[1\]: has more than/,
    );
  });

  test("ids are not blank", () => {
    assert.equal(check.id(" a ", "processId"), " a ");
    for (const value of ["", " ", "\t\n\u00a0", 1, undefined])
      assert.match(
        refusal(() => check.id(value, "processId")),
        /^processId: /,
      );
  });

  test("names of signals are of few characters", () => {
    assert.equal(check.signalName("Go-1_x", "name"), "Go-1_x");
    for (const value of ["", "a b", "a.b", "ä", "go\n", 1, "x".repeat(1_025)])
      assert.match(
        refusal(() => check.signalName(value, "name")),
        /^name: /,
      );
    assert.match(
      refusal(() => check.signalNames(["a", "b c"], "name")),
      /^name\[1\]: must be of ASCII/,
    );
  });

  test("lists of ids name the bad one", () => {
    assert.deepEqual(check.ids(["a", "b"], "ids"), ["a", "b"]);
    assert.match(
      refusal(() => check.ids(["a", ""], "ids")),
      /^ids\[1\]: /,
    );
    assert.match(
      refusal(() => check.ids(["a", , "b"], "ids")),
      /^ids\[1\]: /,
    ); // eslint-disable-line no-sparse-arrays
    for (const value of ["a", { length: 1 }, new Set(["a"]), undefined]) refusal(() => check.ids(value, "ids"));
    refusal(() =>
      check.ids(
        new Proxy([], {
          get() {
            throw new Error("boom");
          },
        }),
        "ids",
      ),
    );
  });

  test("numbers are safe integers from a minimum", () => {
    assert.equal(check.integer(3, "n", 1), 3);
    assert.ok(Object.is(check.integer(-0, "n", 0), 0));
    for (const value of [0, -1, 1.5, NaN, Infinity, 2 ** 53, "3", 3n, null, undefined, Object(3)])
      refusal(() => check.integer(value, "n", 1));
  });

  test("a timeout may be any time, infinity meaning none", () => {
    assert.equal(check.timeout(0, "timeoutMs"), 0);
    assert.equal(check.timeout(1.5, "timeoutMs"), 1.5);
    assert.equal(check.timeout(Infinity, "timeoutMs"), undefined);
    assert.equal(check.timeout(undefined, "timeoutMs"), undefined);
    for (const value of [-1, NaN, "1", null, 1n])
      assert.match(
        refusal(() => check.timeout(value, "timeoutMs")),
        /^timeoutMs: /,
      );
  });

  test("a signal is one of any realm", () => {
    const { signal } = new AbortController();
    assert.equal(check.abortSignal(signal, "signal"), signal);
    for (const value of [new AbortController(), {}, null, true, () => {}]) refusal(() => check.abortSignal(value, "signal"));
  });

  test("options are read once and by name; others are refused", () => {
    const checks = { after: check.optional(check.id), flag: check.optional(check.boolean) };
    assert.deepEqual(check.options(undefined, "options", checks), { after: undefined, flag: undefined });
    assert.deepEqual(check.options({ flag: true }, "options", checks), { after: undefined, flag: true });
    assert.match(
      refusal(() => check.options({ flga: true }, "options", checks)),
      /^options\.flga: is not an option here/,
    );
    assert.match(
      refusal(() => check.options({ toString: 1 }, "options", checks)),
      /^options\.toString: /,
    );
    assert.match(
      refusal(() => check.options({ flag: 1 }, "options", checks)),
      /^options\.flag: must be true or false/,
    );
    for (const value of [null, 1, "x", [], () => {}, new AbortController().signal, new Date(0), Object.create({ flag: true })]) {
      refusal(() => check.options(value, "options", checks));
    }
    Object.prototype.flag = "of everybody";
    try {
      assert.deepEqual(check.options({}, "options", checks), { after: undefined, flag: undefined }, "what is inherited is ignored");
    } finally {
      delete Object.prototype.flag;
    }
    const boom = new Error("boom");
    assert.throws(
      () =>
        check.options(
          {
            get flag() {
              throw boom;
            },
          },
          "options",
          checks,
        ),
      { code: "invalid_argument", cause: boom },
    );
  });
});
