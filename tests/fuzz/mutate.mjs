/**
 * Values that an argument must not be, and disguises that must make no difference.
 *
 * Every entry is `[what it is, a function that makes one]`: a fault that is found names the first.
 */

/** What is put into places where an exception of our own making is the point: the oracle knows it by this class. */
export class Thrown extends Error {
  constructor(message = "thrown on purpose") {
    super(message);
    this.name = "Thrown";
  }
}

class Instance {
  a = 1;
}

const revoked = (target) => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
};

const LONE = ["half of a surrogate pair", () => "a\ud800"];
const LONE_LOW = ["the other half of a surrogate pair", () => "\udc00b"];

const numbers = [
  ["a number", () => 7],
  ["NaN", () => NaN],
];
const texts = [
  ["a string", () => "x"],
  ["a numeric string", () => "1"],
];
const booleans = [["true", () => true]];
const objects = [
  ["an object", () => ({})],
  ["an array", () => []],
  ["a class instance", () => new Instance()],
  ["a Date", () => new Date(0)],
  ["a revoked proxy", () => revoked({})],
  ["an object with toJSON", () => ({ toJSON: () => 1 })],
  ["an object that is primitive by valueOf", () => ({ valueOf: () => 1, toString: () => "x", [Symbol.toPrimitive]: () => 1 })],
  [
    "an object whose conversion throws",
    () => ({
      [Symbol.toPrimitive]() {
        throw new Thrown();
      },
    }),
  ],
];
const odd = [
  ["a function", () => () => {}],
  ["a symbol", () => Symbol("s")],
  ["a BigInt", () => 1n],
  ["a boxed string", () => new String("x")],
];
const boxed = ["a boxed number", () => new Number(1)];
/** For what may be left out, but not be this. */
const NULL = ["null", () => null];

export const NOT_TEXT = [...numbers, ...booleans, ...objects, ...odd, boxed];
export const BAD_TEXT = [...NOT_TEXT, LONE, LONE_LOW];
export const BAD_NAME = [
  ...BAD_TEXT,
  ["an empty string", () => ""],
  ["white space", () => " \t\n"],
  ["a no-break space", () => "\u00a0"],
  ["a byte order mark", () => "\ufeff"],
  ["a line separator", () => "\u2028"],
  ["1,025 characters", () => "x".repeat(1025)],
  ["50,000 characters", () => "y".repeat(50_000)],
];
export const BAD_COUNT = [
  boxed,
  ...texts,
  ...booleans,
  ...objects,
  ...odd,
  ["-1", () => -1],
  ["NaN", () => NaN],
  ["Infinity", () => Infinity],
  ["-Infinity", () => -Infinity],
  ["1.5", () => 1.5],
  ["2^53", () => 2 ** 53],
  ["1e300", () => 1e300],
  ["-(2^53)", () => -(2 ** 53)],
  ["5e-324", () => 5e-324],
];
export const ZERO = ["0", () => 0];
export const MINUS_ZERO = ["-0", () => -0];
export const TOO_LONG_TTL = ["2^31 milliseconds", () => 2 ** 31];
export const BAD_BOOLEAN = [["0", () => 0], ["1", () => 1], ...texts, ["an empty string", () => ""], ...objects, ...odd];
export const BAD_TIMEOUT = [
  ...texts,
  ...booleans,
  ...objects,
  ...odd,
  NULL,
  ["-1", () => -1],
  ["NaN", () => NaN],
  ["-Infinity", () => -Infinity],
  ["-5e-324", () => -5e-324],
];
export const BAD_FUNCTION = [...numbers, ...texts, ...booleans, ...objects, ["a symbol", () => Symbol("s")], NULL];
export const BAD_SIGNAL = [
  ...numbers,
  ...texts,
  ...booleans,
  ...objects,
  ...odd,
  NULL,
  ["half a signal", () => ({ aborted: false })],
  [
    "a signal that throws",
    () => ({
      get aborted() {
        throw new Thrown();
      },
      addEventListener() {},
    }),
  ],
  ["an AbortController", () => new AbortController()],
];
export const BAD_OBJECT = [
  ...numbers,
  ...texts,
  ...booleans,
  ...odd,
  ["an array", () => []],
  ["a revoked proxy", () => revoked({})],
  [
    "a proxy whose traps throw",
    () =>
      new Proxy(
        {},
        {
          ownKeys() {
            throw new Thrown();
          },
          get() {
            throw new Thrown();
          },
          getPrototypeOf() {
            throw new Thrown();
          },
        },
      ),
  ],
];
/** Beside {@link BAD_OBJECT}, for what becomes JSON. */
export const BAD_PLAIN = [
  ["a boxed number", () => new Number(1)],
  ["a class instance", () => new Instance()],
  ["a Date", () => new Date(0)],
  ["a Map", () => new Map()],
];
export const BAD_ARRAY = [
  ...numbers,
  ...texts,
  ...booleans,
  ...odd,
  ["an object", () => ({})],
  ["an array-like", () => ({ length: 1, 0: "x" })],
  ["a Set", () => new Set(["x"])],
  ["a typed array", () => new Uint8Array(2)],
  ["a revoked proxy", () => revoked([])],
];

