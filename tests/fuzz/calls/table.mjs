/** All calls, and how often each is made. */
import { definitionCalls } from "./definitions.mjs";
import { driverCalls } from "./drivers.mjs";
import { movingCalls } from "./moving.mjs";
import { openingCalls } from "./opening.mjs";
import { registryCalls } from "./registry.mjs";
import { runCalls } from "./runs.mjs";
import { waitingCalls } from "./waits.mjs";

const plain = [...registryCalls, ...waitingCalls, ...movingCalls, ...openingCalls];

/** Those that can be made of a world; `runCalls` are made by runners. */
export const calls = [...plain, ...driverCalls, ...definitionCalls];
export const names = new Set([...calls, ...runCalls].map(({ name }) => name));

const weighed = (list) => list.map((call) => [call.weight, call]);

export const TABLE = { plain: weighed(plain), driven: weighed(calls) };
