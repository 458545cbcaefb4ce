//! What is left of processes when their session is deleted.

use std::rc::Rc;

use super::snapshot::{Decision, Snapshot, Write};
use crate::{
    error::Result,
    model::{
        grant::check_session,
        key::{SessionId, sorted},
        process::ProcessRecord,
        reports::SessionDeleteReport,
    },
};

/// Takes back every grant of a session and stops wakes to it. Processes, events and
/// acknowledged wakes stay as they are.
pub fn delete(seen: &Snapshot, session: &SessionId) -> Result<Decision<SessionDeleteReport>> {
    check_session(session)?;
    let grants = seen.rows.grants_of_session(session);
    let (mut granted, mut writes) = (Vec::new(), Vec::new());
    for grant in &grants {
        granted.push(grant.process_id.clone());
        writes.push(Write::Revoke(grant.scope_id.clone(), grant.process_id.clone()));
    }
    for id in seen.rows.waking_session(session) {
        let record = ProcessRecord { wake_target: None, updated_at_ms: seen.now, ..seen.known(&id)?.clone() };
        writes.push(Write::Process(Rc::new(record)));
    }
    let (mut orphaned, mut preserved) = (Vec::new(), Vec::new());
    for id in sorted(&granted) {
        if seen.rows.process(&id).is_none_or(ProcessRecord::is_terminal) {
            continue;
        }
        let held_elsewhere = seen.rows.grants_of_process(&id).iter().any(|grant| grant.session_id != *session);
        let list = if held_elsewhere { &mut preserved } else { &mut orphaned };
        list.push(id);
    }
    let report = SessionDeleteReport {
        session_id: session.clone(),
        revoked_handle_count: grants.len(),
        deleted_wake_count: 0,
        orphaned_process_ids: orphaned,
        preserved_process_ids: preserved,
    };
    Ok(Decision { reply: report, writes })
}
