//! Which scope may see which process.

use super::snapshot::{Decision, Snapshot, Write};
use crate::{
    error::{Code, Error, Result},
    model::{
        check_name,
        grant::{HandleDescriptor, HandleGrant, SessionScope},
        key::{ProcessId, ScopeId, sorted},
    },
};

/// Grants a process to a scope; granting again replaces the descriptor.
pub fn grant(
    seen: &Snapshot,
    scope: &SessionScope,
    id: &ProcessId,
    descriptor: &HandleDescriptor,
) -> Result<Decision<HandleGrant>> {
    scope.check()?;
    seen.known(id)?;
    check_name("descriptor.kind", descriptor.kind.as_deref().unwrap_or_default())?;
    check_name("descriptor.label", descriptor.label.as_deref().unwrap_or_default())?;
    let grant = HandleGrant {
        scope_id: scope.id(),
        session_id: scope.session_id.clone(),
        process_id: id.clone(),
        descriptor: descriptor.clone(),
    };
    Ok(Decision::reply(grant.clone()).write(Write::Grant(grant)))
}

/// Refuses unless the process is granted to the scope: to one that does not hold it, it is unknown.
pub fn require(seen: &Snapshot, scope: &ScopeId, id: &ProcessId) -> Result<()> {
    seen.rows.grant(scope, id).map(drop).ok_or_else(|| Error::unknown_process(id))
}

/// Takes a grant back; one that is not there is as good as taken back.
pub fn revoke(seen: &Snapshot, scope: &SessionScope, id: &ProcessId) -> Result<Decision<()>> {
    scope.check()?;
    let scope_id = scope.id();
    Ok(match seen.rows.grant(&scope_id, id) {
        Some(_) => Decision::reply(()).write(Write::Revoke(scope_id, id.clone())),
        None => Decision::reply(()),
    })
}

/// Moves grants from one scope to another: all named processes or, with
/// [`Code::NotGranted`], none. Descriptors move along.
pub fn transfer(seen: &Snapshot, from: &SessionScope, to: &SessionScope, ids: &[ProcessId]) -> Result<Decision<()>> {
    from.check()?;
    to.check()?;
    let source = from.id();
    let mut moved = Decision::reply(());
    for id in sorted(ids) {
        let not_granted = || Error::of(Code::NotGranted, &id, format!("is not granted to `{source}`"));
        let granted = seen.rows.grant(&source, &id).ok_or_else(not_granted)?;
        let target = HandleGrant { scope_id: to.id(), session_id: to.session_id.clone(), ..granted.clone() };
        moved = moved.write(Write::Revoke(source.clone(), id.clone())).write(Write::Grant(target));
    }
    Ok(moved)
}
