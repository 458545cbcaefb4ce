//! What only IndexedDB can do: be held, closed, lost, full, or newer than this build.

use std::rc::Rc;

use futures::{
    FutureExt,
    future::{join, join_all, select},
};
use longwait::{
    Code,
    model::payload::Payload,
    store::{EventRange, indexed_db::Flush},
};
use longwait_testing::fake::FakeClock;
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::{
    AsJson, World,
    indexed_db::{Database, open, remove},
    made, owner, refused, sequences, to,
};

mod batches;
mod keeping;

mod bare {
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen(module = "/tests/storage/bare.js")]
    extern "C" {
        pub async fn hold(name: &str, version: u32) -> JsValue;
        #[wasm_bindgen(js_name = beginRemoval)]
        pub async fn begin_removal(name: &str) -> JsValue;
        pub fn close(database: &JsValue);
        pub fn version(database: &JsValue) -> u32;
        pub async fn row(name: &str, store: &str, key: &JsValue) -> JsValue;
        pub async fn everything(name: &str) -> JsValue;
        pub async fn write(name: &str, store: &str, row: &str);

        pub fn heal();
        pub fn hurry() -> js_sys::Array;
        #[wasm_bindgen(js_name = refuseTransactions)]
        pub fn refuse_transactions(times: u32, name: &str);
        #[wasm_bindgen(js_name = loseAnswers)]
        pub fn lose_answers(times: u32, name: &str);
        #[wasm_bindgen(js_name = loseAnswerAndRefuseTheNext)]
        pub fn lose_answer_and_refuse_the_next(name: &str);
        #[wasm_bindgen(js_name = abortWrites)]
        pub fn abort_writes(times: u32, name: &str);
        #[wasm_bindgen(js_name = swallowEvents)]
        pub fn swallow_events(times: u32, aborts: bool, closes: bool);
        #[wasm_bindgen(js_name = refusePuts)]
        pub fn refuse_puts(store: &str, name: &str);
        #[wasm_bindgen(js_name = refuseLongRows)]
        pub fn refuse_long_rows(most: u32, name: &str);
        #[wasm_bindgen(js_name = refuseOpening)]
        pub fn refuse_opening(times: u32, name: &str);
        #[wasm_bindgen(js_name = watchTransactions)]
        pub fn watch_transactions() -> js_sys::Array;
        #[wasm_bindgen(js_name = closeUnder)]
        pub fn close_under(told: bool);
        #[wasm_bindgen(js_name = countRows)]
        pub fn count_rows();
        #[wasm_bindgen(js_name = countedRows)]
        pub fn counted_rows() -> u32;
        #[wasm_bindgen(js_name = withoutIndexedDb)]
        pub fn without_indexed_db(throwing: bool);
    }
}

/// The names of the faults that mean a lost connection.
const LOST: [&str; 3] = ["UnknownError", "InvalidStateError", "AbortError"];

/// A world over a database, and the database's name. What a test broke is healed with it.
struct Fixture {
    world: World,
    name: String,
}

impl Fixture {
    async fn new() -> Self {
        let database = Database::default();
        let name = database.0.clone();
        Self { world: World::new(Rc::new(database)).await, name }
    }

    async fn end(self) {
        bare::heal();
        self.world.registry.close();
        remove(&self.name).await.unwrap();
    }
}

/// A failed test must not leave its faults to the next one.
impl Drop for Fixture {
    fn drop(&mut self) {
        bare::heal();
    }
}

fn fresh() -> String {
    Database::default().0
}

// ── Opening ────────────────────────────────────────────────────────────────

