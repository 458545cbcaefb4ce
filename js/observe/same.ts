/** Equal values as one object, so that `===` says whether anything is new. */

/** `next`, in which each part that is equal to what is in the place of it in `previous` is that very object. */
export function shared<T>(previous: unknown, next: T): T {
  if (Object.is(previous, next)) return next;
  if (!isComposed(previous) || !isComposed(next) || Array.isArray(previous) !== Array.isArray(next)) return next;
  const [old, made] = [previous, next] as Composed[] as [Composed, Composed];
  const names = Object.keys(made);
  let isSame = names.length === Object.keys(old).length;
  for (const name of names) {
    const part = shared(old[name], made[name]);
    if (!Object.hasOwn(old, name) || !Object.is(part, old[name])) isSame = false;
    made[name] = part;
  }
  return isSame ? (previous as T) : next;
}

/** Whether two JSON values are equal. */
export function equal(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (!isComposed(one) || !isComposed(other) || Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && equal((one as Composed)[name], (other as Composed)[name]))
  );
}

/** A text that two queries have in common exactly if they are equal, whatever the order of their fields. */
export function keyOf(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    isComposed(part) && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
}

type Composed = { [name: string]: unknown };

/** Objects and arrays as literals make them; what is of another class, such as a URL, does not show all that it is, and is compared as a whole. */
export function isComposed(value: unknown): value is { readonly [name: string]: unknown } {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || prototype === Array.prototype;
}
