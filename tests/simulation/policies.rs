//! What must be true of processes with a run policy, commit by commit.

use std::{collections::BTreeMap, rc::Rc};

use longwait::{
    model::{
        Millis,
        event::{ATTEMPT_FAILED, ProcessEvent},
        key::ProcessId,
        policy::OnParentEnd,
        process::ProcessRecord,
    },
    rules::snapshot::Write,
};

use crate::tally::Tally;

/// The processes as the last commit left them.
#[derive(Default)]
pub struct Policies(BTreeMap<String, Rc<ProcessRecord>>);

impl Policies {
    /// Checks a commit against the processes that it found and those that it leaves.
    pub fn committed(&mut self, writes: &[Write], unreadable: Option<&ProcessId>, tally: &mut Tally) {
        let before = self.0.clone();
        for write in writes {
            if let Write::Process(record) = write {
                self.0.insert(record.id().to_string(), record.clone());
            } else if let Write::Prune(id) = write {
                self.0.remove(id.as_str());
            }
        }
        for write in writes {
            if let Write::Process(record) = write {
                let found = before.get(record.id().as_str());
                self.check_children(record, found);
                if record.schedule.begun && !found.is_some_and(|found| found.schedule.begun) {
                    self.check_key(record, claimed_at(writes, record), unreadable, tally);
                }
            } else if let Write::Lease(id, slot) = write {
                let (found, now) = (before.get(id.as_str()), slot.held.as_ref().map(|held| held.claimed_at_ms));
                if let (Some(found), Some(now)) = (found, now) {
                    check_time(found, self.0.get(id.as_str()).unwrap_or(found), now);
                }
            } else if let Write::Event { event, .. } = write {
                self.check_budget(event, tally);
            }
        }
    }

    /// No attempt is followed by another one beyond the most that the policy allows.
    fn check_budget(&self, event: &ProcessEvent, tally: &mut Tally) {
        if event.event_type != ATTEMPT_FAILED {
            return;
        }
        let record = &self.0[event.process_id.as_str()];
        let most = record.policy().retry.as_ref().and_then(|retry| retry.max_attempts).unwrap_or(u64::MAX);
        let failed = record.count_in_row(ATTEMPT_FAILED);
        assert!(failed < most, "attempt {failed} of {} is followed by another one", record.id());
        tally.count("retry");
    }

    /// No child is left running by the end of its parent.
    fn check_children(&self, parent: &ProcessRecord, found: Option<&Rc<ProcessRecord>>) {
        if !parent.is_terminal() || found.is_some_and(|found| found.is_terminal()) {
            return;
        }
        for child in self.0.values().filter(|child| child.policy().parent_id.as_ref() == Some(parent.id())) {
            let stays = child.policy().on_parent_end == Some(OnParentEnd::Abandon);
            assert!(
                stays || child.is_terminal() || child.is_cancel_requested(),
                "{} runs on behind the end of {}",
                child.id(),
                parent.id()
            );
        }
    }

    /// One process of a key has begun and not ended, and none that may begin before it was overtaken, unless its row cannot be read.
    fn check_key(&self, begun: &ProcessRecord, now: Millis, unreadable: Option<&ProcessId>, tally: &mut Tally) {
        let key = &begun.policy().concurrency_key;
        let others = self
            .0
            .values()
            .filter(|other| other.policy().concurrency_key == *key && other.id() != begun.id() && !other.is_terminal());
        for other in others {
            assert!(!other.schedule.begun, "{} and {} have begun under one key", other.id(), begun.id());
            let may_begin = Some(other.id()) != unreadable
                && other.paused.is_none()
                && other.begun_from().is_none_or(|from| from <= now);
            assert!(!may_begin || order(begun) < order(other), "{} overtook {}", begun.id(), other.id());
            tally.count("others wait for a key");
        }
    }
}

/// No process is begun before its time, but to learn that it is to stop; nor in a pause. The commit that found it as one record and left
/// it as the other may have its cancel request, or the end of its pause.
fn check_time(found: &ProcessRecord, left: &ProcessRecord, now: Millis) {
    let is_early = found.begun_from().is_some_and(|from| from > now);
    assert!(!is_early || left.is_cancel_requested(), "{} is begun at {now}, before {:?}", found.id(), found.wait);
    assert!(found.paused.is_none() || left.paused.is_none(), "{} is begun in its pause", found.id());
}

fn claimed_at(writes: &[Write], record: &ProcessRecord) -> Millis {
    let claim = writes.iter().find_map(|write| {
        let Write::Lease(id, slot) = write else { return None };
        Some(slot.held.as_ref().filter(|_| id == record.id())?.claimed_at_ms)
    });
    claim.expect("begun without a claim")
}

fn order(record: &ProcessRecord) -> (u64, Millis, String) {
    (record.policy().rank(), record.registered.created_at_ms, record.id().to_string())
}
