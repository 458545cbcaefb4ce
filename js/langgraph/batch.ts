/** The events of one put: the values that are large, each in one of its own, and behind them the header. */
import type { AppendRequest } from "../types/public.js";
import { VALUE, type Held, type ValuePayload } from "./log.js";
import { lengthOf, type Stored } from "./stored.js";

/** How long a value in a header may be, in characters. Most that LangGraph stores beside the state of an app are shorter. */
const SHORT = 256;

export class Batch {
  readonly #values: ValuePayload[] = [];

  /** Puts a value into the batch, and says where it will be. */
  hold(channel: string, value: Stored): Held {
    if (lengthOf(value) <= SHORT) return { value };
    this.#values.push({ channel, value });
    return { at: -this.#values.length };
  }

  /** The events: the last value that was put in first, so that each is as far from the header as was said. */
  events(eventType: string, payload: object): AppendRequest[] {
    const values = this.#values.map((value) => ({ eventType: VALUE, payload: value }));
    return [...values.reverse(), { eventType, payload }] as unknown as AppendRequest[];
  }
}
