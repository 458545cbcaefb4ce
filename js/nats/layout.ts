/** The tables that each client keeps, with their indexes: those of crates/core/src/store/engine/layout.rs. A test compares them. */
import type { Layout } from "./table.js";

const layout = (key: string[], indexes: Record<string, string[]> = {}): Layout => ({
  key: { paths: key },
  indexes: Object.fromEntries(Object.entries(indexes).map(([name, paths]) => [name, { paths }])),
});

const processes = layout(["id"], {
  byLane: ["lane", "id"],
  byKind: ["kind", "lane", "id"],
  byDefinition: ["definitionHash", "lane", "id"],
  byDefinitionAndKind: ["definitionHash", "kind", "lane", "id"],
  byCreated: ["lane", "createdAtMs", "id"],
  byChange: ["change"],
  byRetention: ["lane", "retainedSinceMs"],
  byWakeSession: ["wakeTarget.sessionId"],
  byTurn: ["turn.kind", "turn.rank", "createdAtMs", "id"],
  byQueue: ["queue.key", "queue.stage", "queue.rank", "createdAtMs", "id"],
  byDue: ["dueAtMs"],
  byParent: ["parentId", "lane", "id"],
});

export const LAYOUT = {
  processes: { ...processes, indexes: { ...processes.indexes, byLabel: { paths: ["labels"], each: true } } },
  leases: layout(["processId"], { byHeld: ["slot.held.processId"] }),
  grants: layout(["scopeId", "processId"], { byProcess: ["processId", "sessionId", "scopeId"] }),
} as const satisfies Record<string, Layout>;

export type TableName = keyof typeof LAYOUT;
