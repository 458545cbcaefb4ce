//! A store that fails: who learns of it, and what is tried again.

use crate::{
    hand::{Hand, now},
    runners::{
        Runs, another, done, driver, driver_of, held_tab, job, lease, output, register, running, seconds, settle,
        started, state, sweep,
    },
    support::{World, tasks},
};

#[test]
fn a_claim_that_fails_stands_in_the_report_and_the_others_go_on() {
    let (world, hold) = held_tab();
    let runs = Runs::default();
    ["a", "b"].iter().for_each(|id| register(&world, id, "job"));
    let works = runs.works();
    let driver = driver(&world, &works);
    hold.fill_up(true);
    let report = sweep(&driver);
    assert_eq!((report.started, report.busy), (vec![], vec![]));
    let failed: Vec<_> =
        report.failed.iter().map(|failed| (failed.process_id.as_str(), failed.code.as_str())).collect();
    assert_eq!(failed, [("a", "quota_exceeded"), ("b", "quota_exceeded")]);
    assert_eq!((works.failures.take().len(), runs.len()), (0, 0), "the report tells it already");
    hold.fill_up(false);
    let report = sweep(&driver);
    assert_eq!((report.started.len(), report.failed, runs.len()), (2, vec![], 2));
    now(driver.stop());
}

#[test]
fn a_list_that_cannot_be_read_fails_the_sweep_and_holds_up_nothing() {
    let (world, hold) = held_tab();
    register(&world, "p", "job");
    let driver = driver_of(&world, &job(async |_| done(1)), 1);
    hold.break_down(true);
    assert_eq!(now(driver.claim_and_run_pending()).unwrap_err().code().as_str(), "storage_failed");
    hold.break_down(false);
    assert_eq!(sweep(&driver).started, ["p".into()]);
    assert_eq!(state(&world, "p"), "completed");
}

#[test]
fn an_end_that_cannot_be_written_stands_in_the_next_report_and_is_told_and_the_process_is_run_again() {
    let (world, hold) = held_tab();
    let runs = Runs::default();
    register(&world, "p", "job");
    let works = runs.works();
    let driver = driver(&world, &works);
    sweep(&driver);
    hold.fill_up(true);
    runs.next().returns(done("lost"));
    now(driver.idle());
    assert_eq!(works.failures.take(), ["quota_exceeded"]);
    hold.fill_up(false);
    // Its lease could not be given back either; that is made up for now.
    let report = sweep(&driver);
    assert_eq!((report.started, report.failed.len()), (vec!["p".into()], 1));
    runs.next().returns(done("kept"));
    assert_eq!(output(&world, "p")["value"], "kept");
}

#[test]
fn an_end_that_cannot_be_written_is_tried_again_by_a_driver_that_drives_on() {
    let (world, hold) = held_tab();
    let runs = Runs::default();
    register(&world, "p", "job");
    let works = runs.works();
    let driver = started(&world, &works);
    hold.fill_up(true);
    runs.next().returns(done("lost"));
    assert_eq!(works.failures.take(), ["quota_exceeded"]);
    hold.fill_up(false);
    seconds(&world, 2);
    runs.next().returns(done("kept"));
    assert_eq!(output(&world, "p")["value"], "kept");
    now(driver.stop());
    assert_eq!(world.clock.timers(), 0);
}

#[test]
fn a_claim_that_fails_is_told_and_tried_again_after_a_while_and_not_all_the_time() {
    let (world, hold) = held_tab();
    let runs = Runs::default();
    let works = runs.works();
    let driver = started(&world, &works);
    register(&world, "p", "job");
    now(driver.stop());
    hold.fill_up(true);
    driver.start();
    seconds(&world, 12);
    let failures = works.failures.take();
    assert!((2..=4).contains(&failures.len()), "{failures:?}");
    hold.fill_up(false);
    seconds(&world, 6);
    assert_eq!(state(&world, "p"), "running");
    now(driver.stop());
}

#[test]
fn a_driver_that_could_not_read_at_its_start_runs_what_was_there_before() {
    let (world, hold) = held_tab();
    register(&world, "p", "job");
    hold.break_down(true);
    let driver = started(&world, &job(async |_| done(1)));
    seconds(&world, 3);
    hold.break_down(false);
    seconds(&world, 2);
    assert_eq!(state(&world, "p"), "completed");
    now(driver.stop());
}

#[test]
fn a_driver_that_could_read_its_lists_only_in_part_reads_them_again() {
    let (world, hold) = held_tab();
    (0..300).for_each(|number| register(&world, &format!("p{number:03}"), "job"));
    let driver = driver(&world, &job(async |_| done(1)));
    hold.hold_reads();
    driver.start();
    tasks().run();
    // The end of the changes is known, and then a page of the list.
    hold.let_last_go();
    tasks().run();
    hold.break_down(true);
    hold.let_go();
    tasks().run();
    hold.break_down(false);
    seconds(&world, 10);
    let left: Vec<_> =
        (0..300).map(|number| format!("p{number:03}")).filter(|id| state(&world, id) == "running").collect();
    assert_eq!(left, Vec::<String>::new());
    now(driver.stop());
}