#[wasm_bindgen_test]
async fn a_newer_database_is_refused_and_left_untouched() {
    let fixture = Fixture::new().await;
    fixture.world.start("p").await;
    fixture.world.registry.close();
    let newer = bare::hold(&fixture.name, 7).await;
    let before = bare::everything(&fixture.name).await;
    let opened = open(&fixture.name, Flush::Relaxed, &FakeClock::default()).await;
    assert_eq!(refused(opened), Code::StorageVersion);
    assert_eq!(bare::version(&newer), 7);
    assert_eq!(bare::everything(&fixture.name).await, before);
    bare::close(&newer);
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn a_database_of_another_program_is_refused_and_left_untouched_whatever_its_version() {
    for version in [1, 2, 7] {
        let name = fresh();
        bare::close(&bare::hold(&name, version).await);
        let opened = open(&name, Flush::Relaxed, &FakeClock::default()).await.map(drop);
        let fault = opened.unwrap_err();
        assert_eq!(fault.code(), Code::StorageFailed);
        assert!(fault.message().contains(&format!("\"{name}\"")), "{fault}");
        let foreign = bare::hold(&name, version).await;
        assert_eq!(bare::version(&foreign), version);
        bare::close(&foreign);
        assert_eq!(bare::everything(&name).await.as_string().unwrap(), "{\"things\":[\"a thing\"]}");
        remove(&name).await.unwrap();
    }
}

#[wasm_bindgen_test]
async fn a_database_that_is_blocked_is_reported_after_a_bounded_time() {
    let name = fresh();
    // It makes way for no upgrade.
    let holder = bare::hold(&name, 1).await;
    let delays = bare::hurry();
    let opened = open(&name, Flush::Relaxed, &FakeClock::default()).await;
    bare::heal();
    assert_eq!(refused(opened), Code::StorageBlocked);
    assert!(delays.iter().all(|delay| delay.as_f64().unwrap() <= 10_000.0));
    bare::close(&holder);
    // What opened too late closed itself again, or this would hang.
    remove(&name).await.unwrap();
}

#[wasm_bindgen_test]
async fn without_indexed_db_the_storage_is_unavailable() {
    for throwing in [false, true] {
        bare::without_indexed_db(throwing);
        let opened = open("nowhere", Flush::Relaxed, &FakeClock::default()).await;
        bare::heal();
        assert_eq!(refused(opened), Code::StorageUnavailable);
    }
}

#[wasm_bindgen_test]
async fn a_browser_that_refuses_to_open_makes_the_storage_unavailable() {
    let fixture = Fixture::new().await;
    bare::refuse_opening(1, "SecurityError");
    let opened = open(&fixture.name, Flush::Relaxed, &FakeClock::default()).await;
    assert_eq!(refused(opened), Code::StorageUnavailable);
    fixture.end().await;
}

// ── Keeping ────────────────────────────────────────────────────────────────

#[wasm_bindgen_test]
async fn what_was_written_is_there_after_a_reopening() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    world.append("p", json!({"eventType": "ring", "payload": {"n": 1}, "replayKey": "k"})).await.unwrap();
    world.grant("s/f", "p").await;
    world.lease("p", &owner("o", "1")).await;
    world.start("q").await;
    world.succeed("q").await;
    let before = world.picture().await;
    world.registry.close();
    let again = world.another().await;
    let after = again.picture().await;
    for part in ["changes", "processes"] {
        assert_eq!(after[part], before[part]);
    }
    assert!(
        again.append("p", json!({"eventType": "ring", "payload": {"n": 1}, "replayKey": "k"})).await.unwrap().replayed
    );
    again.registry.close();
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn rows_are_plain_objects_that_a_person_can_read() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world
        .register(json!({"id": "p", "wakeTarget": {"sessionId": "s"}, "eventTypes": [{"name": "note"}]}))
        .await
        .unwrap();
    let appended = world.append("p", json!({"eventType": "note", "payload": {"a": [1, "x"]}})).await.unwrap();
    let granted = world.grant("s", "p").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    let row = async |store: &str, key: Value| -> Value {
        let row = bare::row(&fixture.name, store, &to(key).into_js()).await;
        Payload::from(row).json()
    };
    let process = row("processes", json!("p")).await;
    let record = world.record("p").await.json();
    for name in ["id", "status", "wakeTarget", "updatedAtMs", "createdAtMs", "registrationHash"] {
        assert_eq!(process[name], record[name], "{name}");
    }
    let mut event = row("events", json!(["p", 1])).await;
    event.as_object_mut().unwrap().retain(|name, _| appended.event.json().get(name).is_some());
    assert_eq!(event, appended.event.json());
    assert_eq!(row("grants", json!(["session:s", "p"])).await, granted.json());
    assert_eq!(row("leases", json!("p")).await["slot"]["held"], lease.json());
    assert_eq!(row("registrations", json!("p")).await["registration"]["input"], json!({"type": "external"}));
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn the_durability_that_was_asked_for_is_passed_on() {
    for (flush, name) in [(Flush::Relaxed, "relaxed"), (Flush::Strict, "strict")] {
        struct Flushing(Flush, String);
        impl crate::support::Place for Flushing {
            fn open(
                &self,
                clock: FakeClock,
            ) -> futures::future::LocalBoxFuture<'static, Rc<dyn longwait::store::Store>> {
                let (flush, name) = (self.0, self.1.clone());
                async move { Rc::new(open(&name, flush, &clock).await.unwrap()) as Rc<dyn longwait::store::Store> }
                    .boxed_local()
            }
            fn remove(&self) -> futures::future::LocalBoxFuture<'static, ()> {
                futures::future::ready(()).boxed_local()
            }
            fn spawn(&self) -> Rc<dyn longwait::host::Spawn> {
                Rc::new(longwait::host::browser::BrowserSpawn)
            }
        }
        let database = fresh();
        let world = World::new(Rc::new(Flushing(flush, database.clone()))).await;
        let seen = bare::watch_transactions();
        world.start("p").await;
        world.note("p").await;
        world.record("p").await;
        bare::heal();
        let seen: Vec<_> = seen.iter().map(|option| option.as_string().unwrap()).collect();
        assert_eq!(seen, [name, name]);
        world.registry.close();
        remove(&database).await.unwrap();
    }
}

