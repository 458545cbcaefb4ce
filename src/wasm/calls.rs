//! The methods of a registry, by name.
//!
//! One export with the method's name as its first argument instead of forty: what each one adds to
//! the wasm and to its JavaScript glue is then just its own line here.

use std::rc::Rc;

use futures::future::LocalBoxFuture;

use crate::{
    domain::{
        event::AppendRequest,
        filter::ListQuery,
        grant::SessionScope,
        json::{FromJson, Reader, ToJson, from_json},
        key::{ProcessId, ScopeId},
        lease::{LeaseOwner, ProcessLease},
        parse::parse,
        value::Json,
    },
    error::{Code, Error, Result},
    operation::{self, Plan},
    registry::ProcessRegistry,
    store::{EventRange, Live, Query},
    text::{text, whole_number},
    watch::ProcessAwaiter,
};

/// A method with its arguments.
pub enum Call {
    /// Changes something.
    Execute(Plan),
    /// Asks something.
    Ask(Query),
    /// Appends, perhaps on behalf of a scope, and shows the event to the sink.
    Append(Option<ScopeId>, ProcessId, AppendRequest),
    /// Prunes, in as many transactions as it takes.
    Prune(u64),
    /// Reclaims, once the holder is proven dead.
    Reclaim(ProcessLease, LeaseOwner, u64),
}

/// A wait with its arguments.
pub enum Wait {
    /// For the outcome.
    Terminal(ProcessId),
    /// For the first event of a type after a sequence; perhaps only until the process ends.
    Event(ProcessId, String, u64, bool),
    /// For the next events after a sequence; perhaps only until the process ends.
    Events(ProcessId, u64, Option<Vec<String>>, bool),
    /// For the death of an owner.
    Gone(LeaseOwner),
}

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

    fn scope(&mut self) -> Result<ScopeId> {
        let scope: SessionScope = self.take("scope");
        self.end()?;
        scope.check()?;
        Ok(scope.id())
    }

    /// [`Code::InvalidArgument`] where an argument was wrong; it names the place.
    pub fn end(&self) -> Result<()> {
        self.reader.end().map_err(|fault| Error::invalid(fault.text()))
    }

    /// The method of that name with these arguments.
    pub fn call(mut self, method: &str, registry: &ProcessRegistry) -> Result<Call> {
        let call = match (method, self.write(method, registry)?) {
            (_, Some(operation)) => Call::Execute(operation),
            ("session", None) => self.view()?,
            (_, None) => self.other(method)?,
        };
        self.end()?;
        Ok(call)
    }

    fn write(&mut self, method: &str, registry: &ProcessRegistry) -> Result<Option<Plan>> {
        let schemas = registry.schemas();
        Ok(Some(match method {
            "registerProcess" => {
                let registration = self.take("registration");
                self.end()?;
                operation::register(registration, schemas)?.plan()
            }
            "setExternalRef" => operation::set_external_ref(self.id(), self.take("ref")).plan(),
            "setProcessWait" => operation::set_wait(self.id(), self.take("wait")).plan(),
            "clearProcessWait" => operation::clear_wait(self.id()).plan(),
            "completeProcess" => operation::complete(self.id(), self.take("output"), schemas).plan(),
            "completeProcessWithLease" => {
                operation::complete_with_lease(self.take("lease"), self.take("output"), schemas).plan()
            }
            "ackWake" => operation::ack_wake(self.id(), self.take("sequence")).plan(),
            "grantHandle" => operation::grant(self.take("scope"), self.id(), self.take("descriptor")).plan(),
            "revokeHandle" => operation::revoke(self.take("scope"), self.id()).plan(),
            "transferHandleGrants" => {
                operation::transfer(self.take("from"), self.take("to"), self.take("processIds")).plan()
            }
            "deleteSessionProcessState" => operation::delete_session(self.take("sessionId")).plan(),
            "claimProcessLease" => {
                let token = registry.lease_token();
                operation::claim(self.id(), self.take("owner"), self.take("ttlMs"), token).plan()
            }
            "renewProcessLease" => operation::renew(self.take("lease"), self.take("ttlMs")).plan(),
            "completeProcessLease" => operation::release(self.id(), self.take("lease.leaseToken")).plan(),
            _ => return Ok(None),
        }))
    }

    /// A method as a scope may call it: `session(scope, method, …)`.
    fn view(&mut self) -> Result<Call> {
        let (scope, method): (_, String) = (self.scope()?, self.take("method"));
        let allowed = ["listProcesses", "getProcess", "eventsAfter", "signal", "requestCancel"];
        let call = self.other(allowed.into_iter().find(|name| *name == method).unwrap_or_default())?;
        Ok(match call {
            Call::Ask(Query::Processes(list)) => Call::Ask(Query::GrantsOfScope(scope, list)),
            Call::Ask(query) => Call::Ask(Query::Viewed(scope, Box::new(query))),
            Call::Append(_, id, request) => Call::Append(Some(scope), id, request),
            Call::Execute(_) | Call::Prune(_) | Call::Reclaim(..) => call,
        })
    }

    fn other(&mut self, method: &str) -> Result<Call> {
        Ok(Call::Ask(match method {
            "appendEvent" => return Ok(Call::Append(None, self.id(), self.take("request"))),
            "requestCancel" => {
                let (id, reason): (_, Option<String>) = (self.id(), self.take("reason"));
                let request = AppendRequest::cancel(&id, reason.as_deref());
                return Ok(Call::Append(None, id, request));
            }
            "signal" => {
                let (id, name, payload): (_, String, _) = (self.id(), self.take("name"), self.take("payload"));
                let signal_id: Option<String> = self.take("signalId");
                self.end()?;
                return Ok(Call::Append(None, id, AppendRequest::signal(&name, payload, signal_id.as_deref())?));
            }
            "pruneTerminalProcesses" => return Ok(Call::Prune(self.take("cutoffMs"))),
            "reclaimProcessLease" => {
                let (id, owner, observed) = (self.id(), self.take("owner"), self.take::<ProcessLease>("observed"));
                let ttl = self.take("ttlMs");
                self.end()?;
                if observed.process_id != id {
                    return Err(Error::invalid("observed is the lease of another process"));
                }
                return Ok(Call::Reclaim(observed, owner, ttl));
            }
            "getProcess" => Query::Process(self.id()),
            "listProcesses" => Query::Processes(ListQuery::new(&self.take("filter"), self.take("page"))),
            "listNonTerminal" => Query::Processes(ListQuery::non_terminal(self.take("page"))),
            "changedSince" => {
                let cursor: Option<String> = self.take("cursor");
                let point = cursor.map_or(Some(0), |cursor| whole_number(&cursor));
                let point = point.ok_or_else(|| Error::invalid("cursor is not one that changedSince gave"))?;
                Query::Changes(point, self.take("limit"))
            }
            "eventsAfter" => {
                let (id, after) = (self.id(), self.take("afterSequence"));
                let EventQuery { limit, types } = self.take("query");
                Query::Events(id, EventRange::After { after, limit, types })
            }
            "recentEvents" => Query::Events(self.id(), EventRange::Last(self.take("limit"))),
            "countEventsThrough" => Query::Count(self.id(), self.take("eventType"), self.take("upToSequence")),
            "wakeEventsAfter" => Query::Events(self.id(), EventRange::Unacked(self.take("afterSequence"))),
            "listHandleGrants" => Query::GrantsOfScope(self.scope()?, Live::Any.into()),
            "listLiveHandleGrants" => Query::GrantsOfScope(self.scope()?, Live::Only.into()),
            "hasHandleGrant" => Query::IsGranted(self.scope()?, self.id()),
            "handleGrantsForProcess" => Query::GrantsOfProcess(self.id()),
            "getProcessLease" => Query::Lease(self.id()),
            _ => return Err(Error::new(Code::Internal, text!["no method `", method, "`"])),
        }))
    }

    /// The wait of that name with these arguments, and the scope that it is on behalf of.
    pub fn wait(mut self, method: &str) -> Result<(Option<ScopeId>, Wait)> {
        let (scope, method) = match method {
            "session" => (Some(self.scope()?), self.take("method")),
            _ => (None, method.to_owned()),
        };
        let wait = match method.as_str() {
            "awaitTerminal" => Wait::Terminal(self.id()),
            "awaitEvent" => {
                Wait::Event(self.id(), self.take("eventType"), self.take("afterSequence"), self.take("untilTerminal"))
            }
            "awaitEvents" => {
                Wait::Events(self.id(), self.take("after"), self.take("types"), self.take("untilTerminal"))
            }
            "ownerGone" => Wait::Gone(self.take("owner")),
            _ => return Err(Error::new(Code::Internal, text!["no wait `", method, "`"])),
        };
        self.end()?;
        Ok((scope, wait))
    }
}

