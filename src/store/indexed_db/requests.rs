//! Requests as data, and the results they had.

use std::{collections::BTreeSet, rc::Rc};

use crate::domain::{
    canonical,
    filter::ListIndex,
    json::ToJson,
    key::{Part, longer},
    table::ById,
    value::Json,
};

pub const PROCESSES: &str = "processes";
pub const REGISTRATIONS: &str = "registrations";
pub const EVENTS: &str = "events";
pub const WAKES: &str = "wakes";
pub const GRANTS: &str = "grants";
pub const LEASES: &str = "leases";
pub const COMMITS: &str = "commits";
pub const ABOUT: &str = "about";

/// Where a request looks: an object store, or one of its indexes.
pub struct Source(&'static str, Option<&'static str>);

/// An object store.
pub fn table(store: &'static str) -> Source {
    Source(store, None)
}

/// An index of an object store.
pub fn index(store: &'static str, index: &'static str) -> Source {
    Source(store, Some(index))
}

/// The index that a list reads.
pub fn list(list: &ListIndex) -> Source {
    let name = match list {
        ListIndex::Lane => "byLane",
        ListIndex::Kind(_) => "byKind",
        ListIndex::Definition(_) => "byDefinition",
        ListIndex::DefinitionAndKind(..) => "byDefinitionAndKind",
    };
    index(PROCESSES, name)
}

impl Source {
    fn request(self, kind: &str, arguments: &[Json]) -> Json {
        let mut request = vec![kind.to_json(), self.0.to_json(), self.1.to_json()];
        request.extend_from_slice(arguments);
        Json::list(request)
    }

    /// The row under a key; of an index the first.
    pub fn get(self, key: impl ToJson) -> Json {
        self.request("get", &[key.to_json()])
    }

    /// The rows strictly between two keys, in order; at most `limit`. Null is no bound.
    pub fn all(self, after: Json, before: Json, limit: Option<u64>) -> Json {
        // 0 means "no limit" to IndexedDB; whoever asks for nothing does not get here.
        let limit = limit.map(|limit| limit.clamp(1, u64::from(u32::MAX)));
        self.request("all", &[after, before, limit.to_json()])
    }

    /// The primary keys of the rows strictly between two numbers, in order; at most `limit`.
    pub fn keys(self, after: u64, before: u64, limit: u64) -> Json {
        self.request("keys", &[after.to_json(), before.to_json(), limit.to_json()])
    }

    /// The rows whose keys begin with `prefix` and go on.
    pub fn under(self, prefix: Vec<Part>) -> Json {
        let (after, before) = bounds(prefix);
        self.all(after, before, None)
    }

    /// The rows of an index whose key is exactly this.
    pub fn only(self, key: impl ToJson) -> Json {
        self.request("only", &[key.to_json()])
    }

    /// The last row strictly between two keys.
    pub fn last(self, after: Json, before: Json) -> Json {
        self.request("last", &[after, before])
    }

    /// The last key of an index before another.
    pub fn last_key(self, before: impl ToJson) -> Json {
        self.request("lastKey", &[before.to_json()])
    }

    /// Puts a row.
    pub fn put(self, row: &dyn ToJson) -> Json {
        self.request("put", &[row.to_json()])
    }

    /// Adds a row under a key that must be free.
    pub fn add(self, row: Json) -> Json {
        self.request("add", &[row])
    }

    /// Deletes a row.
    pub fn delete(self, key: impl ToJson) -> Json {
        self.request("delete", &[key.to_json()])
    }

    /// Deletes the rows whose keys come before `key`.
    pub fn clear_before(self, key: impl ToJson) -> Json {
        self.request("clear", &[Json::Null, key.to_json()])
    }

    /// Deletes the rows whose keys begin with `prefix` and go on.
    pub fn clear(self, prefix: Vec<Part>) -> Json {
        let (after, before) = bounds(prefix);
        self.request("clear", &[after, before])
    }
}

fn bounds(prefix: Vec<Part>) -> (Json, Json) {
    let end = longer(&prefix, Part::End);
    (prefix.to_json(), end.to_json())
}

impl ToJson for Part {
    fn to_json(&self) -> Json {
        match self {
            Part::Number(number) => number.to_json(),
            Part::Text(text) => text.to_json(),
            Part::End => Json::list(Vec::new()),
        }
    }
}

/// What a transaction has read so far.
///
/// Reading is a plain function that asks for what it needs and, as long as anything is missing,
/// is run again from the start with one more round of results.
#[derive(Default)]
pub struct Fetched {
    /// By the text of their requests, so that runs may ask in any order.
    results: ById<Json>,
    wanted: Vec<String>,
    /// The same as `wanted`, to find one among thousands.
    asked: BTreeSet<String>,
}

impl Fetched {
    /// Begins another run, with the results of the round that the last one wanted.
    pub fn rerun(&mut self, results: &[Json]) {
        self.asked.clear();
        for (request, result) in std::mem::take(&mut self.wanted).iter().zip(results) {
            self.results.put(request, Rc::new(result.clone()));
        }
    }

    /// The result of a request; null where there is none, or not yet.
    pub fn ask(&mut self, request: Json) -> Json {
        let request = canonical::as_given(&request);
        if let Some(result) = self.results.get(&request) {
            return Json::clone(&result);
        }
        if self.asked.insert(request.clone()) {
            self.wanted.push(request);
        }
        Json::Null
    }

    /// The rows of a request for many; none while it is pending.
    pub fn rows(&mut self, request: Json) -> Vec<Json> {
        self.ask(request).into_items()
    }

    /// Whether something that was asked for is not here yet.
    pub fn pending(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// What to ask for in the next round.
    pub fn wanted(&self) -> Vec<String> {
        self.wanted.clone()
    }
}
