/** A run of the benchmarks as a table for people. */

/**
 * A line for each comparison: the first figure of a row is the subject, the others, if any, are what it is measured against. Figures
 * are milliseconds unless the row names another `unit`. Goals are `atMost`, a ratio to the first other or to those it names, `most`,
 * for the subject's own median, and `moonshot`, for the same and hardly to be reached. A row with a `fault` is asked for no more than
 * to work, and has one that is not empty where it does not. A figure without a median is of what failed. A row that has `cells`, which are
 * texts by their columns, is a line of a table of its own.
 *
 * A line is `{ first, work, subject, other, ratio, goals }`: the `first` of its row, the names and medians of both sides,
 * the ratio in words, and what is wanted, each goal in `words`, with whether it is `met` and its `kind`: `works`, `own` or `ratio`.
 */
function linesOf({ work, unit, cells, figures: [subject, ...others], atMost = {}, most, moonshot, fault }) {
  if (cells) return [{ first: true, work, cells, goals: [] }];
  const works = fault === undefined ? [] : [{ words: fault === "" ? "works" : `fails: ${fault}`, met: fault === "", kind: "works" }];
  const show = unit === undefined ? time : (number) => `${three(number)} ${unit}`;
  const side = ({ name, median }) => ({ name, median: median === undefined ? "failed" : show(median) });
  const within = (limit, words) =>
    limit === undefined ? [] : [{ words: `${words}${show(limit)}`, met: subject.median <= limit, kind: "own" }];
  const own = [...works, ...within(most, "≤ "), ...within(moonshot, "moonshot ≤ ")];
  const line = (rest) => ({ work, subject: side(subject), ...rest });
  if (others.length === 0) return [line({ first: true, goals: own })];
  const limits = typeof atMost === "number" ? { [others[0].name]: atMost } : atMost;
  return others.map((other, index) => {
    // NaN where one of them failed, which meets no goal.
    const ratio = subject.median / other.median;
    const limit = limits[other.name];
    const relative = limit === undefined ? [] : [{ words: wanted(limit), met: ratio <= limit, kind: "ratio" }];
    const goals = index === 0 ? [...relative, ...own] : relative;
    return line({ first: index === 0, other: side(other), ratio: Number.isNaN(ratio) ? "" : compared(ratio), goals });
  });
}

/** The lines of each benchmark of a run, in the order they were measured: `[name, lines]`. */
export function groupsOf({ rows }) {
  const names = [...new Set(rows.map(({ benchmark }) => benchmark))];
  return names.map((name) => [name, rows.filter(({ benchmark }) => benchmark === name).flatMap(linesOf)]);
}

/** How far a column is ruled; only why something fails is longer. */
const widest = 80;

const columns = ["work", "of", "median", "against", "median", "ratio", "goal"];
/** Which of them are numbers. */
const numbers = [2, 4, 5];

/** Lines of a benchmark as texts: `{ columns, numbers, rows }`, of which `numbers` are the places of columns. */
export function gridOf(lines) {
  const own = lines.find(({ cells }) => cells);
  if (own === undefined) return { columns, numbers, rows: lines.map(compares) };
  const names = Object.keys(own.cells);
  return { columns: names, numbers: [...names.keys()], rows: lines.map(({ cells, work }) => names.map((name) => cells?.[name] ?? work)) };
}

/** The lines of a run that have a goal, as such groups. */
export function goalsOf(run) {
  return groupsOf(run).map(([name, lines]) => {
    const wanted = lines.filter(({ goals }) => goals.length > 0);
    return [name, wanted.map((line, index) => ({ ...line, first: line.work !== wanted[index - 1]?.work }))];
  });
}

/** All of a run, or some groups of its lines. */
export function table(run, named = groupsOf(run)) {
  const { at, machine, rounds, quick } = run;
  const title = `Medians of ${rounds} rounds${quick ? " (quick)" : ""}, ${machine.browser}, ${machine.processor}, ${machine.cores} cores, ${at}`;
  const grids = named.map(([, lines]) => gridOf(lines));
  const [comparing, own] = [grids.filter((grid) => grid.columns === columns), grids.filter((grid) => grid.columns !== columns)];
  const together = { columns, numbers, groups: comparing.map(({ rows }) => rows) };
  const apart = own.map(({ rows, ...grid }) => ({ ...grid, groups: [rows] }));
  return [title, ...[together, ...apart].filter(({ groups }) => groups.length > 0).map(ruled)].join("\n\n");
}

function ruled({ columns, numbers, groups }) {
  const lines = [columns, ...groups.flat()];
  const widths = columns.map((_, column) => Math.min(widest, Math.max(...lines.map((line) => line[column].length))));
  const rule = widths.map((width) => "─".repeat(width));
  return [columns, ...groups.flatMap((group) => [rule, ...group])].map((line) => aligned(line, widths, numbers)).join("\n");
}

/** A line as the texts of the columns. */
function compares({ first, work, subject, other, ratio = "", goals }) {
  const own = first ? [work, subject.name, subject.median] : ["", "", ""];
  const marked = goals.map(({ words, met }) => `${words} ${met ? "✓" : "✗"}`).join(", ");
  return [...own, other?.name ?? "", other?.median ?? "", ratio, marked];
}

/** Words to the left, numbers to the right. */
const aligned = (line, widths, numbers) =>
  line
    .map((cell, column) => (numbers.includes(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
    .join("  ")
    .trimEnd();

/** A ratio of times, said so that the number is above 1. */
const compared = (ratio) => (ratio < 1 ? `${three(1 / ratio)} × faster` : `${ratio < 100 ? ratio.toFixed(2) : three(ratio)} × the time`);

const wanted = (limit) => (limit < 1 ? `≥ ${plain(1 / limit)} × faster` : `≤ ${plain(limit)} × the time`);

const plain = (number) => String(Number(number.toFixed(2)));

/** Milliseconds as three digits of a fitting unit. */
function time(ms) {
  return ms < 0.1 ? `${three(ms * 1000)} µs` : `${three(ms)} ms`;
}

const three = (number) =>
  number >= 100 ? Math.round(number).toLocaleString("en") : Number.isInteger(number) ? String(number) : number.toPrecision(3);