impl Call {
    /// Does it, and answers as JavaScript is to see it.
    pub async fn perform(self, registry: &ProcessRegistry) -> Result<Json> {
        let reply: Rc<dyn ToJson> = match self {
            Call::Execute(plan) => return Ok(registry.run(plan).await?.to_json()),
            Call::Ask(query) => {
                let query = Rc::new(query);
                return registry.read(Rc::clone(&query)).await?.to_json(&query);
            }
            Call::Append(scope, id, request) => Rc::new(registry.append_for(scope, &id, request).await?),
            Call::Prune(cutoff) => Rc::new(registry.prune(cutoff).await?),
            Call::Reclaim(observed, owner, ttl) => Rc::new(registry.reclaim(observed, owner, ttl).await?),
        };
        Ok(reply.to_json())
    }
}

impl Wait {
    /// Waits, and answers as JavaScript is to see it. Each kind of wait is boxed at its own size: there may be thousands.
    pub fn perform(self, registry: &ProcessRegistry, awaiter: ProcessAwaiter) -> LocalBoxFuture<'static, Result<Json>> {
        match self {
            Wait::Terminal(id) => Box::pin(async move { Ok(awaiter.await_terminal(&id).await?.to_json()) }),
            Wait::Event(id, event_type, after, until_terminal) => {
                Box::pin(
                    async move { Ok(awaiter.await_event(&id, &event_type, after, until_terminal).await?.to_json()) },
                )
            }
            Wait::Events(id, after, types, until_terminal) => {
                Box::pin(async move { Ok(awaiter.await_events(&id, after, types, until_terminal).await?.to_json()) })
            }
            Wait::Gone(owner) => {
                let gone = registry.owner_gone(&owner);
                Box::pin(async move { gone.await.map(|()| Json::Null) })
            }
        }
    }
}
