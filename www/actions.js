/** What a person can do with the selected process: append, wait, ask to cancel, end. */

import { byId, element } from "./dom.js";
import { clear, FieldFault, onSubmit, readNumber } from "./form.js";
import { readJson } from "./json.js";
import { exampleOf } from "./kinds.js";
import { hasEnded } from "./words.js";

/** Wires the forms. `detail` says which process is selected; `waits` starts waits. */
export function actions(registry, detail, waits) {
  appendForm(registry, detail);
  waitForm(detail, waits);
  endForms(registry, detail);

  const forms = ["append-form", "wait-form", "cancel-form", "end-form"].map(byId);
  let shownId;
  let shownEnded;

  /** To be told after the detail has changed: fits the forms to the process and its state. */
  return function refresh() {
    const { record } = detail;
    if (!record) {
      shownId = undefined;
      return;
    }
    byId("end").hidden = hasEnded(record);
    if (record.id !== shownId) begin(record);
    // The last action that was open may have gone with the end of the process.
    else if (hasEnded(record) && !shownEnded && byId("end").open) byId("detail-title").focus();
    [shownId, shownEnded] = [record.id, hasEnded(record)];
  };

  function begin(record) {
    for (const form of forms) {
      form.reset();
      clear(form);
    }
    showChoices();
    const own = record.eventTypes.filter(({ name }) => !name.startsWith("process."));
    byId("append-types").replaceChildren(...own.map(({ name }) => element("option", { value: name })));
    const first = record.wait?.eventType ?? own[0]?.name ?? "";
    for (const id of ["append-type", "wait-type"]) byId(id).value = first;
    byId("append-payload").value = exampleOf(record, first);
  }
}

function appendForm(registry, detail) {
  const form = byId("append-form");
  const payload = byId("append-payload");
  let typed = false;
  payload.addEventListener("input", () => (typed = payload.value !== ""));
  form.addEventListener("reset", () => (typed = false));
  byId("append-type").addEventListener("input", ({ target }) => {
    if (!typed) payload.value = exampleOf(detail.record, target.value);
  });

  onSubmit(
    form,
    async (fields) => {
      const { id, wait } = detail.record;
      const eventType = required(fields, "eventType", "Name the type of the event.");
      const replayKey = fields.replayKey.trim();
      const { event, replayed, wakeDelivery } = await registry.appendEvent(id, {
        eventType,
        payload: readJson(fields, "payload"),
        ...(replayKey && { replayKey }),
      });
      // This page is the one that runs its processes, so it is the one to say that the wait is over.
      if (wait?.eventType === eventType) await registry.clearProcessWait(id);
      if (replayed) return `Already recorded as #${event.sequence} under this key; nothing was added.`;
      const woken = wakeDelivery ? ` It wakes the session “${wakeDelivery.targetSessionId}”: ${wakeDelivery.input}.` : "";
      return `Appended as #${event.sequence}.${woken}`;
    },
    {
      undeclared_event_type: "eventType",
      invalid_payload: "payload",
      missing_replay_key: "replayKey",
      replay_conflict: "replayKey",
    },
  );
}

function waitForm(detail, waits) {
  const form = byId("wait-form");
  form.addEventListener("change", showChoices);
  onSubmit(form, async (fields) => {
    const seconds = readNumber(
      fields,
      "timeout",
      "The time limit is a number of seconds, such as 30.",
      (number) => number >= 0 && number <= 1e6,
    );
    const what = fields.goal === "terminal" ? { goal: "terminal" } : eventGoal(fields, detail.lastSequence);
    waits.start({ ...what, processId: detail.record.id, ...(seconds !== undefined && { deadlineMs: Date.now() + seconds * 1000 }) });
    return "Waiting: see its card under Waits.";
  });
}

function eventGoal(fields, lastSequence) {
  const eventType = required(fields, "eventType", "Name the type of the event to wait for.");
  const words = "A sequence is a whole number, 0 or more.";
  const after = readNumber(fields, "after", words, (number) => Number.isSafeInteger(number) && number >= 0);
  return { goal: "event", eventType, after: after ?? lastSequence, untilTerminal: fields.untilTerminal === "on" };
}

function endForms(registry, detail) {
  byId("end-form").addEventListener("change", showChoices);

  onSubmit(byId("cancel-form"), async ({ reason }) => {
    const { event, replayed } = await registry.requestCancel(detail.record.id, reason.trim() || undefined);
    return replayed ? `Was requested for this reason before, as #${event.sequence}.` : `Requested, as #${event.sequence}.`;
  });

  onSubmit(byId("end-form"), async (fields) => {
    await registry.completeProcess(detail.record.id, outputs[fields.as](fields));
  });
}

const outputs = {
  completed: (fields) => ({ type: "success", value: readJson(fields, "value") }),
  failed: (fields) => ({
    type: "failure",
    class: "external",
    code: "failed_by_hand",
    message: required(fields, "message", "Say in a few words what failed."),
  }),
  cancelled: (fields) => ({ type: "cancelled", message: required(fields, "message", "Say in a few words why it was cancelled.") }),
};

/** Shows the fields that belong to the choices made. */
function showChoices() {
  byId("wait-event").hidden = byId("wait-form").elements.goal.value !== "event";
  const as = byId("end-form").elements.as.value;
  for (const field of byId("end-form").querySelectorAll("[data-for]")) field.hidden = !field.dataset.for.split(" ").includes(as);
}

function required(fields, name, words) {
  const text = fields[name].trim();
  if (text === "") throw new FieldFault(name, words);
  return text;
}
