/** What a person can do with a registry or one of its processes: what each action asks for, and what it calls. */
import type { ForkOptions, Json, ProcessRecord, ProcessRegistry } from "../types/public.js";
import { FieldFault, type Form, type Given } from "./model/form.js";
import { bytes, count, plural } from "./model/words.js";

const text = (given: Given, name: string): string => {
  const value = given[name];
  return typeof value === "string" ? value.trim() : "";
};

function json(given: Given, name: string): Json {
  const written = text(given, name);
  if (written === "") return null;
  try {
    return JSON.parse(written) as Json;
  } catch (error) {
    throw new FieldFault(name, `This is not JSON: ${(error as Error).message}`);
  }
}

// ── Of the registry ─────────────────────────────────────────────────────────

/** `done` gets the id of what was started. */
export function startForm(registry: ProcessRegistry, kinds: readonly string[], done: (id: string) => void): Form {
  return {
    title: "Start a process",
    fields: [
      {
        name: "kind",
        label: "Kind",
        sort: "text",
        isRequired: true,
        value: kinds[0] ?? "",
        options: kinds.map((kind) => [kind, kind]),
        hint: "A driver with a runner of this kind begins it.",
      },
      { name: "input", label: "Input", sort: "json", hint: "JSON. Empty is null." },
      { name: "id", label: "Id", sort: "text", hint: "Empty: a random one." },
    ],
    submit: "Start",
    async run(given) {
      const id = text(given, "id") || crypto.randomUUID();
      await registry.registerProcess({ id, input: { type: "engine", kind: text(given, "kind"), payload: json(given, "input") } });
      done(id);
      return `Started ${id}.`;
    },
  };
}

const AGES: readonly (readonly [string, string, number])[] = [
  ["0", "all of them", 0],
  ["hour", "those that ended more than an hour ago", 3_600_000],
  ["day", "those that ended more than a day ago", 86_400_000],
  ["week", "those that ended more than a week ago", 7 * 86_400_000],
];

export function pruneForm(registry: ProcessRegistry): Form {
  return {
    title: "Delete ended processes",
    text: "Their logs, streams and attachments go with them. This cannot be undone; what has not ended stays.",
    fields: [{ name: "age", label: "Which", sort: "choice", options: AGES.map(([value, words]) => [value, words]) }],
    submit: "Delete",
    isDangerous: true,
    async run(given) {
      const age = AGES.find(([value]) => value === given["age"])?.[2] ?? 0;
      const { prunedProcesses, prunedEvents } = await registry.pruneTerminalProcesses(Date.now() - age + (age === 0 ? 1 : 0));
      return `Deleted ${plural(prunedProcesses, "process", "processes")} with ${plural(prunedEvents, "event")}.`;
    },
  };
}

/** Has the browser save an export: of these processes, or of all. */
export async function exportTo(registry: ProcessRegistry, ids?: readonly string[]): Promise<string> {
  const exported = registry.exportProcesses(ids === undefined ? {} : { ids });
  // The browser keeps a large Blob on the disk.
  const blob = await new Response(exported.toReadableStream()).blob();
  save(blob, `${ids?.length === 1 ? (ids[0] ?? "").replaceAll(/[^\w.-]+/g, "-") : registry.name}.ndjson`);
  return `Exported ${bytes(blob.size)}.`;
}

export function importForm(registry: ProcessRegistry): Form {
  return {
    title: "Import processes",
    text: "Each process of the file continues where it stood. One that is here, alike, stays as it is.",
    fields: [
      { name: "file", label: "File", sort: "file", hint: "NDJSON, as an export writes it." },
      { name: "prefix", label: "Before each id", sort: "text", hint: "Empty: they keep their ids. Something like copy/ makes copies." },
    ],
    submit: "Import",
    async run(given) {
      const file = given["file"];
      if (!(file instanceof File) || file.name === "") throw new FieldFault("file", "Choose a file.");
      const prefix = text(given, "prefix");
      const { imported, existing } = await registry.importProcesses(file, prefix === "" ? {} : { ids: (id) => `${prefix}${id}` });
      return `Imported ${plural(imported.length, "process", "processes")}${existing.length === 0 ? "" : `; ${count(existing.length)} were here`}.`;
    },
  };
}

/** Has the browser save an attachment, as the file that it was. */
export async function saveAttachment(registry: ProcessRegistry, id: string, name: string): Promise<void> {
  const blob = await registry.getAttachment(id, name);
  if (blob !== undefined) save(blob, blob instanceof File ? blob.name : name);
}

