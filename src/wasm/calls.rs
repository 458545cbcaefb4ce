//! The methods of a registry, by name.
//!
//! One export with the method's name as its first argument instead of forty: what each one adds to
//! the wasm and to its JavaScript glue is then just its own line here.

use std::rc::Rc;

use js_sys::Array;

use crate::{
    domain::{
        event::AppendRequest,
        filter::ListQuery,
        grant::SessionScope,
        json::{FromJson, Reader, ToJson, from_json},
        key::{ProcessId, ScopeId},
        lease::{LeaseOwner, ProcessLease},
        value::Json,
    },
    error::{Code, Error, Result},
    host::browser::from_js,
    operation::{self, Operation},
    registry::ProcessRegistry,
    store::{EventRange, Live, Query},
    watch::ProcessAwaiter,
};

/// A method with its arguments.
pub enum Call {
    /// Changes something.
    Execute(Operation<Json>),
    /// Asks something.
    Ask(Query),
    /// Appends, and shows the event to the sink.
    Append(ProcessId, AppendRequest),
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
    /// Arguments as JavaScript gave them.
    pub fn new(given: &Array) -> Self {
        let values: Vec<_> = given.iter().map(|value| from_js(&value)).collect();
        Self { left: values.into_iter(), reader: Reader::default() }
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
        self.reader.end().map_err(|fault| Error::invalid(fault.to_string()))
    }

    /// The method of that name with these arguments.
    pub fn call(mut self, method: &str, registry: &ProcessRegistry) -> Result<Call> {
        let call = self.write(method, registry)?;
        let call = match call {
            Some(operation) => Call::Execute(operation),
            None => self.other(method)?,
        };
        self.end()?;
        Ok(call)
    }

    fn write(&mut self, method: &str, registry: &ProcessRegistry) -> Result<Option<Operation<Json>>> {
        let schemas = &registry.schemas;
        Ok(Some(match method {
            "registerProcess" => {
                let registration = self.take("registration");
                self.end()?;
                operation::register(registration, schemas)?.into_json()
            }
            "setExternalRef" => operation::set_external_ref(self.id(), self.take("ref")).into_json(),
            "setProcessWait" => operation::set_wait(self.id(), self.take("wait")).into_json(),
            "clearProcessWait" => operation::clear_wait(self.id()).into_json(),
            "completeProcess" => operation::complete(self.id(), self.take("output"), schemas).into_json(),
            "completeProcessWithLease" => {
                operation::complete_with_lease(self.take("lease"), self.take("output"), schemas).into_json()
            }
            "ackWake" => operation::ack_wake(self.id(), self.take("sequence")).into_json(),
            "grantHandle" => operation::grant(self.take("scope"), self.id(), self.take("descriptor")).into_json(),
            "revokeHandle" => operation::revoke(self.take("scope"), self.id()).into_json(),
            "transferHandleGrants" => {
                operation::transfer(self.take("from"), self.take("to"), self.take("processIds")).into_json()
            }
            "deleteSessionProcessState" => operation::delete_session(self.take("sessionId")).into_json(),
            "claimProcessLease" => {
                let token = registry.lease_token();
                operation::claim(self.id(), self.take("owner"), self.take("ttlMs"), token).into_json()
            }
            "renewProcessLease" => operation::renew(self.take("lease"), self.take("ttlMs")).into_json(),
            "completeProcessLease" => operation::release(self.id(), self.take("lease.leaseToken")).into_json(),
            _ => return Ok(None),
        }))
    }

    fn other(&mut self, method: &str) -> Result<Call> {
        Ok(Call::Ask(match method {
            "appendEvent" => return Ok(Call::Append(self.id(), self.take("request"))),
            "requestCancel" => {
                let (id, reason): (_, Option<String>) = (self.id(), self.take("reason"));
                let request = AppendRequest::cancel(&id, reason.as_deref());
                return Ok(Call::Append(id, request));
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
                let point = cursor.map_or(Ok(0), |cursor| cursor.parse());
                let point = point.map_err(|_| Error::invalid("cursor is not one that changedSince gave"))?;
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
            "listHandleGrants" => Query::GrantsOfScope(self.scope()?, Live::Any),
            "listLiveHandleGrants" => Query::GrantsOfScope(self.scope()?, Live::Only),
            "hasHandleGrant" => Query::IsGranted(self.scope()?, self.id()),
            "handleGrantsForProcess" => Query::GrantsOfProcess(self.id()),
            "getProcessLease" => Query::Lease(self.id()),
            _ => return Err(Error::new(Code::Internal, format!("no method `{method}`"))),
        }))
    }

    /// The wait of that name with these arguments.
    pub fn wait(mut self, method: &str) -> Result<Wait> {
        let wait = match method {
            "awaitTerminal" => Wait::Terminal(self.id()),
            "awaitEvent" => {
                Wait::Event(self.id(), self.take("eventType"), self.take("afterSequence"), self.take("untilTerminal"))
            }
            "awaitEvents" => {
                Wait::Events(self.id(), self.take("after"), self.take("types"), self.take("untilTerminal"))
            }
            "ownerGone" => Wait::Gone(self.take("owner")),
            _ => return Err(Error::new(Code::Internal, format!("no wait `{method}`"))),
        };
        self.end()?;
        Ok(wait)
    }
}

impl Call {
    /// Does it, and answers as JavaScript is to see it.
    pub async fn perform(self, registry: &ProcessRegistry) -> Result<Json> {
        let reply: Rc<dyn ToJson> = match self {
            Call::Execute(operation) => return registry.execute(operation).await,
            Call::Ask(query) => return registry.read(query.clone()).await?.into_json(&query),
            Call::Append(id, request) => Rc::new(registry.append(&id, request).await?),
            Call::Prune(cutoff) => Rc::new(registry.prune(cutoff).await?),
            Call::Reclaim(observed, owner, ttl) => Rc::new(registry.reclaim(observed, owner, ttl).await?),
        };
        Ok(reply.to_json())
    }
}

impl Wait {
    /// Waits, and answers as JavaScript is to see it.
    pub async fn perform(self, registry: &ProcessRegistry, awaiter: &ProcessAwaiter) -> Result<Json> {
        Ok(match self {
            Wait::Terminal(id) => awaiter.await_terminal(&id).await?.to_json(),
            Wait::Event(id, event_type, after, until_terminal) => {
                awaiter.await_event(&id, &event_type, after, until_terminal).await?.to_json()
            }
            Wait::Events(id, after, types, until_terminal) => {
                awaiter.await_events(&id, after, types, until_terminal).await?.to_json()
            }
            Wait::Gone(owner) => {
                registry.owner_gone(&owner).await?;
                Json::Null
            }
        })
    }
}
