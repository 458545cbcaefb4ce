//! The list of all processes that have not ended, a page at a time.

use crate::{
    error::Result,
    model::{filter::Page, key::ProcessId, process::ProcessRecord},
    registry::ProcessRegistry,
};

/// How many processes are listed at a time.
pub(super) const PAGE: u64 = 64;

/// A place in that list.
#[derive(Default)]
pub(super) struct Pages {
    cursor: Option<ProcessId>,
    is_at_end: bool,
}

impl Pages {
    /// The place behind the last process.
    pub fn at_end() -> Self {
        Self { cursor: None, is_at_end: true }
    }

    pub fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// Reads the next page; none at the end. After a fault, the same page is read again.
    pub async fn next(&mut self, registry: &ProcessRegistry) -> Result<Option<Vec<ProcessRecord>>> {
        if self.is_at_end {
            return Ok(None);
        }
        let page = registry.list_non_terminal(Page { limit: Some(PAGE), cursor: self.cursor.clone() }).await?;
        self.is_at_end = page.len() < PAGE as usize;
        self.cursor = page.last().map(|last| last.id().clone());
        Ok(Some(page))
    }
}
