//! Attachments: what a process keeps beside its data, of any size. A body is opaque: a JavaScript `Blob` in the browser.

use serde::{Deserialize, Serialize};

use super::{Millis, payload::Payload};

/// How many attachments a process has at most: its row lists them, and is written with every event.
pub const MAX_ATTACHMENTS: usize = 1_000;

/// A value that is attached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// What is known of it without its bytes.
    pub info: AttachmentInfo,
    /// Its bytes, in whatever form the engine keeps them.
    pub body: Payload,
}

/// What is known of an attachment without its bytes; a record lists it.
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
    /// When the file was last modified, in epoch milliseconds, which may be before 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified_ms: Option<i64>,
    /// When it was attached, in epoch milliseconds. The rule that attaches it says so.
    #[serde(default)]
    pub updated_at_ms: Millis,
}
