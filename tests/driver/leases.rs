//! Leases of runs: renewed together, and lost.

use longwait::{ProcessWorkDriver, driver::DriverOptions, host::Clock};

use crate::{
    hand::now,
    runners::{
        Runs, Works, another, done, driver, driver_of, held_tab, holder, job, lease, log, output, refused, register,
        running, seconds, settle, signal, sweep, tab,
    },
    support::{World, tasks},
};

fn with(lease_ttl: u64, renew_every: u64, concurrency: usize) -> longwait::Result<ProcessWorkDriver> {
    let options = DriverOptions { lease_ttl, renew_every, concurrency, ..DriverOptions::new("tab") };
    ProcessWorkDriver::new(tab().registry, std::rc::Rc::new(Works::default()), options)
}

#[test]
fn a_lease_must_last_three_renewals_and_somebody_must_be_allowed_to_run() {
    for (ttl, every, places) in [(29_999, 10_000, 1), (2, 1, 1), (30_000, 0, 1), (30_000, 10_000, 0), (1 << 40, 1, 1)] {
        assert_eq!(with(ttl, every, places).err().expect("is not refused").code().as_str(), "invalid_argument");
    }
    assert!(with(30_000, 10_000, 1).is_ok());
    assert!(with(3, 1, 1).is_ok());
}

#[test]
fn leases_are_renewed_as_long_as_they_are_needed_and_no_timer_is_left_behind() {
    let world = tab();
    let (_, _, run) = running(&world);
    let mut waits = run.waits("go");
    assert!(waits.run().is_none());
    let others = driver(&another(&world), &Runs::default().works());
    for _ in 0..12 {
        world.clock.advance(10_000);
        tasks().run();
        assert_eq!(sweep(&others).busy, ["p".into()]);
    }
    signal(&world, "p", "go", 1);
    assert!(waits.run().is_some());
    drop(waits);
    run.returns(done(1));
    assert_eq!(world.clock.timers(), 0);
}

#[test]
fn many_leases_are_renewed_in_one_write_and_those_that_are_lost_do_not_hold_up_the_others() {
    let (world, hold) = held_tab();
    let (runs, ids): (_, Vec<_>) = (Runs::default(), (0..20).map(|number| format!("p{number:02}")).collect());
    ids.iter().for_each(|id| register(&world, id, "job"));
    let driver = driver(&world, &runs.works());
    sweep(&driver);
    let held: Vec<_> = (0..20).map(|_| runs.next()).collect();
    // One of them loses its lease, and no tick tells.
    let taken = held[7].context.lease();
    now(world.registry.release(&taken.process_id, taken.lease_token.clone())).unwrap();
    let writes = hold.writes();
    world.clock.advance(10_000);
    tasks().run();
    assert_eq!(hold.writes(), writes + 2, "one renews all, and one says that the lost one is not held any more");
    for (number, run) in held.iter().enumerate() {
        let lost = number == 7;
        assert_eq!(run.told(), if lost { vec!["lease_lost"] } else { vec![] });
        let expires = lease(&world, &ids[number]).map(|lease| lease.expires_at_ms);
        assert_eq!(expires, (!lost).then(|| Clock::now(&world.clock) + 30_000));
    }
    now(driver.stop());
    assert_eq!(world.clock.timers(), 0);
}

#[test]
fn more_leases_than_one_write_renews_are_all_renewed() {
    let world = tab();
    let runs = Runs::default();
    (0..300).for_each(|number| register(&world, &format!("p{number:03}"), "job"));
    let driver = driver_of(&world, &runs.works(), 300);
    sweep(&driver);
    assert_eq!(runs.len(), 300);
    world.clock.advance(10_000);
    tasks().run();
    let ends = Clock::now(&world.clock) + 30_000;
    assert!((0..300).all(|number| lease(&world, &format!("p{number:03}")).unwrap().expires_at_ms == ends));
    now(driver.stop());
}

