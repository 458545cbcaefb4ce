//! Bodies of attachments that an engine stores before the transaction that attaches them.
//!
//! An upload may take minutes, in which leases are renewed and other processes are written. So an operation that attaches leaves its transaction when
//! its rule has run, and holds no turn to write while its bodies are uploaded; then it runs again. What was called on its process since runs
//! behind it. Renewals of leases are on no single process, and pass.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, try_join_all},
};

use super::{Shared, batch::Asked};
use crate::{
    error::Result,
    host::latch::{Latch, Release, latch},
    model::key::ProcessId,
    rules::snapshot::Write,
    store::engine::Upload,
};

/// The uploads under way, each for one operation.
#[derive(Default)]
pub struct Uploads {
    under_way: RefCell<Vec<UnderWay>>,
    next: Cell<u64>,
}

struct UnderWay {
    number: u64,
    ids: Vec<ProcessId>,
    /// What was called on these processes since.
    behind: Vec<Asked>,
    over: Latch,
    _release: Release,
}

impl UnderWay {
    fn is_for(&self, asked: &Asked) -> bool {
        asked.process_id().is_some_and(|id| self.ids.contains(id))
    }
}

/// The bodies that one operation has to wait for.
pub struct Uploading {
    uploads: Vec<Upload>,
    all: LocalBoxFuture<'static, Result<Vec<()>>>,
}

impl Uploads {
    /// Whether an operation is on a process for which one is under way.
    pub fn are_for(&self, asked: &Asked) -> bool {
        self.under_way.borrow().iter().any(|one| one.is_for(asked))
    }

    /// Has such an operation run behind it.
    pub fn hold(&self, asked: Asked) {
        if let Some(one) = self.under_way.borrow_mut().iter_mut().find(|one| one.is_for(&asked)) {
            one.behind.push(asked);
        }
    }

    fn begin(&self, ids: Vec<ProcessId>) -> u64 {
        let ((release, over), number) = (latch(), self.next.get());
        self.next.set(number + 1);
        self.under_way.borrow_mut().push(UnderWay { number, ids, behind: Vec::new(), over, _release: release });
        number
    }

    fn end(&self, number: u64) -> Option<UnderWay> {
        let mut all = self.under_way.borrow_mut();
        let place = all.iter().position(|one| one.number == number)?;
        Some(all.remove(place))
    }

    /// Resolves once none is under way.
    pub async fn are_over(&self) {
        while let Some(over) = self.first() {
            let _ = over.released().await;
        }
    }

    fn first(&self) -> Option<Latch> {
        self.under_way.borrow().first().map(|one| one.over.clone())
    }
}

impl Shared {
    /// What has to be uploaded before the writes of an operation are committed; nothing where the engine stores all of it with them.
    pub(super) fn uploading(&self, asked: &Asked, writes: &[Write]) -> Option<Uploading> {
        if !asked.attaches_alike() || !asked.uploads.is_empty() {
            return None;
        }
        let uploads = uploads_of(writes);
        let all: Vec<_> = uploads.iter().filter_map(|upload| self.engine.upload(upload)).collect();
        (!all.is_empty()).then(|| Uploading { uploads, all: try_join_all(all).boxed_local() })
    }

    /// Runs an operation again once its bodies are uploaded.
    pub(super) fn upload(self: &Rc<Self>, mut asked: Asked, Uploading { uploads, all }: Uploading) {
        let ids = uploads.iter().map(|upload| &upload.process_id).chain(asked.process_id()).cloned().collect();
        let (shared, number) = (self.clone(), self.uploads.begin(ids));
        let runs = async move {
            match all.await {
                Ok(_) => {
                    asked.uploads = uploads;
                    shared.begin(vec![asked]);
                }
                Err(fault) => {
                    shared.discard(&uploads);
                    asked.refuse(fault);
                }
            }
            let mut ended = shared.uploads.end(number);
            for behind in ended.iter_mut().flat_map(|ended| ended.behind.drain(..)) {
                shared.join(behind);
            }
        };
        self.spawn.spawn(runs.boxed_local());
    }

    /// Forgets what was uploaded and is not written.
    pub(super) fn discard(&self, uploads: &[Upload]) {
        uploads.iter().for_each(|upload| self.engine.discard(upload));
    }
}

/// The attachments among writes.
fn uploads_of(writes: &[Write]) -> Vec<Upload> {
    let mut uploads = Vec::new();
    for write in writes {
        if let Write::Attachment(process_id, attachment) = write {
            uploads.push(Upload { process_id: process_id.clone(), attachment: attachment.clone() });
        }
    }
    uploads
}
