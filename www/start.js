/** The form that starts a process. */

import { byId, element, say } from "./dom.js";
import { FieldFault, onSubmit } from "./form.js";
import { readJson } from "./json.js";
import { kinds, registration, suggestId } from "./kinds.js";

/** Wires the form; `started` is told the id of each process it has started. */
export function startForm(registry, started) {
  const form = byId("start-form");
  const kind = byId("start-kind");
  const id = byId("start-id");
  kind.append(...Object.entries(kinds).map(([value, { label }]) => element("option", { value }, label)));
  kind.addEventListener("change", () => fit(id.value === id.dataset.suggested));
  fit(true);

  function fit(suggest) {
    say(byId("start-kind-hint"), kinds[kind.value].hint);
    byId("start-custom").hidden = kind.value !== "custom";
    if (suggest) id.value = id.dataset.suggested = suggestId(kind.value);
  }

  onSubmit(
    form,
    async (fields) => {
      if (fields.id.trim() === "") throw new FieldFault("id", "A process needs an id.");
      const custom = fields.kind === "custom" ? ownType(fields) : undefined;
      const record = await registry.registerProcess(registration({ kind: fields.kind, id: fields.id, title: fields.title.trim(), custom }));
      const { waitsFor } = kinds[fields.kind];
      if (waitsFor && record.status.state === "running" && !record.wait) await registry.setProcessWait(record.id, waitFor(waitsFor));
      byId("start-title").value = "";
      fit(true);
      started(record.id);
      return `Started ${record.id}.`;
    },
    { registration_conflict: "id", invalid_schema: "schema" },
  );
}

function ownType(fields) {
  const name = fields.type.trim();
  if (name === "") throw new FieldFault("type", "Name the event type that it declares.");
  return { name, payloadSchema: readJson(fields, "schema") };
}

const waitFor = (eventType) => ({ kind: "signal", name: eventType, eventType, key: eventType, ordinal: 1, sinceMs: Date.now() });
