//! The driver's own trouble: it ends the attempt, is reported, and is never how a process ends.

use futures::{
    FutureExt,
    channel::oneshot,
    future::{LocalBoxFuture, select},
};
use longwait::{Code, Error, host::turn, model::payload::Payload, store::Store};
use longwait_testing::fake::FakeClock;

use crate::{
    hand::now,
    runners::{
        Runs, Works, another, done, driver, held_tab, holder, job, lease, log, output, register, running, seconds,
        settle, started, state, sweep, tab,
    },
    support::{Place, START, World, memory::Memory, tasks},
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// Runners of `job` that meet trouble so often, and then return 1. Counts how often they were called.
fn troubled(times: u32) -> (Rc<Works>, Rc<Cell<u32>>) {
    let calls = Rc::<Cell<u32>>::default();
    let count = calls.clone();
    let works = Rc::new(Works::default()).on_trouble("job", move |_| {
        count.set(count.get() + 1);
        let fails = count.get() <= times;
        async move { if fails { Err(Error::new(Code::StorageFailed, "broken down")) } else { Ok(done(1)) } }
    });
    (works, calls)
}

fn stopped(world: &World, driver: &longwait::ProcessWorkDriver) {
    now(driver.stop());
    settle(world);
    assert_eq!(world.clock.timers(), 0);
}

#[test]
fn trouble_in_a_run_ends_the_attempt_gives_the_lease_back_and_is_reported() {
    let world = tab();
    register(&world, "p", "job");
    let (works, calls) = troubled(1);
    let driver = driver(&world, &works);
    let failed = sweep(&driver).failed;
    let failed: Vec<_> = failed.iter().map(|failed| (failed.process_id.as_str(), failed.code.as_str())).collect();
    assert_eq!((failed, works.failures.take()), (vec![("p", "storage_failed")], vec!["storage_failed".to_owned()]));
    assert_eq!((state(&world, "p"), lease(&world, "p"), calls.get()), ("running".to_owned(), None, 1));
    assert_eq!(sweep(&driver).failed, []);
    assert_eq!(output(&world, "p")["value"], 1);
}

#[test]
fn trouble_that_lasts_is_tried_again_after_pauses_that_grow_up_to_a_minute() {
    let world = tab();
    let (works, calls) = troubled(u32::MAX);
    let driver = started(&world, &works);
    register(&world, "p", "job");
    let mut begun = vec![];
    for second in 0..400 {
        begun.resize(calls.get() as usize, second);
        seconds(&world, 1);
    }
    let pauses: Vec<_> = begun.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.is_sorted() && (1..=2).contains(&pauses[0]), "{pauses:?}");
    assert!((60..=61).contains(pauses.last().unwrap()), "{pauses:?}");
    stopped(&world, &driver);
}

#[test]
fn another_driver_takes_on_at_once_what_one_hands_back() {
    let world = tab();
    let (works, _) = troubled(u32::MAX);
    let here = started(&world, &works);
    let other = another(&world);
    let there = started(&other, &job(async |_| done("there")));
    now(there.stop());
    register(&world, "p", "job");
    there.start();
    settle(&world);
    assert_eq!(output(&world, "p")["value"], "there");
    now(there.stop());
    stopped(&world, &here);
}

#[test]
fn a_step_that_cannot_be_recorded_hands_the_process_back_and_is_done_again_when_there_is_room() {
    let (world, hold) = held_tab();
    let store = hold.clone();
    let works = Rc::new(Works::default()).on_trouble("job", move |context| {
        let store = store.clone();
        async move {
            store.fill_up(context.attempt() == 1);
            context.step("s", async || Ok(Some(Payload::from(true)))).await?;
            Ok(done("kept"))
        }
    });
    let driver = started(&world, &works);
    register(&world, "p", "job");
    assert_eq!((state(&world, "p"), works.failures.take()), ("running".to_owned(), vec!["quota_exceeded".to_owned()]));
    hold.fill_up(false);
    seconds(&world, 2);
    assert_eq!(output(&world, "p")["value"], "kept");
    assert_eq!(log(&world, "p").iter().filter(|event| *event == "process.step").count(), 1);
    stopped(&world, &driver);
}

