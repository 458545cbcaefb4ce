/** What the AI SDK has in its objects and JSON has not, as JSON: times, bytes and addresses. What has neither form is left out, as by `JSON.stringify`. */
import type { Json } from "../types/public.js";

/** Under which name a value of a class is kept: the only one in its object. */
const TAGS = { Date: "$date", Uint8Array: "$bytes", URL: "$url" } as const;

/** The value as JSON, from which {@link revived} makes it again. */
export function kept(value: unknown): Json {
  return JSON.parse(JSON.stringify(tagged(value)) ?? "null") as Json;
}

/** The value that {@link kept} was given. */
export function revived(value: Json): unknown {
  if (Array.isArray(value)) return value.map(revived);
  if (typeof value !== "object" || value === null) return value;
  const [tag, content] = Object.entries(value)[0] ?? [];
  if (typeof content === "string") {
    if (tag === TAGS.Date) return new Date(content);
    if (tag === TAGS.URL) return new URL(content);
    if (tag === TAGS.Uint8Array) return Uint8Array.from(atob(content), (byte) => byte.charCodeAt(0));
  }
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, revived(field)]));
}

/** The value as it would come out of a response of a server. */
export const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** Whether two values are alike as JSON, in whatever order their fields are. */
export const alike = (one: unknown, other: unknown): boolean => JSON.stringify(one, sorted) === JSON.stringify(other, sorted);

// Before `JSON.stringify` calls `toJSON`, which dates have.
function tagged(value: unknown): unknown {
  if (value instanceof Date) return { [TAGS.Date]: value.toISOString() };
  if (value instanceof URL) return { [TAGS.URL]: value.href };
  if (value instanceof Uint8Array) return { [TAGS.Uint8Array]: btoa(Array.from(value, (byte) => String.fromCharCode(byte)).join("")) };
  if (Array.isArray(value)) return value.map(tagged);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, tagged(field)]));
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
