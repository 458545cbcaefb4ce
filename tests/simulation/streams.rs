//! What was put into the streams of jobs, and what must be true of that and of what is read.

use std::collections::BTreeMap;

use longwait::model::{
    key::ProcessId,
    stream::{Chunk, Chunks},
};

/// The name of the stream that each job has.
pub const NAME: &str = "out";

/// The chunks of each process that lives.
#[derive(Default)]
pub struct Streams(BTreeMap<ProcessId, Vec<Chunk>>);

impl Streams {
    /// A row was committed, by a run of this attempt and fence.
    pub fn committed(&mut self, row: &Chunks, attempt: Option<u64>, fence: Option<u64>) {
        let id = &row.process_id;
        let all = self.0.entry(id.clone()).or_default();
        assert_eq!(row.first, all.len() as u64, "the chunks of {id} are not dense");
        assert_eq!(Some(row.attempt), attempt, "chunks of {id} are of another attempt than the last that began");
        let is_of_holder = row.values.iter().all(|value| value.as_u64() == fence);
        assert!(is_of_holder, "{id} took chunks of a run that had lost its lease");
        row.add_from(0, all);
    }

    /// A process was pruned.
    pub fn pruned(&mut self, id: &ProcessId) {
        self.0.remove(id);
    }

    /// What there is of a process.
    pub fn of(&self, id: &ProcessId) -> &[Chunk] {
        self.0.get(id).map_or(&[], Vec::as_slice)
    }
}
