//! What a started driver prunes.

use std::{any::Any, cell::Cell, rc::Rc};

use futures::{FutureExt, future::LocalBoxFuture};
use longwait::{
    ProcessWorkDriver,
    driver::DriverOptions,
    host::Liveness,
    model::{
        lease::{LeaseOwner, Proof},
        retention::Retention,
    },
};
use longwait_testing::read;
use serde_json::json;

use crate::{
    hand::now,
    runners::{Notes, Runs, Works, another, done, job, register, seconds, settle, tab},
    support::{World, tasks},
};

const HOUR_MS: u64 = 3_600_000;

/// A driver that keeps what completed for an hour and what failed for two.
fn keeping(world: &World, works: &Rc<Works>) -> ProcessWorkDriver {
    let retention = Retention { completed_ms: Some(HOUR_MS), failed_ms: Some(2 * HOUR_MS), ..Retention::default() };
    let options = DriverOptions { retention, ..DriverOptions::new("tab") };
    ProcessWorkDriver::new(world.registry.clone(), works.clone(), options).unwrap()
}

/// Processes that ended so many at a time, in each way.
fn ended(world: &World, count: usize) {
    for number in 0..count {
        for (id, output) in [
            ("completed", json!({"type": "success", "value": 1})),
            ("failed", json!({"type": "failure", "class": "execution", "code": "c", "message": "m"})),
            ("cancelled", json!({"type": "cancelled", "message": "m"})),
        ] {
            let id = format!("{id}{number}");
            now(world.start(&id));
            now(world.complete(&id, output)).unwrap();
        }
    }
    tasks().run();
}

fn left(world: &World) -> Vec<usize> {
    let count = |status| now(world.list(json!({"status": status}))).len();
    ["completed", "failed", "cancelled", "running"].map(count).into()
}

#[test]
fn what_was_kept_for_longer_than_its_end_allows_is_pruned_and_nothing_else() {
    let world = tab();
    ended(&world, 3);
    now(world.start("runs"));
    world.clock.advance(HOUR_MS);
    let driver = keeping(&world, &Runs::default().works());
    driver.start();
    settle(&world);
    assert_eq!(left(&world), [3, 3, 3, 1], "an hour is not longer than an hour");
    world.clock.advance(60_000);
    settle(&world);
    assert_eq!(left(&world), [0, 3, 3, 1]);
    world.clock.advance(HOUR_MS);
    settle(&world);
    assert_eq!(left(&world), [0, 0, 3, 1]);
    now(driver.stop());
}

#[test]
fn a_driver_prunes_when_it_is_started_all_that_is_outdated_and_then_once_a_minute() {
    let world = tab();
    ended(&world, 50);
    world.clock.advance(3 * HOUR_MS);
    let driver = keeping(&world, &Runs::default().works());
    settle(&world);
    assert_eq!(left(&world), [50, 50, 50, 0], "it is not started");
    driver.start();
    settle(&world);
    assert_eq!(left(&world), [0, 0, 50, 0]);
    // They end at a time that is long past by the clock of the store.
    ended(&world, 1);
    world.clock.set_wall_clock(3 * HOUR_MS as i64);
    for _ in 0..59 {
        seconds(&world, 1);
    }
    assert_eq!(left(&world)[0], 1);
    seconds(&world, 1);
    settle(&world);
    assert_eq!(left(&world)[0], 0);
    now(driver.stop());
}

#[test]
fn without_a_retention_nothing_is_pruned() {
    let world = tab();
    ended(&world, 1);
    world.clock.advance(1_000 * HOUR_MS);
    let driver = crate::runners::started(&world, &Runs::default().works());
    seconds(&world, 61);
    assert_eq!(left(&world), [1, 1, 1, 0]);
    now(driver.stop());
}

#[test]
fn what_can_be_begun_does_not_wait_for_all_that_is_to_be_pruned() {
    let world = tab();
    ended(&world, 100);
    world.clock.advance(3 * HOUR_MS);
    let (registry, seen) = (world.registry.clone(), Notes::default());
    let notes = seen.clone();
    let works = job(move |_| {
        let (registry, notes) = (registry.clone(), notes.clone());
        async move {
            let completed = read(json!({"status": "completed"})).unwrap();
            notes.add(registry.count(&completed).await.unwrap());
            done(1)
        }
    });
    register(&world, "p", "job");
    let driver = keeping(&world, &works);
    driver.start();
    settle(&world);
    assert_eq!(seen.all(), ["100"]);
    assert_eq!(left(&world), [1, 0, 100, 0]);
    now(driver.stop());
}

/// A host that knows whether another tab prunes.
struct Prunes(Rc<Cell<bool>>);

impl Liveness for Prunes {
    fn probe(&self, _: &LeaseOwner) -> LocalBoxFuture<'static, Proof> {
        async { Proof::Unknown }.boxed_local()
    }

    fn alone(&self, _: &str) -> LocalBoxFuture<'static, Option<Box<dyn Any>>> {
        let is_taken = self.0.get();
        async move { (!is_taken).then(|| Box::new(()) as Box<dyn Any>) }.boxed_local()
    }
}

#[test]
fn while_another_tab_prunes_a_driver_leaves_it_to_that_and_looks_again_a_minute_later() {
    let world = tab();
    ended(&another(&world), 1);
    world.clock.advance(3 * HOUR_MS);
    let other_prunes = Rc::new(Cell::new(true));
    let tab = now(world.another_seen_by(Rc::new(Prunes(other_prunes.clone()))));
    let driver = keeping(&tab, &Runs::default().works());
    driver.start();
    settle(&tab);
    other_prunes.set(false);
    seconds(&tab, 30);
    assert_eq!(left(&tab)[0], 1);
    seconds(&tab, 31);
    assert_eq!(left(&tab)[0], 0);
    now(driver.stop());
}
