/** Warns of runs that return without having asked for what an earlier run of their process recorded: a sign of code that has changed. */
import type { ProcessRegistry, RunContext } from "../types/public.js";
import { hasHistory } from "../types/recorded.js";
import { warnOnce } from "./warnings.js";

/** What a run asked for: keys of steps and timers, and children as they are registered. */
interface Asked {
  readonly steps: Set<string>;
  readonly timers: Set<string>;
  readonly children: Promise<string | undefined>[];
}

const asked = new WeakMap<RunContext, Asked>();

/** The context of a run, which notes what the run asks for. */
export function noting(context: RunContext): RunContext {
  const notes: Asked = { steps: new Set(), timers: new Set(), children: [] };
  const noted = <G extends [string, ...unknown[]], T>(keys: Set<string>, call: (...given: G) => T) => {
    return (...given: G): T => {
      keys.add(given[0]);
      return call(...given);
    };
  };
  const noting: RunContext = Object.freeze({
    ...context,
    step: noted(notes.steps, context.step) as RunContext["step"],
    sleep: noted(notes.timers, context.sleep),
    sleepUntil: noted(notes.timers, context.sleepUntil),
    startChild: ((...given: Parameters<RunContext["startChild"]>) => {
      const started = context.startChild(...given);
      notes.children.push(
        started.then(
          ({ id }) => id,
          () => undefined,
        ),
      );
      return started;
    }) as RunContext["startChild"],
  });
  asked.set(noting, notes);
  return noting;
}

/** A run has returned. Reads the log only where it may hold what an earlier run recorded. */
export async function runReturned(context: RunContext, reach: Pick<ProcessRegistry, "eventsAfter" | "listProcesses">): Promise<void> {
  const { process, attempt } = context;
  const notes = asked.get(context);
  if (notes === undefined || !hasHistory(process, attempt)) return;
  const { id, identity } = process;
  const children = new Set(await Promise.all(notes.children));
  const [events, kept] = await Promise.all([
    reach.eventsAfter(id, 0, { types: ["process.step", "process.timer"] }),
    reach.listProcesses({ parentId: id, status: "any" }),
  ]);
  const keyOf = (event: { payload: unknown }) => String((event.payload as { key: unknown }).key);
  const unasked = [
    ...events.flatMap((event) => {
      const [what, keys] = event.eventType === "process.step" ? (["step", notes.steps] as const) : (["timer", notes.timers] as const);
      return keys.has(keyOf(event)) ? [] : [`${what} "${keyOf(event)}"`];
    }),
    ...kept.flatMap((child) => (children.has(child.id) ? [] : [`child "${child.id.replace(`${id}/`, "")}"`])),
  ];
  if (unasked.length === 0) return;
  warnOnce(
    `a run of kind "${identity.kind}" returned without asking for what an earlier run of process "${id}" recorded: ${unasked.join(", ")}. ` +
      "Where the code of the runner has changed since, give the new code a version of its own, or keep asking for what is recorded",
    "recorded-steps-that-a-run-did-not-ask-for",
    // Of thousands of processes that met the same change, one says it.
    `${identity.kind}: ${unasked.join()}`,
  );
}
