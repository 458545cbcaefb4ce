/** A run of the benchmarks as a table for people. */

const columns = ["work", "of", "median", "against", "median", "ratio", "goal"];

/**
 * One line per comparison: the first figure of a row is the subject, the others, if any, are what it is measured against.
 * Figures are milliseconds unless the row names another `unit`. A goal is `atMost` (a ratio) or `most` (the subject's own
 * median); the mark says whether it is met.
 */
export function table({ at, machine, rounds, quick, rows }) {
  const title = `Medians of ${rounds} rounds${quick ? " (quick)" : ""}, ${machine.browser}, ${machine.processor}, ${machine.cores} cores, ${at}`;
  const benchmarks = [...new Set(rows.map(({ benchmark }) => benchmark))];
  const groups = benchmarks.map((name) => rows.filter(({ benchmark }) => benchmark === name).flatMap(linesOf));
  const lines = groups.flat();
  const widths = columns.map((name, column) => Math.max(name.length, ...lines.map((line) => line[column].length)));
  const rule = widths.map((width) => "─".repeat(width));
  return [title, "", aligned(columns, widths), ...groups.flatMap((group) => [rule, ...group].map((line) => aligned(line, widths)))].join("\n");
}

function linesOf({ work, unit, figures: [subject, ...others], atMost, most }) {
  const show = unit === undefined ? time : (number) => `${three(number)} ${unit}`;
  const own = most === undefined ? "" : `≤ ${show(most)} ${mark(subject.median <= most)}`;
  if (others.length === 0) return [[work, subject.name, show(subject.median), "", "", "", own]];
  return others.map((other, index) => {
    const first = index === 0;
    const ratio = subject.median / other.median;
    const relative = atMost === undefined ? "" : `≤ ${atMost} × ${mark(ratio <= atMost)}`;
    const goal = first ? [relative, own].filter(Boolean).join(", ") : "";
    return [first ? work : "", first ? subject.name : "", first ? show(subject.median) : "", other.name, show(other.median), `${ratio.toFixed(2)} ×`, goal];
  });
}

const mark = (met) => (met ? "✓" : "✗");

/** Milliseconds as three digits of a fitting unit. */
export function time(ms) {
  return ms < 0.1 ? `${three(ms * 1000)} µs` : `${three(ms)} ms`;
}

const three = (number) => (number >= 100 ? Math.round(number).toLocaleString("en") : Number.isInteger(number) ? String(number) : number.toPrecision(3));

/** Words to the left, numbers to the right. */
const aligned = (line, widths) =>
  line.map((cell, column) => ([2, 4, 5].includes(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column]))).join("  ").trimEnd();
