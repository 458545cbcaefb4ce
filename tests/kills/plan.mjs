/** What happens in one round, all of it drawn from its seed. It refuses to know how any of it is done. */

/** How many tabs there are, processes, and steps of each. */
export const TABS = 4;
export const PROCESSES = 50;
export const STEPS = 5;

/** What may die. `mixed` is any of the others, one after another. */
export const KINDS = ["crash", "close", "reload", "worker", "aside", "browser", "mixed"];

/** Before which step it may wait for something. */
export const MIDDLE = STEPS >> 1;

/** Signals and deaths come while so many steps have been begun: fewer than can be, should nobody be signalled. */
const LATEST = 120;

/** The seeds that were asked for: `LONGWAIT_ROUNDS` of them, from `LONGWAIT_SEED` on, which alone means just that one. */
export function seeds(usual, { LONGWAIT_SEED: from, LONGWAIT_ROUNDS: rounds } = process.env) {
  const length = Number(rounds ?? (from === undefined ? usual : 1));
  return Array.from({ length }, (_, n) => Number(from ?? 1) + n);
}

export const kindOf = (seed) => KINDS[(seed - 1) % KINDS.length];

/**
 * Of so many processes: `{ kind, concurrency, processes, happenings, held }`. What happens is in order, each once so many steps have been begun. The process
 * `held` waits for its signal through all deaths, so that at least one of these is of a tab that runs something.
 */
export function plan(seed, count = PROCESSES) {
  const roll = dice(seed);
  const kind = kindOf(seed);
  const processes = Array.from({ length: count }, (_, n) => registration(seed, n, count, roll));
  const [held, ...others] = processes;
  const signals = others.filter(({ input }) => input.payload.signalled).map((signal) => ({ signal }));
  const deaths = Array.from({ length: 1 + roll(3) }, () => death(kind, roll));
  const happenings = [...signals, ...deaths].map((what) => ({ at: roll(LATEST), ...what }));
  happenings.sort((a, b) => a.at - b.at).push({ at: 0, signal: held });
  return { kind, concurrency: [4, 16, 64][roll(3)], processes, happenings, held: held.id };
}

function death(kind, roll) {
  const single = KINDS.slice(0, -1);
  return { death: kind === "mixed" ? single[roll(single.length)] : kind, victims: 1 + roll(TABS - 1) };
}

function registration(seed, n, count, roll) {
  const role = n === 0 ? 0 : roll(5);
  const payload = {
    middle: MIDDLE,
    // In milliseconds; 0 is a turn of the event loop.
    pauses: Array.from({ length: STEPS }, () => Math.max(0, roll(30) - 10)),
    signalled: role === 0,
    // Milliseconds that it sleeps before its first step; how often it throws before its last one; how often its first step does.
    ...(role === 2 && { sleep: 200 + roll(2_000) }),
    ...(role === 3 && { throws: 1 + roll(2) }),
    ...(role === 4 && { stepThrows: 1 + roll(2) }),
    // Each step says what it does in a stream, which a later run begins anew or resumes.
    ...(roll(3) === 0 && { says: { resume: roll(2) === 0 } }),
    // Each step replaces an attachment, and each run reads the one that came with the registration.
    ...(roll(3) === 0 && { attaches: true }),
    // Which is cancelled with the end of this one.
    ...(roll(8) === 0 && n !== 0 && { startsChild: true }),
    // The next one, so that nobody waits for himself.
    ...(role === 1 && n + 1 < count && { child: name(seed, n + 1) }),
  };
  const policy = {
    ...(payload.throws && { retry: { maxAttempts: payload.throws + 1, initialIntervalMs: 500 } }),
    // Not the one that is held, nor those that wait for the next one, which could wait for them.
    ...(role > 1 && roll(2) === 0 && { concurrencyKey: `key ${roll(3)}` }),
  };
  return { id: name(seed, n), input: { type: "engine", kind: "job", payload }, recovery: "rerun", ...policy };
}

/** The id of the child that a process starts, if it does. */
export const childOf = ({ id, input }) => (input.payload.startsChild ? [`${id}/child`] : []);

/** The key of a step: see page.mjs. */
export const stepKey = (n) => `step ${n}`;

const name = (seed, n) => `seed ${seed}, process ${n}`;

/** Whole numbers below a given one, the same for the same seed: Marsaglia's xorshift. */
export function dice(seed) {
  let state = Math.imul(seed, 0x9e3779b1) || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
