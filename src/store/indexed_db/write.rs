//! What a rule decided, as requests.

use super::{
    codec::{CommitRow, LeaseRow, ProcessRow, Tombstone, WakeRow, event_row},
    read::Loaded,
    requests::{COMMITS, EVENTS, GRANTS, LEASES, PROCESSES, REGISTRATIONS, WAKES, table},
};
use crate::domain::{
    Millis, canonical,
    key::{ProcessId, key},
    lease::LeaseSlot,
    snapshot::Write,
    value::Json,
};

/// The requests of a commit, and the last change number it takes: process rows take numbers from the last
/// one on. The mark tells, should the connection die, whether the commit landed.
pub fn commit(loaded: &Loaded, writes: &[Write], mark: &CommitRow, now: Millis) -> (Vec<String>, u64) {
    let mut requests = Vec::new();
    let mut change = loaded.last_change;
    for write in writes {
        match write {
            Write::Process(record) => {
                change += 1;
                if let Some(registered) = loaded.registers(write) {
                    requests.push(table(REGISTRATIONS).put(registered));
                }
                requests.push(table(PROCESSES).put(&ProcessRow::new(record, change)));
            }
            Write::Event { event, ordinal } => {
                requests.push(table(EVENTS).add(event_row(event, *ordinal)));
                if event.semantics.wake.is_some() {
                    let wake = WakeRow { process_id: event.process_id.clone(), sequence: event.sequence };
                    requests.push(table(WAKES).put(&wake));
                }
            }
            Write::AckWake(id, sequence) => requests.push(table(WAKES).delete(key![id, *sequence])),
            Write::Lease(id, slot) => requests.push(lease(id, slot.clone())),
            Write::Grant(grant) => requests.push(table(GRANTS).put(grant)),
            Write::Revoke(scope, id) => requests.push(table(GRANTS).delete(key![scope, id])),
            Write::Prune(id) => {
                change += 1;
                prune(loaded, id, change, &mut requests);
            }
        }
    }
    if mark.number == 1 {
        // Once in the life of a connection: whoever left marks before these days is long gone.
        requests.push(table(COMMITS).clear_before(CommitRow::kept_from(now)));
    }
    if !writes.iter().any(|write| is_recognised(loaded, write)) {
        requests.push(table(COMMITS).put(mark));
    }
    (requests.iter().map(canonical::as_given).collect(), change)
}

/// Whether the rule itself, run again, finds that this was written: a registration, or the end of a process.
fn is_recognised(loaded: &Loaded, write: &Write) -> bool {
    match write {
        Write::Process(_) => loaded.registers(write).is_some(),
        Write::Event { event, .. } => event.semantics.terminal.is_some(),
        Write::AckWake(..) | Write::Lease(..) | Write::Grant(_) | Write::Revoke(..) | Write::Prune(_) => false,
    }
}

fn lease(id: &ProcessId, slot: LeaseSlot) -> Json {
    table(LEASES).put(&LeaseRow { process_id: id.clone(), slot })
}

fn prune(loaded: &Loaded, id: &ProcessId, change: u64, requests: &mut Vec<Json>) {
    requests.push(table(EVENTS).clear(key![id]));
    requests.push(table(WAKES).clear(key![id]));
    requests.push(table(REGISTRATIONS).delete(id));
    for grant in loaded.rows.grants_of_process(id) {
        requests.push(table(GRANTS).delete(key![&grant.scope_id, id]));
    }
    let slot = loaded.rows.lease(id);
    let left = slot.pruned();
    if left != slot {
        requests.push(lease(id, left));
    }
    requests.push(table(PROCESSES).put(&Tombstone::new(id, change)));
}
