//! What a rule decided, as requests.

use std::{collections::BTreeMap, rc::Rc};

use serde::Serialize;

use super::{
    cache::RowCache,
    commit_token::CommitToken,
    reader::Loaded,
    rows::{
        ATTACHMENTS, AttachmentRow, CHUNKS, COMMITS, COUNTS, CommitRow, CountRow, EVENTS, EventRow, GRANTS, LEASES,
        LeaseRow, PROCESSES, ProcessRow, REGISTRATIONS, STREAMS, Tombstone, WAKES, WakeRow, list,
    },
    totals::Totals,
};
use crate::model::{
    MAX_COUNT, Millis,
    event::ProcessEvent,
    filter::{ListIndex, ListStatus},
    key::{ProcessId, key},
    payload::Payload,
    process::{ProcessRecord, Registered},
};
use crate::rules::snapshot::Write;
use crate::{
    error::{Code, Error, Result},
    store::engine::{self, Between, Round},
};

/// What the rules of one transaction decided, one after another.
pub struct Commit {
    /// The rows as the rules so far leave them.
    pub loaded: Loaded,
    requests: Vec<engine::Write>,
    /// The length of those in bytes.
    weight: usize,
    /// The length of those that were handed over, too.
    whole: usize,
    /// The processes that changed, and the number of their last change.
    changed: BTreeMap<ProcessId, u64>,
    /// When the processes were registered that were removed, as far as that could be read.
    removed: BTreeMap<ProcessId, Millis>,
    /// Looks at the places in lists that processes leave.
    left: Vec<engine::Write>,
    /// What was registered since this was last looked at, and how many bytes each takes.
    pub registered: Vec<(Rc<Registered>, usize)>,
    /// The last event that was added, by its process and sequence.
    logged: Option<(ProcessId, u64)>,
    /// What becomes of the totals.
    totals: TotalsChange,
    /// By which it is recognised; none over an optimistic engine, where no row is written that many commits share.
    token: Option<Rc<CommitToken>>,
    /// Whether there is one rule and no more.
    alone: bool,
    /// Whether something was written.
    written: bool,
    /// Whether that can be told without a row in `commits`: see [`recognises`](Self::recognises).
    recognised: bool,
}

/// What a commit does to the totals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TotalsChange {
    /// Nothing.
    None,
    /// It takes processes from one to another.
    Known,
    /// It may, and it is not known from which.
    Unknown,
}

/// From how many bytes on requests are handed over before more are made: of small events some hundred, a few milliseconds of
/// work. As text they take three times their length, of memory that a wasm never gives back.
const HEAVY: usize = 1 << 15;

/// From how many bytes on other operations get a transaction of their own: all of them are in memory until it is committed.
const MOST_BYTES: usize = 1 << 22;

impl Commit {
    /// Nothing yet, of one rule `alone` or of several.
    pub fn new(loaded: Loaded, token: Option<Rc<CommitToken>>, alone: bool) -> Self {
        Self {
            loaded,
            requests: Vec::new(),
            weight: 0,
            whole: 0,
            changed: BTreeMap::new(),
            removed: BTreeMap::new(),
            left: Vec::new(),
            registered: Vec::new(),
            logged: None,
            totals: TotalsChange::None,
            token,
            alone,
            written: false,
            recognised: false,
        }
    }

    /// Adds what a rule decided, and answers the last change number that this takes, if the engine takes our numbers: changed processes take
    /// numbers from the last one on.
    pub fn add(&mut self, writes: &[Write]) -> Result<Option<u64>> {
        // Before anything of it is written.
        if self.loaded.last_change > MAX_COUNT - writes.len() as u64 {
            return Err(Error::new(Code::StorageFailed, "the change sequence has reached 2^53 - 1 and cannot go on"));
        }
        self.written |= !writes.is_empty();
        for write in writes {
            self.count(write);
            self.recognised |= self.recognises(write);
            match write {
                Write::Process(record) => {
                    if let Some(registered) = self.loaded.registers(write) {
                        let weight = self.put(REGISTRATIONS, &**registered)?;
                        self.registered.push((registered.clone(), weight));
                    }
                    self.leave_lists(record.id(), Some(record.list_status()));
                    self.change(record.id());
                }
                Write::Event { event, ordinal } => {
                    let token = self.token.as_ref().filter(|_| self.alone);
                    let token = token.map(|token| token.carried_by(&event.process_id, event.sequence));
                    let row = Payload::of(&EventRow::new(event, *ordinal, &token))?;
                    let follows = self.follows(event);
                    self.weigh(&row);
                    self.requests.push(match follows {
                        true => engine::Write::Put(EVENTS, row),
                        false => engine::Write::Add(EVENTS, row),
                    });
                    self.logged = Some((event.process_id.clone(), event.sequence));
                    if event.semantics.wake.is_some() {
                        let wake = WakeRow { process_id: event.process_id.clone(), sequence: event.sequence };
                        self.put(WAKES, &wake)?;
                    }
                }
                Write::Count(id, counted) => {
                    self.put(COUNTS, &CountRow::new(id, counted))?;
                }
                Write::Attachment(id, attachment) => {
                    let (name, body) = (attachment.info.name.clone(), attachment.body.clone());
                    self.put(ATTACHMENTS, &AttachmentRow { process_id: id.clone(), name, body })?;
                }
                Write::Detach(id, name) => self.requests.push(engine::Write::Delete(ATTACHMENTS, key![id, name])),
                Write::AckWake(id, sequence) => self.requests.push(engine::Write::Delete(WAKES, key![id, *sequence])),
                Write::Lease(id, slot) => {
                    self.put(LEASES, &LeaseRow { process_id: id.clone(), slot: slot.clone() })?;
                }
                Write::Grant(grant) => {
                    self.put(GRANTS, grant)?;
                }
                Write::Revoke(scope, id) => self.requests.push(engine::Write::Delete(GRANTS, key![scope, id])),
                Write::Stream(stream) => {
                    self.put(STREAMS, stream)?;
                }
                Write::Chunks(chunks) => {
                    let row = Payload::of(chunks)?;
                    self.weigh(&row);
                    self.requests.push(engine::Write::Add(CHUNKS, row));
                }
                Write::DropChunks(id, name) => {
                    self.requests.push(engine::Write::Clear(CHUNKS, Between::under(key![id, name])));
                }
                Write::Prune(id) => self.prune(id)?,
            }
            self.loaded.rows.apply(write);
        }
        Ok((!writes.is_empty() && self.token.is_some()).then_some(self.loaded.last_change))
    }

    /// Notes what a write changes of the totals.
    fn count(&mut self, write: &Write) {
        let Some((id, left)) = write.changed() else { return };
        let [before, after] =
            [self.loaded.rows.shared_process(id), left].map(|record| record.map(|record| record.list_status()));
        self.totals = match (&mut self.loaded.totals, self.totals) {
            // What is removed and cannot be read has no status that is known.
            (_, _) if before.is_none() && after.is_none() => TotalsChange::Unknown,
            (Some(totals), change) => {
                if totals.change(before, after) {
                    change.max(TotalsChange::Known)
                } else {
                    change
                }
            }
            (None, change) => {
                if Totals::default().change(before, after) {
                    TotalsChange::Unknown
                } else {
                    change
                }
            }
        };
    }

    /// Whether an event comes right behind one that was added under a key that was free. A log has no gaps, so its own key is
    /// free then, and the browser need not look, which takes it a tenth of a large transaction.
    fn follows(&self, event: &ProcessEvent) -> bool {
        self.logged.as_ref().is_some_and(|(id, last)| *id == event.process_id && last + 1 == event.sequence)
    }

    /// Puts a row; answers how many bytes it takes.
    fn put<T: Serialize>(&mut self, store: &'static str, row: &T) -> Result<usize> {
        let row = Payload::of(row)?;
        let weight = self.weigh(&row);
        self.requests.push(engine::Write::Put(store, row));
        Ok(weight)
    }

    fn weigh(&mut self, row: &Payload) -> usize {
        let weight = row.weight();
        self.weight += weight;
        self.whole += weight;
        weight
    }

    fn change(&mut self, id: &ProcessId) {
        self.loaded.last_change += 1;
        self.changed.insert(id.clone(), self.loaded.last_change);
    }

    fn prune(&mut self, id: &ProcessId) -> Result<()> {
        let mut stores = vec![EVENTS, COUNTS, WAKES];
        // Of what cannot be read it is not known.
        let record = self.loaded.rows.process(id);
        if record.is_none_or(|record| !record.attachments.is_empty()) {
            stores.push(ATTACHMENTS);
        }
        if record.is_none_or(|record| record.schedule.has_streams) {
            stores.extend([STREAMS, CHUNKS]);
        }
        self.requests.extend(stores.into_iter().map(|store| engine::Write::Clear(store, Between::under(key![id]))));
        self.requests.push(engine::Write::Delete(REGISTRATIONS, key![id]));
        let grants = self.loaded.rows.grants_of_process(id);
        self.requests.extend(grants.iter().map(|grant| engine::Write::Delete(GRANTS, key![&grant.scope_id, id])));
        let slot = self.loaded.rows.lease(id);
        let left = slot.pruned();
        if left != slot {
            self.put(LEASES, &LeaseRow { process_id: id.clone(), slot: left })?;
        }
        if let Some(record) = self.loaded.rows.process(id) {
            self.removed.insert(id.clone(), record.registered.created_at_ms);
        }
        self.leave_lists(id, None);
        self.change(id);
        Ok(())
    }

    /// Notes the places that a process leaves in lists, to be looked at once it has left them. Chromium keeps an index entry
    /// that is out of date until a transaction that may write comes across it, and each list has to step over it: with 10,000 of
    /// them, listing 100 processes took 40 ms instead of 3.
    fn leave_lists(&mut self, id: &ProcessId, status: Option<ListStatus>) {
        let Some(before) = self.loaded.rows.process(id) else { return };
        if Some(before.list_status()) == status || self.token.is_none() {
            return;
        }
        for index in ListIndex::entries(before) {
            self.left.push(engine::Write::Visit(list(&index), index.place(before)));
        }
    }

    /// Whether the requests so far should be handed over before there are more.
    pub fn is_heavy(&self) -> bool {
        self.weight > HEAVY
    }

    /// Whether no other rule should have its writes in this transaction.
    pub fn is_full(&self) -> bool {
        self.whole > MOST_BYTES
    }

    /// Whether requests were handed over.
    pub fn was_sent(&self) -> bool {
        self.whole > self.weight
    }

    /// The requests so far, to be handed over.
    pub fn requests(&mut self) -> Vec<engine::Write> {
        self.weight = 0;
        std::mem::take(&mut self.requests)
    }

    /// The processes that changed, as they are now unless they are gone, and the numbers of their changes.
    fn changed(&self) -> impl Iterator<Item = (&ProcessId, Option<&Rc<ProcessRecord>>, u64)> {
        self.changed.iter().map(|(id, change)| (id, self.loaded.rows.shared_process(id), *change))
    }

    /// Has what changed kept, once it is committed.
    pub fn keep(&self, cache: &mut RowCache) {
        for (id, process, _) in self.changed() {
            cache.keep(id, process, self.loaded.last_change);
        }
    }

    /// Whether a write tells by itself that the commit landed, should the connection die: an event does that carries the mark,
    /// and a registration, as the rule finds it when it is run again. Of several rules that does not hold: run again, one of
    /// them would see what those behind it wrote.
    fn recognises(&self, write: &Write) -> bool {
        let is_proof = matches!(write, Write::Event { .. }) || self.loaded.registers(write).is_some();
        self.alone && is_proof
    }

    /// The last round. A process row is written once, as the last rule left it.
    pub fn end(&mut self, now: Millis) -> Result<Round> {
        if !self.written {
            return Ok(Round::Done);
        }
        let mut rows = Vec::new();
        for (id, process, change) in self.changed() {
            rows.push(match process {
                Some(record) => Payload::of(&ProcessRow::new(record, change))?,
                None => Payload::of(&Tombstone::new(id, self.removed.get(id).copied(), change))?,
            });
        }
        self.requests.extend(rows.into_iter().map(|row| engine::Write::Put(PROCESSES, row)));
        let Some(token) = self.token.clone() else { return Ok(Round::Commit(self.requests())) };
        match (self.totals, self.loaded.totals) {
            (TotalsChange::None, _) => {}
            (TotalsChange::Known, Some(totals)) => self.requests.push(totals.write()?),
            (TotalsChange::Known | TotalsChange::Unknown, _) => self.requests.push(Totals::removal()),
        }
        self.requests.append(&mut self.left);
        if token.number == 1 {
            // Once in the life of a connection: a commit of the days before is not in flight any more.
            let before = Between { after: None, before: Some(vec![CommitRow::kept_from(now).as_str().into()]) };
            self.requests.push(engine::Write::Clear(COMMITS, before));
        }
        if !self.recognised {
            self.put(COMMITS, &token.row())?;
        }
        Ok(Round::Commit(self.requests()))
    }
}
