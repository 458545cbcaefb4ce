/** What happens in a round of chats, all of it drawn from its seed. */
import { dice } from "../plan.mjs";

/** In the middle of what the tab dies, and how. */
export const MOMENTS = ["first call", "tool", "second call", "approval", "third call"];
export const DEATHS = ["crash", "close", "reload", "browser"];

const CHATS = 3;

export const momentOf = (seed) => MOMENTS[(seed - 1) % MOMENTS.length];
export const deathOf = (seed) => DEATHS[Math.floor((seed - 1) / MOMENTS.length) % DEATHS.length];

/**
 * `{ moment, death, at, chats }`: `at` is how many words the first chat has said then in its call, and each chat says what its model and tools do. The first run of a chat that `holds` a call does not
 * come to the end of that one: however busy the machine is, its tab dies before.
 */
export function plan(seed) {
  const roll = dice(seed);
  const calls = () => Array.from({ length: 3 }, () => 24 + roll(40));
  const held = ["first call", "second call", "third call"].indexOf(momentOf(seed));
  const chats = Array.from({ length: CHATS }, (_, n) => ({
    chat: `${seed}-${n}`,
    ...(n === 0 && { holds: held }),
    calls: calls(),
    pause: 1 + roll(6),
    asks: n === 0 || roll(2) === 0,
  }));
  return { moment: momentOf(seed), death: deathOf(seed), at: 8 * roll(3), victims: 1 + roll(3), chats };
}

/** All that a chat says. */
export const textOf = ({ chat, calls }) =>
  calls.flatMap((words, call) => Array.from({ length: words }, (_, n) => `${chat}.${call}.${n} `)).join("");
