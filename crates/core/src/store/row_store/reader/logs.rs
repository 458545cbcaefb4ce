//! Answers from one event log.

use std::rc::Rc;

use super::{
    super::rows::{
        ATTACHMENTS, AttachmentRow, COUNTS, EVENTS, PROCESSES, WAKES, WakeRow, index, is_pruned, ordinal_of,
        sequence_of, table, text, unreadable,
    },
    Reader, in_order,
};
use crate::{
    model::{
        attachment::{Attachment, AttachmentInfo},
        key::{Part, ProcessId, key},
        payload::Payload,
        process::{LogHead, ProcessRecord},
    },
    rules::counted::{has_counts_apart, types_among},
    store::{
        EventPage, EventRange, MANY_TYPES, Query,
        engine::{Between, Read},
    },
};

impl Reader<'_> {
    /// One attachment of a process.
    pub(super) fn attachment(&mut self, id: &ProcessId, name: &str) -> Option<Option<Rc<Attachment>>> {
        // Asked for beside the process, in one round.
        let row = self.read_set.row(table(ATTACHMENTS).get(key![id, name]));
        let record = self.process(id)?;
        let listed = record.attachments.iter().find(|listed| listed.name == name);
        Some(listed.and_then(|listed| self.attached(id, listed, row)))
    }

    /// All attachments of a process.
    pub(super) fn attachments(&mut self, record: &ProcessRecord) -> Vec<Rc<Attachment>> {
        let mut attachments = Vec::new();
        for listed in &record.attachments {
            let row = self.read_set.row(table(ATTACHMENTS).get(key![record.id(), listed.name.as_str()]));
            attachments.extend(self.attached(record.id(), listed, row));
        }
        attachments
    }

    fn attached(&mut self, id: &ProcessId, listed: &AttachmentInfo, row: Option<Payload>) -> Option<Rc<Attachment>> {
        if row.is_none() && !self.read_set.is_pending() {
            self.note(unreadable(id, "attachment", "is missing"));
        }
        let row: AttachmentRow = self.decode(id, "attachment", row)?;
        Some(Rc::new(Attachment { info: listed.clone(), body: row.body }))
    }

    pub(super) fn events(&mut self, id: &ProcessId, range: &EventRange) -> Option<EventPage> {
        let known = self.process(id);
        let rows = match range {
            EventRange::After { limit: Some(0), .. } => Vec::new(),
            EventRange::After { after, limit, types: None } => self.log(id, *after, *limit),
            EventRange::After { after, limit, types: Some(types) } => {
                // Of many types, those that the log has are asked for, once they are known.
                let types = match (types.len() > MANY_TYPES, &known) {
                    (false, _) => types.clone(),
                    (true, Some(record)) => self.types_among(&record.log, id, types),
                    (true, None) => Vec::new(),
                };
                // Each type is in sequence order already, and gives at most a page.
                let mut found = Vec::new();
                for event_type in &types {
                    let (first, end) = (key![id, event_type, *after], key![id, event_type, Part::End]);
                    let rows = self.read_set.rows(index(EVENTS, "byType").between(first, end, *limit));
                    found.extend(rows.into_iter().map(|row| (key![sequence_of(&row)], row)));
                }
                let mut found = in_order(found);
                found.truncate(Query::size(*limit));
                found
            }
            // Sequences are dense, so the last ones are a range once the last is known.
            EventRange::Last(count) => match &known {
                Some(record) => self.log(id, record.log.last_sequence.saturating_sub(*count), None),
                None => Vec::new(),
            },
            EventRange::Unacked(after) => {
                let (first, end) = (key![id, *after], key![id, Part::End]);
                let wakes = self.read_set.rows(table(WAKES).between(first, end, None));
                let mut found = Vec::new();
                for wake in wakes {
                    if let Some(WakeRow { process_id, sequence }) = self.decode(id, "wake", Some(wake)) {
                        found.extend(self.read_set.row(table(EVENTS).get(key![&process_id, sequence])));
                    }
                }
                found
            }
        };
        let mut events = Vec::new();
        for row in rows {
            events.extend(self.decode(id, "event", Some(row)));
        }
        known.map(|record| EventPage { record, events })
    }

    /// Those of some event types that a log has events of.
    fn types_among(&mut self, log: &LogHead, id: &ProcessId, types: &[String]) -> Vec<String> {
        let mut apart = Vec::new();
        if has_counts_apart(log) {
            let rows = self.read_set.rows(table(COUNTS).under(key![id]));
            rows.iter().for_each(|row| apart.extend(text(row, "eventType")));
        }
        types_among(log, apart, types)
    }

    pub(super) fn log(&mut self, id: &ProcessId, after: u64, limit: Option<u64>) -> Vec<Payload> {
        let (first, end) = (key![id, after], key![id, Part::End]);
        self.read_set.rows(table(EVENTS).between(first, end, limit))
    }

    /// Every event row carries its place among those of its type, so the last one up to the
    /// sequence tells the count.
    pub(super) fn count(&mut self, id: &ProcessId, event_type: &str, up_to: u64) -> Option<u64> {
        let row = self.read_set.row(table(PROCESSES).get(key![id]));
        let (first, end) = (key![id, event_type], key![id, event_type, up_to.saturating_add(1)]);
        let range = Between { after: Some(first), before: Some(end) };
        let last = self.read_set.row(Read::Last(index(EVENTS, "byType"), range));
        row.filter(|row| !is_pruned(row)).map(|_| last.as_ref().map(ordinal_of).unwrap_or_default())
    }
}