#[test]
fn a_process_that_cannot_be_read_holds_up_no_other_and_is_tried_again() {
    let (world, hold) = held_tab();
    hold.spoil("a");
    let driver = started(&world, &job(async |_| done(1)));
    ["a", "b"].iter().for_each(|id| register(&world, id, "job"));
    settle(&world);
    assert_eq!(state(&world, "b"), "completed");
    hold.spoil("nobody");
    seconds(&world, 7);
    assert_eq!(state(&world, "a"), "completed");
    now(driver.stop());
}

#[test]
fn a_change_during_a_look_is_looked_at_again() {
    let (world, hold) = held_tab();
    let other = another(&world);
    let driver = started(&world, &job(async |context| done(context.record().id().as_str())));
    register(&world, "q", "nobody's");
    // A tick has it look at `p`, which is unknown by then; and while the answer is on its way, it is registered.
    hold.hold_reads();
    world.hub.notify(&"p".into());
    tasks().run();
    register(&other, "p", "job");
    // The hint is lost, and the sweep finds the change while the look is under way.
    seconds(&world, 2);
    hold.let_go();
    seconds(&world, 3);
    assert_eq!(state(&world, "p"), "completed");
    now(driver.stop());
}

#[test]
fn a_process_that_is_registered_anew_while_the_end_of_its_run_is_written_is_run() {
    let (world, hold) = held_tab();
    let other = another(&world);
    let runs = Runs::default();
    let driver = started(&world, &runs.works());
    register(&world, "p", "job");
    let run = runs.next();
    hold.hold_writes();
    run.returns(done("the first"));
    let mut others = registers_anew(&other);
    // All but the answer of the first run's end are given out.
    while others.run().is_none() {
        hold.let_last_go();
    }
    settle(&world);
    // The sweep passes by meanwhile.
    seconds(&world, 3);
    hold.let_go();
    seconds(&world, 3);
    runs.next().returns(done("the second"));
    assert_eq!(output(&world, "p")["value"], "the second");
    now(driver.stop());
}

#[test]
fn an_end_whose_answer_is_late_is_no_lost_lease() {
    let (world, hold) = held_tab();
    let (driver, _, run) = running(&world);
    hold.hold_writes();
    let told = run.told();
    run.returns(done(1));
    world.clock.advance(10_000);
    tasks().run();
    hold.let_go();
    settle(&world);
    assert_eq!((state(&world, "p"), told), ("completed".to_owned(), vec![]));
    assert!(lease(&world, "p").is_none());
    assert_eq!(sweep(&driver).failed, []);
    assert_eq!(world.clock.timers(), 0);
}

#[test]
fn only_so_many_failures_are_kept_for_a_report_that_may_never_come() {
    let (world, hold) = held_tab();
    let runs = Runs::default();
    (0..150).for_each(|number| register(&world, &format!("p{number:03}"), "job"));
    let works = runs.works();
    let driver = driver_of(&world, &works, 200);
    sweep(&driver);
    hold.fill_up(true);
    (0..150).for_each(|_| runs.next().returns(done(1)));
    now(driver.idle());
    assert_eq!(works.failures.take().len(), 150);
    assert_eq!(sweep(&driver).failed.len(), 100 + 150, "and those of the claims that fail now");
}

#[test]
fn a_process_that_is_registered_anew_while_its_claim_finds_it_over_is_run() {
    let (world, hold) = held_tab();
    let (other, runs) = (another(&world), Runs::default());
    register(&world, "p", "job");
    let driver = driver(&world, &runs.works());
    hold.hold_reads();
    driver.start();
    // What it is told is that `p` is pending, and by the time it claims it, it has ended.
    for _ in 0..2 {
        tasks().run();
        hold.let_last_go();
    }
    tasks().run();
    now(other.succeed("p"));
    hold.let_go();
    hold.hold_writes();
    tasks().run();
    assert_eq!(hold.waiting(), 1);
    let mut others = registers_anew(&other);
    while others.run().is_none() {
        hold.let_last_go();
    }
    seconds(&world, 3);
    hold.let_go();
    seconds(&world, 3);
    runs.next().returns(done("the second"));
    assert_eq!(output(&world, "p")["value"], "the second");
    now(driver.stop());
}

/// A tab that prunes `p`, which has ended, and registers it once more.
fn registers_anew(other: &World) -> Hand<'_, ()> {
    Hand::new(async {
        other.clock.advance(1);
        other.registry.prune(u64::MAX >> 12).await.unwrap();
        other.register(serde_json::json!({"id": "p", "input": {"type": "engine", "kind": "job"}})).await.unwrap();
    })
}