#[wasm_bindgen_test]
async fn a_read_touches_only_what_it_answers() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    join_all((0..100).map(|_| world.note("p"))).await;
    world.append("p", json!({"eventType": "ring", "payload": "x"})).await.unwrap();
    for number in 0..30 {
        world.register(json!({"id": format!("q{number}"), "identity": {"kind": "k"}})).await.unwrap();
    }
    world.wait("q7").await.unwrap();
    world.succeed("q8").await;
    world.grant("s", "q9").await;
    let p = "p".into();
    bare::count_rows();
    let mut before = 0;
    // Every read asks for the process row too, and may have to ask for its registration.
    let mut at_most = |rows: u32, what: &str| {
        let read = bare::counted_rows() - before;
        before = bare::counted_rows();
        assert!(read <= rows, "{what}: {read} rows");
    };
    world.events("p", EventRange::first("ring", 0)).await.unwrap();
    at_most(3, "the first event of a type");
    world.events("p", EventRange::Last(2)).await.unwrap();
    at_most(5, "the last events");
    world.events("p", EventRange::After { after: 50, limit: Some(3), types: None }).await.unwrap();
    at_most(5, "a stretch of events");
    assert_eq!(world.registry.count_events(&p, "note", 90).await.unwrap(), 90);
    at_most(2, "a count");
    assert_eq!(world.unacked("p").await, [101]);
    at_most(4, "wakes");
    assert_eq!(world.list(json!({"waiting": true})).await, ["q7"]);
    at_most(2, "a list of those that wait");
    assert_eq!(world.list(json!({"kind": "k", "status": "completed"})).await, ["q8"]);
    at_most(2, "a list by kind and state");
    assert_eq!(world.page(json!({"kind": "k"}), json!({"limit": 1, "cursor": "q28"})).await, ["q29"]);
    at_most(4, "a page");
    assert_eq!(world.granted("s", longwait::store::Live::Any).await, ["q9"]);
    at_most(3, "grants of a scope");
    assert_eq!(world.changes(world.changes(0, Some(1)).await.cursor.number, Some(1)).await.records.len(), 1);
    at_most(4, "the change feed");
    assert_eq!(world.registry.prune(u64::MAX >> 12).await.unwrap().pruned_processes, 1);
    at_most(8, "a prune");
    world.append("p", json!({"eventType": "note", "replayKey": "k"})).await.unwrap();
    at_most(4, "an append");
    fixture.end().await;
}

