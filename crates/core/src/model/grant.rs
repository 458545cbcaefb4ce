//! Handle grants: which scope may see which process.

use super::{
    check_name,
    key::{Key, ProcessId, ScopeId, SessionId},
    process::ProcessRecord,
};
use crate::{
    error::{Error, Result},
    text::is_blank,
};
use serde::{Deserialize, Serialize};

/// A session, or one agent frame in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionScope {
    /// The session.
    pub session_id: SessionId,
    /// The frame. Absent: the session itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_frame_id: Option<Key>,
}

const FRAME: &str = "/frame:";

impl SessionScope {
    /// The session itself.
    pub fn session(id: impl Into<Key>) -> Self {
        Self { session_id: id.into(), agent_frame_id: None }
    }

    /// `session:<sessionId>` or `session:<sessionId>/frame:<frameId>`.
    pub fn id(&self) -> ScopeId {
        match &self.agent_frame_id {
            Some(frame) => format!("session:{}{FRAME}{frame}", self.session_id).into(),
            None => format!("session:{}", self.session_id).into(),
        }
    }

    /// Refuses blank ids, and session ids that read as a frame of another session: two scopes
    /// must never share an id, or one would see what is granted to the other.
    pub fn check(&self) -> Result<()> {
        check_session(&self.session_id)?;
        check_name("agentFrameId", self.agent_frame_id.as_deref().unwrap_or_default())?;
        match self.agent_frame_id.as_ref().is_some_and(|frame| is_blank(frame)) {
            true => Err(Error::invalid("agentFrameId must not be blank")),
            false => Ok(()),
        }
    }

    /// The ranges of scope ids, end excluded, that belong to a session: its own, and its frames.
    pub fn id_ranges(session: &SessionId) -> [(ScopeId, ScopeId); 2] {
        let own = format!("session:{session}");
        let frames = format!("{own}{FRAME}");
        // The smallest string after `own` itself, and the first one past every frame: `;` follows `:`.
        let (after_own, after_frames) = (format!("{own}\0"), format!("{own}/frame;"));
        [(own.into(), after_own.into()), (frames.into(), after_frames.into())]
    }
}

/// Refuses a session id that is blank, too long, or contains `/frame:`.
pub fn check_session(id: &SessionId) -> Result<()> {
    check_name("sessionId", id)?;
    match is_blank(id) || id.contains(FRAME) {
        true => Err(Error::invalid("sessionId must not be blank or contain `/frame:`")),
        false => Ok(()),
    }
}

/// How a granted process is shown to the scope.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(deny_unknown_fields)]
pub struct HandleDescriptor {
    /// What it is to the scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What the scope calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// The right of a scope to see a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HandleGrant {
    /// The scope.
    pub scope_id: ScopeId,
    /// Its session.
    pub session_id: SessionId,
    /// The process.
    pub process_id: ProcessId,
    /// How it is shown.
    pub descriptor: HandleDescriptor,
}

/// A grant with its process.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct HandleEntry {
    /// The grant.
    pub grant: HandleGrant,
    /// The process as it is now.
    pub record: ProcessRecord,
}
