/**
 * What `npm run bench -- --goals` measures, in this order: the benchmarks that say whether the package is as small, as quick and as
 * plain as it is to be. Each goal stands with the figures that it is about.
 */

export const goals = ["download", "nested", "together", "append", "read", "start", "large", "lines"];