#[test]
fn a_wait_that_is_given_up_because_another_one_met_trouble_is_there_again_in_the_next_attempt() {
    let (world, hold) = held_tab();
    let store = hold.clone();
    let works = Rc::new(Works::default()).on_trouble("job", move |context| {
        let store = store.clone();
        async move {
            let (stop, go) = (context.wait_for_signal("stop"), context.wait_for_signal("go"));
            let (first, other) = select(stop.boxed_local(), go.boxed_local()).await.factor_first();
            drop(other);
            // There is room again before the runner ends.
            store.fill_up(false);
            turn().await;
            turn().await;
            Ok(done(first?.event_type.as_str()))
        }
    });
    let driver = started(&world, &works);
    register(&world, "p", "job");
    now(world.registry.signal(&"p".into(), "stop", Payload::null(), None)).unwrap();
    // There is no room to record that it was taken.
    hold.fill_up(true);
    settle(&world);
    assert_eq!((state(&world, "p"), works.failures.take()), ("running".to_owned(), vec!["quota_exceeded".to_owned()]));
    let said = log(&world, "p");
    assert!(!said.contains(&"process.resumed".to_owned()), "nothing was given up: {said:?}");
    seconds(&world, 2);
    assert_eq!(output(&world, "p")["value"], "signal.stop");
    stopped(&world, &driver);
}

#[test]
fn an_end_that_is_refused_for_ever_is_not_begun_again_without_a_pause() {
    let world = tab();
    let (calls, count) = (Rc::<Cell<u32>>::default(), Rc::<Cell<u32>>::default());
    let counted = calls.clone();
    // Its lease is not held any more by the time it ends.
    let registry = world.registry.clone();
    let works = job(move |context| {
        counted.set(counted.get() + 1);
        let registry = registry.clone();
        async move {
            let lease = context.lease();
            registry.release(&lease.process_id, lease.lease_token.clone()).await.unwrap();
            done(1)
        }
    });
    let driver = started(&world, &works);
    register(&world, "p", "job");
    settle(&world);
    assert_eq!(calls.get(), 1);
    assert_eq!(works.failures.take(), ["lease_lost"]);
    seconds(&world, 10);
    assert!((2..=4).contains(&calls.get()), "{}", calls.get());
    count.set(calls.get());
    stopped(&world, &driver);
}

/// A run that passes on whatever its step, or its end, meets once another tab has taken its process over. Gives its faults.
fn overtaken(step: bool, ended: bool) -> Vec<String> {
    let world = tab();
    let (go, gone) = oneshot::channel::<()>();
    let waits = Rc::new(RefCell::new(Some(gone)));
    let works = Rc::new(Works::default()).on_trouble("job", move |context| {
        let gone = waits.take();
        async move {
            let late = async || {
                let _ = gone.unwrap().await;
                Ok(Some(Payload::from("late")))
            };
            if step { context.step("one", late).await } else { late().await }.map(|_| done(1))
        }
    });
    register(&world, "p", "job");
    let here = driver(&world, &works);
    sweep(&here);
    world.killed.kill(holder(&world, "p").incarnation_id);
    let (other, runs) = (another(&world), Runs::default());
    let there = driver(&other, &runs.works());
    sweep(&there);
    let next = runs.next();
    next.step("one", "in time").unwrap();
    if ended {
        next.returns(done("there"));
    } else {
        // It holds it no more, but it did.
        now(there.stop());
    }
    // No notification of all that reaches the first tab before its own write is refused.
    drop(go);
    tasks().run();
    assert_eq!(state(&world, "p"), if ended { "completed" } else { "running" });
    works.failures.take()
}

