/** A page that starts: `sample` resolves with the milliseconds from its first line to the answer of its first read. */
const { contender, database } = Object.fromEntries(new URLSearchParams(location.search));

globalThis.sample = (async () => {
  const start = performance.now();
  const { open } = await import(`./contenders/${contender}.js`);
  const log = await open(database);
  if ((await log.read("p")) === undefined) throw new Error("nothing is there");
  return performance.now() - start;
})();
