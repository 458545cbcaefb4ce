/**
 * The agent: a turn is a process, and so is each call of a tool. All that a page shows of them stands in their logs.
 *
 * A runner begins again from its first line in whatever tab goes on with it; what it has done already it finds by the keys of
 * its steps. So everything that has an effect or takes time is a step, and what lies between is plain calculation.
 */
import { modelFor } from "./models/choice.js";
import { tools } from "./tools.js";

const MOST_ROUNDS = 8;

/** `?pace=0` in the address makes what takes time short. */
const pace = Number(new URLSearchParams(globalThis.location?.search).get("pace") ?? 1);

/** A model that is busy or cannot be reached is asked again, twice, in whatever tab. */
const AGAIN = { retry: { maxAttempts: 3, initialIntervalMs: Math.ceil(1_000 * pace) } };

/** What a turn writes besides its steps. */
const eventTypes = ["begun", "tokens", "asked", "called"].map((name) => ({ name }));

/** `model` says which one is to answer, in whatever tab; see `models/choice.js`. */
export const turn = (id, ask, model) => ({ id, input: { type: "engine", kind: "agent_turn", payload: { ask, model } }, eventTypes });

const toolCall = ({ id: callId, name, args }) => ({
  input: { type: "tool_call", call: { callId, toolName: name, args } },
  eventTypes: [{ name: "begun" }],
});

/** The runners of one tab, which says its name with all that it does. */
export function runners(tab) {
  return {
    async agent_turn(context) {
      const { process } = context;
      const done = await begin(context);
      const messages = [{ role: "user", content: process.input.payload.ask }];

      for (let round = 1; round <= MOST_ROUNDS; round++) {
        const model = await modelFor(process.input.payload.model, context);
        const reply = await done(`model ${round}`, (once) => ask(context, once, model, messages, round), AGAIN);
        messages.push({ role: "assistant", ...reply });
        if (reply.toolCalls.length === 0) return reply.content;

        // Fan out, and join: the tools run at one time, here or in other tabs. While the turn waits for them, it holds no permit.
        const results = await Promise.all(reply.toolCalls.map((call) => called(context, call)));
        for (const [n, { id: callId, name }] of reply.toolCalls.entries())
          messages.push({ role: "tool", callId, name, content: JSON.stringify(results[n]) });
      }
      throw Object.assign(new Error(`no answer after ${MOST_ROUNDS} rounds`), { class: "resource_limit", code: "too_many_rounds" });
    },

    async tool(context) {
      const { process, sleep, progress } = context;
      const { toolName, args } = process.input.call;
      const tool = tools[toolName];
      if (!tool) throw Object.assign(new Error(`there is no tool ${toolName}`), { class: "invalid_request", code: "no_such_tool" });
      const done = await begin(context);
      return tool.run(args, { id: process.id, done, progress, sleep: (key, ms) => sleep(key, ms * pace) });
    },
  };

  /** Notes down that this tab goes on with a process; gives `done`, a step that remembers who did it. */
  async function begin({ append, step, attempt }) {
    await append({ eventType: "begun", payload: { tab, attempt }, replayKey: `begun ${attempt}` });
    return async (key, work, options) => {
      const record = await step(key, async (once) => ({ tab, attempt, value: await work(once) }), options);
      return record.value;
    };
  }

  /** Asks the model, and puts what it says into the log as it comes: a few words at a time, so that the log stays short. */
  async function ask(context, once, model, messages, round) {
    const { append } = context;
    const { signal } = once;
    // A run that begins again, and an attempt that is made again, asks the model again.
    const attempt = `${context.attempt}.${once.attempt}`;
    const words = model.reply(messages, { signal, pause: pauses(signal) });
    let piece = "";
    const flush = async () => {
      if (piece === "") return;
      const payload = { round, attempt, text: piece };
      piece = "";
      await append({ eventType: "tokens", payload });
    };
    for (;;) {
      const { done, value } = await words.next();
      if (done) {
        await flush();
        // Ids of our own: a model may give the same one twice.
        return { ...value, toolCalls: (value.toolCalls ?? []).map((call, n) => ({ ...call, id: `${round}-${n + 1}` })) };
      }
      piece += value;
      if (piece.length >= 24) await flush();
    }
  }

  /** Calls a tool, if it may be called: as a child, of which any tab may be the one to run it. It is asked to stop when the turn ends. */
  async function called(context, call) {
    const { append, awaitTerminal, startChild } = context;
    if (!(await allowed(context, call))) return "The user did not allow it.";
    const { id } = await startChild(toolCall(call), { key: call.id }); // Once, however often it is said.
    await append({ eventType: "called", payload: { process: id, call: call.id }, replayKey: `called ${call.id}` });
    return shownToModel(await awaitTerminal(id));
  }

  /** Whether a tool may run. Where a person has to say so, waits for that: until tomorrow, if need be. */
  async function allowed({ append, waitForSignal }, call) {
    if (!tools[call.name]?.needsApproval) return true;
    await append({ eventType: "asked", payload: call, replayKey: `asked ${call.id}` });
    const { payload } = await waitForSignal(`approve-${call.id}`);
    return payload.allowed === true;
  }
}

/** What the model is shown of how a tool ended. */
const shownToModel = (end) => (end.type === "success" ? end.value : `It failed: ${end.message}`);

/** The pauses of the script between words, inside of a step: a tab that takes the turn over begins the sentence again. */
const pauses = (signal) => (ms) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => (signal.removeEventListener("abort", stop), resolve()), ms * pace);
    const stop = () => (clearTimeout(timer), reject(signal.reason));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });
