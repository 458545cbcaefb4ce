//! Reads of one transaction, in as few batches as their dependencies allow.

use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{IdbCursor, IdbCursorWithValue, IdbKeyRange};

use super::{
    Shared,
    codec::{
        CommitRow, LeaseRow, ProcessRow, Stored, WakeRow, between, change_of, decode, decode_some, id_of, js_key,
        ordinal_of, sequence_of, stored, under,
    },
    connection::Open,
    request::{Pending, Transaction, failed},
    schema::{
        BY_CHANGE, BY_DEFINITION, BY_DEFINITION_AND_KIND, BY_KIND, BY_LANE, BY_PROCESS, BY_REPLAY_KEY, BY_RETENTION,
        BY_TYPE, BY_WAKE_SESSION, COMMITS, EVENTS, GRANTS, LEASES, PROCESSES, REGISTRATIONS, WAKES,
    },
};
use crate::{
    domain::{
        event::ProcessEvent,
        filter::{ListIndex, ListQuery},
        grant::{HandleEntry, HandleGrant, SessionScope},
        key::{Part, ProcessId, ScopeId, SessionId, key},
        lease::{LeaseSlot, ProcessLease},
        process::{ProcessRecord, Registered},
        snapshot::{Rows, Write},
        table::{Row, Table, sorted},
    },
    error::{Code, Error, Result},
    store::{Answer, Changes, EventPage, EventRange, Live, Query, Reads},
};

/// A transaction, and what reading needs besides.
pub struct Reader {
    shared: Rc<Shared>,
    open: Rc<Open>,
    transaction: Transaction,
}

/// The rows that a rule is shown, and the last number of the change sequence.
#[derive(Default)]
pub struct Loaded {
    pub rows: Rows,
    pub last_change: u64,
}

impl Reader {
    pub fn new(shared: Rc<Shared>, open: Rc<Open>, transaction: Transaction) -> Self {
        Self { shared, open, transaction }
    }

    /// Goes on to write in the same transaction.
    pub fn into_transaction(self) -> Transaction {
        self.transaction
    }

    /// Lets the transaction end by itself.
    pub fn leave(self) {
        self.transaction.leave();
    }

    // ── For rules ──────────────────────────────────────────────────────────

    /// Everything that a rule needs to see.
    pub async fn load(&mut self, reads: &Reads) -> Result<Loaded> {
        let mut loaded = Loaded::default();
        match reads {
            Reads::Process(id, replay_key) => self.load_process(&mut loaded, id, replay_key.as_deref(), false).await?,
            Reads::Leased(id, replay_key) => self.load_process(&mut loaded, id, replay_key.as_deref(), true).await?,
            Reads::Granted(scope, ids) => self.load_granted(&mut loaded, scope, ids).await?,
            Reads::Session(session) => self.load_session(&mut loaded, session).await?,
            Reads::Retained(cutoff, limit) => {
                // IndexedDB has no ranges that end below zero, and nothing is older than time.
                let before =
                    IdbKeyRange::upper_bound_with_open(&JsValue::from_f64(*cutoff as f64), true).map_err(failed)?;
                let rows =
                    self.transaction.store(PROCESSES)?.index(BY_RETENTION)?.get_all(&before, Some(*limit as u64))?;
                self.load_retained(&mut loaded, &rows).await?;
            }
        }
        Ok(loaded)
    }

    async fn load_process(
        &mut self,
        loaded: &mut Loaded,
        id: &ProcessId,
        replay_key: Option<&str>,
        leased: bool,
    ) -> Result<()> {
        let row = self.transaction.store(PROCESSES)?.get(&id.as_str().into())?;
        let replay = match replay_key {
            Some(replay_key) => {
                let at = js_key(&key![id, replay_key]);
                Some(self.transaction.store(EVENTS)?.index(BY_REPLAY_KEY)?.get(&at)?)
            }
            None => None,
        };
        let slot = if leased { Some(self.lease_slot(id)?) } else { None };
        loaded.last_change = self.last_change().await?;
        if let Some(event) = replay.map(|found| decode_some::<ProcessEvent>(found.result()?)).transpose()?.flatten() {
            loaded.rows.put_replay(&Rc::new(event));
        }
        if let Some(slot) = slot {
            loaded.rows.apply(&Write::Lease(id.clone(), slot_of(&slot)?));
        }
        self.load_records(loaded, vec![row.result()?]).await
    }

    async fn load_granted(&mut self, loaded: &mut Loaded, scope: &ScopeId, ids: &[ProcessId]) -> Result<()> {
        let mut rows = Vec::new();
        let mut grants = Vec::new();
        for id in ids {
            rows.push(self.transaction.store(PROCESSES)?.get(&id.as_str().into())?);
            grants.push(self.grant_row(scope, id)?);
        }
        loaded.last_change = self.last_change().await?;
        for grant in &grants {
            put_grant(loaded, decode_some(grant.result()?)?);
        }
        self.load_records(loaded, results(&rows)?).await
    }

    async fn load_session(&mut self, loaded: &mut Loaded, session: &SessionId) -> Result<()> {
        let mut of_session = Vec::new();
        for (first, end) in SessionScope::id_ranges(session) {
            let range = between(&key![&first], &key![&end])?;
            of_session.push(self.transaction.store(GRANTS)?.get_all(&range, None)?);
        }
        let only = IdbKeyRange::only(&session.as_str().into()).map_err(failed)?;
        let waking = self.transaction.store(PROCESSES)?.index(BY_WAKE_SESSION)?.get_all(&only, None)?;
        loaded.last_change = self.last_change().await?;
        let mut granted = Vec::new();
        for grants in &of_session {
            for row in grants.array()? {
                granted.push(decode::<HandleGrant>(row)?.process_id);
            }
        }
        let ids = sorted(granted.iter());
        let mut rows = Vec::new();
        let mut of_process = Vec::new();
        for id in &ids {
            rows.push(self.transaction.store(PROCESSES)?.get(&id.as_str().into())?);
            of_process.push(self.grants_of_process(id)?);
        }
        self.answered(of_process.last()).await?;
        put_grants(loaded, &of_process)?;
        let found = results(&rows)?.into_iter().chain(waking.array()?).collect();
        self.load_records(loaded, found).await
    }

    async fn load_retained(&mut self, loaded: &mut Loaded, rows: &Pending) -> Result<()> {
        loaded.last_change = self.last_change().await?;
        let found: Vec<_> = rows.array()?.iter().collect();
        self.load_records(loaded, found).await?;
        let ids: Vec<_> = loaded.rows.processes().map(|record| record.id().clone()).collect();
        let mut slots = Vec::new();
        let mut of_process = Vec::new();
        for id in &ids {
            slots.push(self.lease_slot(id)?);
            of_process.push(self.grants_of_process(id)?);
        }
        self.answered(of_process.last()).await?;
        for (id, slot) in ids.iter().zip(&slots) {
            loaded.rows.apply(&Write::Lease(id.clone(), slot_of(slot)?));
        }
        put_grants(loaded, &of_process)
    }

    async fn load_records(&mut self, loaded: &mut Loaded, rows: Vec<JsValue>) -> Result<()> {
        for record in self.records(rows).await? {
            loaded.rows.apply(&Write::Process(record));
        }
        Ok(())
    }

    /// The newest number of the change sequence; answers every request issued before it.
    async fn last_change(&mut self) -> Result<u64> {
        let last = self.transaction.store(PROCESSES)?.index(BY_CHANGE)?.last_key()?;
        self.transaction.answered(&last).await?;
        let cursor = last.result()?;
        if cursor.is_null() {
            return Ok(0);
        }
        let number = cursor.unchecked_into::<IdbCursor>().key().map_err(failed)?;
        Ok(number.as_f64().unwrap_or_default() as u64)
    }

    /// The number of a writer's last commit.
    pub async fn last_commit(&mut self, writer: &str) -> Result<Option<u64>> {
        let mark = self.transaction.store(COMMITS)?.get(&writer.into())?;
        self.transaction.answered(&mark).await?;
        Ok(decode_some::<CommitRow>(mark.result()?)?.map(|mark| mark.number))
    }

    // ── For callers ────────────────────────────────────────────────────────

    /// Answers a question.
    pub async fn answer(&mut self, query: &Query) -> Result<Answer> {
        Ok(match query {
            Query::Process(id) => Answer::Process(self.process(id).await?),
            Query::Processes(list) => Answer::Processes(self.list(list).await?),
            Query::Changes(after, limit) => Answer::Changes(self.changes(*after, *limit).await?),
            Query::Events(id, range) => Answer::Events(self.events(id, range).await?),
            Query::Count(id, event_type, up_to) => Answer::Count(self.count(id, event_type, *up_to).await?),
            Query::Lease(id) => Answer::Lease(self.lease(id).await?),
            Query::GrantsOfScope(scope, live) => {
                let grants = self.transaction.store(GRANTS)?.get_all(&under(&key![scope])?, None)?;
                let mut entries = self.with_records(grants).await?;
                entries.retain(|entry| *live == Live::Any || !entry.record.is_terminal());
                Answer::GrantsOfScope(entries)
            }
            Query::GrantsOfProcess(id) => {
                let grants = self.grants_of_process(id)?;
                let known = self.process(id).await?.is_some();
                Answer::GrantsOfProcess(if known { Some(self.with_records(grants).await?) } else { None })
            }
            Query::IsGranted(scope, id) => {
                let grant = self.grant_row(scope, id)?;
                self.transaction.answered(&grant).await?;
                Answer::IsGranted(!grant.result()?.is_undefined())
            }
        })
    }

    async fn process(&mut self, id: &ProcessId) -> Result<Option<ProcessRecord>> {
        let row = self.transaction.store(PROCESSES)?.get(&id.as_str().into())?;
        self.transaction.answered(&row).await?;
        Ok(self.records(vec![row.result()?]).await?.pop())
    }

    /// Merges the lanes of one index: each is in id order already, and gives at most a page.
    async fn list(&mut self, query: &ListQuery) -> Result<Vec<ProcessRecord>> {
        let limit = Query::size(query.page.limit);
        if limit == 0 || query.lanes.is_empty() {
            return Ok(Vec::new());
        }
        let index = self.transaction.store(PROCESSES)?.index(match query.index {
            ListIndex::Lane => BY_LANE,
            ListIndex::Kind(_) => BY_KIND,
            ListIndex::Definition(_) => BY_DEFINITION,
            ListIndex::DefinitionAndKind(..) => BY_DEFINITION_AND_KIND,
        })?;
        let mut lanes = Vec::new();
        for lane in &query.lanes {
            let list: Vec<Part> =
                query.index.prefix().into_iter().map(Part::from).chain([lane.as_str().into()]).collect();
            let after: Vec<Part> = list.iter().cloned().chain(query.page.cursor.iter().map(Part::from)).collect();
            let end = [list.as_slice(), &[Part::End]].concat();
            lanes.push(index.get_all(&between(&after, &end)?, query.page.limit)?);
        }
        self.answered(lanes.last()).await?;
        self.records(merged(&lanes, |row| Part::from(&id_of(row)), limit)?).await
    }

    async fn changes(&mut self, after: u64, limit: Option<u64>) -> Result<Changes> {
        let mut changes = Changes { cursor: after, ..Changes::default() };
        if limit == Some(0) {
            return Ok(changes);
        }
        let later = IdbKeyRange::lower_bound_with_open(&JsValue::from_f64(after as f64), true).map_err(failed)?;
        let rows = self.transaction.store(PROCESSES)?.index(BY_CHANGE)?.get_all(&later, limit)?;
        self.transaction.answered(&rows).await?;
        let mut living = Vec::new();
        for row in rows.array()? {
            changes.cursor = change_of(&row);
            match stored(row.clone())? {
                Some(Stored::Pruned(tombstone)) => changes.removed.push(tombstone.id),
                Some(Stored::Process(_)) => living.push(row),
                None => {}
            }
        }
        changes.records = self.records(living).await?;
        Ok(changes)
    }

