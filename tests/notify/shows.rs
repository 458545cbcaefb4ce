//! Sinks: in append order per process, awaited, and free to call back.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{FutureExt, channel::oneshot, future::LocalBoxFuture};
use longwait::{
    ProcessEventSink, ProcessRegistry,
    model::event::{AppendRequest, ProcessEvent},
    watch_process_registry_with_sink,
};
use serde_json::json;

use crate::{
    hand::{Hand, now},
    held::{Held, Hold},
    support::{World, after, sequences},
};

/// A sink that a test keeps waiting, one call at a time.
#[derive(Default)]
struct Slow {
    shown: RefCell<Vec<String>>,
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
    hurries: Cell<bool>,
}

impl Slow {
    fn shown(&self) -> Vec<String> {
        self.shown.borrow().clone()
    }

    /// Ends the call that waits longest.
    fn end_first(&self) {
        drop(self.waiting.borrow_mut().remove(0));
    }
}

impl ProcessEventSink for Slow {
    fn emit(&self, event: &ProcessEvent) -> LocalBoxFuture<'static, ()> {
        self.shown.borrow_mut().push(format!("{} {}", event.process_id, event.sequence));
        if self.hurries.get() {
            return futures::future::ready(()).boxed_local();
        }
        let (end, ended) = oneshot::channel();
        self.waiting.borrow_mut().push(end);
        ended.map(drop).boxed_local()
    }
}

/// A registry over a store that can be held, with running processes `p` and `q`, shown to a sink.
fn shown_to<S: ProcessEventSink + 'static>(sink: S) -> (ProcessRegistry, Rc<S>, Rc<Hold>, World) {
    let place = Held::default();
    let hold = place.hold.clone();
    let world = now(World::new(Rc::new(place)));
    let sink = Rc::new(sink);
    let (registry, _) = watch_process_registry_with_sink(world.registry.clone(), sink.clone());
    now(world.start("p"));
    now(world.start("q"));
    (registry, sink, hold, world)
}

fn note<'a>(registry: &'a ProcessRegistry, id: &'a str) -> Hand<'a, u64> {
    Hand::new(async move {
        let request = AppendRequest::new("note", Default::default());
        registry.append(&id.into(), request).await.unwrap().event.sequence
    })
}

#[test]
fn an_append_waits_for_the_sink() {
    let (registry, sink, _, world) = shown_to(Slow::default());
    let mut append = note(&registry, "p");
    assert_eq!(append.run(), None);
    assert_eq!((sink.shown(), sequences(&now(world.log("p")))), (vec!["p 1".to_owned()], vec![1]));
    sink.end_first();
    assert_eq!(append.run(), Some(1));
}

#[test]
fn a_slow_sink_is_called_in_append_order() {
    let (registry, sink, _, _) = shown_to(Slow::default());
    let mut appends = [note(&registry, "p"), note(&registry, "p"), note(&registry, "p")];
    for append in &mut appends {
        assert_eq!(append.run(), None);
    }
    assert_eq!(sink.shown(), ["p 1", "p 2", "p 3"]);
    let [first, second, third] = &mut appends;
    sink.end_first();
    assert_eq!((first.run(), second.run(), third.run()), (Some(1), None, None));
    sink.end_first();
    sink.end_first();
    assert_eq!((third.run(), second.run()), (Some(3), Some(2)));
}

#[test]
fn a_commit_that_is_reported_late_is_still_shown_first() {
    let (registry, sink, hold, _) = shown_to(Slow::default());
    sink.hurries.set(true);
    hold.hold_writes();
    let (mut first, mut second) = (note(&registry, "p"), note(&registry, "p"));
    assert_eq!((first.run(), second.run()), (None, None));
    hold.let_last_go();
    assert_eq!((second.run(), sink.shown().len()), (None, 0), "the first one has not been shown yet");
    hold.let_go();
    assert_eq!(first.run(), Some(1));
    assert_eq!(second.run(), Some(2));
    assert_eq!(sink.shown(), ["p 1", "p 2"]);
}

#[test]
fn processes_do_not_wait_for_each_others_sinks() {
    let (registry, sink, hold, _) = shown_to(Slow::default());
    sink.hurries.set(true);
    hold.hold_writes();
    let (mut on_p, mut on_q) = (note(&registry, "p"), note(&registry, "q"));
    assert_eq!((on_p.run(), on_q.run()), (None, None));
    hold.let_last_go();
    assert_eq!((on_q.run(), on_p.run()), (Some(1), None));
    assert_eq!(sink.shown(), ["q 1"]);
}