/** What JSON cannot hold. */
export const NOT_JSON = [
  ["undefined", () => undefined],
  ["NaN", () => NaN],
  ["Infinity", () => Infinity],
  ["a function", () => () => {}],
  ["a symbol", () => Symbol("s")],
  ["a BigInt", () => 1n],
  LONE,
  LONE_LOW,
  ["a Date", () => new Date(0)],
  ["a Map", () => new Map([[1, 2]])],
  ["a typed array", () => new Uint8Array(3)],
  ["a class instance", () => new Instance()],
  ["an error", () => new Thrown()],
  ["a regular expression", () => /x/],
  ["a promise", () => Promise.resolve(1)],
  ["a boxed string", () => new String("x")],
  ["an array with a hole", () => [1, , 3]],
  ["an array with a name", () => Object.assign([1], { name: 2 })],
  ["an instance of a class of arrays", () => new (class Items extends Array {})(2).fill(1)],
  ["a symbol for a key", () => ({ [Symbol("k")]: 1 })],
  ["a key with half of a surrogate pair", () => ({ "\ud800": 1 })],
  ["a key __proto__", () => JSON.parse('{"__proto__": 1}')],
  [
    "a getter that throws",
    () => ({
      get a() {
        throw new Thrown();
      },
    }),
  ],
  ["a revoked proxy", () => revoked({})],
  ["a revoked proxy of an array", () => revoked([])],
  [
    "a proxy without prototype",
    () =>
      new Proxy(
        {},
        {
          getPrototypeOf() {
            throw new Thrown();
          },
        },
      ),
  ],
  [
    "a proxy that lists keys without end",
    () =>
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new RangeError("too many");
          },
        },
      ),
  ],
  [
    "a cycle",
    () => {
      const a = { b: [] };
      a.b.push(a);
      return a;
    },
  ],
  [
    "101 levels",
    () => {
      let a = 1;
      for (let n = 0; n < 101; n++) a = n % 2 ? [a] : { a };
      return a;
    },
  ],
  [
    "toJSON of its own",
    () => ({
      a: 1,
      toJSON() {
        return 1;
      },
    }),
  ],
];

/** The same, of a size that takes its time: rarely. */
export const HUGE = [
  [
    "50,000 levels",
    () => {
      let a = 1;
      for (let n = 0; n < 50_000; n++) a = [a];
      return a;
    },
  ],
  [
    "one object in very many places",
    () => {
      let a = [1];
      for (let n = 0; n < 25; n++) a = [a, a];
      return a;
    },
  ],
  ["too many characters", () => "x".repeat(33_554_433)],
];

/** The same value, otherwise made: nothing may come of it. Goes through plain objects and arrays, and leaves all else as it is. */
export function disguise(r, value) {
  try {
    return otherwise(r, value, 0);
  } catch {
    return value; // What throws when it is looked at.
  }
}

function otherwise(r, value, depth) {
  if (typeof value === "number") return value === 0 && r.chance(0.5) ? -0 : value;
  if (typeof value !== "object" || value === null || depth > 20) return value;
  if (isArray(value)) {
    const items = value.map((item) => otherwise(r, item, depth + 1));
    return r.chance(0.2) ? new Proxy(items, {}) : r.chance(0.3) ? Object.freeze(items) : items;
  }
  if (!isPlain(value)) return value;
  const made = r.chance(0.25) ? Object.create(null) : {};
  const keys = Object.keys(value);
  if (r.chance(0.5)) keys.reverse();
  for (const key of keys) {
    const inner = otherwise(r, value[key], depth + 1);
    if (r.chance(0.1) || key === "__proto__") Object.defineProperty(made, key, { get: () => inner, enumerable: true, configurable: true });
    else made[key] = inner;
  }
  // What is not enumerable is not there for JSON either.
  if (r.chance(0.1)) Object.defineProperty(made, "hidden", { value: () => {}, enumerable: false });
  if (r.chance(0.15)) return new Proxy(made, {});
  return r.chance(0.3) ? Object.freeze(made) : made;
}

function isArray(value) {
  try {
    return Array.isArray(value) && Object.getPrototypeOf(value) === Array.prototype;
  } catch {
    return false; // A proxy that throws.
  }
}

export function isPlain(value) {
  if (typeof value !== "object" || value === null) return false;
  try {
    const prototype = Object.getPrototypeOf(value);
    return prototype === Object.prototype || prototype === null;
  } catch {
    return false; // A proxy that throws.
  }
}

/** Freezes all of a value that is plain, so that who changes it throws. */
export function frozen(value, depth = 0) {
  try {
    if (depth > 20 || !(Array.isArray(value) || isPlain(value))) return value;
    Object.values(value).forEach((inner) => frozen(inner, depth + 1));
    return Object.freeze(value);
  } catch {
    return value; // A getter, or a proxy, that throws.
  }
}

/** Whether something was thrown by the fuzzer itself, or says that it was. */
export const isOurs = (value) =>
  value instanceof Thrown || (value instanceof Error && (isOurs(value.cause) || /on purpose/.test(value.message)));
