/** The first place of a sorted list from which on `isBeyond` holds; its length where that is nowhere. */
export function firstPlace<T>(sorted: readonly T[], isBeyond: (item: T) => boolean): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (isBeyond(sorted[middle]!)) to = middle;
    else from = middle + 1;
  }
  return from;
}
