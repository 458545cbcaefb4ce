/**
 * Types of arguments: each makes valid values (`make`), and knows how to spoil one (`spoil`), which gives
 * `{ value, why }` or nothing where it cannot. A spoilt value is never valid: it is refused with `code`, by default `invalid_argument`.
 *
 * Both are given the world `w`: its chance `w.r`, and what exists in it to be named.
 */
import { BAD_ARRAY, BAD_OBJECT, BAD_PLAIN, HUGE, NOT_JSON, isPlain } from "./mutate.mjs";

/** A value without parts. `wrong` are `[why, make]`, and perhaps other codes that it may be refused with; `undefined` and `null` are added by what it is required in. */
export const leaf = (make, wrong, more = {}) => ({ make, wrong, spoil: (w) => wrongOne(w, wrong), ...more });

export function wrongOne(w, wrong) {
  const [why, make, codes] = w.r.pick(wrong);
  return { value: make(), why, codes };
}

/** One of a few words. */
export const word = (...words) =>
  leaf(
    (w) => w.r.pick(words),
    [
      ["an unknown word", () => "other"],
      ["the word in capitals", () => words[0].toUpperCase()],
      ["a number", () => 7],
      ["an object", () => ({})],
    ],
  );

/** May be left out, as `undefined`. */
export const optional = (type, often = 0.5) => ({ ...type, optional: true, often });

const undefinedToo = [
  ["undefined", () => undefined],
  ["null", () => null],
];

/** What stands in a place that must be filled. */
function spoilRequired(w, type, value) {
  if (!type.optional && !type.takesUndefined && w.r.chance(0.15)) {
    return type.takesNull ? { value: undefined, why: "undefined" } : wrongOne(w, undefinedToo);
  }
  return type.spoil(w, value);
}

/** The arguments of a call: `types` in order, those at the end optional. */
export const tuple = (types) => ({
  make(w) {
    const given = [];
    for (const type of types) {
      if (type.optional && !w.r.chance(type.often)) {
        if (w.r.chance(0.7)) break;
        given.push(undefined);
      } else given.push(type.make(w));
    }
    return given;
  },
  spoil(w, given) {
    if (types.length === 0) return undefined;
    const place = w.r.below(types.length);
    const value = given[place] === undefined ? types[place].make(w) : given[place];
    const spoilt = spoilRequired(w, types[place], value);
    if (spoilt === undefined) return undefined;
    const changed = [...given];
    while (changed.length < place) changed.push(undefined);
    changed[place] = spoilt.value;
    return { ...spoilt, value: changed, why: `argument ${place + 1}: ${spoilt.why}` };
  },
});

/** Every object of the API that is given, by the name of its interface: the fields that are known here. */
export const interfaces = new Map();

function remember(name, fields) {
  if (name === undefined) return;
  const known = interfaces.get(name) ?? new Set();
  for (const field of Object.keys(fields)) known.add(field);
  interfaces.set(name, known);
}

const misspelt = (key) => `${key.slice(0, -1)}${key.at(-1) === "x" ? "y" : "x"}`;

/**
 * A plain object with these fields, and no others unless it is `open`. `shape`: it becomes JSON, so that it has no symbols;
 * else it is options.
 */
export function object(name, fields, { open = false, shape = true } = {}) {
  remember(name, fields);
  const keys = Object.keys(fields);
  return {
    fields,
    make(w) {
      const made = {};
      for (const key of keys) {
        const type = fields[key];
        if (!type.optional || w.r.chance(type.often)) made[key] = type.make(w);
      }
      return made;
    },
    spoil(w, value) {
      const { r } = w;
      if (!isPlain(value) || r.chance(0.15)) return wrongOne(w, r.chance(0.3) ? BAD_PLAIN : BAD_OBJECT);
      const required = keys.filter((key) => !fields[key].optional);
      if (!open && r.chance(0.2))
        return { value: { ...value, [r.pick(["extra", "toString", "constructor", "ID"])]: 1 }, why: "a field too many" };
      if (!open && r.chance(0.15)) {
        const present = Object.keys(value);
        if (present.length > 0) {
          const { [r.pick(present)]: taken, ...rest } = value;
          const key = present.find((one) => !(one in rest));
          return { value: { ...rest, [misspelt(key)]: taken }, why: `${key} misspelt` };
        }
      }
      if (required.length > 0 && r.chance(0.2)) {
        const { [r.pick(required)]: _, ...rest } = value;
        return { value: rest, why: "a field is missing" };
      }
      if (r.chance(0.05)) return { value: withThrowingGetter(value, keys[0]), why: "a getter throws" };
      if (shape && r.chance(0.05)) return { value: { ...value, [Symbol("k")]: 1 }, why: "a symbol for a key" };
      const key = keys.length > 0 ? r.pick(keys) : undefined;
      if (key === undefined) return { value: { ...value, extra: 1 }, why: "a field too many" };
      const spoilt = spoilRequired(w, fields[key], key in value ? value[key] : fields[key].make(w));
      return spoilt && { ...spoilt, value: { ...value, [key]: spoilt.value }, why: `${key}: ${spoilt.why}` };
    },
  };
}

