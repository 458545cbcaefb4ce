//! The calls that the cases make of a registry, whatever language lies before it.
//!
//! The rules have one registry, in Rust. What is tested may be that one, or what callers in another language are given.

#![allow(async_fn_in_trait, reason = "everything here runs on one thread")]

use std::rc::Rc;

use longwait_core::{
    Error, ProcessAwaiter, ProcessRegistry, Result, SessionView,
    model::{
        Millis,
        attachment::{Attachment, AttachmentInfo},
        event::{AppendResult, ProcessEvent},
        export::ExportedEvent,
        filter::{ListFilter, Page},
        fork::Renames,
        grant::{HandleDescriptor, HandleEntry, HandleGrant, SessionScope},
        key::{ProcessId, SessionId},
        lease::{LeaseClaim, LeaseOwner, ProcessLease},
        payload::Payload,
        policy::Policy,
        process::{NewProcess, ProcessAwaitOutput, ProcessExternalRef, ProcessRecord, WaitState},
        reports::{PruneReport, SessionDeleteReport},
        stream::StreamInfo,
    },
    notify::{ChangeReceiver, EventBatch, ProcessChangeHub},
    store::{Changes, EventRange, Live, Point, Store},
};
use serde_json::{Value, json};

use crate::{AsJson, made, read, to};