    async fn events(&mut self, id: &ProcessId, range: &EventRange) -> Result<Option<EventPage>> {
        let row = self.transaction.store(PROCESSES)?.get(&id.as_str().into())?;
        let rows = match range {
            EventRange::After { limit: Some(0), .. } | EventRange::Last(0) => Vec::new(),
            EventRange::After { after, limit, types: None } => {
                let events = self.transaction.store(EVENTS)?.get_all(&after_sequence(id, *after)?, *limit)?;
                self.transaction.answered(&events).await?;
                events.array()?.iter().collect()
            }
            EventRange::After { after, limit, types: Some(types) } => {
                self.events_of_types(id, *after, *limit, types).await?
            }
            EventRange::Last(count) => self.last_events(id, *count).await?,
            EventRange::Unacked(after) => self.unacked(id, *after).await?,
        };
        self.transaction.answered(&row).await?;
        let Some(record) = self.records(vec![row.result()?]).await?.pop() else { return Ok(None) };
        let events = rows.into_iter().map(|row| decode(row).map(Rc::new)).collect::<Result<_>>()?;
        Ok(Some(EventPage { record, events }))
    }

    /// Merges the types: each is in sequence order already, and gives at most a page.
    async fn events_of_types(
        &mut self,
        id: &ProcessId,
        after: u64,
        limit: Option<u64>,
        types: &[String],
    ) -> Result<Vec<JsValue>> {
        let index = self.transaction.store(EVENTS)?.index(BY_TYPE)?;
        let mut of_types = Vec::new();
        for event_type in types {
            let range = between(&key![id, event_type, after], &key![id, event_type, Part::End])?;
            of_types.push(index.get_all(&range, limit)?);
        }
        self.answered(of_types.last()).await?;
        merged(&of_types, |row| Part::Number(sequence_of(row)), Query::size(limit))
    }

    /// Sequences are dense, so the last ones are a range once the last is known.
    async fn last_events(&mut self, id: &ProcessId, count: u64) -> Result<Vec<JsValue>> {
        let Some(record) = self.process(id).await? else { return Ok(Vec::new()) };
        let after = record.log.last_sequence.saturating_sub(count);
        let events = self.transaction.store(EVENTS)?.get_all(&after_sequence(id, after)?, None)?;
        self.transaction.answered(&events).await?;
        Ok(events.array()?.iter().collect())
    }

    async fn unacked(&mut self, id: &ProcessId, after: u64) -> Result<Vec<JsValue>> {
        let wakes = self.transaction.store(WAKES)?.get_all(&after_sequence(id, after)?, None)?;
        self.transaction.answered(&wakes).await?;
        let mut events = Vec::new();
        for wake in wakes.array()? {
            let WakeRow { process_id, sequence } = decode(wake)?;
            let at = js_key(&key![&process_id, sequence]);
            events.push(self.transaction.store(EVENTS)?.get(&at)?);
        }
        self.answered(events.last()).await?;
        results(&events)
    }

    /// Every event row carries its place among those of its type, so the last one up to the
    /// sequence tells the count.
    async fn count(&mut self, id: &ProcessId, event_type: &str, up_to: u64) -> Result<Option<u64>> {
        let row = self.transaction.store(PROCESSES)?.get(&id.as_str().into())?;
        let range = between(&key![id, event_type], &key![id, event_type, up_to.saturating_add(1)])?;
        let last = self.transaction.store(EVENTS)?.index(BY_TYPE)?.last(&range)?;
        self.transaction.answered(&last).await?;
        if !matches!(stored(row.result()?)?, Some(Stored::Process(_))) {
            return Ok(None);
        }
        let cursor = last.result()?;
        if cursor.is_null() {
            return Ok(Some(0));
        }
        let row = cursor.unchecked_into::<IdbCursorWithValue>().value().map_err(failed)?;
        Ok(Some(ordinal_of(&row)))
    }

    async fn lease(&mut self, id: &ProcessId) -> Result<Option<ProcessLease>> {
        let slot = self.lease_slot(id)?;
        self.transaction.answered(&slot).await?;
        Ok(slot_of(&slot)?.held)
    }

