//! The object stores with their key paths and indexes: the newest layout, which an IndexedDB database is upgraded to step by step
//! (`src/store/indexed_db/engine.js`), and of which a client of NATS keeps some (`js/nats/layout.ts`). A test holds the three together.

/// An object store.
pub struct ObjectStore {
    /// Its name.
    pub name: &'static str,
    /// Where a row has its key.
    pub key_path: KeyPath,
    /// Its indexes.
    pub indexes: &'static [Index],
}

/// An index of an object store.
pub struct Index {
    /// Its name.
    pub name: &'static str,
    /// Where a row has its key in the index. A row without one of the parts is not in the index.
    pub key_path: KeyPath,
    /// Of how many parts each key is, where a row has a list of them under the path: it is in the index once for each. Such a key ends
    /// with the row's own.
    pub each_of: Option<usize>,
}

impl Index {
    /// Of how many parts a key is.
    pub fn parts(&self) -> usize {
        self.each_of.unwrap_or(self.key_path.len())
    }
}

/// The members of a row that make up a key; a dot leads into a member.
pub type KeyPath = &'static [&'static str];

const fn store(name: &'static str, key_path: KeyPath, indexes: &'static [Index]) -> ObjectStore {
    ObjectStore { name, key_path, indexes }
}

const fn index(name: &'static str, key_path: KeyPath) -> Index {
    Index { name, key_path, each_of: None }
}

const fn index_of_each(name: &'static str, key_path: KeyPath, parts: usize) -> Index {
    Index { name, key_path, each_of: Some(parts) }
}

/// The layout.
pub const LAYOUT: &[ObjectStore] = &[
    store(
        "processes",
        &["id"],
        &[
            index("byLane", &["lane", "id"]),
            index("byKind", &["kind", "lane", "id"]),
            index("byDefinition", &["definitionHash", "lane", "id"]),
            index("byDefinitionAndKind", &["definitionHash", "kind", "lane", "id"]),
            // By age. Every row stands in it, so it costs every append; those below cost only what has them.
            index("byCreated", &["lane", "createdAtMs", "id"]),
            index("byChange", &["change"]),
            index("byRetention", &["lane", "retainedSinceMs"]),
            index("byWakeSession", &["wakeTarget.sessionId"]),
            index("byTurn", &["turn.kind", "turn.rank", "createdAtMs", "id"]),
            index("byQueue", &["queue.key", "queue.stage", "queue.rank", "createdAtMs", "id"]),
            index("byDue", &["dueAtMs"]),
            index("byParent", &["parentId", "lane", "id"]),
            // Of each label its name and value, the lane and the id.
            index_of_each("byLabel", &["labels"], 4),
        ],
    ),
    store("registrations", &["registration.id"], &[]),
    store(
        "events",
        &["processId", "sequence"],
        &[index("byType", &["processId", "eventType", "sequence"]), index("byReplayKey", &["processId", "replayKey"])],
    ),
    store("counts", &["processId", "eventType"], &[]),
    store("attachments", &["processId", "name"], &[]),
    store("streams", &["processId", "name"], &[]),
    store("chunks", &["processId", "name", "first"], &[]),
    store("wakes", &["processId", "sequence"], &[]),
    store("grants", &["scopeId", "processId"], &[index("byProcess", &["processId", "sessionId", "scopeId"])]),
    store("leases", &["processId"], &[index("byHeld", &["slot.held.processId"])]),
    store("commits", &["writer"], &[]),
    store("about", &["name"], &[]),
];
