/** The floor over NATS, as a page connects to it. */
import { wsconnect } from "@nats-io/nats-core";
import { bareLog } from "../../nats/lib/bare.mjs";

export const open = async (servers, given) => bareLog(await wsconnect({ servers }), given);
