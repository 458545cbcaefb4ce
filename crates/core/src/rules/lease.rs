//! Who gets a lease, keeps it, and gives it back.

use super::snapshot::{Decision, Snapshot, Write};
use crate::{
    error::{Code, Error, Result},
    model::{
        Millis,
        key::ProcessId,
        lease::{LeaseClaim, LeaseOwner, LeaseSlot, MAX_TTL_MS, ProcessLease, Proof},
        next,
        process::ProcessRecord,
    },
};

/// Claims a process for `owner` until `seen.now + ttl`; a fresh lease gets `token`.
///
/// A lease that expires exactly now is free. Re-entering keeps token and fence, so writes in
/// flight stay valid; taking over raises the fence, so the old owner's are refused.
pub fn claim(
    seen: &Snapshot,
    id: &ProcessId,
    owner: &LeaseOwner,
    ttl: Millis,
    token: &str,
) -> Result<Decision<LeaseClaim>> {
    open_to(seen, id, owner, ttl)?;
    let slot = seen.rows.lease(id);
    match live(seen, &slot) {
        Some(holder) if holder.owner.is(owner) => {
            let lease = extended(seen, holder, ttl);
            Ok(Decision::reply(LeaseClaim::Acquired { lease: lease.clone() }).write(slot.clone().keep(lease)))
        }
        Some(holder) => Ok(Decision::reply(LeaseClaim::Busy { holder: holder.clone() })),
        None => acquire(seen, id, &slot, owner, ttl, token),
    }
}

/// [`claim`], which also takes over from a live holder that is proven dead, if the lease is
/// still exactly the `observed` one, down to the mark by which it was proven. An owner without a provable mark is never proven dead,
/// whatever the probe says. Of several racing claimants the first wins; the others
/// then observe the winner.
pub fn reclaim(
    seen: &Snapshot,
    observed: &ProcessLease,
    owner: &LeaseOwner,
    ttl: Millis,
    token: &str,
    proof: Proof,
) -> Result<Decision<LeaseClaim>> {
    let id = &observed.process_id;
    observed.check()?;
    open_to(seen, id, owner, ttl)?;
    let slot = seen.rows.lease(id);
    match live(seen, &slot) {
        Some(holder)
            if proof == Proof::Dead
                && holder.owner.is_mortal()
                && holder.owner.liveness == observed.owner.liveness
                && holder.is(observed) =>
        {
            acquire(seen, id, &slot, owner, ttl, token)
        }
        Some(_) | None => claim(seen, id, owner, ttl, token),
    }
}

/// Extends a lease to `seen.now + ttl`. [`Code::LeaseLost`] unless it is held unexpired.
pub fn renew(seen: &Snapshot, held: &ProcessLease, ttl: Millis) -> Result<Decision<ProcessLease>> {
    check_ttl(ttl)?;
    held.check()?;
    require(seen, &held.process_id, held)?;
    let slot = seen.rows.lease(&held.process_id);
    let lease = extended(seen, slot.held.as_ref().unwrap_or(held), ttl);
    Ok(Decision::reply(lease.clone()).write(slot.keep(lease)))
}

/// [`renew`] for many. Answers the processes whose leases are lost; of these nothing is written.
pub fn renew_all(seen: &Snapshot, held: &[ProcessLease], ttl: Millis) -> Result<Decision<Vec<ProcessId>>> {
    let mut decision = Decision::reply(Vec::new());
    for lease in held {
        match renew(seen, lease, ttl) {
            Ok(renewed) => decision.writes.extend(renewed.writes),
            Err(fault) if fault.code() == Code::LeaseLost => decision.reply.push(lease.process_id.clone()),
            Err(fault) => return Err(fault),
        }
    }
    Ok(decision)
}

/// Gives a lease back. A token that does not match, or no longer, changes nothing.
pub fn release(seen: &Snapshot, id: &ProcessId, token: &str) -> Decision<()> {
    let slot = seen.rows.lease(id);
    match &slot.held {
        Some(held) if held.lease_token == token => {
            let emptied = LeaseSlot { held: None, ..slot };
            Decision::reply(()).write(Write::Lease(id.clone(), emptied))
        }
        Some(_) | None => Decision::reply(()),
    }
}

/// Takes a lease from its holder, whatever the holder: what that writes from then on is refused. Nothing where none is held.
pub fn revoke(seen: &Snapshot, id: &ProcessId) -> Result<Vec<Write>> {
    let slot = seen.rows.lease(id);
    if slot.held.is_none() {
        return Ok(Vec::new());
    }
    let revoked = LeaseSlot { last_fence: next(slot.last_fence)?, held: None, ..slot };
    Ok(vec![Write::Lease(id.clone(), revoked)])
}

/// Refuses unless exactly this lease is held and unexpired: [`Code::LeaseLost`].
pub fn require(seen: &Snapshot, id: &ProcessId, lease: &ProcessLease) -> Result<()> {
    let slot = seen.rows.lease(id);
    match live(seen, &slot) {
        Some(held) if lease.process_id == *id && held.is(lease) => Ok(()),
        Some(_) | None => Err(Error::of(Code::LeaseLost, id, "is not held under this lease")),
    }
}

/// The process of a lease that is held, as long as it has not ended.
pub fn writable<'a>(seen: &'a Snapshot, held: &ProcessLease) -> Result<&'a ProcessRecord> {
    let id = &held.process_id;
    let record = seen.known(id)?;
    require(seen, id, held)?;
    match record.is_terminal() {
        true => Err(Error::of(Code::AlreadyTerminal, id, "has ended")),
        false => Ok(record),
    }
}

fn live<'a>(seen: &Snapshot, slot: &'a LeaseSlot) -> Option<&'a ProcessLease> {
    slot.held.as_ref().filter(|held| held.is_live(seen.now))
}

fn open_to(seen: &Snapshot, id: &ProcessId, owner: &LeaseOwner, ttl: Millis) -> Result<()> {
    owner.check()?;
    check_ttl(ttl)?;
    match seen.known(id)?.is_terminal() {
        true => Err(Error::of(Code::AlreadyTerminal, id, "has ended and cannot be leased")),
        false => Ok(()),
    }
}

fn check_ttl(ttl: Millis) -> Result<()> {
    match ttl {
        1..=MAX_TTL_MS => Ok(()),
        _ => Err(Error::invalid(format!("ttlMs must be between 1 and {MAX_TTL_MS}"))),
    }
}

fn extended(seen: &Snapshot, held: &ProcessLease, ttl: Millis) -> ProcessLease {
    ProcessLease { expires_at_ms: seen.now + ttl, ..held.clone() }
}

fn acquire(
    seen: &Snapshot,
    id: &ProcessId,
    slot: &LeaseSlot,
    owner: &LeaseOwner,
    ttl: Millis,
    token: &str,
) -> Result<Decision<LeaseClaim>> {
    let fence = next(slot.last_fence)?;
    let lease = ProcessLease {
        process_id: id.clone(),
        owner: owner.clone(),
        lease_token: token.to_owned(),
        fencing_token: fence,
        claimed_at_ms: seen.now,
        expires_at_ms: seen.now + ttl,
    };
    Ok(Decision::reply(LeaseClaim::Acquired { lease: lease.clone() }).write(slot.clone().keep(lease)))
}

impl LeaseSlot {
    /// The slot with a lease in it.
    fn keep(self, lease: ProcessLease) -> Write {
        let last_fence = lease.fencing_token;
        Write::Lease(lease.process_id.clone(), Self { last_fence, held: Some(lease), ..self })
    }
}