function withThrowingGetter(value, key) {
  return Object.defineProperty({ ...value }, key, {
    enumerable: true,
    get() {
      throw new Error("a getter that throws on purpose");
    },
  });
}

/** Options: an object that is read field by field. */
export const options = (name, fields) => object(name, fields, { shape: false });

/** An object that has a tag, by which its other fields go. */
export function tagged(name, tag, kinds, more = {}) {
  const types = Object.fromEntries(Object.entries(kinds).map(([kind, fields]) => [kind, object(name, fields, more)]));
  remember(name, { [tag]: 1 });
  return {
    make(w) {
      const kind = w.r.pick(Object.keys(types));
      return { [tag]: kind, ...types[kind].make(w) };
    },
    spoil(w, value) {
      const kind = isPlain(value) ? value[tag] : undefined;
      const { [tag]: _, ...rest } = value;
      if (types[kind] === undefined || w.r.chance(0.15)) {
        return w.r.chance(0.5)
          ? { value: { ...rest, [tag]: w.r.pick(["other", "", 7]) }, why: `another ${tag}` }
          : { value: rest, why: `no ${tag}` };
      }
      const spoilt = types[kind].spoil(w, rest);
      if (spoilt === undefined || !isPlain(spoilt.value)) return spoilt;
      // A getter that throws must not be run here.
      return { ...spoilt, value: Object.defineProperties({ [tag]: kind }, Object.getOwnPropertyDescriptors(spoilt.value)) };
    },
  };
}

export const list = (type, least, most) => ({
  make: (w) => Array.from({ length: w.r.between(least, most) }, () => type.make(w)),
  spoil(w, value) {
    if (!Array.isArray(value) || w.r.chance(0.3)) return wrongOne(w, BAD_ARRAY);
    const place = w.r.below(value.length + 1);
    const spoilt = spoilRequired(w, type, place in value ? value[place] : type.make(w));
    if (spoilt === undefined) return undefined;
    const changed = [...value];
    changed[place] = spoilt.value;
    return { ...spoilt, value: changed, why: `[${place}]: ${spoilt.why}` };
  },
});

/** One of several types, each with its weight; `is` says whose a value is. */
export const either = (...choices) => ({
  make: (w) => w.r.weighted(choices.map(([weight, type]) => [weight, type])).make(w),
  spoil: (w, value) => choices.find(([, , is]) => is(value))?.[1].spoil(w, value),
});

/** Any JSON value. */
export const json = {
  takesNull: true,
  make: (w) => jsonValue(w.r, 3),
  spoil(w, value) {
    const { value: wrong, why } = wrongOne(w, w.r.chance(0.003) ? HUGE : NOT_JSON);
    return put(w.r, value, wrong, why);
  },
};

/** Puts something somewhere into a JSON value. */
function put(r, value, wrong, why, top = true) {
  if (Array.isArray(value) && value.length > 0 && r.chance(0.8)) {
    const place = r.below(value.length);
    const inner = put(r, value[place], wrong, why, false);
    return { value: value.with(place, inner.value), why: `[${place}]: ${inner.why}` };
  }
  if (isPlain(value) && r.chance(0.8)) {
    const key = r.pick([...Object.keys(value), "added"]);
    const inner = put(r, Object.hasOwn(value, key) ? value[key] : 1, wrong, why, false);
    return { value: { ...value, [key]: inner.value }, why: `${key}: ${inner.why}` };
  }
  // At the top, `undefined` is as good as leaving it out.
  return wrong === undefined && top ? { value: [wrong], why: `[0]: ${why}` } : { value: wrong, why };
}

const TEXTS = [
  "",
  "a",
  "plain words",
  "é😀",
  "\u0000\u0001",
  '"\\/',
  "{a} {b}",
  " ",
  "__proto__",
  "toJSON",
  "line\nline",
  "\u2028",
  "x".repeat(300),
];
const NUMBERS = [0, 1, -1, 1.5, -0.5, 1e21, 1e-7, 2 ** 53, -(2 ** 53), 5e-324, 1.7976931348623157e308, 123456789];
const KEYS = ["a", "b", "n", "text", "é", "", "0", "a/b", "m~n", "constructor", "hasOwnProperty", "length", "toJSON"];

export function jsonValue(r, depth) {
  const kind = r.below(depth > 0 ? 9 : 6);
  if (kind === 0) return null;
  if (kind === 1) return r.chance(0.5);
  if (kind < 4) return r.pick(NUMBERS);
  if (kind < 6) return r.pick(TEXTS);
  if (kind === 6) return Array.from({ length: r.below(4) }, () => jsonValue(r, depth - 1));
  const made = {};
  for (let n = r.below(4); n > 0; n--) {
    const key = r.pick(KEYS);
    made[key] = jsonValue(r, depth - 1);
  }
  return made;
}
