/** All calls, and how often each is made. */
import { driverCalls } from "./drivers.mjs";
import { openingCalls } from "./opening.mjs";
import { registryCalls } from "./registry.mjs";
import { waitingCalls } from "./waits.mjs";

const plain = [...registryCalls, ...waitingCalls, ...openingCalls];

export const calls = [...plain, ...driverCalls];

const weighed = (list) => list.map((call) => [call.weight, call]);

export const TABLE = { plain: weighed(plain), driven: weighed(calls) };
