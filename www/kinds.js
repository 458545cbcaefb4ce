/** What a person can start here. Each kind is only a registration: the registry knows nothing of them. */

/** A payload for a type's form is taken from its schema's own `examples`. */
const progress = {
  name: "progress",
  payloadSchema: {
    type: "object",
    properties: { percent: { type: "number", minimum: 0, maximum: 100 } },
    required: ["percent"],
    examples: [{ percent: 40 }],
  },
};

const note = { name: "note" };

/** An approving reply wakes the session "demo"; a refusing one is only recorded. */
const reply = {
  name: "reply",
  payloadSchema: {
    type: "object",
    properties: { approved: { type: "boolean" }, by: { type: "string" } },
    required: ["approved", "by"],
    examples: [{ approved: true, by: "Ada" }],
  },
  semantics: {
    wake: {
      when: { pointer: "/approved" },
      input: { template: "approved by {by}", fields: { by: { pointer: "/by" } } },
    },
  },
};

/** By the value of the form's choice. `waitsFor` is the event type for which a process of that kind waits from the start. */
export const kinds = {
  job: {
    label: "External job",
    hint: "Declares progress (percent, 0 to 100) and note (anything).",
    eventTypes: () => [progress, note],
  },
  approval: {
    label: "Approval",
    hint: "Waits for a reply. An approving one wakes the session “demo”.",
    eventTypes: () => [reply, note],
    more: { wakeTarget: { sessionId: "demo" } },
    waitsFor: "reply",
  },
  custom: {
    label: "Something with an event type of yours",
    hint: "Declares the type you name, with a schema if you like.",
    eventTypes: ({ name, payloadSchema }) => [payloadSchema === null ? { name } : { name, payloadSchema }],
  },
};

/** The registration that the form asks for. */
export function registration({ kind, id, title, custom }) {
  const { eventTypes, more } = kinds[kind];
  return { id, input: { type: "external", metadata: title ? { title } : {} }, eventTypes: eventTypes(custom), ...more };
}

/** An id that is free, unless chance is unkind. */
export const suggestId = (kind) => `${kind === "custom" ? "process" : kind}-${crypto.randomUUID().slice(0, 4)}`;

/** A payload to begin with, as text. */
export function exampleOf(record, eventType) {
  const example = record.eventTypes.find(({ name }) => name === eventType)?.payloadSchema?.examples?.[0];
  return example === undefined ? "" : JSON.stringify(example);
}
