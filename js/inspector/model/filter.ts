/** What a person asks to see, as a filter of the registry; the text, which no registry looks for, is looked for here. */
import type { ListFilter, ProcessRecord } from "../../types/public.js";

export type StatusChoice = "any" | "active" | "waiting" | "paused" | "completed" | "failed" | "cancelled";

export interface Choice {
  readonly status: StatusChoice;
  readonly kind: string;
  /** `name=value`, with commas between several. */
  readonly labels: string;
  readonly text: string;
  readonly order: "newest" | "oldest" | "id";
}

export const EVERYTHING: Choice = { status: "any", kind: "", labels: "", text: "", order: "newest" };

export const STATUS_CHOICES: readonly {
  readonly status: StatusChoice;
  readonly label: string;
  readonly state?: "running" | "waiting" | "paused" | "completed" | "failed" | "cancelled";
}[] = [
  { status: "any", label: "All" },
  { status: "active", label: "Active", state: "running" },
  { status: "waiting", label: "Waiting", state: "waiting" },
  { status: "paused", label: "Paused", state: "paused" },
  { status: "completed", label: "Completed", state: "completed" },
  { status: "failed", label: "Failed", state: "failed" },
  { status: "cancelled", label: "Cancelled", state: "cancelled" },
];

/** The filter of a status alone, of which there is a count. */
export function statusFilter(status: StatusChoice): ListFilter {
  switch (status) {
    case "active":
      return { status: "running", waiting: false };
    case "waiting":
      return { status: "running", waiting: true };
    case "paused":
      return { status: "running", paused: true };
    default:
      return { status };
  }
}

/** What the registry filters by. */
export function listFilter({ status, kind, labels }: Choice): ListFilter {
  const named = labelsOf(labels);
  return {
    ...statusFilter(status),
    ...(kind.trim() !== "" && { kind: kind.trim() }),
    ...(Object.keys(named).length > 0 && { labels: named }),
  };
}

/** Labels as people type them. What has no `=` yet is being typed. */
export function labelsOf(text: string): { [name: string]: string } {
  const pairs = text.split(",").map((part) => part.split("="));
  return Object.fromEntries(
    pairs.flatMap(([name = "", ...value]) => (name.trim() === "" || value.length === 0 ? [] : [[name.trim(), value.join("=").trim()]])),
  );
}

/** Whether a process has the text in its id, label, kind, or one of its labels. */
export function hasText({ id, identity, labels = {} }: ProcessRecord, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return true;
  const places = [id, identity.label ?? "", identity.kind, ...Object.entries(labels).map(([name, value]) => `${name}=${value}`)];
  return places.some((place) => place.toLowerCase().includes(wanted));
}

/** Whether anything is left out. */
export const isFiltered = ({ status, kind, labels, text }: Choice): boolean =>
  status !== "any" || kind !== "" || labels !== "" || text !== "";
