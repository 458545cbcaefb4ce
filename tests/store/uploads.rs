//! Attachments whose bodies an engine stores before the transaction, which may take long.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{
    FutureExt,
    future::{LocalBoxFuture, ready},
};
use longwait::{
    Code, Error, Result,
    host::{
        Spawn,
        latch::{Latch, Release, latch},
        turn,
    },
    model::attachment::AttachmentInfo,
    store::{
        Durability, Store,
        engine::{Connection, Engine, MemoryEngine, Traits, Upload},
        row_store::RowStore,
    },
};
use longwait_testing::{
    AnyRegistry, Place, Race, RacingEngine, RacingServer, World, blob,
    fake::{Counter, FakeClock},
    owner, payloads, refused, tasks,
};
use serde_json::json;

use crate::place::run;

/// An optimistic engine whose uploads end when the test says so.
#[derive(Clone)]
struct Uploading {
    inner: Rc<RacingEngine>,
    gate: Rc<RefCell<Option<Release>>>,
    opened: Latch,
    fails: Rc<Cell<bool>>,
    begun: Rc<RefCell<Vec<String>>>,
    stored: Rc<RefCell<Vec<String>>>,
}

impl Uploading {
    /// Lets all uploads end.
    fn ends(&self) {
        self.gate.take();
    }
}

fn name_of(Upload { process_id, attachment }: &Upload) -> String {
    format!("{process_id}/{}", attachment.info.name)
}

impl Engine for Uploading {
    fn durability(&self) -> Durability {
        self.inner.durability()
    }

    fn traits(&self) -> Traits {
        self.inner.traits()
    }

    fn connect(&self) -> LocalBoxFuture<'static, Result<Rc<dyn Connection>>> {
        self.inner.connect()
    }

    fn upload(&self, upload: &Upload) -> Option<LocalBoxFuture<'static, Result<()>>> {
        let name = name_of(upload);
        self.begun.borrow_mut().push(name.clone());
        let (stored, opened, fails) = (self.stored.clone(), self.opened.clone(), self.fails.get());
        let upload = async move {
            if !opened.is_released() {
                let _ = opened.released().await;
            }
            if fails {
                return Err(Error::new(Code::QuotaExceeded, "there is no room"));
            }
            stored.borrow_mut().push(name);
            Ok(())
        };
        Some(upload.boxed_local())
    }

    fn discard(&self, upload: &Upload) {
        let name = name_of(upload);
        self.stored.borrow_mut().retain(|stored| *stored != name);
    }

    fn forget(&self, generation: u64) {
        self.inner.forget(generation);
    }

    fn close(&self) {
        self.inner.close();
    }
}

/// The first tab uploads, the others do not.
struct Uploads {
    server: RacingServer,
    first: RefCell<Option<Uploading>>,
    names: Counter,
}

impl Place for Uploads {
    fn open(&self, clock: FakeClock) -> LocalBoxFuture<'static, Rc<dyn Store>> {
        let engine: Rc<dyn Engine> = match self.first.take() {
            Some(first) => Rc::new(first),
            None => Rc::new(self.server.tab(|_| Race::alone())),
        };
        let store = RowStore::new(engine, Rc::new(clock), Rc::new(tasks()), &self.names);
        ready(Rc::new(store) as Rc<dyn Store>).boxed_local()
    }

    fn remove(&self) -> LocalBoxFuture<'static, ()> {
        ready(()).boxed_local()
    }
}

async fn world() -> (World, Uploading) {
    let server = RacingServer::new(MemoryEngine::new("1d"), || 0, || 0);
    let (release, opened) = latch();
    let uploading = Uploading {
        inner: Rc::new(server.tab(|_| Race::alone())),
        gate: Rc::new(RefCell::new(Some(release))),
        opened,
        fails: Rc::default(),
        begun: Rc::default(),
        stored: Rc::default(),
    };
    let first = RefCell::new(Some(uploading.clone()));
    (World::new(Rc::new(Uploads { server, first, names: Counter::default() })).await, uploading)
}

fn with_file(id: &str) -> serde_json::Value {
    json!({"id": id, "attachments": {"file": blob("bytes")}, "eventTypes": [{"name": "note"}]})
}

async fn attach(world: &World, id: &str) -> Result<AttachmentInfo> {
    world.registry.put_text(&id.into(), "file", "bytes", None).await
}

fn note(payload: &str) -> serde_json::Value {
    json!({"eventType": "note", "payload": payload})
}

