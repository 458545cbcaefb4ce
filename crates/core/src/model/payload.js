// What Rust asks of a payload that it holds by reference: a value that js/border/check.ts has found to be plain JSON, or what stands
// in a row. A row may have been written by other programs, so nothing here throws, whatever the value is.

const { keys } = Object;
const { isArray } = Array;
const { stringify } = JSON;

/** A piece of text is handed over when it has grown this long, so that no text of a whole large payload is ever made. */
const PIECE = 65_536;

/** Stands for a value that is no JSON: a text that no JSON value has. */
const NOT_JSON = "not JSON";

/** Hands the canonical JSON text of a value (RFC 8785) to `write`, piece by piece. */
export function canonical(value, write) {
  let text = "";
  const add = (more) => {
    text += more;
    if (text.length >= PIECE) {
      write(text);
      text = "";
    }
  };
  const walk = (value) => {
    if (typeof value !== "object" || value === null) return add(stringify(value));
    if (isArray(value)) {
      add("[");
      for (let index = 0; index < value.length; index++) {
        if (index > 0) add(",");
        walk(value[index]);
      }
      return add("]");
    }
    add("{");
    // The default order is by UTF-16 code unit, as the RFC has it.
    let first = true;
    for (const key of keys(value).sort()) {
      add(`${first ? "" : ","}${stringify(key)}:`);
      first = false;
      walk(value[key]);
    }
    add("}");
  };
  try {
    walk(value);
  } catch {
    text = "";
    write(NOT_JSON);
  }
  if (text !== "") write(text);
}

/** A copy that shares nothing with the value; of one that is no JSON, `null`. */
export function copied(value) {
  try {
    return copy(value);
  } catch {
    return null;
  }
}

function copy(value) {
  if (typeof value !== "object" || value === null) return value;
  if (isArray(value)) {
    const items = [];
    for (let index = 0; index < value.length; index++) items[index] = copy(value[index]);
    return items;
  }
  const fields = {};
  for (const key of keys(value)) fields[key] = copy(value[key]);
  return fields;
}

/** The member of an object or array under a name; `undefined` where it has none of its own. */
export function member(value, name) {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  // The length of an array is no member of the JSON value, nor is a number that is not written plainly.
  if (isArray(value) && !/^(?:0|[1-9][0-9]*)$/.test(name)) return undefined;
  return value[name];
}

/** Whether a wake condition holds: null, false, "", [] and {} do not; every number does. */
export function truthy(value) {
  if (typeof value !== "object" || value === null) return typeof value === "number" || Boolean(value);
  return isArray(value) ? value.length > 0 : keys(value).length > 0;
}

/** About how many bytes a value takes: the length of its strings and names, and a constant for the rest. */
export function weight(value) {
  try {
    return weighed(value);
  } catch {
    return 8; // Too deep to be walked: of others' making.
  }
}

function weighed(value) {
  if (typeof value === "string") return value.length + 8;
  if (typeof value !== "object" || value === null) return 8;
  // Bytes, where a browser stores no Blob; a Blob is a reference.
  if (value instanceof ArrayBuffer) return value.byteLength + 8;
  let sum = 8;
  if (isArray(value)) for (let index = 0; index < value.length; index++) sum += weighed(value[index]);
  else for (const key of keys(value)) sum += key.length + weighed(value[key]);
  return sum;
}
