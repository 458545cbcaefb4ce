import { pace } from "./tab.js";

/** A model that is busy or cannot be reached is asked again, twice, in whatever tab. */
export const RETRY = { maxAttempts: 3, initialIntervalMs: Math.ceil(1_000 * pace) };
