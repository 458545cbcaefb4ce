/** What the AI SDK has in its objects and JSON has not, as JSON: times, bytes and addresses. What has neither form is left out, as by `JSON.stringify`. */
import { fromBase64, inBase64 } from "../platform/base64.js";
import type { Json } from "../types/public.js";

/** Under which name a value of a class is kept, the only one in its object; and an object that would be taken for such. */
const TAGS = { Date: "$date", Uint8Array: "$bytes", URL: "$url", Object: "$object" } as const;
const NAMES: ReadonlySet<string> = new Set(Object.values(TAGS));

/** The value as JSON, from which {@link revived} makes it again. */
export function kept(value: unknown): Json {
  return JSON.parse(JSON.stringify(tagged(value)) ?? "null") as Json;
}

/** The value that {@link kept} was given. */
export function revived(value: Json): unknown {
  if (Array.isArray(value)) return value.map(revived);
  if (typeof value !== "object" || value === null) return value;
  const tag = tagOf(value);
  if (tag === undefined) return withFields(value, revived);
  const content = value[tag] as string & { readonly [name: string]: Json };
  if (tag === TAGS.Date) return new Date(content);
  if (tag === TAGS.URL) return new URL(content);
  if (tag === TAGS.Uint8Array) return fromBase64(content);
  return withFields(content, revived);
}

/** The value as it would come out of a response of a server. */
export const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** Whether two values are alike as JSON, in whatever order their fields are. */
export const alike = (one: unknown, other: unknown): boolean => JSON.stringify(one, sorted) === JSON.stringify(other, sorted);

// Before `JSON.stringify` calls `toJSON`, which dates have.
function tagged(value: unknown): unknown {
  if (value instanceof Date) return { [TAGS.Date]: value.toISOString() };
  if (value instanceof URL) return { [TAGS.URL]: value.href };
  if (value instanceof Uint8Array) return { [TAGS.Uint8Array]: inBase64(value) };
  if (Array.isArray(value)) return value.map(tagged);
  if (typeof value !== "object" || value === null) return value;
  const fields = withFields(value, tagged);
  return tagOf(fields) === undefined ? fields : { [TAGS.Object]: fields };
}

/** The name that marks an object, where one does. */
function tagOf(value: object): string | undefined {
  const [name, ...others] = Object.keys(value);
  return name !== undefined && others.length === 0 && NAMES.has(name) ? name : undefined;
}

const withFields = (value: object, of: (field: never) => unknown): { [name: string]: unknown } =>
  Object.fromEntries(Object.entries(value).flatMap(([name, field]) => (field === undefined ? [] : [[name, of(field as never)]])));

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
