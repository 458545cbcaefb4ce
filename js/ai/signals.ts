/** A signal that is aborted with the first of two. `AbortSignal.any` is younger than the oldest browsers that this package supports. */
export function either(one: AbortSignal | undefined, other: AbortSignal): AbortSignal {
  if (one === undefined || one === other) return other;
  const made = new AbortController();
  for (const signal of [one, other])
    if (signal.aborted) made.abort(signal.reason);
    else signal.addEventListener("abort", () => made.abort(signal.reason), { once: true, signal: made.signal });
  return made.signal;
}
