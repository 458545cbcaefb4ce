//! What to read for a rule or a question, as functions that run until nothing is missing.
//! See [`Fetched`]: they give `None` while something is pending.

use std::rc::Rc;

use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};

use super::{
    Shared,
    codec::{
        CommitRow, LeaseRow, ProcessRow, Stored, WakeRow, change_of, decode, decode_some, id_of, ordinal_of,
        sequence_of, stored,
    },
    requests::{COMMITS, EVENTS, Fetched, GRANTS, LEASES, PROCESSES, REGISTRATIONS, WAKES, index, table},
};
use crate::{
    domain::{
        event::ProcessEvent,
        filter::{ListIndex, ListQuery},
        grant::{HandleEntry, HandleGrant, SessionScope},
        json::ToJson,
        key::{Part, ProcessId, key},
        lease::LeaseSlot,
        process::{ProcessRecord, Registered},
        snapshot::{Rows, Write},
        table::{Row, Table, sorted},
    },
    error::{Code, Error, Result},
    store::{Answer, Answers, Changes, EventPage, EventRange, Live, MOST_CHANGED, Query, Reads},
};

/// The rows that a rule is shown, and the last number of the change sequence.
#[derive(Default)]
pub struct Loaded {
    pub rows: Rows,
    pub last_change: u64,
}

/// One run of reading.
pub struct Reader<'a> {
    pub shared: &'a Shared,
    /// The connection that is read over; see [`Shared::registered`].
    pub generation: u64,
    pub fetched: &'a mut Fetched,
}