#[test]
fn to_be_taken_over_is_no_trouble_whichever_of_them_finds_out_first() {
    for (step, ended) in [(true, true), (true, false), (false, true), (false, false)] {
        assert_eq!(overtaken(step, ended), Vec::<String>::new(), "a step: {step}, ended: {ended}");
    }
}

#[test]
fn a_refused_end_whose_reason_cannot_be_read_is_reported_as_trouble_of_the_storage() {
    let (world, hold) = held_tab();
    let (go, gone) = oneshot::channel::<()>();
    let waits = Rc::new(RefCell::new(Some(gone)));
    let works = job(move |_| {
        let gone = waits.take();
        async move {
            let _ = gone.unwrap().await;
            done("by the run")
        }
    });
    register(&world, "p", "job");
    let driver = driver(&world, &works);
    sweep(&driver);
    now(another(&world).registry.complete(&"p".into(), done("by the host"))).unwrap();
    hold.break_down(true);
    drop(go);
    tasks().run();
    assert_eq!(works.failures.take(), ["storage_failed"]);
    hold.break_down(false);
    assert_eq!(output(&world, "p")["value"], "by the host");
}

#[test]
fn storage_that_fails_until_a_lease_must_have_ended_is_reported() {
    let (world, hold) = held_tab();
    let works = job(async |_| futures::future::pending().await);
    register(&world, "p", "job");
    let driver = driver(&world, &works);
    sweep(&driver);
    hold.fill_up(true);
    seconds(&world, 31);
    assert_eq!(works.failures.take(), ["quota_exceeded"]);
    hold.fill_up(false);
    stopped(&world, &driver);
}

// ── The wall clock ──────────────────────────────────────────────────────────

const HOUR: i64 = 3_600_000;

#[test]
fn a_clock_that_goes_back_an_hour_delays_neither_new_work_nor_the_next_try_of_what_failed() {
    let (world, hold) = held_tab();
    let driver = started(&world, &job(async |_| done(1)));
    seconds(&world, 2);
    hold.fill_up(true);
    register_elsewhere(&world, &hold, "p");
    seconds(&world, 2);
    world.clock.set_wall_clock(-HOUR);
    hold.fill_up(false);
    // No hint tells of it.
    register_elsewhere(&world, &hold, "q");
    seconds(&world, 5);
    assert_eq!((state(&world, "p"), state(&world, "q")), ("completed".to_owned(), "completed".to_owned()));
    stopped(&world, &driver);
}

fn register_elsewhere(world: &World, hold: &Rc<crate::held::Hold>, id: &str) {
    hold.fill_up(false);
    register(&another(world), id, "job");
    hold.fill_up(id == "p");
}

#[test]
fn a_clock_that_goes_back_under_a_run_takes_nothing_from_it() {
    let world = tab();
    let (_driver, _, run) = running(&world);
    world.clock.set_wall_clock(-HOUR);
    seconds(&world, 60);
    assert!(run.told().is_empty());
    run.step("s", 1).unwrap();
    run.returns(done("kept"));
    assert_eq!(output(&world, "p")["value"], "kept");
}

#[test]
fn a_lease_that_lasts_an_hour_by_a_clock_that_was_wrong_is_asked_for_again_once_a_minute() {
    let world = tab();
    register(&world, "p", "job");
    world.clock.set_wall_clock(HOUR);
    let owner = crate::support::made(serde_json::json!({"ownerId": "gone", "incarnationId": "gone"}));
    now(world.registry.claim(&"p".into(), owner, 30_000)).unwrap();
    world.clock.set_wall_clock(-HOUR);
    let driver = started(&world, &job(async |_| done(1)));
    seconds(&world, 5);
    assert_eq!(state(&world, "p"), "running");
    // The clock is put right, and the lease has ended.
    world.clock.set_wall_clock(HOUR);
    seconds(&world, 62);
    assert_eq!(state(&world, "p"), "completed");
    stopped(&world, &driver);
}