/// Defines a trait, and implements it for the type of the rules by that type's own methods.
macro_rules! as_it_is {
    (
        $(#[$doc:meta])*
        $name:ident for $native:ty {
            $(type $kind:ident: $bound:path = $of:ty;)*
        }
        async { $(fn $call:ident($($given:ident: $type:ty),*) -> $answer:ty;)* }
        now { $(fn $now:ident($($now_given:ident: $now_type:ty),*) -> $now_answer:ty;)* }
        $(more { $($more:tt)* } as { $($made:tt)* })?
    ) => {
        $(#[$doc])*
        #[allow(missing_docs, reason = "each is documented where the rules have it")]
        pub trait $name: Clone + 'static {
            $(type $kind: $bound;)*
            $(async fn $call(&self, $($given: $type),*) -> $answer;)*
            $(fn $now(&self, $($now_given: $now_type),*) -> $now_answer;)*
            $($($more)*)?
        }

        impl $name for $native {
            $(type $kind = $of;)*
            $(async fn $call(&self, $($given: $type),*) -> $answer {
                <$native>::$call(self, $($given),*).await
            })*
            $(fn $now(&self, $($now_given: $now_type),*) -> $now_answer {
                <$native>::$now(self, $($now_given),*)
            })*
            $($($made)*)?
        }
    };
}

as_it_is! {
    /// A registry. What may be of a wrong shape is given as the JSON that a caller writes, so that the border refuses it.
    AnyRegistry for ProcessRegistry {
        type Hub: AnyHub = ProcessChangeHub;
        type Awaiter: AnyAwaiter = ProcessAwaiter;
        type View: AnyView = SessionView;
        type Rows: Clone = Rc<dyn Store>;
    }
    async {
        fn process(id: &ProcessId) -> Result<Option<ProcessRecord>>;
        fn list(filter: &ListFilter, page: Page) -> Result<Vec<ProcessRecord>>;
        fn count(filter: &ListFilter) -> Result<u64>;
        fn list_non_terminal(page: Page) -> Result<Vec<ProcessRecord>>;
        fn pause_process(id: &ProcessId, reason: Option<String>) -> Result<ProcessRecord>;
        fn resume_process(id: &ProcessId) -> Result<ProcessRecord>;
        fn changed_since(cursor: Option<Point>, limit: Option<u64>) -> Result<Changes>;
        fn set_external_ref(id: &ProcessId, external_ref: ProcessExternalRef) -> Result<ProcessRecord>;
        fn set_wait(id: &ProcessId, wait: WaitState) -> Result<ProcessRecord>;
        fn clear_wait(id: &ProcessId) -> Result<ProcessRecord>;
        fn prune(cutoff: Millis) -> Result<PruneReport>;
        fn delete(id: &ProcessId, force: bool) -> Result<()>;
        fn attachments(id: &ProcessId) -> Result<Vec<AttachmentInfo>>;
        fn delete_attachment(id: &ProcessId, name: String) -> Result<()>;
        fn streams(id: &ProcessId) -> Result<Vec<StreamInfo>>;
        fn signal(id: &ProcessId, name: &str, payload: Payload, signal_id: Option<&str>) -> Result<AppendResult>;
        fn request_cancel(id: &ProcessId, reason: Option<&str>) -> Result<AppendResult>;
        fn events(id: &ProcessId, range: EventRange) -> Result<Vec<Rc<ProcessEvent>>>;
        fn count_events(id: &ProcessId, event_type: &str, up_to: u64) -> Result<u64>;
        fn ack_wake(id: &ProcessId, sequence: u64) -> Result<()>;
        fn grant(scope: SessionScope, id: &ProcessId, descriptor: HandleDescriptor) -> Result<HandleGrant>;
        fn revoke(scope: SessionScope, id: &ProcessId) -> Result<()>;
        fn transfer(from: SessionScope, to: SessionScope, ids: Vec<ProcessId>) -> Result<()>;
        fn grants(scope: &SessionScope, live: Live) -> Result<Vec<HandleEntry>>;
        fn is_granted(scope: &SessionScope, id: &ProcessId) -> Result<bool>;
        fn grants_of_process(id: &ProcessId) -> Result<Vec<HandleGrant>>;
        fn delete_session(session: &SessionId) -> Result<SessionDeleteReport>;
        fn claim(id: &ProcessId, owner: LeaseOwner, ttl: Millis) -> Result<LeaseClaim>;
        fn reclaim(observed: ProcessLease, owner: LeaseOwner, ttl: Millis) -> Result<LeaseClaim>;
        fn renew(held: ProcessLease, ttl: Millis) -> Result<ProcessLease>;
        fn release(id: &ProcessId, token: String) -> Result<()>;
        fn lease(id: &ProcessId) -> Result<Option<ProcessLease>>;
        fn owner_gone_within(owner: &LeaseOwner, limit: Option<Millis>) -> Result<()>;
    }
    now {
        fn session(scope: &SessionScope) -> Result<SessionViewOf<Self>>;
        fn close() -> ();
    }
    more {
        /// Its attachments are texts, each made by [`blob`].
        async fn register_json(&self, registration: Value) -> Result<ProcessRecord>;
        async fn register_all_json(&self, registrations: Vec<Value>) -> Result<Vec<ProcessRecord>>;
        /// Attaches a text of the type `text/plain`.
        async fn put_text(
            &self,
            id: &ProcessId,
            name: &str,
            text: &str,
            held: Option<ProcessLease>,
        ) -> Result<AttachmentInfo>;
        /// What is attached under a name, as a text.
        async fn attached_text(&self, id: &ProcessId, name: &str) -> Result<Option<String>>;
        async fn fork_json(&self, id: &ProcessId, options: Value) -> Result<ProcessRecord>;
        /// A whole process as a document of its parts; attachments are texts, each made by [`blob`].
        async fn export_json(&self, id: &ProcessId) -> Result<Value>;
        /// Imports such a document, with the ids of the object `renames` in place of those that it names: `imported` or `existing`.
        async fn import_json(&self, document: Value, renames: Value) -> Result<String>;
        async fn append_json(&self, id: &ProcessId, request: Value) -> Result<AppendResult>;
        async fn append_all_json(&self, id: &ProcessId, requests: Vec<Value>) -> Result<Vec<AppendResult>>;
        async fn complete_json(&self, id: &ProcessId, output: Value) -> Result<ProcessRecord>;
        async fn complete_with_lease_json(&self, held: ProcessLease, output: Value) -> Result<ProcessRecord>;
        /// Waits that hear the hub.
        fn awaiter(&self, hub: &Self::Hub) -> Self::Awaiter;
        /// Waits that hear nothing.
        fn polling(&self) -> Self::Awaiter;
    } as {
        async fn register_json(&self, registration: Value) -> Result<ProcessRecord> {
            Ok(self.register_with(new_process(registration)?, None).await?.record)
        }

        async fn register_all_json(&self, registrations: Vec<Value>) -> Result<Vec<ProcessRecord>> {
            self.register_all(registrations.into_iter().map(new_process).collect::<Result<_>>()?).await
        }

        async fn put_text(
            &self,
            id: &ProcessId,
            name: &str,
            text: &str,
            held: Option<ProcessLease>,
        ) -> Result<AttachmentInfo> {
            self.put_attachment(id, text_attachment(name, text), held).await
        }

        async fn attached_text(&self, id: &ProcessId, name: &str) -> Result<Option<String>> {
            Ok(self.attachment(id, name).await?.map(|attachment| made(attachment.body.json())))
        }

        async fn fork_json(&self, id: &ProcessId, options: Value) -> Result<ProcessRecord> {
            self.fork(id, read(options)?).await
        }

        async fn export_json(&self, id: &ProcessId) -> Result<Value> {
            let head = self.export_head(id).await?.ok_or_else(|| Error::unknown_process(id))?;
            let life = head.process.life;
            let (mut events, mut chunks, mut attachments) = (Vec::new(), Vec::new(), Vec::new());
            while (events.len() as u64) < head.process.last_sequence {
                let page = self.export_events(id, life, events.len() as u64).await?.unwrap();
                events.extend(page.into_iter().map(|event| {
                    let acked = event.semantics.wake.is_some() && !head.unacked.contains(&event.sequence);
                    ExportedEvent { acked, ..event }.json()
                }));
            }
            for stream in &head.streams {
                let mut from = 0;
                while from < stream.chunks {
                    let page = self.export_chunks(id, life, &stream.name, from).await?.unwrap();
                    let Some(last) = page.last() else { break };
                    from = last.first + last.values.len() as u64;
                    chunks.extend(page.iter().map(AsJson::json));
                }
            }
            for info in &head.attachments {
                let text = self.attached_text(id, &info.name).await?.unwrap();
                attachments.push(json!({"info": info.json(), "body": blob(&text)}));
            }
            let streams: Vec<_> = head.streams.iter().map(AsJson::json).collect();
            Ok(json!({
                "process": head.process.json(), "events": events, "streams": streams, "chunks": chunks,
                "attachments": attachments,
            }))
        }

        async fn import_json(&self, mut document: Value, renames: Value) -> Result<String> {
            for attachment in document["attachments"].as_array_mut().unwrap() {
                attachment["body"] = attachment["body"]["blob"].take();
            }
            let renamed = |(from, to): (&String, &Value)| (from.as_str().into(), to.as_str().unwrap().into());
            let renames = Renames::of_processes(renames.as_object().unwrap().iter().map(renamed));
            let imported = self.import(&read(document)?, &renames).await?;
            Ok(made(imported.json()))
        }

        async fn append_json(&self, id: &ProcessId, request: Value) -> Result<AppendResult> {
            self.append(id, read(request)?).await
        }

        async fn append_all_json(&self, id: &ProcessId, requests: Vec<Value>) -> Result<Vec<AppendResult>> {
            self.append_all(id, requests.into_iter().map(read).collect::<Result<_>>()?).await
        }

        async fn complete_json(&self, id: &ProcessId, output: Value) -> Result<ProcessRecord> {
            self.complete(id, read(output)?).await
        }

        async fn complete_with_lease_json(&self, held: ProcessLease, output: Value) -> Result<ProcessRecord> {
            self.complete_with_lease(held, read(output)?).await
        }

        fn awaiter(&self, hub: &ProcessChangeHub) -> ProcessAwaiter {
            ProcessAwaiter::new(self.clone(), hub.clone())
        }

        fn polling(&self) -> ProcessAwaiter {
            ProcessAwaiter::polling(self.clone())
        }
    }
}

/// A text to attach, as it stands in the JSON of a registration.
pub fn blob(text: &str) -> Value {
    json!({"blob": text})
}

fn text_attachment(name: &str, text: &str) -> Attachment {
    let info = json!({"name": name, "size": text.len(), "type": "text/plain"});
    Attachment { info: made(info), body: to(text.into()) }
}

/// Takes a registration apart in which everything stands that a caller in JavaScript puts there.
fn new_process(mut registration: Value) -> Result<NewProcess> {
    let mut take = |field: &str| registration.as_object_mut().and_then(|fields| fields.remove(field));
    let mut policy = json!({});
    for field in Policy::FIELDS {
        if let Some(given) = take(field) {
            policy[field] = given;
        }
    }
    let given = take("attachments").unwrap_or_default();
    let texts = given.as_object().into_iter().flatten();
    let attachments =
        texts.map(|(name, blob)| Rc::new(text_attachment(name, blob["blob"].as_str().unwrap()))).collect();
    Ok(NewProcess { attachments, ..NewProcess::new(read(registration)?, read(policy)?) })
}

type SessionViewOf<R> = <R as AnyRegistry>::View;

as_it_is! {
    /// Waits for processes.
    AnyAwaiter for ProcessAwaiter {}
    async {
        fn await_terminal(id: &ProcessId) -> Result<ProcessAwaitOutput>;
        fn await_event(id: &ProcessId, event_type: &str, after: u64, until_terminal: bool) -> Result<Rc<ProcessEvent>>;
        fn await_events(id: &ProcessId, after: u64, types: Option<Vec<String>>, until_terminal: bool) -> Result<EventBatch>;
    }
    now {}
    more {
        #[must_use]
        fn within(self, limit: Option<Millis>) -> Self;
    } as {
        fn within(self, limit: Option<Millis>) -> Self {
            ProcessAwaiter::within(self, limit)
        }
    }
}

as_it_is! {
    /// What a session sees.
    AnyView for SessionView {}
    async {
        fn list(filter: &ListFilter) -> Result<Vec<HandleEntry>>;
        fn process(id: &ProcessId) -> Result<Option<ProcessRecord>>;
        fn events(id: &ProcessId, range: EventRange) -> Result<Vec<Rc<ProcessEvent>>>;
        fn await_terminal(id: &ProcessId) -> Result<ProcessAwaitOutput>;
        fn await_event(id: &ProcessId, event_type: &str, after: u64, until_terminal: bool) -> Result<Rc<ProcessEvent>>;
        fn signal(id: &ProcessId, name: &str, payload: Payload, signal_id: Option<&str>) -> Result<AppendResult>;
        fn request_cancel(id: &ProcessId, reason: Option<&str>) -> Result<AppendResult>;
    }
    now {}
}

as_it_is! {
    /// Tells waiters to look again.
    AnyHub for ProcessChangeHub {
        type Receiver: AnyReceiver = ChangeReceiver;
    }
    async {}
    now {
        fn notify(id: &ProcessId) -> ();
        fn subscribe(id: &ProcessId) -> ChangeReceiverOf<Self>;
        fn tracked_processes() -> usize;
    }
}

type ChangeReceiverOf<H> = <H as AnyHub>::Receiver;

/// Hears of the changes of one process.
pub trait AnyReceiver {
    /// Resolves at the next change.
    async fn changed(&self);
}

impl AnyReceiver for ChangeReceiver {
    async fn changed(&self) {
        ChangeReceiver::changed(self).await;
    }
}