/** Has the browser save something. */
function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  [link.href, link.download] = [url, name];
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// ── Of one process ──────────────────────────────────────────────────────────

export function signalForm(registry: ProcessRegistry, { id, wait }: ProcessRecord): Form {
  const names = wait?.kind === "signal" ? (wait.names ?? [wait.name]) : [];
  return {
    title: "Send a signal",
    text:
      names.length > 0
        ? `It waits for “${names.join("” or “")}”.`
        : "It waits for no signal now: the next wait for one of this name gets it.",
    fields: [
      { name: "name", label: "Name", sort: "text", isRequired: true, value: names[0] ?? "", options: names.map((name) => [name, name]) },
      { name: "payload", label: "Payload", sort: "json", hint: "JSON. Empty is null." },
    ],
    submit: "Send",
    async run(given) {
      const name = text(given, "name");
      const { event } = await registry.signal(id, name, json(given, "payload"));
      return `Sent “${name}” as #${event.sequence}.`;
    },
  };
}

export function cancelForm(registry: ProcessRegistry, { id }: ProcessRecord): Form {
  return {
    title: "Request its cancellation",
    text: "The request is recorded. The runner of the process decides when it ends.",
    fields: [{ name: "reason", label: "Reason", sort: "text", hint: "Optional. Its runner is given it." }],
    submit: "Request cancel",
    async run(given) {
      const { replayed, event } = await registry.requestCancel(id, text(given, "reason") || undefined);
      return replayed ? `This was requested before, as #${event.sequence}.` : `Requested, as #${event.sequence}.`;
    },
  };
}

export function pauseForm(registry: ProcessRegistry, { id }: ProcessRecord): Form {
  return {
    title: "Pause it",
    text: "A run of it is stopped, and no driver begins it until it is resumed. Signals are kept.",
    fields: [{ name: "reason", label: "Reason", sort: "text", hint: "Optional." }],
    submit: "Pause",
    async run(given) {
      await registry.pauseProcess(id, text(given, "reason") || undefined);
      return "Paused.";
    },
  };
}

/** `steps` are the keys of its recorded steps; `done` gets the id of the fork. */
export function forkForm(registry: ProcessRegistry, record: ProcessRecord, steps: readonly string[], done: (id: string) => void): Form {
  const hasFailed = record.status.state === "failed";
  return {
    title: hasFailed ? "Retry it" : "Fork it",
    text: "A new process begins with the log of this one up to the point you choose, and its recorded steps are not done again.",
    fields: [
      {
        name: "from",
        label: "From",
        sort: "choice",
        options: [
          ["failed", hasFailed ? "where it failed" : "the end of its log"],
          ...steps.map((step): [string, string] => [`step ${step}`, `before step “${step}”`]),
          ["start", "the start, with nothing recorded"],
        ],
      },
      { name: "newId", label: "New id", sort: "text", isRequired: true, value: `${record.id}-${Date.now().toString(36)}` },
      ...(record.input.type === "engine"
        ? [{ name: "input", label: "Input", sort: "json" as const, value: JSON.stringify(record.input.payload ?? null, null, 2) }]
        : []),
    ],
    submit: hasFailed ? "Retry" : "Fork",
    async run(given) {
      const chosen = text(given, "from");
      const from: ForkOptions["from"] = chosen.startsWith("step ")
        ? { step: chosen.slice("step ".length) }
        : chosen === "start"
          ? "start"
          : "failed";
      const newId = text(given, "newId");
      const { input } = record;
      await registry.forkProcess(record.id, {
        newId,
        from,
        ...(input.type === "engine" && { input: { ...input, payload: json(given, "input") } }),
      });
      done(newId);
      return `Started ${newId}.`;
    },
  };
}

export function deleteForm(registry: ProcessRegistry, { id, status }: ProcessRecord, done: () => void): Form {
  const hasEnded = status.state !== "running";
  return {
    title: `Delete ${id}?`,
    text: `${hasEnded ? "" : "It has not ended: a run of it is stopped. "}Its log, streams and attachments go with it. This cannot be undone.`,
    fields: [],
    submit: "Delete",
    isDangerous: true,
    async run() {
      await registry.deleteProcess(id, { force: !hasEnded });
      done();
      return `Deleted ${id}.`;
    },
  };
}
