/** Words and tables for what the fuzzer found. */

/** A table: for each method how often it was called, answered and refused, and with which codes. */
export function table({ stats, made, worlds, seconds }) {
  const rows = Object.keys(stats)
    .sort()
    .map((name) => row(name, stats[name]));
  const all = [
    ["method", "calls", "answered", "refused", "with"],
    ...rows,
    ["all", made, sum(rows, 2), sum(rows, 3), `${worlds} registries, ${Math.round(made / seconds)} calls per second`],
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((cells) => String(cells[column]).length)));
  return all
    .map(([name, ...cells]) =>
      [name.padEnd(widths[0]), ...cells.slice(0, 3).map((cell, n) => String(cell).padStart(widths[n + 1])), cells[3]].join("  "),
    )
    .join("\n");
}

function row(name, { calls, codes }) {
  const refused = Object.values(codes).reduce((total, n) => total + n, 0);
  const by = Object.entries(codes).sort(([, a], [, b]) => b - a);
  return [name, calls, calls - refused, refused, by.map(([code, n]) => `${code} ${n}`).join(", ")];
}

const sum = (rows, column) => rows.reduce((total, cells) => total + cells[column], 0);

/** What to do about a failure. */
export function words({ seed, calls, faults, shrunk, trace }, place) {
  return [
    `seed ${seed}: ${faults[0]}`,
    ...faults.slice(1, 4).map((fault) => `  also: ${fault}`),
    shrunk ? "These calls suffice:" : "It was not met again when it was replayed:",
    ...trace.map((call) => `  ${call}`),
    ...(shrunk ?? []).slice(0, 2).map((fault) => `  → ${fault}`),
    `Again: npm run fuzz -- --seed ${seed} --calls ${calls}${place}`,
  ].join("\n");
}
