/** What the logs of a turn and of its tool calls say: events in, the state of the conversation out. No page, no clock. */

/** A turn of which nothing is known yet. */
export const blank = () => ({
  asked: undefined,
  rounds: new Map(),
  calls: new Map(),
  runs: [],
  triesAgain: false,
  cancelling: false,
  end: undefined,
});

/** Takes an event of the turn into account. */
export function turned(turn, { eventType, payload, semantics }) {
  switch (eventType) {
    case "begun":
      turn.runs.push(payload);
      break;
    case "tokens": {
      turn.triesAgain = false;
      const round = turn.rounds.get(payload.round) ?? turn.rounds.set(payload.round, { text: "", attempt: 0 }).get(payload.round);
      if (round.done) break;
      // The model is asked again: what was heard before is worth nothing.
      if (payload.attempt !== round.attempt) Object.assign(round, { text: "", attempt: payload.attempt });
      round.text += payload.text;
      break;
    }
    case "process.step_failed":
      turn.triesAgain = payload.retryAtMs !== undefined;
      break;
    case "process.step": {
      turn.triesAgain = false;
      const { key, value } = payload;
      turn.rounds.set(Number(key.replace("model ", "")), { ...value, text: value.value.content, calls: value.value.toolCalls, done: true });
      break;
    }
    case "asked":
      callOf(turn, payload.id).asked = true;
      break;
    case "called":
      callOf(turn, payload.call).process = payload.process;
      break;
    case "process.waiting":
      if (payload.name === "key") turn.needsKey = true;
      break;
    case "process.resumed":
      if (payload.name === "key") turn.needsKey = false;
      break;
    case "process.cancel_requested":
      turn.cancelling = true;
      break;
    default:
      if (eventType.startsWith("signal.approve-"))
        turn.answers = { ...turn.answers, [eventType.slice("signal.approve-".length)]: payload.allowed };
  }
  if (semantics.terminal) turn.end = semantics.terminal.awaitOutput;
}

/** What is known of a call that a model's answer speaks of. */
function callOf(turn, id) {
  return turn.calls.get(id) ?? turn.calls.set(id, { steps: [], runs: [] }).get(id);
}

/** Takes an event of a tool call's own process into account. */
export function tooled(turn, callId, { eventType, payload, semantics }) {
  const call = callOf(turn, callId);
  if (eventType === "begun") call.runs.push(payload);
  if (eventType === "process.step") call.steps.push({ key: payload.key, ...payload.value });
  if (semantics.terminal) call.end = semantics.terminal.awaitOutput;
}

/** Takes note of how far a tool says that it is. */
export function progressed(turn, process, progress) {
  for (const call of turn.calls.values()) if (call.process === process) call.progress = progress;
}

/** What the page shows, from top to bottom. */
export function items(turn, ask) {
  if (ask === undefined) return [];
  const shown = [{ key: "ask", kind: "ask", text: ask }];
  for (const [n, round] of [...turn.rounds].sort(([a], [b]) => a - b)) {
    const last = round.done && round.calls.length === 0;
    shown.push({ key: `round ${n}`, kind: "said", round, last });
    for (const call of round.calls ?? []) {
      const known = turn.calls.get(call.id) ?? { steps: [], runs: [] };
      shown.push({ key: `call ${call.id}`, kind: "call", call, ...known, allowed: turn.answers?.[call.id], over: turn.end !== undefined });
    }
  }
  if (turn.runs.length > 1) shown.push({ key: "runs", kind: "runs", runs: turn.runs });
  if (turn.needsKey && !turn.end) shown.push({ key: `key ${turn.runs.length}`, kind: "key", tab: turn.runs.at(-1).tab });
  if (turn.end && turn.end.type !== "success") shown.push({ key: "end", kind: "end", end: turn.end });
  return shown;
}

/** The state of the turn in one word, and for people. `driver` is `{ tab, driving }` of this tab. */
export function stateOf(turn, waiting, { tab, driving }) {
  if (turn.end)
    return { success: ["completed", "Answered"], failure: ["failed", "Failed"], cancelled: ["cancelled", "Cancelled"] }[turn.end.type];
  if (turn.cancelling) return ["waiting", "Being cancelled"];
  if (waiting) return ["waiting", "Waits for you"];
  if (turn.needsKey) return ["waiting", "Waits for a key"];
  if (turn.triesAgain) return ["waiting", "Tries again soon"];
  // Of what other tabs do the log tells; that this one does nothing, it does not.
  const handedBack = !driving && turn.runs.at(-1)?.tab === tab;
  return turn.runs.length > 0 && !handedBack ? ["running", "At work"] : ["pending", "Waits for a tab to run it"];
}

/** Whether a person is asked, and has not answered. */
export const waitsForPerson = (turn) =>
  [...turn.calls].some(([id, { asked, process }]) => asked && !process && turn.answers?.[id] === undefined) && !turn.end;
