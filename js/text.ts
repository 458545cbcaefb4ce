/** JSON text for the other side. */
import { isArray, keys, stringify } from "./intrinsics.js";

/** A value that is JSON, or an array of arguments of which some are absent. */
type Plain = unknown;

/** `value` as JSON text. A `toJSON` that a library put on a built-in prototype is not asked: it would change what is stored. */
export function jsonText(value: Plain): string {
  // What is above an array is above an object, too.
  return "toJSON" in [] ? written(value) : stringify(value);
}

function written(value: Plain): string {
  if (typeof value !== "object" || value === null) return stringify(value) ?? "null";
  let text = "";
  if (isArray(value)) {
    for (let index = 0; index < value.length; index++) text += `${index === 0 ? "" : ","}${written(value[index])}`;
    return `[${text}]`;
  }
  const names = keys(value);
  for (let index = 0; index < names.length; index++) {
    const name = names[index] as string;
    const field = (value as Record<string, unknown>)[name];
    if (field !== undefined) text += `${text === "" ? "" : ","}${stringify(name)}:${written(field)}`;
  }
  return `{${text}}`;
}
