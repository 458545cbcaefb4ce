//! The answers to questions, each of which may have a fault of its own.

use std::rc::Rc;

use super::{
    super::rows::{
        COMMITS, CommitRow, EVENTS, GRANTS, LEASES, LeaseRow, REGISTRATIONS, WAKES, index, sequence_of, table, token_of,
    },
    Reader,
    lists::holds,
};
use crate::{
    model::{
        export::{ExportHead, ExportedProcess},
        key::{Part, ProcessId, ScopeId, key},
        lease::LeaseSlot,
        process::ProcessRecord,
        stream::StreamInfo,
    },
    store::{Answer, Answers, Query},
};

impl Reader<'_> {
    /// The answers to some questions, each of which may have a fault of its own.
    pub fn answers(&mut self, queries: &[Rc<Query>]) -> Option<Answers> {
        // Every one is looked at, even if one before it is pending: all ask for their rows in one round.
        let mut answers = Answers::new();
        for query in queries {
            let answer = self.answer(query);
            answers.push(self.unless_faulty(answer));
        }
        (!self.read_set.is_pending()).then_some(answers)
    }

    fn answer(&mut self, query: &Query) -> Answer {
        match query {
            Query::Process(id) => Answer::Process(self.process(id)),
            Query::Processes(list) => Answer::Processes(self.list(list)),
            Query::CountProcesses(list) => Answer::CountProcesses(self.count_list(list)),
            Query::Changes(after, limit) => Answer::Changes(self.changes(*after, *limit)),
            Query::ChangedIds(after) => self.changed_ids(*after),
            Query::Events(id, range) => Answer::Events(self.events(id, range)),
            Query::Attachment(id, name) => Answer::Attachment(self.attachment(id, name)),
            Query::Count(id, event_type, up_to) => Answer::Count(self.count(id, event_type, *up_to)),
            Query::Chunks(id, range) => Answer::Chunks(self.chunks(id, range)),
            Query::Streams(id) => {
                let streams = self.streams(id);
                Answer::Streams(self.process(id).map(|_| streams))
            }
            Query::Export(id) => Answer::Export(self.export_head(id).map(Rc::new)),
            Query::Turns(from, limit) => Answer::Turns(self.turns(from, *limit)),
            Query::Leased(after, limit) => Answer::Leased(self.leased(after.as_ref(), *limit)),
            Query::Due(limit) => Answer::Due(self.due(*limit)),
            Query::Lease(id) => Answer::Lease(self.slot(id)),
            Query::GrantsOfScope(scope, list) => {
                let grants = self.read_set.rows(table(GRANTS).under(key![scope]));
                Answer::GrantsOfScope(self.with_records(grants, |row| holds(list, row)))
            }
            Query::GrantsOfProcess(id) => {
                let grants = self.read_set.rows(index(GRANTS, "byProcess").under(key![id]));
                let entries = self.with_records(grants, |_| true);
                Answer::GrantsOfProcess(self.process(id).map(|_| entries))
            }
            Query::IsGranted(scope, id) => Answer::IsGranted(self.is_granted(scope, id)),
            Query::Heard(query) => self.answer(query),
            Query::Viewed(scope, query) => {
                // Before the work: what is not granted costs as much as what is not there.
                match query.process_id().is_some_and(|id| self.is_granted(scope, id)) {
                    true => self.answer(query),
                    false => query.nothing(),
                }
            }
        }
    }

    /// What the export of a process begins with. A stream or a wake that cannot be read is a fault: an export lacks nothing.
    fn export_head(&mut self, id: &ProcessId) -> Option<ExportHead> {
        let (record, slot, passed_over) = (self.process(id), self.slot(id), self.passed_over.len());
        let streams = self.streams(id).into_iter().map(StreamInfo::from).collect();
        let wakes = self.read_set.rows(table(WAKES).under(key![id]));
        if let Some(fault) = self.passed_over.get(passed_over).cloned() {
            self.note(fault);
        }
        let record = record?;
        let (process, has_ended) = (ExportedProcess::of(&record, &slot), record.is_terminal());
        let unacked = wakes.iter().map(sequence_of).collect();
        Some(ExportHead { process, streams, attachments: record.attachments, unacked, has_ended })
    }

    fn is_granted(&mut self, scope: &ScopeId, id: &ProcessId) -> bool {
        self.read_set.row(table(GRANTS).get(key![scope, id])).is_some()
    }

    /// The number of the commit by that writer whose token an event carries, or which last left its token in `commits`.
    pub fn token(&mut self, event: Option<&Vec<Part>>, writer: &str) -> Option<Answers> {
        let left = match event {
            Some(event) => self.read_set.row(table(EVENTS).get(event.clone())).and_then(|row| token_of(&row)),
            None => self.read_set.row(table(COMMITS).get(key![writer])).and_then(|row| row.read::<CommitRow>().ok()),
        };
        let left = left.filter(|token| token.writer == writer);
        (!self.read_set.is_pending()).then(|| vec![Ok(Answer::Count(left.map(|token| token.number)))])
    }

    pub(super) fn process(&mut self, id: &ProcessId) -> Option<ProcessRecord> {
        let rows = self.rows_of(std::slice::from_ref(id));
        if !self.shared.cached(self.generation).knows(id) {
            // Both halves in one round.
            self.read_set.row(table(REGISTRATIONS).get(key![id]));
        }
        self.records(rows).pop()
    }

    pub(super) fn slot(&mut self, id: &ProcessId) -> LeaseSlot {
        let slot = self.read_set.row(table(LEASES).get(key![id]));
        self.decode::<LeaseRow>(id, "lease", slot).map(|row| row.slot).unwrap_or_default()
    }
}