#[test]
fn an_append_that_fails_or_is_given_up_does_not_keep_later_ones_waiting() {
    let (registry, sink, hold, world) = shown_to(Slow::default());
    sink.hurries.set(true);
    hold.hold_writes();
    let p = "p".into();
    let mut given_up = note(&registry, "p");
    let mut fails = Hand::new(registry.append(&p, AppendRequest::new("nonsense", Default::default())));
    let mut replays = Hand::new(registry.append(&p, AppendRequest::new("note", Default::default()).keyed("k")));
    let mut last = note(&registry, "p");
    assert!(given_up.run().is_none() && fails.run().is_none() && replays.run().is_none());
    assert_eq!(last.run(), None);
    drop(given_up);
    hold.let_go();
    assert!(fails.run().unwrap().is_err());
    assert!(replays.run().unwrap().is_ok());
    assert_eq!(last.run(), Some(3));
    assert_eq!(sink.shown(), ["p 2", "p 3"]);
    assert_eq!(now(world.log("p")).len(), 3, "giving up did not undo the append");
}

#[test]
fn an_append_given_up_while_its_sink_is_slow_stays() {
    let (registry, sink, _, world) = shown_to(Slow::default());
    let mut append = note(&registry, "p");
    assert_eq!(append.run(), None);
    drop(append);
    assert_eq!(sequences(&now(world.log("p"))), [1]);
    sink.hurries.set(true);
    assert_eq!(note(&registry, "p").run(), Some(2));
    assert_eq!(sink.shown(), ["p 1", "p 2"]);
}

/// A sink that answers each event of `p` with one more, up to five, and reads the log meanwhile.
#[derive(Default)]
struct Echo {
    registry: RefCell<Option<ProcessRegistry>>,
    shown: RefCell<Vec<u64>>,
    /// Whether the append is begun inside of the call itself, not in its future.
    at_once: Cell<bool>,
}

impl ProcessEventSink for Echo {
    fn emit(&self, event: &ProcessEvent) -> LocalBoxFuture<'static, ()> {
        self.shown.borrow_mut().push(event.sequence);
        let Some(registry) = self.registry.borrow().clone() else { return async {}.boxed_local() };
        let (id, sequence) = (event.process_id.clone(), event.sequence);
        let mut answer = async move {
            let log = registry.events(&id, after(0)).await.unwrap();
            assert_eq!(log.last().unwrap().sequence, sequence, "shown before the commit");
            if sequence < 5 {
                let request = AppendRequest::new("note", Default::default());
                assert_eq!(registry.append(&id, request).await.unwrap().event.sequence, sequence + 1);
            }
        }
        .boxed_local();
        if self.at_once.get() && (&mut answer).now_or_never().is_some() {
            return async {}.boxed_local();
        }
        answer
    }
}

#[test]
fn a_sink_may_append_to_the_process_that_it_is_shown() {
    let (registry, sink, _, world) = shown_to(Echo::default());
    sink.registry.replace(Some(registry.clone()));
    assert_eq!(note(&registry, "p").run(), Some(1));
    assert_eq!(*sink.shown.borrow(), [1, 2, 3, 4, 5]);
    assert_eq!(sequences(&now(world.log("p"))), [1, 2, 3, 4, 5]);
    sink.registry.take();
}

#[test]
fn a_sink_may_begin_an_append_inside_of_its_call() {
    let (registry, sink, _, world) = shown_to(Echo::default());
    sink.registry.replace(Some(registry.clone()));
    sink.at_once.set(true);
    assert_eq!(note(&registry, "p").run(), Some(1));
    assert_eq!(*sink.shown.borrow(), [1, 2, 3, 4, 5]);
    assert_eq!(sequences(&now(world.log("p"))), [1, 2, 3, 4, 5]);
    sink.registry.take();
}

#[test]
fn a_sink_is_shown_what_is_inserted_and_nothing_else() {
    let (registry, sink, _, world) = shown_to(Slow::default());
    sink.hurries.set(true);
    let p = "p".into();
    let keyed = || AppendRequest::new("note", Default::default()).keyed("k");
    now(registry.append(&p, keyed())).unwrap();
    now(registry.append(&p, keyed())).unwrap();
    now(registry.append(&p, AppendRequest::new("nonsense", Default::default()))).unwrap_err();
    let output = crate::support::success(json!(1));
    now(registry.complete(&p, output.clone())).unwrap();
    now(registry.complete(&p, output)).unwrap();
    assert_eq!(note(&registry, "p").run(), Some(3));
    assert_eq!(sink.shown(), ["p 1", "p 3"]);
    assert_eq!(now(world.log("p")).len(), 3);
}