impl Reader<'_> {
    // ── For rules ──────────────────────────────────────────────────────────

    /// Everything that a rule needs to see.
    pub fn load(&mut self, reads: &Reads) -> Result<Option<Loaded>> {
        let mut loaded = Loaded::default();
        let last_change = self.fetched.ask(index(PROCESSES, "byChange").last_key());
        let rows = match reads {
            Reads::Process(id, replay_key) => self.log_of(&mut loaded, id, replay_key.as_deref())?,
            Reads::Leased(id, replay_key) => {
                self.slots(&mut loaded, std::slice::from_ref(id))?;
                self.log_of(&mut loaded, id, replay_key.as_deref())?
            }
            Reads::Granted(scope, ids) => {
                let grants: Vec<_> =
                    ids.iter().map(|id| self.fetched.ask(table(GRANTS).get(key![scope, id]))).collect();
                put_grants(&mut loaded, grants)?;
                self.rows_of(ids)
            }
            Reads::Session(session) => {
                let [own, frames] = SessionScope::id_ranges(session).map(|(first, end)| {
                    self.fetched.ask(table(GRANTS).all(key![&first].to_json(), key![&end].to_json(), None))
                });
                let waking = self.fetched.ask(index(PROCESSES, "byWakeSession").only(session));
                let granted = rows(own).chain(rows(frames)).map(decode).collect::<Result<Vec<HandleGrant>>>()?;
                let ids = sorted(granted.iter().map(|grant| &grant.process_id));
                self.grants_of(&mut loaded, &ids)?;
                self.rows_of(&ids).into_iter().chain(rows(waking)).collect()
            }
            Reads::Retained(cutoff, limit) => {
                let before = cutoff.to_json();
                let none = crate::domain::value::Json::Null;
                let oldest = index(PROCESSES, "byRetention").all(none, before, Some(*limit as u64));
                let found: Vec<_> = rows(self.fetched.ask(oldest)).collect();
                let ids: Vec<_> = found.iter().map(id_of).collect();
                self.slots(&mut loaded, &ids)?;
                self.grants_of(&mut loaded, &ids)?;
                found
            }
        };
        let Some(records) = self.records(rows)? else { return Ok(None) };
        for record in records {
            loaded.rows.apply(&Write::Process(Rc::new(record)));
        }
        loaded.last_change = last_change.as_f64().unwrap_or_default() as u64;
        Ok(Some(loaded))
    }

    fn log_of(&mut self, loaded: &mut Loaded, id: &ProcessId, replay_key: Option<&str>) -> Result<Vec<JsValue>> {
        if let Some(replay_key) = replay_key {
            let stored = self.fetched.ask(index(EVENTS, "byReplayKey").get(key![id, replay_key]));
            if let Some(event) = decode_some::<ProcessEvent>(stored)? {
                loaded.rows.put_replay(&Rc::new(event));
            }
        }
        Ok(self.rows_of(std::slice::from_ref(id)))
    }

    fn slots(&mut self, loaded: &mut Loaded, ids: &[ProcessId]) -> Result<()> {
        for id in ids {
            let slot = self.slot(id)?;
            loaded.rows.apply(&Write::Lease(id.clone(), slot));
        }
        Ok(())
    }

    fn grants_of(&mut self, loaded: &mut Loaded, ids: &[ProcessId]) -> Result<()> {
        for id in ids {
            let grants = self.fetched.ask(index(GRANTS, "byProcess").under(key![id]));
            put_grants(loaded, rows(grants))?;
        }
        Ok(())
    }

    /// The number of the commit that last left this mark.
    pub fn last_commit(&mut self, writer: &str) -> Result<Option<u64>> {
        let mark = self.fetched.ask(table(COMMITS).get(writer));
        Ok(decode_some::<CommitRow>(mark)?.map(|mark| mark.number))
    }

    // ── For questions ──────────────────────────────────────────────────────

    /// The answers to some questions, each of which may have a fault of its own.
    pub fn answers(&mut self, queries: &[Query]) -> Option<Answers> {
        // Every one is looked at, even if one before it is pending: all ask for their rows in one round.
        let answers: Vec<_> = queries.iter().map(|query| self.answer(query).transpose()).collect();
        answers.into_iter().collect()
    }

    fn answer(&mut self, query: &Query) -> Result<Option<Answer>> {
        Ok(match query {
            Query::Process(id) => self.process(id)?.map(Answer::Process),
            Query::Processes(list) => self.list(list)?.map(Answer::Processes),
            Query::Changes(after, limit) => self.changes(*after, *limit)?.map(Answer::Changes),
            Query::ChangedIds(after) => self.changed_ids(*after),
            Query::Events(id, range) => self.events(id, range)?.map(Answer::Events),
            Query::Count(id, event_type, up_to) => Some(Answer::Count(self.count(id, event_type, *up_to)?)),
            Query::Lease(id) => Some(Answer::Lease(self.slot(id)?.held)),
            Query::GrantsOfScope(scope, live) => {
                let grants = self.fetched.ask(table(GRANTS).under(key![scope]));
                self.with_records(grants)?.map(|mut entries| {
                    entries.retain(|entry| *live == Live::Any || !entry.record.is_terminal());
                    Answer::GrantsOfScope(entries)
                })
            }
            Query::GrantsOfProcess(id) => {
                let grants = self.fetched.ask(index(GRANTS, "byProcess").under(key![id]));
                let known = self.process(id)?;
                let entries = self.with_records(grants)?;
                known.zip(entries).map(|(known, entries)| Answer::GrantsOfProcess(known.map(|_| entries)))
            }
            Query::IsGranted(scope, id) => {
                let grant = self.fetched.ask(table(GRANTS).get(key![scope, id]));
                Some(Answer::IsGranted(!grant.is_undefined()))
            }
        })
    }

    fn process(&mut self, id: &ProcessId) -> Result<Option<Option<ProcessRecord>>> {
        let rows = self.rows_of(std::slice::from_ref(id));
        Ok(self.records(rows)?.map(|mut records| records.pop()))
    }

    /// Merges the lanes of one index: each is in id order already, and gives at most a page.
    fn list(&mut self, query: &ListQuery) -> Result<Option<Vec<ProcessRecord>>> {
        let limit = Query::size(query.page.limit);
        if limit == 0 {
            return Ok(Some(Vec::new()));
        }
        let name = match query.index {
            ListIndex::Lane => "byLane",
            ListIndex::Kind(_) => "byKind",
            ListIndex::Definition(_) => "byDefinition",
            ListIndex::DefinitionAndKind(..) => "byDefinitionAndKind",
        };
        let mut lanes = Vec::new();
        for lane in &query.lanes {
            let list: Vec<Part> =
                query.index.prefix().into_iter().map(Part::from).chain([lane.as_str().into()]).collect();
            let after: Vec<Part> = list.iter().cloned().chain(query.page.cursor.iter().map(Part::from)).collect();
            let end = [list.as_slice(), &[Part::End]].concat();
            lanes.push(self.fetched.ask(index(PROCESSES, name).all(after.to_json(), end.to_json(), query.page.limit)));
        }
        self.records(merged(lanes, |row| Part::from(&id_of(row)), limit))
    }

    fn changes(&mut self, after: u64, limit: Option<u64>) -> Result<Option<Changes>> {
        let mut changes = Changes { cursor: after, ..Changes::default() };
        if limit == Some(0) {
            return Ok(Some(changes));
        }
        let later = index(PROCESSES, "byChange").all(after.to_json(), crate::domain::value::Json::Null, limit);
        let mut living = Vec::new();
        for row in rows(self.fetched.ask(later)) {
            changes.cursor = change_of(&row);
            match stored(row.clone())? {
                Some(Stored::Pruned(tombstone)) => changes.removed.push(tombstone.id),
                Some(Stored::Process(_)) | None => living.push(row),
            }
        }
        let Some(records) = self.records(living)? else { return Ok(None) };
        changes.records = records;
        Ok(Some(changes))
    }

    /// The sequence's end alone where that is the point; the ids are the primary keys of the change index, so
    /// that no row is loaded for them.
    fn changed_ids(&mut self, after: Option<u64>) -> Option<Answer> {
        let end = self.fetched.ask(index(PROCESSES, "byChange").last_key()).as_f64().unwrap_or_default() as u64;
        let ids = match after {
            Some(after) if after == end => Some(Vec::new()),
            Some(after) if after < end => {
                let keys = self.fetched.ask(index(PROCESSES, "byChange").keys(after, MOST_CHANGED as u64 + 1));
                let ids: Vec<_> = rows(keys).filter_map(|id| Some(ProcessId::from(id.as_string()?))).collect();
                (ids.len() <= MOST_CHANGED).then_some(ids)
            }
            Some(_) | None => None,
        };
        (!self.fetched.pending()).then_some(Answer::ChangedIds(ids, end))
    }

    fn events(&mut self, id: &ProcessId, range: &EventRange) -> Result<Option<Option<EventPage>>> {
        let known = self.process(id)?;
        let rows = match range {
            EventRange::After { limit: Some(0), .. } => Vec::new(),
            EventRange::After { after, limit, types: None } => self.log(id, *after, *limit),
            EventRange::After { after, limit, types: Some(types) } => {
                let of_type = |event_type| {
                    let (first, end) = (key![id, event_type, *after], key![id, event_type, Part::End]);
                    self.fetched.ask(index(EVENTS, "byType").all(first.to_json(), end.to_json(), *limit))
                };
                // Each type is in sequence order already, and gives at most a page.
                let of_types: Vec<_> = types.iter().map(of_type).collect();
                merged(of_types, |row| Part::Number(sequence_of(row)), Query::size(*limit))
            }
            // Sequences are dense, so the last ones are a range once the last is known.
            EventRange::Last(count) => match &known {
                Some(Some(record)) => self.log(id, record.log.last_sequence.saturating_sub(*count), None),
                Some(None) | None => Vec::new(),
            },
            EventRange::Unacked(after) => {
                let (first, end) = (key![id, *after], key![id, Part::End]);
                let wakes = self.fetched.ask(table(WAKES).all(first.to_json(), end.to_json(), None));
                let wakes = rows(wakes).map(decode).collect::<Result<Vec<WakeRow>>>()?;
                let event = |wake: WakeRow| self.fetched.ask(table(EVENTS).get(key![&wake.process_id, wake.sequence]));
                wakes.into_iter().map(event).collect()
            }
        };
        let (Some(known), false) = (known, self.fetched.pending()) else { return Ok(None) };
        let Some(record) = known else { return Ok(Some(None)) };
        let events = rows.into_iter().map(|row| decode(row).map(Rc::new)).collect::<Result<_>>()?;
        Ok(Some(Some(EventPage { record, events })))
    }

    fn log(&mut self, id: &ProcessId, after: u64, limit: Option<u64>) -> Vec<JsValue> {
        let (first, end) = (key![id, after], key![id, Part::End]);
        rows(self.fetched.ask(table(EVENTS).all(first.to_json(), end.to_json(), limit))).collect()
    }

    /// Every event row carries its place among those of its type, so the last one up to the
    /// sequence tells the count.
    fn count(&mut self, id: &ProcessId, event_type: &str, up_to: u64) -> Result<Option<u64>> {
        let row = self.fetched.ask(table(PROCESSES).get(id));
        let (first, end) = (key![id, event_type], key![id, event_type, up_to.saturating_add(1)]);
        let last = self.fetched.ask(index(EVENTS, "byType").last(first.to_json(), end.to_json()));
        let known = matches!(stored(row)?, Some(Stored::Process(_)));
        Ok(known.then(|| ordinal_of(&last)))
    }

    fn slot(&mut self, id: &ProcessId) -> Result<LeaseSlot> {
        let slot = self.fetched.ask(table(LEASES).get(id));
        Ok(decode_some::<LeaseRow>(slot)?.map(|row| row.slot).unwrap_or_default())
    }

    /// A grant never outlives its process, so grants and processes match one to one.
    fn with_records(&mut self, grants: JsValue) -> Result<Option<Vec<HandleEntry>>> {
        let grants = rows(grants).map(decode).collect::<Result<Vec<HandleGrant>>>()?;
        let ids: Vec<_> = grants.iter().map(|grant| grant.process_id.clone()).collect();
        let rows = self.rows_of(&ids);
        let Some(records) = self.records(rows)? else { return Ok(None) };
        Ok(Some(grants.into_iter().zip(records).map(|(grant, record)| HandleEntry { grant, record }).collect()))
    }

    // ── Parts ──────────────────────────────────────────────────────────────

    fn rows_of(&mut self, ids: &[ProcessId]) -> Vec<JsValue> {
        ids.iter().map(|id| self.fetched.ask(table(PROCESSES).get(id))).collect()
    }

    /// The records of process rows; tombstones and missing rows are left out.
    fn records(&mut self, rows: Vec<JsValue>) -> Result<Option<Vec<ProcessRecord>>> {
        let mut found = Vec::new();
        for row in rows {
            let Some(Stored::Process(row)) = stored(row)? else { continue };
            let registered = self.shared.registered(self.generation, &row);
            let pending = match registered {
                Some(_) => JsValue::UNDEFINED,
                None => self.fetched.ask(table(REGISTRATIONS).get(&row.id)),
            };
            found.push((row, registered, pending));
        }
        if self.fetched.pending() {
            return Ok(None);
        }
        let record = |(row, registered, stored): (Box<ProcessRow>, Option<Rc<Registered>>, JsValue)| match registered {
            Some(registered) => Ok(row.into_record(registered)),
            None => {
                let torn = || Error::of(Code::StorageFailed, &row.id, "has lost its registration");
                let registered = Rc::new(decode_some(stored)?.ok_or_else(torn)?);
                self.shared.keep_registered(&registered);
                Ok(row.into_record(registered))
            }
        };
        found.into_iter().map(record).collect::<Result<_>>().map(Some)
    }
}

/// The rows of a result that is a list; none while it is pending.
fn rows(result: JsValue) -> impl Iterator<Item = JsValue> {
    result.dyn_into::<Array>().unwrap_or_default().into_iter()
}

fn put_grants(loaded: &mut Loaded, grants: impl IntoIterator<Item = JsValue>) -> Result<()> {
    for grant in grants {
        if let Some(grant) = decode_some(grant)? {
            loaded.rows.apply(&Write::Grant(grant));
        }
    }
    Ok(())
}

/// Lists that are in order each, as one in order.
fn merged(lists: Vec<JsValue>, order: impl Fn(&JsValue) -> Part, limit: usize) -> Vec<JsValue> {
    let rows: Vec<_> = lists.into_iter().flat_map(rows).collect();
    let mut places = Table::default();
    for (place, row) in rows.iter().enumerate() {
        places.put(vec![order(row)], Row::Number(place as u64));
    }
    let in_order = places.all().filter_map(|(_, place)| rows.get(place.number()? as usize).cloned());
    in_order.take(limit).collect()
}
