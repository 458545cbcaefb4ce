//! What is attached to a process, and what its record then lists.

use std::rc::Rc;

use super::{
    lease,
    snapshot::{Decision, Snapshot, Write},
};
use crate::{
    error::{Code, Error, Result},
    model::{
        Millis,
        attachment::{Attachment, AttachmentInfo, MAX_ATTACHMENTS},
        check_given_name,
        key::ProcessId,
        lease::ProcessLease,
        process::ProcessRecord,
    },
};

/// Attaches a value to a process that has not ended, in place of one of its name. With a lease, only while that is held.
pub fn put(
    seen: &Snapshot,
    id: &ProcessId,
    held: Option<&ProcessLease>,
    attachment: &Rc<Attachment>,
) -> Result<Decision<AttachmentInfo>> {
    let record = seen.known(id)?;
    if record.is_terminal() {
        return Err(Error::of(Code::ProcessTerminal, id, "has ended, and takes no attachments"));
    }
    if let Some(held) = held {
        lease::require(seen, id, held)?;
    }
    let mut record = record.clone();
    let (info, attached) = attach(&mut record, seen.now, attachment)?;
    record.updated_at_ms = seen.now;
    Ok(Decision::reply(info).write(attached).write(Write::Process(Rc::new(record))))
}

/// Takes an attachment off a process, which may have ended. Nothing is written where there is none of that name.
pub fn remove(seen: &Snapshot, id: &ProcessId, name: &str) -> Result<Decision<()>> {
    let record = seen.known(id)?;
    let mut next = record.clone();
    next.attachments.retain(|info| info.name != name);
    if next.attachments.len() == record.attachments.len() {
        return Ok(Decision::reply(()));
    }
    // Retention counts from the end of a process, so what ended keeps its time.
    if !record.is_terminal() {
        next.updated_at_ms = seen.now;
    }
    Ok(Decision::reply(()).write(Write::Detach(id.clone(), name.to_owned())).write(Write::Process(Rc::new(next))))
}

/// Has a record list an attachment, last where its name is new; answers what it lists, and the write of the body.
pub(super) fn attach(
    record: &mut ProcessRecord,
    now: Millis,
    attachment: &Rc<Attachment>,
) -> Result<(AttachmentInfo, Write)> {
    let info = AttachmentInfo { updated_at_ms: now, ..attachment.info.clone() };
    check_given_name("name", &info.name)?;
    let (id, is_full) = (record.id().clone(), record.attachments.len() >= MAX_ATTACHMENTS);
    match record.attachments.iter_mut().find(|listed| listed.name == info.name) {
        Some(listed) => *listed = info.clone(),
        None if is_full => {
            let what = format!("has {MAX_ATTACHMENTS} attachments, which is the most");
            return Err(Error::of(Code::InvalidArgument, &id, what));
        }
        None => record.attachments.push(info.clone()),
    }
    Ok((info, Write::Attachment(id, attachment.clone())))
}
