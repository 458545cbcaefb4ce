/** Snapshots: those that are always alike, and how others are made. */

export const LOADING = Object.freeze({ status: "loading" } as const);
export const ABSENT = Object.freeze({ status: "absent" } as const);
export const LIST_LOADING = Object.freeze({ ...LOADING, hasMore: false, isLoadingMore: false });

export const present = <T>(value: T) => ({ status: "present", value }) as const;

/** It could not be read; what was read before is still shown. */
export function failed<T = never>(fault: unknown, before: { readonly value?: T | undefined } = {}) {
  const error = fault instanceof Error ? fault : new Error(String(fault));
  return { status: "error", error, value: before.value } as const;
}