/// Begins something, and gives a look at what became of it.
fn begun<T: 'static>(work: impl Future<Output = T> + 'static) -> impl Fn() -> Option<T> {
    let outcome = Rc::new(RefCell::new(None));
    let keep = outcome.clone();
    tasks().spawn(work.map(move |done| drop(keep.replace(Some(done)))).boxed_local());
    move || outcome.take()
}

async fn some_turns() {
    for _ in 0..30 {
        turn().await;
    }
}

#[test]
fn beside_an_upload_other_processes_are_written_and_leases_renewed() {
    run(async {
        let (world, uploading) = world().await;
        let world = Rc::new(world);
        world.start("p").await;
        let held = world.lease("p", &owner("me", "1")).await;
        let attaching = world.clone();
        let attached = begun(async move { attach(&attaching, "p").await });
        some_turns().await;
        assert_eq!(*uploading.begun.borrow(), ["p/file"]);
        world.start("q").await;
        world.registry.renew(held, 60_000).await.unwrap();
        assert!(attached().is_none(), "the upload is under way");
        uploading.ends();
        some_turns().await;
        attached().unwrap().unwrap();
        assert_eq!(world.record("p").await.attachments.len(), 1);
        assert_eq!(*uploading.begun.borrow(), ["p/file"], "it is uploaded once");
    });
}

#[test]
fn what_is_called_on_its_process_since_runs_behind_it_in_order() {
    run(async {
        let (world, uploading) = world().await;
        let world = Rc::new(world);
        let (one, other, third) = (world.clone(), world.clone(), world.clone());
        let registered = begun(async move { one.register(with_file("p")).await });
        let first = begun(async move { other.append("p", note("first")).await });
        some_turns().await;
        let second = begun(async move { third.append("p", note("second")).await });
        some_turns().await;
        assert!(registered().is_none() && first().is_none() && second().is_none());
        uploading.ends();
        some_turns().await;
        registered().unwrap().unwrap();
        let sequences = [first(), second()].map(|appended| appended.unwrap().unwrap().event.sequence);
        assert_eq!(sequences, [1, 2]);
        assert_eq!(json!(payloads(&world.log("p").await)), json!(["first", "second"]));
    });
}

#[test]
fn an_upload_that_fails_is_the_fault_of_its_operation_alone() {
    run(async {
        let (world, uploading) = world().await;
        let world = Rc::new(world);
        world.start("p").await;
        uploading.fails.set(true);
        let (one, other) = (world.clone(), world.clone());
        let attached = begun(async move { attach(&one, "p").await });
        let appended = begun(async move { other.append("p", note("behind")).await });
        some_turns().await;
        uploading.ends();
        some_turns().await;
        assert_eq!(refused(attached().unwrap()), Code::QuotaExceeded);
        assert_eq!(appended().unwrap().unwrap().event.sequence, 1);
        assert_eq!(world.record("p").await.attachments, []);
    });
}

#[test]
fn what_is_refused_is_not_uploaded_and_what_is_refused_behind_an_upload_is_discarded() {
    run(async {
        let (world, uploading) = world().await;
        let (other, world) = (world.another().await, Rc::new(world));
        assert_eq!(refused(attach(&world, "unknown").await), Code::UnknownProcess);
        assert!(uploading.begun.borrow().is_empty());
        world.start("p").await;
        let attaching = world.clone();
        let attached = begun(async move { attach(&attaching, "p").await });
        some_turns().await;
        other.succeed("p").await;
        uploading.ends();
        some_turns().await;
        assert_eq!(refused(attached().unwrap()), Code::ProcessTerminal);
        assert!(uploading.stored.borrow().is_empty(), "it is discarded");
    });
}

#[test]
fn a_process_that_is_registered_alike_uploads_nothing_again() {
    run(async {
        let (world, uploading) = world().await;
        uploading.ends();
        for _ in 0..2 {
            world.register(with_file("p")).await.unwrap();
        }
        assert_eq!(*uploading.begun.borrow(), ["p/file"]);
    });
}

#[test]
fn writes_are_over_once_what_is_uploaded_is_written() {
    run(async {
        let (world, uploading) = world().await;
        let world = Rc::new(world);
        world.start("p").await;
        let (one, other) = (world.clone(), world.registry.clone());
        let attached = begun(async move { attach(&one, "p").await });
        some_turns().await;
        let over = begun(async move { other.writes_are_over().await });
        some_turns().await;
        assert!(over().is_none());
        uploading.ends();
        some_turns().await;
        assert!(over().is_some() && attached().unwrap().is_ok());
    });
}
