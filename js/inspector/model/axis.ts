/** Where a moment stands on the waterfall, from 0 to 1. Long waits can be shortened: else a step of 40 ms beside a wait of a day is not seen. */
import type { Row } from "./waterfall.js";

/** A stretch of time, and how wide it is shown. */
interface Stretch {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly from: number;
  readonly width: number;
  readonly isShortened: boolean;
}

export interface Tick {
  readonly at: number;
  readonly atMs: number;
}

export class Axis {
  private readonly stretches: Stretch[] = [];

  /** `idle` are the stretches that may be shortened, in order. */
  constructor(
    readonly fromMs: number,
    readonly untilMs: number,
    idle: readonly { readonly fromMs: number; readonly untilMs: number }[] = [],
  ) {
    const pieces: { fromMs: number; untilMs: number; isIdle: boolean }[] = [];
    let atMs = fromMs;
    const add = (untilMs: number, isIdle: boolean): void => {
      if (untilMs > atMs) pieces.push({ fromMs: atMs, untilMs, isIdle });
      atMs = Math.max(atMs, untilMs);
    };
    for (const stretch of idle) {
      add(Math.min(stretch.fromMs, untilMs), false);
      add(Math.min(stretch.untilMs, untilMs), true);
    }
    add(untilMs, false);
    const busyMs = pieces.reduce((sum, { fromMs, untilMs, isIdle }) => sum + (isIdle ? 0 : untilMs - fromMs), 0);
    const shown = pieces.map(({ fromMs, untilMs, isIdle }) =>
      isIdle && busyMs > 0 ? Math.min(untilMs - fromMs, busyMs / 4) : untilMs - fromMs,
    );
    const total = shown.reduce((sum, width) => sum + width, 0) || 1;
    let from = 0;
    pieces.forEach(({ fromMs, untilMs }, n) => {
      const width = (shown[n] ?? 0) / total;
      this.stretches.push({ fromMs, untilMs, from, width, isShortened: (shown[n] ?? 0) < untilMs - fromMs });
      from += width;
    });
  }

  /** Whether anything is shorter than it was. */
  get isShortened(): boolean {
    return this.stretches.some(({ isShortened }) => isShortened);
  }

  place(atMs: number): number {
    const stretch = this.stretches.find(({ untilMs }) => atMs <= untilMs) ?? this.stretches.at(-1);
    if (stretch === undefined) return 0;
    const { fromMs, untilMs, from, width } = stretch;
    return from + width * Math.min(1, Math.max(0, (atMs - fromMs) / (untilMs - fromMs)));
  }

  /** The moment at a place. */
  private at(place: number): number {
    const stretch = this.stretches.find(({ from, width }) => place <= from + width) ?? this.stretches.at(-1);
    if (stretch === undefined) return this.fromMs;
    const { fromMs, untilMs, from, width } = stretch;
    return fromMs + (width === 0 ? 0 : ((place - from) / width) * (untilMs - fromMs));
  }

  /** About `most` moments to name: round ones, where no stretch is shortened. */
  ticks(most: number): Tick[] {
    if (this.isShortened) return Array.from({ length: most }, (_, n) => n / most).map((at) => ({ at, atMs: this.at(at) }));
    const step = roundStep((this.untilMs - this.fromMs) / most);
    const ticks: Tick[] = [];
    for (let ms = 0; ms < this.untilMs - this.fromMs; ms += step) ticks.push({ at: this.place(this.fromMs + ms), atMs: this.fromMs + ms });
    return ticks;
  }
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 30, 90, 365].map((n) => n * DAY),
];

/** The least span of a clock or a calendar that is no shorter. */
function roundStep(ms: number): number {
  return STEPS.find((step) => step >= ms) ?? Math.ceil(ms / (365 * DAY)) * 365 * DAY;
}

/** When nothing but waiting was done, according to the row of the process. */
export function idleOf(run: Row | undefined, nowMs: number): { fromMs: number; untilMs: number }[] {
  return (run?.spans ?? []).flatMap(({ phase, fromMs, untilMs = nowMs }) =>
    phase === "working" || phase === "begun" ? [] : [{ fromMs, untilMs }],
  );
}

/** Those of many that have a place of their own at this width: the first in each place, and all that matter. */
export function apart<T>(all: readonly T[], placeOf: (one: T) => number, matters: (one: T) => boolean, places: number): T[] {
  if (all.length <= places / 4) return [...all];
  let last = -1;
  return all.filter((one) => {
    const place = Math.floor(placeOf(one) * places);
    if (place === last && !matters(one)) return false;
    last = place;
    return true;
  });
}
