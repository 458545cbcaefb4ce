/** Names what was refused: a refusal begins with the path of the value that it is about. */
import { invalidArgument, ProcessError } from "../types/errors.js";
import { getPrototypeOf, isOf, stringify } from "../platform/intrinsics.js";

/** A refusal on its way out of the recursion; each level adds the key it was at, so that a walk without fault builds no path. */
export class Fault {
  readonly keys: (string | number)[] = [];
  constructor(
    readonly why: string,
    readonly cause?: unknown,
  ) {}
}

/** The fault, one level further out. What is thrown that is no fault, a getter or a proxy threw. */
export function at(fault: unknown, key: string | number): Fault {
  const known = isOf(fault, Fault) ? fault : new Fault("could not be read", fault);
  known.keys.push(key);
  return known;
}

/** The error that a fault becomes for the caller. `name` begins the path. */
export function refusal(fault: unknown, name: string): ProcessError {
  if (isOf(fault, ProcessError)) return fault;
  if (!isOf(fault, Fault)) return invalidArgument(`${name}: could not be read`, fault);
  return invalidArgument(`${fault.keys.reduceRight<string>(step, name)}: ${fault.why}`, fault.cause);
}

/** A path with one step more. */
export function step(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  if (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) && key.length <= 80) return `${path}.${key}`;
  return `${path}[${stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key)}]`;
}

/** A few words for a value of any type. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return typeof value === "bigint" ? "a BigInt" : `a ${typeof value}`;
  try {
    const name: unknown = getPrototypeOf(value)?.constructor?.name;
    if (name === "Array") return "an array";
    return typeof name === "string" && name !== "Object" && name !== "" ? `an instance of ${name}` : "an object";
  } catch {
    return "an object"; // A proxy or a getter that throws; not worth hiding the refusal behind it.
  }
}
