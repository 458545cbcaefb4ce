/**
 * What is stored, as values that a user interface can show and that change with it: {@link observe}. Frameworks have entries of their own on
 * top of this.
 *
 * @module
 */
import { keyOfQuery, observed } from "../observe/observe.js";
import type { Observable, Observed, Query, RegistrySource } from "../types/observe.js";

export type * from "../types/observe.js";

/**
 * What a query finds, as it changes in any tab. Reads nothing until something listens, and nothing that does not concern the
 * query; equal queries of one registry share what is read. Each snapshot stays the same object until what it shows changes.
 *
 * A change is read once for all that is observed, and put in its place in a list: its cost does not grow with the list, but for the copy of the
 * list itself. Through a registry that is closed, everything becomes an `error` with the code `closed`.
 */
export function observe<const Q extends Query>(source: RegistrySource, query: Q): Observable<Observed<Q>> {
  return observed(source, keyOfQuery(query)) as Observable<Observed<Q>>;
}
