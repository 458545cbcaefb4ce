/** Times, spans and sizes as people read them. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A span of time in at most two units: `840 ms`, `1.2 s`, `3 min 20 s`, `2 d 4 h`. */
export function duration(ms: number): string {
  const span = Math.max(0, ms);
  if (span < SECOND) return `${Math.round(span)} ms`;
  if (span < 10 * SECOND) return `${(Math.floor(span / 100) / 10).toFixed(1)} s`;
  if (span < MINUTE) return `${Math.floor(span / SECOND)} s`;
  if (span < HOUR) return two(span, MINUTE, "min", SECOND, "s");
  if (span < DAY) return two(span, HOUR, "h", MINUTE, "min");
  return two(span, DAY, "d", HOUR, "h");
}

function two(span: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((span % large) / small);
  const main = `${Math.floor(span / large)} ${largeUnit}`;
  return rest === 0 ? main : `${main} ${rest} ${smallUnit}`;
}

/** A moment, seen from now, in one unit: `just now`, `12 s ago`, `in 3 min`. */
export function relative(atMs: number, nowMs: number): string {
  const span = Math.abs(nowMs - atMs);
  if (span < SECOND) return "just now";
  const words = inOneUnit(span);
  return atMs <= nowMs ? `${words} ago` : `in ${words}`;
}

function inOneUnit(span: number): string {
  if (span < MINUTE) return `${Math.floor(span / SECOND)} s`;
  if (span < HOUR) return `${Math.floor(span / MINUTE)} min`;
  if (span < DAY) return `${Math.floor(span / HOUR)} h`;
  return `${Math.floor(span / DAY)} d`;
}

/** A moment to the millisecond, in the time zone of the reader. */
export function exact(atMs: number): string {
  const at = new Date(atMs);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${clock(atMs)}`;
}

/** The time of day of a moment, to the millisecond. */
export function clock(atMs: number): string {
  const at = new Date(atMs);
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${pad(at.getMilliseconds(), 3)}`;
}

const pad = (n: number, digits = 2): string => String(n).padStart(digits, "0");

/** How many bytes: `512 B`, `3.4 kB`, `12 MB`. */
export function bytes(size: number): string {
  if (size < 1_000) return `${size} B`;
  const [scaled, unit] = size < 1e6 ? [size / 1e3, "kB"] : size < 1e9 ? [size / 1e6, "MB"] : [size / 1e9, "GB"];
  return `${scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} ${unit}`;
}

/** A count, with a separator between thousands. */
export const count = (n: number): string => n.toLocaleString("en");

/** A count with its noun. */
export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

/** The beginning of an id that people need not read whole. */
export const short = (id: string): string => (id.length > 12 ? `${id.slice(0, 8)}…` : id);
