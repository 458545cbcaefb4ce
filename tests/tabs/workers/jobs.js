/** A worker that drives: the options of its registry are in its own address. */
import { drive } from "/worker.js";

const runners = {
  double: ({ process }) => process.input.payload * 2,
  /** Puts so many numbers into a stream. */
  async count({ process, stream }) {
    const out = await stream("numbers");
    for (let n = 0; n < process.input.payload; n++) await out.append(n);
  },
  /** Says that it runs, and does not end. */
  async hold({ append, attempt }) {
    await append({ eventType: "began", payload: attempt });
    return new Promise(() => {});
  },
};

// Nobody gets a lease of an hour because it ended.
drive({ open: Object.fromEntries(new URLSearchParams(location.search)), runners, leaseTtlMs: 3_600_000 });
