/**
 * Whether a list holds a record: what `crates/core/src/model/filter.rs` decides of rows, for the records that a page has already. A test
 * holds lists that are kept up by this to those that the store gives.
 */
import type { ListFilter, Page, ProcessRecord } from "../types/public.js";
import { equal } from "./same.js";

/** Whether a process is in the list of this filter. */
export function fits(record: ProcessRecord, filter: ListFilter): boolean {
  const { status = "running", waiting } = filter;
  const { state } = record.status;
  if (status !== "any" && status !== state) return false;
  if (waiting !== undefined && waiting !== (state === "running" && record.wait !== undefined)) return false;
  if (filter.paused !== undefined && filter.paused !== (record.paused !== undefined)) return false;
  return mayFit(record, filter);
}

/** Whether it is, or may be at another time: as far as what of a record never changes says. */
export function mayFit({ identity, labels = {}, parentId, version }: ProcessRecord, filter: ListFilter): boolean {
  return (
    (filter.kind === undefined || filter.kind === identity.kind) &&
    (filter.parentId === undefined || filter.parentId === parentId) &&
    (filter.version === undefined || filter.version === version) &&
    (filter.definition === undefined || (identity.definition !== undefined && equal(filter.definition, identity.definition))) &&
    Object.entries(filter.labels ?? {}).every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value)
  );
}

/** How a list of this order compares two records. */
export function comparing(order: NonNullable<Page["order"]>): (one: ProcessRecord, other: ProcessRecord) => number {
  const byId = (one: ProcessRecord, other: ProcessRecord) => (one.id < other.id ? -1 : one.id > other.id ? 1 : 0);
  const byAge = (one: ProcessRecord, other: ProcessRecord) => one.createdAtMs - other.createdAtMs || byId(one, other);
  switch (order) {
    case "id":
      return byId;
    case "oldest":
      return byAge;
    case "newest":
      return (one, other) => byAge(other, one);
  }
}
