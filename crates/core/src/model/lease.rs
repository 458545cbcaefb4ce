//! Leases: at most one owner runs a process, and one that lost its lease cannot write.
//!
//! The fencing token of a process only ever rises: across release, takeover and prune.

use super::{
    MAX_COUNT, Millis, check_name,
    key::{Key, ProcessId},
    next,
};
use crate::{
    error::{Error, Result},
    text::is_blank,
};
use serde::{Deserialize, Serialize};

/// Who may hold a lease: one life of one page or worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeaseOwner {
    /// The same across lives.
    pub owner_id: Key,
    /// Different in every life.
    pub incarnation_id: String,
    /// How its death can be proven. Absent: it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<LivenessMark>,
}

/// How the death of an owner can be proven.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase", try_from = "MarkFields")]
pub enum LivenessMark {
    /// It cannot; only the lease's end frees it.
    Opaque {},
    /// The owner holds this Web Lock for its life.
    WebLock {
        /// The lock's name.
        lock_name: Key,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MarkFields {
    kind: String,
    lock_name: Option<Key>,
}

impl TryFrom<MarkFields> for LivenessMark {
    type Error = String;

    fn try_from(MarkFields { kind, lock_name }: MarkFields) -> std::result::Result<Self, String> {
        match (kind.as_str(), lock_name) {
            ("opaque", None) => Ok(Self::Opaque {}),
            ("opaque", Some(_)) => Err("lockName is not known here".to_owned()),
            ("web_lock", Some(lock_name)) => Ok(Self::WebLock { lock_name }),
            ("web_lock", None) => Err("lockName is missing".to_owned()),
            _ => Err("kind must be one of opaque, web_lock".to_owned()),
        }
    }
}

impl LeaseOwner {
    /// An owner whose death cannot be proven: what it holds is free once the lease has expired.
    pub fn new(owner_id: impl Into<Key>, incarnation_id: impl Into<String>) -> Self {
        Self { owner_id: owner_id.into(), incarnation_id: incarnation_id.into(), liveness: None }
    }

    /// Whether this is the same life of the same owner.
    pub fn is(&self, other: &LeaseOwner) -> bool {
        self.owner_id == other.owner_id && self.incarnation_id == other.incarnation_id
    }

    /// Whether there could be a proof of its death at all.
    pub fn is_mortal(&self) -> bool {
        matches!(self.liveness, Some(LivenessMark::WebLock { .. }))
    }

    pub(crate) fn check(&self) -> Result<()> {
        check_name("owner.ownerId", &self.owner_id)?;
        check_name("owner.incarnationId", &self.incarnation_id)?;
        if let Some(LivenessMark::WebLock { lock_name }) = &self.liveness {
            check_name("owner.liveness.lockName", lock_name)?;
        }
        match is_blank(&self.owner_id) || is_blank(&self.incarnation_id) {
            true => Err(Error::invalid("a lease owner needs a non-blank ownerId and incarnationId")),
            false => Ok(()),
        }
    }
}

/// The right to run a process until it expires.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessLease {
    /// The process.
    pub process_id: ProcessId,
    /// Who holds it.
    pub owner: LeaseOwner,
    /// Known to the holder alone; different for every acquisition.
    pub lease_token: String,
    /// Rises with every acquisition.
    pub fencing_token: u64,
    /// When it was acquired, in epoch milliseconds.
    pub claimed_at_ms: Millis,
    /// When it ends unless renewed, in epoch milliseconds. From then on it is free.
    pub expires_at_ms: Millis,
}

impl ProcessLease {
    /// Refuses one that no claim could have given: a process or an owner by a name that none has.
    pub fn check(&self) -> Result<()> {
        check_name("lease.processId", &self.process_id)?;
        self.owner.check()?;
        match is_blank(&self.process_id) {
            true => Err(Error::invalid("lease.processId: must not be blank")),
            false => Ok(()),
        }
    }

    /// Whether it is in force; one that expires exactly now is not.
    pub fn is_live(&self, now: Millis) -> bool {
        self.expires_at_ms > now
    }

    /// Whether this is the same acquisition, however often renewed.
    pub fn is(&self, other: &ProcessLease) -> bool {
        self.owner.is(&other.owner)
            && self.lease_token == other.lease_token
            && self.fencing_token == other.fencing_token
    }
}

/// What a store keeps of the leases of one process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeaseSlot {
    /// The highest fencing token given out so far.
    pub last_fence: u64,
    /// The lease that is held, expired or not; none after a release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<ProcessLease>,
    /// How often a driver has begun to run the process since it was registered. Absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u64>,
    /// How many lives of the process's id were pruned. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lives: Option<u64>,
    /// How many runs in a row were lost to a crash without having recorded anything. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crashes: Option<u64>,
    /// The sequence of the last event before the last run began. Absent: no run has begun, or one of a version before 0.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_at: Option<u64>,
}

impl LeaseSlot {
    /// What is left once the process is pruned.
    #[must_use]
    pub fn pruned(&self) -> Self {
        let lives = self.lives.unwrap_or_default().saturating_add(1).min(MAX_COUNT);
        Self { last_fence: self.last_fence, lives: Some(lives), ..Self::default() }
    }

    /// Which life of its id a process begins that is registered now. Absent: the first one.
    ///
    /// What a version before 0.2 pruned left no count, but the fence where it was ever leased.
    pub fn next_life(&self) -> Result<Option<u64>> {
        let lives = self.lives.unwrap_or_else(|| u64::from(self.last_fence > 0));
        if lives == 0 { Ok(None) } else { next(lives).map(Some) }
    }
}

/// What a claim answers. Losing is an answer, not an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum LeaseClaim {
    /// The claimant holds it.
    Acquired {
        /// The lease.
        lease: ProcessLease,
    },
    /// Another owner does.
    Busy {
        /// Their lease, as observed; needed to reclaim it.
        holder: ProcessLease,
    },
}

/// What is known about the life of a lease's holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is dead for certain.
    Dead,
    /// It lives, or that cannot be known. No answer is not a proof.
    Unknown,
}

/// How long a lease may be asked for: 1 ms to 24 days, the longest a browser timer counts.
pub const MAX_TTL_MS: Millis = 0x7fff_ffff;