// ── Making way ─────────────────────────────────────────────────────────────

#[wasm_bindgen_test]
async fn a_deletion_from_outside_succeeds_at_once_and_closes_what_was_open() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    world.note("p").await;
    assert_eq!(bare::begin_removal(&fixture.name).await, "done");
    assert_eq!(refused(world.registry.process(&"p".into()).await), Code::Closed);
    assert_eq!(refused(world.append("p", json!({"eventType": "note"})).await), Code::Closed);
    // A new registry begins anew.
    let other = world.another().await;
    let record = other.register(json!({"id": "p", "envRef": "another"})).await.unwrap();
    assert_eq!(other.changes(0, None).await.records, [record]);
    other.registry.close();
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn an_upgrade_from_outside_succeeds_at_once_and_the_next_call_is_refused() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    let newer = bare::hold(&fixture.name, 9).await;
    assert_eq!(bare::version(&newer), 9);
    assert_eq!(refused(world.registry.process(&"p".into()).await), Code::StorageVersion);
    assert_eq!(refused(world.append("p", json!({"eventType": "note"})).await), Code::StorageVersion);
    bare::close(&newer);
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn a_deletion_amid_appends_leaves_no_append_hanging() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    let appends = join_all((0..10).map(|_| world.append("p", json!({"eventType": "note"}))));
    let (outcomes, _) = join(appends, remove(&fixture.name)).await;
    for outcome in outcomes {
        assert!(outcome.is_ok() || refused(outcome) == Code::Closed);
    }
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn what_is_opened_behind_a_blocked_deletion_is_reported_as_blocked() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    let holder = bare::hold(&fixture.name, 0).await;
    assert_eq!(bare::begin_removal(&fixture.name).await, "blocked");
    bare::hurry();
    let outcome = open(&fixture.name, Flush::Relaxed, &FakeClock::default()).await;
    bare::heal();
    assert_eq!(refused(outcome), Code::StorageBlocked);
    bare::close(&holder);
    let other = world.another().await;
    assert_eq!(other.registry.process(&"p".into()).await.unwrap(), None);
    other.registry.close();
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn while_the_page_is_put_aside_calls_wait_and_the_database_is_free() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    world.registry.pause();
    let p = "p".into();
    let mut held_up = world.registry.process(&p).boxed_local();
    assert!((&mut held_up).now_or_never().is_none());
    assert_eq!(bare::begin_removal(&fixture.name).await, "done");
    assert!((&mut held_up).now_or_never().is_none());
    world.registry.resume();
    assert_eq!(held_up.await.unwrap(), None);
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn an_append_under_way_when_the_page_is_put_aside_is_done_once() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    for turns in 0..4 {
        let append = world.note("p");
        let aside = async {
            let other = world.another().await;
            for _ in 0..turns {
                other.record("p").await;
            }
            world.registry.pause();
            other.record("p").await;
            world.registry.resume();
            other.registry.close();
        };
        let (sequence, ()) = join(append, aside).await;
        assert_eq!(sequence, turns + 1);
    }
    assert_eq!(sequences(&world.log("p").await), [1, 2, 3, 4]);
    fixture.end().await;
}

// ── Losing the connection ──────────────────────────────────────────────────

