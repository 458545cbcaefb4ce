//! Attachments: what a process keeps beside its data, of any size. A body is opaque: a JavaScript `Blob` in the browser.

use serde::{Deserialize, Serialize};

use super::{Millis, check_name, payload::Payload};
use crate::{
    error::{Error, Result},
    text::is_blank,
};

/// How many attachments a process has at most: its row lists them, and is written with every event.
pub const MAX_ATTACHMENTS: usize = 1_000;

/// A value to attach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attachment {
    /// Its name, unique in the process.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its media type; empty where that is not known.
    pub r#type: String,
    /// The name of the file that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// When the file was last modified, in epoch milliseconds, which may be before 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified_ms: Option<i64>,
    /// Its bytes, in whatever form the engine keeps them.
    pub body: Payload,
}

/// What a record lists of an attachment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttachmentInfo {
    /// Its name, unique in the process.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its media type; empty where that is not known.
    pub r#type: String,
    /// The name of the file that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// When the file was last modified, in epoch milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified_ms: Option<i64>,
    /// When it was attached, in epoch milliseconds.
    pub updated_at_ms: Millis,
}

impl Attachment {
    /// What a record lists of it.
    pub fn info(&self, now: Millis) -> AttachmentInfo {
        AttachmentInfo {
            name: self.name.clone(),
            size: self.size,
            r#type: self.r#type.clone(),
            file_name: self.file_name.clone(),
            last_modified_ms: self.last_modified_ms,
            updated_at_ms: now,
        }
    }

    /// The attachment of that info, as it was before.
    pub fn of(info: &AttachmentInfo, body: Payload) -> Self {
        let AttachmentInfo { name, size, r#type, file_name, last_modified_ms, updated_at_ms: _ } = info.clone();
        Self { name, size, r#type, file_name, last_modified_ms, body }
    }

    /// Refuses a name that is none: [`Code::InvalidArgument`](crate::Code::InvalidArgument).
    pub fn check(&self) -> Result<()> {
        check("name", &self.name)
    }
}

/// Refuses a name that is none.
pub fn check(path: &str, name: &str) -> Result<()> {
    match is_blank(name) {
        true => Err(Error::invalid(format!("{path}: must not be blank"))),
        false => check_name(path, name),
    }
}
