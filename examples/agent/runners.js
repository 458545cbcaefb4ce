/**
 * The agent: a turn is a process, and so is each call of a tool. All that a page shows of them stands in their logs.
 *
 * A runner begins again from its first line in whatever tab goes on with it; what it has done already it finds by the keys of
 * its steps. So everything that has an effect or takes time is a step, and what lies between is plain calculation.
 */
import { modelFor } from "./models/choice.js";
import { tools } from "./tools.js";

const MOST_ROUNDS = 8;

/** What a turn writes besides its steps. */
const eventTypes = ["begun", "tokens", "asked", "called"].map((name) => ({ name }));

/** `model` says which one is to answer, in whatever tab; see `models/choice.js`. */
export const turn = (id, ask, model) => ({ id, input: { type: "engine", kind: "agent_turn", payload: { ask, model } }, eventTypes });

const toolCall = (id, { id: callId, name, args }) => ({
  id,
  input: { type: "tool_call", call: { callId, toolName: name, args } },
  eventTypes: [{ name: "begun" }],
});

/** The runners of one tab, which says its name with all that it does. */
export function runners(registry, tab) {
  return {
    async agent_turn(context) {
      const { process, awaitTerminal } = context;
      const done = await begin(context);
      const messages = [{ role: "user", content: process.input.payload.ask }];

      for (let round = 1; round <= MOST_ROUNDS; round++) {
        const reply = await done(`model ${round}`, () => ask(context, messages, round));
        messages.push({ role: "assistant", ...reply });
        if (reply.toolCalls.length === 0) return reply.content;

        // Fan out, and join: the tools run at one time, here or in other tabs. While the turn waits for them, it holds no permit.
        const results = await all(reply.toolCalls.map((call) => called(context, call)));
        for (const [n, { id: callId, name }] of reply.toolCalls.entries())
          messages.push({ role: "tool", callId, name, content: JSON.stringify(results[n]) });
      }
      throw Object.assign(new Error(`no answer after ${MOST_ROUNDS} rounds`), { class: "resource_limit", code: "too_many_rounds" });
    },

    async tool(context) {
      const { process, signal } = context;
      const { toolName, args } = process.input.call;
      const tool = tools[toolName];
      if (!tool) throw Object.assign(new Error(`there is no tool ${toolName}`), { class: "invalid_request", code: "no_such_tool" });
      const done = await begin(context);
      return tool.run(args, { id: process.id, done, pause: pauses(signal) });
    },
  };

  /** Notes down that this tab goes on with a process; gives `done`, a step that remembers who did it. */
  async function begin({ append, step, attempt }) {
    await append({ eventType: "begun", payload: { tab, attempt }, replayKey: `begun ${attempt}` });
    return async (key, work) => (await step(key, async () => ({ tab, attempt, value: await work() }))).value;
  }

  /** Asks the model, and puts what it says into the log as it comes: a few words at a time, so that the log stays short. */
  async function ask(context, messages, round) {
    const { process, append, signal, attempt } = context;
    const model = await modelFor(process.input.payload.model, context);
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

  /** Calls a tool, if it may be called: as a child, of which any tab may be the one to run it. */
  async function called(context, call) {
    const { process, append, awaitTerminal, signal } = context;
    const id = `${process.id}/${call.id}`;
    try {
      if (!(await allowed(context, call))) return "The user did not allow it.";
      await registry.registerProcess(toolCall(id, call)); // Once, however often it is said.
      await append({ eventType: "called", payload: { process: id, call: call.id }, replayKey: `called ${call.id}` });
      return told(await awaitTerminal(id));
    } catch (error) {
      // Children do not end with their parent by themselves. A turn that was only handed over leaves them alone.
      if (signal.aborted && signal.reason.name === "AbortError") await cancel(id);
      throw error;
    }
  }

  async function cancel(id) {
    if (await registry.getProcess(id)) await registry.requestCancel(id, "its turn was cancelled");
  }

  /** Whether a tool may run. Where a person has to say so, waits for that: until tomorrow, if need be. */
  async function allowed({ append, waitForSignal }, call) {
    if (!tools[call.name]?.needsApproval) return true;
    await append({ eventType: "asked", payload: call, replayKey: `asked ${call.id}` });
    const { payload } = await waitForSignal(`approve-${call.id}`);
    return payload.allowed === true;
  }
}

/** As `Promise.all`, but no promise is left alone: by the time that it rejects, all children have been told. */
async function all(promises) {
  const ends = await Promise.allSettled(promises);
  const failed = ends.find(({ status }) => status === "rejected");
  if (failed) throw failed.reason;
  return ends.map(({ value }) => value);
}

/** What the model is told of how a tool ended. */
const told = (end) => (end.type === "success" ? end.value : `It failed: ${end.message}`);

/** Timers that end with the run. `?pace=0` in the address makes them short. */
const pace = Number(new URLSearchParams(globalThis.location?.search).get("pace") ?? 1);
const pauses = (signal) => (ms) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => (signal.removeEventListener("abort", stop), resolve()), ms * pace);
    const stop = () => (clearTimeout(timer), reject(signal.reason));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });
