//! The methods of a registry, by name: each is one line that reads its arguments and calls the method of
//! [`ProcessRegistry`] or [`SessionView`] of that name, the one that the conformance suite runs.
//!
//! One export takes the method's name as its first argument. What a method does is none of this file's
//! business: `clippy.toml` forbids everything here to run an operation or a query by itself.

use futures::future::LocalBoxFuture;

use crate::{
    domain::{
        Millis,
        filter::{ListFilter, Page},
        grant::SessionScope,
        json::{FromJson, Reader, ToJson, from_json},
        key::ProcessId,
        lease::{LeaseOwner, ProcessLease},
        parse::parse,
        value::Json,
    },
    error::{Code, Error, Result},
    registry::ProcessRegistry,
    store::{EventRange, Live, Point},
    text::text,
    view::SessionView,
    watch::ProcessAwaiter,
};

/// What a call or a wait resolves with, as JavaScript is to see it.
pub type Reply = LocalBoxFuture<'static, Result<Json>>;

/// Arguments, read one by one. A wrong one is met by [`Arguments::end`].
pub struct Arguments {
    left: std::vec::IntoIter<Json>,
    reader: Reader,
}

struct EventQuery {
    limit: Option<u64>,
    types: Option<Vec<String>>,
}

from_json!(EventQuery { limit: "limit", types: "types" });

/// Boxes a method's future, with its reply as JSON. Each kind is boxed at its own size: there may be thousands of waits.
fn reply<T: ToJson>(work: impl Future<Output = Result<T>> + 'static) -> Reply {
    Box::pin(async move { Ok(work.await?.to_json()) })
}

impl Arguments {
    /// Arguments as JavaScript gave them: an array, as JSON text.
    pub fn new(given: &str) -> Self {
        Self { left: parse(given).into_items().into_iter(), reader: Reader::default() }
    }

    fn take<T: FromJson>(&mut self, name: &str) -> T {
        let value = self.left.next();
        self.reader.read(name, value)
    }

    fn id(&mut self) -> ProcessId {
        self.take("processId")
    }

    fn scope(&mut self) -> SessionScope {
        self.take("scope")
    }

    fn range(&mut self) -> EventRange {
        let after = self.take("afterSequence");
        let EventQuery { limit, types } = self.take("query");
        EventRange::After { after, limit, types }
    }

    /// [`Code::InvalidArgument`] where an argument was wrong; it names the place.
    pub fn end(&self) -> Result<()> {
        self.reader.end().map_err(|fault| Error::invalid(fault.text()))
    }

    /// Calls the method of that name with these arguments. Nothing runs before the reply is polled.
    pub fn call(mut self, method: &str, registry: ProcessRegistry) -> Result<Reply> {
        let reply = match method {
            "session" => {
                let view = self.view(&registry)?;
                let method: String = self.take("method");
                self.viewed(&method, view)?
            }
            _ => match self.process(method, &registry)? {
                Some(reply) => reply,
                None => self.handle(method, registry)?,
            },
        };
        self.end()?;
        Ok(reply)
    }

    /// Processes and their events.
    fn process(&mut self, method: &str, registry: &ProcessRegistry) -> Result<Option<Reply>> {
        let registry = registry.clone();
        Ok(Some(match method {
            "registerProcess" => {
                let registration = self.take("registration");
                reply(async move { registry.register(registration).await })
            }
            "getProcess" => {
                let id = self.id();
                reply(async move { registry.process(&id).await })
            }
            "listProcesses" => {
                let (filter, page): (ListFilter, Page) = (self.take("filter"), self.take("page"));
                reply(async move { registry.list(&filter, page).await })
            }
            "listNonTerminal" => {
                let page = self.take("page");
                reply(async move { registry.list_non_terminal(page).await })
            }
            "changedSince" => {
                let cursor: Option<String> = self.take("cursor");
                let unknown = || Error::invalid("cursor is not one that changedSince gave");
                let point = cursor.map(|cursor| Point::parse(&cursor).ok_or_else(unknown)).transpose()?;
                let limit = self.take("limit");
                reply(async move { registry.changed_since(point, limit).await })
            }
            "setExternalRef" => {
                let (id, external_ref) = (self.id(), self.take("ref"));
                reply(async move { registry.set_external_ref(&id, external_ref).await })
            }
            "setProcessWait" => {
                let (id, wait) = (self.id(), self.take("wait"));
                reply(async move { registry.set_wait(&id, wait).await })
            }
            "clearProcessWait" => {
                let id = self.id();
                reply(async move { registry.clear_wait(&id).await })
            }
            "completeProcess" => {
                let (id, output) = (self.id(), self.take("output"));
                reply(async move { registry.complete(&id, output).await })
            }
            "completeProcessWithLease" => {
                let (lease, output) = (self.take("lease"), self.take("output"));
                reply(async move { registry.complete_with_lease(lease, output).await })
            }
            "deleteProcess" => {
                let (id, force) = (self.id(), self.take("force"));
                reply(async move { registry.delete(&id, force).await })
            }
            "pruneTerminalProcesses" => {
                let cutoff = self.take("cutoffMs");
                reply(async move { registry.prune(cutoff).await })
            }
            "appendEvent" => {
                let (id, request) = (self.id(), self.take("request"));
                reply(async move { registry.append(&id, request).await })
            }
            "requestCancel" => {
                let (id, reason): (_, Option<String>) = (self.id(), self.take("reason"));
                reply(async move { registry.request_cancel(&id, reason.as_deref()).await })
            }
            "signal" => {
                let (id, name, payload): (_, String, _) = (self.id(), self.take("name"), self.take("payload"));
                let signal_id: Option<String> = self.take("signalId");
                reply(async move { registry.signal(&id, &name, payload, signal_id.as_deref()).await })
            }
            "eventsAfter" => {
                let (id, range) = (self.id(), self.range());
                reply(async move { registry.events(&id, range).await })
            }
            "recentEvents" => {
                let (id, range) = (self.id(), EventRange::Last(self.take("limit")));
                reply(async move { registry.events(&id, range).await })
            }
            "countEventsThrough" => {
                let (id, event_type, up_to): (_, String, _) =
                    (self.id(), self.take("eventType"), self.take("upToSequence"));
                reply(async move { registry.count_events(&id, &event_type, up_to).await })
            }
            "wakeEventsAfter" => {
                let (id, range) = (self.id(), EventRange::Unacked(self.take("afterSequence")));
                reply(async move { registry.events(&id, range).await })
            }
            "ackWake" => {
                let (id, sequence) = (self.id(), self.take("sequence"));
                reply(async move { registry.ack_wake(&id, sequence).await })
            }
            _ => return Ok(None),
        }))
    }

    /// Handles, sessions and leases.
    fn handle(&mut self, method: &str, registry: ProcessRegistry) -> Result<Reply> {
        Ok(match method {
            "grantHandle" => {
                let (scope, id, descriptor) = (self.scope(), self.id(), self.take("descriptor"));
                reply(async move { registry.grant(scope, &id, descriptor).await })
            }
            "revokeHandle" => {
                let (scope, id) = (self.scope(), self.id());
                reply(async move { registry.revoke(scope, &id).await })
            }
            "transferHandleGrants" => {
                let (from, to, ids) = (self.take("from"), self.take("to"), self.take("processIds"));
                reply(async move { registry.transfer(from, to, ids).await })
            }
            "listHandleGrants" | "listLiveHandleGrants" => {
                let scope = self.scope();
                let live = if method == "listHandleGrants" { Live::Any } else { Live::Only };
                reply(async move { registry.grants(&scope, live).await })
            }
            "hasHandleGrant" => {
                let (scope, id) = (self.scope(), self.id());
                reply(async move { registry.is_granted(&scope, &id).await })
            }
            "handleGrantsForProcess" => {
                let id = self.id();
                reply(async move { registry.grants_of_process(&id).await })
            }
            "deleteSessionProcessState" => {
                let session = self.take("sessionId");
                reply(async move { registry.delete_session(&session).await })
            }
            "claimProcessLease" => {
                let (id, owner, ttl) = (self.id(), self.take("owner"), self.take("ttlMs"));
                reply(async move { registry.claim(&id, owner, ttl).await })
            }
            "reclaimProcessLease" => {
                let (id, owner, observed) = (self.id(), self.take("owner"), self.take::<ProcessLease>("observed"));
                let ttl = self.take("ttlMs");
                self.end()?;
                if observed.process_id != id {
                    return Err(Error::invalid("observed is the lease of another process"));
                }
                reply(async move { registry.reclaim(observed, owner, ttl).await })
            }
            "renewProcessLease" => {
                let (lease, ttl) = (self.take("lease"), self.take("ttlMs"));
                reply(async move { registry.renew(lease, ttl).await })
            }
            "completeProcessLease" => {
                let (id, token) = (self.id(), self.take("lease.leaseToken"));
                reply(async move { registry.release(&id, token).await })
            }
            "getProcessLease" => {
                let id = self.id();
                reply(async move { registry.lease(&id).await })
            }
            _ => return Err(Error::new(Code::Internal, text!["no method `", method, "`"])),
        })
    }

    fn view(&mut self, registry: &ProcessRegistry) -> Result<SessionView> {
        let scope = self.scope();
        self.end()?;
        registry.session(&scope)
    }

    /// A method as a scope may call it: `session(scope, method, …)`.
    fn viewed(&mut self, method: &str, view: SessionView) -> Result<Reply> {
        Ok(match method {
            "listProcesses" => {
                let filter: ListFilter = self.take("filter");
                reply(async move { view.list(&filter).await })
            }
            "getProcess" => {
                let id = self.id();
                reply(async move { view.process(&id).await })
            }
            "eventsAfter" => {
                let (id, range) = (self.id(), self.range());
                reply(async move { view.events(&id, range).await })
            }
            "signal" => {
                let (id, name, payload): (_, String, _) = (self.id(), self.take("name"), self.take("payload"));
                let signal_id: Option<String> = self.take("signalId");
                reply(async move { view.signal(&id, &name, payload, signal_id.as_deref()).await })
            }
            "requestCancel" => {
                let (id, reason): (_, Option<String>) = (self.id(), self.take("reason"));
                reply(async move { view.request_cancel(&id, reason.as_deref()).await })
            }
            _ => return Err(Error::new(Code::Internal, text!["no method `", method, "` of a session"])),
        })
    }

    /// Begins the wait of that name with these arguments. Nothing runs before the reply is polled.
    pub fn wait(
        mut self,
        method: &str,
        registry: &ProcessRegistry,
        awaiter: ProcessAwaiter,
        limit: Option<Millis>,
    ) -> Result<Reply> {
        let reply = match method {
            "session" => {
                let view = self.view(registry)?.within(limit);
                let method: String = self.take("method");
                self.viewed_wait(&method, view)?
            }
            "awaitTerminal" => {
                let id = self.id();
                reply(async move { awaiter.await_terminal(&id).await })
            }
            "awaitEvent" => {
                let (id, event_type): (_, String) = (self.id(), self.take("eventType"));
                let (after, until_terminal) = (self.take("afterSequence"), self.take("untilTerminal"));
                reply(async move { awaiter.await_event(&id, &event_type, after, until_terminal).await })
            }
            "awaitEvents" => {
                let (id, after, types) = (self.id(), self.take("after"), self.take("types"));
                let until_terminal = self.take("untilTerminal");
                reply(async move { awaiter.await_events(&id, after, types, until_terminal).await })
            }
            "ownerGone" => {
                let owner: LeaseOwner = self.take("owner");
                let registry = registry.clone();
                reply(async move { registry.owner_gone_within(&owner, limit).await })
            }
            _ => return Err(Error::new(Code::Internal, text!["no wait `", method, "`"])),
        };
        self.end()?;
        Ok(reply)
    }

    /// A wait as a scope may begin it: `session(scope, method, …)`.
    fn viewed_wait(&mut self, method: &str, view: SessionView) -> Result<Reply> {
        Ok(match method {
            "awaitTerminal" => {
                let id = self.id();
                reply(async move { view.await_terminal(&id).await })
            }
            "awaitEvent" => {
                let (id, event_type): (_, String) = (self.id(), self.take("eventType"));
                let (after, until_terminal) = (self.take("afterSequence"), self.take("untilTerminal"));
                reply(async move { view.await_event(&id, &event_type, after, until_terminal).await })
            }
            _ => return Err(Error::new(Code::Internal, text!["no wait `", method, "` of a session"])),
        })
    }
}