    async fn with_records(&mut self, rows: Pending) -> Result<Vec<HandleEntry>> {
        self.transaction.answered(&rows).await?;
        let grants = rows.array()?.iter().map(decode::<HandleGrant>).collect::<Result<Vec<_>>>()?;
        let mut processes = Vec::new();
        for grant in &grants {
            processes.push(self.transaction.store(PROCESSES)?.get(&grant.process_id.as_str().into())?);
        }
        self.answered(processes.last()).await?;
        // A grant never outlives its process, so the two lists match one to one.
        let records = self.records(results(&processes)?).await?;
        Ok(grants.into_iter().zip(records).map(|(grant, record)| HandleEntry { grant, record }).collect())
    }

    // ── Parts ──────────────────────────────────────────────────────────────

    /// The records of process rows; tombstones and missing rows are left out.
    async fn records(&mut self, rows: Vec<JsValue>) -> Result<Vec<ProcessRecord>> {
        let mut found = Vec::new();
        let mut missing = Vec::new();
        for row in rows {
            let Some(Stored::Process(row)) = stored(row)? else { continue };
            let registered = self.shared.registered(&self.open, &row);
            if registered.is_none() {
                let pending = self.transaction.store(REGISTRATIONS)?.get(&row.id.as_str().into())?;
                missing.push(pending.clone());
                found.push((row, Err(pending)));
            } else if let Some(registered) = registered {
                found.push((row, Ok(registered)));
            }
        }
        self.answered(missing.last()).await?;
        found.into_iter().map(|(row, registered)| self.record(row, registered)).collect()
    }

    fn record(
        &self,
        row: ProcessRow,
        registered: std::result::Result<Rc<Registered>, Pending>,
    ) -> Result<ProcessRecord> {
        let registered = match registered {
            Ok(registered) => registered,
            Err(pending) => {
                let registered: Option<Registered> = decode_some(pending.result()?)?;
                let torn = || Error::of(Code::StorageFailed, &row.id, "has lost its registration");
                let registered = Rc::new(registered.ok_or_else(torn)?);
                self.shared.keep_registered(&registered);
                registered
            }
        };
        Ok(row.into_record(registered))
    }

    async fn answered(&mut self, last: Option<&Pending>) -> Result<()> {
        match last {
            Some(last) => self.transaction.answered(last).await,
            None => Ok(()),
        }
    }

    fn lease_slot(&self, id: &ProcessId) -> Result<Pending> {
        self.transaction.store(LEASES)?.get(&id.as_str().into())
    }

    fn grant_row(&self, scope: &ScopeId, id: &ProcessId) -> Result<Pending> {
        self.transaction.store(GRANTS)?.get(&js_key(&key![scope, id]))
    }

    fn grants_of_process(&self, id: &ProcessId) -> Result<Pending> {
        self.transaction.store(GRANTS)?.index(BY_PROCESS)?.get_all(&under(&key![id])?, None)
    }
}

fn after_sequence(id: &ProcessId, after: u64) -> Result<IdbKeyRange> {
    between(&key![id, after], &key![id, Part::End])
}

fn slot_of(pending: &Pending) -> Result<LeaseSlot> {
    Ok(decode_some::<LeaseRow>(pending.result()?)?.map(|row| row.slot).unwrap_or_default())
}

fn results(pending: &[Pending]) -> Result<Vec<JsValue>> {
    pending.iter().map(Pending::result).collect()
}

fn put_grants(loaded: &mut Loaded, lists: &[Pending]) -> Result<()> {
    for list in lists {
        for row in list.array()? {
            put_grant(loaded, Some(decode(row)?));
        }
    }
    Ok(())
}

fn put_grant(loaded: &mut Loaded, grant: Option<HandleGrant>) {
    if let Some(grant) = grant {
        loaded.rows.apply(&Write::Grant(grant));
    }
}

/// Lists that are in order each, as one in order.
fn merged(lists: &[Pending], order: impl Fn(&JsValue) -> Part, limit: usize) -> Result<Vec<JsValue>> {
    let mut rows = Vec::new();
    let mut places = Table::default();
    for list in lists {
        for row in list.array()? {
            places.put(vec![order(&row)], Row::Number(rows.len() as u64));
            rows.push(row);
        }
    }
    let in_order = places.all().filter_map(|(_, place)| rows.get(place.number()? as usize).cloned());
    Ok(in_order.take(limit).collect())
}
