//! What a rule decided, as requests of one transaction.

use super::{
    codec::{CommitRow, LeaseRow, ProcessRow, Tombstone, WakeRow, encode, event_row, js_key, under},
    read::Loaded,
    request::Transaction,
    schema::{COMMITS, EVENTS, GRANTS, LEASES, PROCESSES, REGISTRATIONS, WAKES},
};
use crate::{
    domain::{
        key::{ProcessId, key},
        lease::LeaseSlot,
        process::ProcessRecord,
        snapshot::Write,
    },
    error::Result,
};

/// Issues every write. Process rows take change numbers from the last one on.
pub fn all(transaction: &Transaction, loaded: &Loaded, writes: &[Write]) -> Result<()> {
    let mut change = loaded.last_change;
    for write in writes {
        match write {
            Write::Process(record) => {
                change += 1;
                process(transaction, loaded, record, change)?;
            }
            Write::Event { event, ordinal } => {
                transaction.store(EVENTS)?.add(&event_row(event, *ordinal)?)?;
                if event.semantics.wake.is_some() {
                    let wake = WakeRow { process_id: event.process_id.clone(), sequence: event.sequence };
                    transaction.store(WAKES)?.put(&encode(&wake)?)?;
                }
            }
            Write::AckWake(id, sequence) => {
                transaction.store(WAKES)?.delete(&js_key(&key![id, *sequence]))?;
            }
            Write::Lease(id, slot) => lease(transaction, id, slot)?,
            Write::Grant(grant) => {
                transaction.store(GRANTS)?.put(&encode(grant)?)?;
            }
            Write::Revoke(scope, id) => {
                transaction.store(GRANTS)?.delete(&js_key(&key![scope, id]))?;
            }
            Write::Prune(id) => {
                change += 1;
                prune(transaction, loaded, id, change)?;
            }
        }
    }
    Ok(())
}

/// Leaves a mark by which this commit can be told to have landed.
pub fn commit(transaction: &Transaction, writer: &str, number: u64) -> Result<()> {
    let mark = CommitRow { writer: writer.to_owned(), number };
    transaction.store(COMMITS)?.put(&encode(&mark)?).map(drop)
}

fn process(transaction: &Transaction, loaded: &Loaded, record: &ProcessRecord, change: u64) -> Result<()> {
    if loaded.rows.process(record.id()).is_none() {
        transaction.store(REGISTRATIONS)?.put(&encode(&record.registered)?)?;
    }
    transaction.store(PROCESSES)?.put(&encode(&ProcessRow::new(record, change))?).map(drop)
}

fn lease(transaction: &Transaction, id: &ProcessId, slot: &LeaseSlot) -> Result<()> {
    let row = LeaseRow { process_id: id.clone(), slot: slot.clone() };
    transaction.store(LEASES)?.put(&encode(&row)?).map(drop)
}

fn prune(transaction: &Transaction, loaded: &Loaded, id: &ProcessId, change: u64) -> Result<()> {
    let of_process = under(&key![id])?;
    transaction.store(EVENTS)?.delete(&of_process)?;
    transaction.store(WAKES)?.delete(&of_process)?;
    transaction.store(REGISTRATIONS)?.delete(&id.as_str().into())?;
    for grant in loaded.rows.grants_of_process(id) {
        transaction.store(GRANTS)?.delete(&js_key(&key![&grant.scope_id, id]))?;
    }
    let slot = loaded.rows.lease(id);
    if slot.held.is_some() {
        lease(transaction, id, &LeaseSlot { held: None, ..slot })?;
    }
    transaction.store(PROCESSES)?.put(&encode(&Tombstone::new(id, change))?).map(drop)
}
