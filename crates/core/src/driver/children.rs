//! Children: processes that a run starts, and that are asked to stop when its process ends.

use super::RunContext;
use crate::{
    error::Result,
    model::{policy::Policy, process::NewProcess},
    rules::register::Registration,
};

impl RunContext {
    /// Registers a child of the process, or finds it registered alike: by an earlier run, for example. Only while the run holds its
    /// lease, so that no child is started behind the end of its parent.
    pub async fn start_child(&self, child: NewProcess) -> Result<Registration> {
        self.records_given_up().await?;
        let policy = Policy { parent_id: Some(self.id().clone()), ..child.policy };
        let child = NewProcess { policy, ..child };
        let registered = self.0.registry.register_with(child, Some(self.lease().clone()));
        registered.await.inspect_err(|_| self.0.waits.fails())
    }
}
