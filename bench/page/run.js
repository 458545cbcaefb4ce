/** In the page: one benchmark, or none of its rows where this browser lacks what the script would have to give it. */
globalThis.measure = async (file, sizes) => {
  if (!crossOriginIsolated) throw new Error("the clock is too coarse: the page is not isolated");
  const { run, needs = [] } = await import(`./${file}.js`);
  return needs.every((means) => means in globalThis) ? run(sizes) : [];
};