#[wasm_bindgen_test]
async fn a_connection_closed_by_the_browser_is_reopened() {
    for told in [true, false] {
        let fixture = Fixture::new().await;
        let world = &fixture.world;
        world.start("p").await;
        bare::watch_transactions();
        world.record("p").await;
        bare::close_under(told);
        assert_eq!(world.note("p").await, 1);
        bare::close_under(told);
        assert_eq!(sequences(&world.log("p").await), [1]);
        fixture.end().await;
    }
}

#[wasm_bindgen_test]
async fn an_operation_on_a_dead_handle_is_done_once_on_a_new_one() {
    for fault in LOST {
        let fixture = Fixture::new().await;
        let world = &fixture.world;
        world.start("p").await;
        bare::refuse_transactions(1, fault);
        assert_eq!(world.note("p").await, 1, "{fault}");
        bare::refuse_transactions(1, fault);
        assert_eq!(sequences(&world.log("p").await), [1], "{fault}");
        fixture.end().await;
    }
}

#[wasm_bindgen_test]
async fn a_commit_that_landed_unseen_is_not_done_again() {
    for fault in LOST {
        let fixture = Fixture::new().await;
        let world = &fixture.world;
        bare::lose_answers(1, fault);
        world.start("p").await;
        bare::lose_answers(1, fault);
        let appended = world.append("p", json!({"eventType": "note", "payload": 1})).await.unwrap();
        assert_eq!((appended.event.sequence, appended.replayed), (1, false), "{fault}");
        assert_eq!(sequences(&world.log("p").await), [1], "{fault}");
        assert_eq!((world.ticked(), world.sink.shown().len()), (vec!["p".to_owned(), "p".to_owned()], 1));
        assert_eq!(world.note("p").await, 2);
        world.ticked();
        bare::lose_answers(1, fault);
        let ended = world.registry.complete(&"p".into(), made(json!({"type": "success", "value": 1}))).await.unwrap();
        assert_eq!((ended.is_terminal(), world.ticked()), (true, vec!["p".to_owned()]), "{fault}");
        assert_eq!(sequences(&world.log("p").await), [1, 2, 3], "{fault}");
        fixture.end().await;
    }
}

#[wasm_bindgen_test]
async fn a_transaction_that_gets_no_event_settles_and_happens_once() {
    for (aborts, closes) in [(false, true), (true, true), (false, false), (true, false)] {
        let fixture = Fixture::new().await;
        let world = &fixture.world;
        world.start("p").await;
        bare::hurry();
        bare::swallow_events(1, aborts, closes);
        assert_eq!(world.note("p").await, 1, "aborts: {aborts}, closes: {closes}");
        assert_eq!(sequences(&world.log("p").await), [1], "aborts: {aborts}, closes: {closes}");
        bare::swallow_events(1, aborts, closes);
        let (one, two) = join(world.note("p"), world.note("p")).await;
        assert_eq!((one, two), (2, 3), "aborts: {aborts}, closes: {closes}");
        assert_eq!(sequences(&world.log("p").await), [1, 2, 3]);
        fixture.end().await;
    }
}

#[wasm_bindgen_test]
async fn looking_whether_a_commit_landed_may_lose_its_connection_too() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    bare::lose_answer_and_refuse_the_next("UnknownError");
    assert_eq!(world.note("p").await, 1);
    assert_eq!(sequences(&world.log("p").await), [1]);
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn a_commit_that_did_not_land_is_done_again_once() {
    for fault in LOST {
        let fixture = Fixture::new().await;
        let world = &fixture.world;
        world.start("p").await;
        bare::abort_writes(1, fault);
        assert_eq!(world.note("p").await, 1, "{fault}");
        assert_eq!(sequences(&world.log("p").await), [1], "{fault}");
        fixture.end().await;
    }
}