#[test]
fn the_leases_of_thousands_of_runs_last_longer_and_are_renewed_in_turn() {
    let world = tab();
    let runs = Runs::default();
    let ids: Vec<_> = (0..1_200).map(|number| format!("p{number:04}")).collect();
    ids.iter().for_each(|id| register(&world, id, "job"));
    let driver = driver_of(&world, &runs.works(), ids.len());
    sweep(&driver);
    assert_eq!(runs.len(), ids.len());
    let renewed = |span: u64| {
        let ends = Clock::now(&world.clock) + span;
        ids.iter().filter(|id| lease(&world, id).unwrap().expires_at_ms == ends).count()
    };
    for round in 0..8 {
        world.clock.advance(10_000);
        tasks().run();
        // At first, all of them end soon.
        assert_eq!(renewed(90_000), if round == 0 { 1_200 } else { 512 });
        let now = Clock::now(&world.clock);
        assert!(ids.iter().all(|id| lease(&world, id).unwrap().expires_at_ms >= now + 60_000));
    }
    now(driver.stop());
}

#[test]
fn a_store_that_fails_during_renewals_loses_a_lease_only_when_it_must_have_ended() {
    let (world, hold) = held_tab();
    let (_, _, run) = running(&world);
    seconds(&world, 10);
    hold.fill_up(true);
    seconds(&world, 19);
    hold.fill_up(false);
    // The third one in its life is in time.
    seconds(&world, 1);
    assert_eq!(lease(&world, "p").unwrap().expires_at_ms, Clock::now(&world.clock) + 30_000);
    hold.fill_up(true);
    seconds(&world, 29);
    assert!(run.told().is_empty());
    seconds(&world, 1);
    assert_eq!((run.told(), run.is_wanted()), (vec!["lease_lost".to_owned()], false));
}

#[test]
fn a_tab_that_was_frozen_past_the_end_of_its_lease_is_told_when_it_comes_back() {
    let world = tab();
    let (_, _, run) = running(&world);
    world.clock.advance(3_600_000);
    assert_eq!(refused(run.step("late", 1)), "lease_lost");
    tasks().run();
    assert_eq!(run.told(), ["lease_lost"]);
    assert!(log(&world, "p").is_empty());
}

#[test]
fn a_tab_that_comes_back_looks_at_its_leases_before_a_renewal_is_due() {
    let world = tab();
    let (_, _, run) = running(&world);
    world.killed.kill(holder(&world, "p").incarnation_id);
    let _other = takes_over(&world);
    tasks().run();
    assert!(run.told().is_empty());
    world.registry.resume();
    tasks().run();
    assert_eq!(run.told(), ["lease_lost"]);
}

#[test]
fn a_driver_that_comes_back_goes_on_with_what_it_lost_where_nobody_else_did() {
    let world = tab();
    let (driver, runs, run) = running(&world);
    driver.start();
    world.clock.advance(3_600_000);
    tasks().run();
    assert_eq!(run.told(), ["lease_lost"]);
    let next = runs.next();
    assert_eq!(next.context.attempt(), 2);
    next.returns(done("again"));
    assert_eq!(output(&world, "p")["value"], "again");
    now(driver.stop());
    assert_eq!(world.clock.timers(), 0);
}

#[test]
fn renewals_stop_when_the_last_attempt_that_was_under_way_comes_to_nothing() {
    let (world, hold) = held_tab();
    let (driver, runs, run) = running(&world);
    // While `p` runs, `q` is claimed, and somebody else was faster.
    register(&world, "q", "job");
    let other = another(&world);
    let taken = self::driver(&other, &Runs::default().works());
    assert_eq!(sweep(&taken).started, ["q".into()]);
    hold.hold_writes();
    let mut tries = crate::hand::Hand::new(driver.claim_and_run_pending());
    assert!(tries.run().is_none());
    let (held, _) = (hold.waiting(), run.returns(done(1)));
    assert_eq!(hold.waiting(), held + 1);
    hold.let_last_go();
    tasks().run();
    assert_eq!(crate::runners::state(&world, "p"), "completed");
    hold.let_go();
    assert!(tries.run().is_some());
    settle(&world);
    assert_eq!(runs.len(), 0);
    now(taken.stop());
    settle(&world);
    assert_eq!(world.clock.timers(), 0, "it goes on renewing nothing");
}

fn takes_over(world: &World) -> ProcessWorkDriver {
    let other = another(world);
    let driver = driver(&other, &job(async |_| futures::future::pending().await));
    assert_eq!(sweep(&driver).started, ["p".into()]);
    driver
}