#[test]
fn a_clock_that_goes_forward_past_the_end_of_a_lease_ends_the_attempt_and_the_process_goes_on() {
    let world = tab();
    let (driver, runs, run) = running(&world);
    driver.start();
    world.clock.set_wall_clock(HOUR);
    seconds(&world, 10);
    assert_eq!(run.told(), ["lease_lost"]);
    let next = runs.next();
    assert_eq!(next.context.attempt(), 2);
    next.returns(done("again"));
    assert_eq!(output(&world, "p")["value"], "again");
    stopped(&world, &driver);
}

/// Rows on a clock of their own, as those of a server are.
struct Elsewhere(FakeClock, Memory);

impl Place for Elsewhere {
    fn open(&self, _: FakeClock) -> LocalBoxFuture<'static, Rc<dyn Store>> {
        self.1.open(self.0.clone())
    }

    fn remove(&self) -> LocalBoxFuture<'static, ()> {
        self.1.remove()
    }
}

/// A tab whose clock is ahead of that of its rows, and the clock of the rows.
fn ahead(by: i64) -> (World, FakeClock) {
    tasks().kill();
    let clock = FakeClock::at(START);
    let world = now(World::new(Rc::new(Elsewhere(clock.clone(), Memory::default()))));
    world.clock.set_wall_clock(by);
    (world, clock)
}

#[test]
fn a_run_whose_own_clock_is_ahead_of_the_stores_keeps_the_lease_that_the_store_renews() {
    let (world, clock) = ahead(HOUR);
    let (_driver, _, run) = running(&world);
    for second in 0..100 {
        clock.advance(1_000);
        seconds(&world, 1);
        // Others change the process, so that the run looks at its lease.
        now(another(&world).registry.signal(&"p".into(), "go", Payload::from(second as u64), None)).unwrap();
        settle(&world);
        assert_eq!(run.told(), [""; 0]);
    }
    run.returns(done("kept"));
    assert_eq!(output(&world, "p")["value"], "kept");
}

#[test]
fn a_driver_whose_own_clock_is_behind_the_stores_takes_over_a_lease_that_ended_there() {
    let (world, clock) = ahead(-HOUR);
    register(&world, "p", "job");
    let owner = crate::support::made(serde_json::json!({"ownerId": "gone", "incarnationId": "gone"}));
    now(world.registry.claim(&"p".into(), owner, 30_000)).unwrap();
    let driver = started(&world, &job(async |_| done(1)));
    for _ in 0..62 {
        clock.advance(1_000);
        seconds(&world, 1);
    }
    assert_eq!(state(&world, "p"), "completed");
    now(driver.stop());
}

// ── Kinds without a runner ──────────────────────────────────────────────────

#[test]
fn a_kind_without_a_runner_is_told_of_once_and_after_five_seconds() {
    let world = tab();
    ["a", "b"].iter().for_each(|id| register(&world, id, "nobody's"));
    let works = job(async |_| done(1));
    let driver = started(&world, &works);
    register(&world, "c", "another's");
    seconds(&world, 4);
    assert!(works.unhandled.borrow().is_empty());
    seconds(&world, 3);
    let mut told = works.unhandled.take();
    told.sort();
    assert_eq!(told, ["a", "c"]);
    register(&world, "d", "nobody's");
    seconds(&world, 130);
    assert!(works.unhandled.take().is_empty());
    stopped(&world, &driver);
}

#[test]
fn a_kind_that_is_run_elsewhere_or_ends_in_time_is_not_told_of() {
    let world = tab();
    let works = Rc::new(Works::default());
    let here = started(&world, &works);
    let there = started(&another(&world), &job(|_| futures::future::pending()));
    ["a", "b"].iter().for_each(|id| register(&world, id, if *id == "a" { "job" } else { "host's" }));
    settle(&world);
    now(world.succeed("b"));
    now(world.start("external"));
    seconds(&world, 130);
    assert!(works.unhandled.take().is_empty());
    now(here.stop());
    stopped(&world, &there);
}