#[wasm_bindgen_test]
async fn a_storage_that_stays_lost_is_reported_with_its_cause() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    let before = bare::everything(&fixture.name).await;
    bare::abort_writes(2, "UnknownError");
    let fault = world.append("p", json!({"eventType": "note"})).await.unwrap_err();
    assert_eq!(fault.code(), Code::StorageFailed);
    let cause = fault.cause().unwrap().downcast_ref::<JsValue>().unwrap();
    assert_eq!(cause.unchecked_ref::<web_sys::DomException>().name(), "UnknownError");
    assert_eq!(bare::everything(&fixture.name).await, before);
    bare::heal();
    assert_eq!(world.note("p").await, 1);
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn a_storage_fault_never_passes_for_an_unknown_process() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    bare::refuse_transactions(u32::MAX, "UnknownError");
    let p = "p".into();
    assert_eq!(refused(world.registry.process(&p).await), Code::StorageFailed);
    assert_eq!(refused(world.awaiter().await_terminal(&p).await), Code::StorageFailed);
    assert_eq!(refused(world.events("p", EventRange::Last(1)).await), Code::StorageFailed);
    fixture.end().await;
}

// ── Running full ───────────────────────────────────────────────────────────

#[wasm_bindgen_test]
async fn a_full_storage_refuses_the_write_and_keeps_everything() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    world.note("p").await;
    let lease = world.lease("p", &owner("o", "1")).await;
    let before = bare::everything(&fixture.name).await;
    for store in ["processes", "events", "commits"] {
        bare::refuse_puts(store, "QuotaExceededError");
        // An event carries the mark of its commit; a lease leaves it in `commits`.
        if store == "commits" {
            assert_eq!(refused(world.registry.renew(lease.clone(), 30_000).await), Code::QuotaExceeded);
        } else {
            assert_eq!(refused(world.append("p", json!({"eventType": "note"})).await), Code::QuotaExceeded, "{store}");
            let output = made(json!({"type": "success", "value": 1}));
            let completed = world.registry.complete_with_lease(lease.clone(), output).await;
            assert_eq!(refused(completed), Code::QuotaExceeded, "{store}");
        }
        bare::heal();
        assert_eq!(bare::everything(&fixture.name).await, before, "{store}");
    }
    assert_eq!(world.note("p").await, 2);
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn a_storage_that_is_full_at_the_commit_keeps_everything_too() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    let before = bare::everything(&fixture.name).await;
    bare::abort_writes(1, "QuotaExceededError");
    assert_eq!(refused(world.append("p", json!({"eventType": "note"})).await), Code::QuotaExceeded);
    assert_eq!(bare::everything(&fixture.name).await, before);
    assert_eq!((world.sink.shown().len(), world.ticked()), (0, vec!["p".to_owned()]));
    assert_eq!(world.note("p").await, 1);
    fixture.end().await;
}

// ── Letting go ─────────────────────────────────────────────────────────────

#[wasm_bindgen_test]
async fn an_append_given_up_halfway_happens_wholly_or_not_at_all() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    for turns in 0..6 {
        let append = world.append("p", json!({"eventType": "note", "payload": turns})).boxed_local();
        // Every read of another tab's lets the append get a little further.
        let other = async {
            for _ in 0..turns {
                world.record("p").await;
            }
        };
        drop(select(append, other.boxed_local()).await);
    }
    let log = world.log("p").await;
    assert_eq!(sequences(&log), (1..=log.len() as u64).collect::<Vec<_>>());
    assert_eq!(world.note("p").await, log.len() as u64 + 1);
    fixture.end().await;
}

#[wasm_bindgen_test]
async fn closing_amid_appends_leaves_none_hanging() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.start("p").await;
    let appends = join_all((0..5).map(|_| world.append("p", json!({"eventType": "note"}))));
    let (outcomes, ()) = join(appends, async { world.registry.close() }).await;
    let written = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    for outcome in outcomes {
        assert!(outcome.is_ok() || refused(outcome) == Code::Closed);
    }
    let other = world.another().await;
    assert_eq!(other.log("p").await.len(), written);
    other.registry.close();
    fixture.end().await;
}
