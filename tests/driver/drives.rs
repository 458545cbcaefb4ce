//! Driving on: registrations of other tabs, deaths, leases that end.

use std::rc::Rc;

use longwait::{host::NoProof, model::lease::LivenessMark};
use serde_json::json;

use crate::{
    hand::now,
    runners::{
        Notes, Runs, Works, another, done, driver, held_tab, holder, job, output, register, running, seconds, settle,
        started, state, sweep, tab,
    },
    support::{World, tasks},
};

/// Tabs that stand by with started drivers, each noting down what it runs.
fn standing_by(world: &World, count: usize, notes: &Notes) -> Vec<(World, longwait::ProcessWorkDriver)> {
    let one = |number: usize| {
        let (tab, notes) = (another(world), notes.clone());
        let works = job(move |context| {
            notes.add(number);
            async move { done(context.attempt()) }
        });
        let driver = started(&tab, &works);
        (tab, driver)
    };
    (0..count).map(one).collect()
}

fn stop(tabs: Vec<(World, longwait::ProcessWorkDriver)>) {
    tabs.iter().for_each(|(_, driver)| now(driver.stop()));
}

#[test]
fn a_driver_that_was_started_runs_what_any_tab_registers() {
    let world = tab();
    register(&world, "before", "job");
    let driver = started(&world, &job(async |_| done(1)));
    assert_eq!(state(&world, "before"), "completed");
    register(&world, "here", "job");
    assert_eq!(state(&world, "here"), "completed");
    let other = another(&world);
    register(&other, "there", "job");
    settle(&world);
    assert_eq!(state(&world, "there"), "completed");
    register(&other, "unheard", "job");
    assert_eq!(state(&world, "unheard"), "running");
    seconds(&world, 1);
    assert_eq!(state(&world, "unheard"), "completed");
    now(driver.stop());
    assert_eq!(world.clock.timers(), 0);
}

#[test]
fn what_a_stopped_driver_hands_back_runs_at_once_where_somebody_stands_by() {
    let (world, notes) = (tab(), Notes::default());
    let (first, _, run) = running(&world);
    let tabs = standing_by(&world, 1, &notes);
    assert_eq!(state(&world, "p"), "running");
    now(first.stop());
    tasks().run();
    assert_eq!(run.told(), ["lease_lost"]);
    assert_eq!(output(&world, "p")["value"], 2);
    stop(tabs);
}

#[test]
fn what_a_dead_tab_held_is_taken_over_at_once_by_exactly_one_of_those_that_stand_by() {
    let (world, notes) = (tab(), Notes::default());
    let runs = Runs::default();
    ["p", "q"].iter().for_each(|id| register(&world, id, "job"));
    sweep(&driver(&world, &runs.works()));
    let tabs = standing_by(&world, 3, &notes);
    let LivenessMark::WebLock { lock_name } = holder(&world, "p").liveness.unwrap() else { panic!("not mortal") };
    assert!(notes.all().is_empty());
    world.killed.kill(lock_name.as_str());
    tasks().run();
    assert_eq!(notes.all().len(), 2, "{:?}", notes.all());
    assert_eq!((&output(&world, "p")["value"], &output(&world, "q")["value"]), (&json!(2), &json!(2)));
    settle(&world);
    seconds(&world, 40);
    assert_eq!(notes.all().len(), 2);
    assert_eq!([runs.next().told(), runs.next().told()], [["already_terminal"], ["already_terminal"]]);
    stop(tabs);
}

#[test]
fn what_the_winner_of_a_takeover_leaves_when_it_dies_too_is_taken_over_again() {
    let world = tab();
    let (_, _, _run) = running(&world);
    let runs = Runs::default();
    let tabs: Vec<_> = (0..3).map(|_| another(&world)).collect();
    let _drivers: Vec<_> = tabs.iter().map(|tab| started(tab, &runs.works())).collect();
    for attempt in 2..=4 {
        let LivenessMark::WebLock { lock_name } = holder(&world, "p").liveness.unwrap() else { panic!("not mortal") };
        world.killed.kill(lock_name.as_str());
        tasks().run();
        assert_eq!(runs.next().context.attempt(), attempt);
        assert_eq!(runs.len(), 0);
    }
}

#[test]
fn a_holder_whose_death_nobody_can_prove_is_waited_for_until_its_lease_ends() {
    let (world, notes) = (tab(), Notes::default());
    let opaque = opaque(&world);
    register(&world, "p", "job");
    let runs = Runs::default();
    let driver = started(&opaque, &runs.works());
    let _run = runs.next();
    let tabs = standing_by(&world, 2, &notes);
    // It is frozen for good.
    drop(driver);
    let mark = holder(&world, "p");
    assert_eq!(mark.liveness, Some(LivenessMark::Opaque {}));
    world.killed.kill(mark.incarnation_id);
    world.clock.advance(29_000);
    assert!(notes.all().is_empty(), "it lives as long as it says so");
    stop(tabs);
}

#[test]
fn what_an_opaque_holder_gives_back_is_heard_of_and_what_it_leaves_is_found_when_its_lease_ends() {
    let (world, notes) = (tab(), Notes::default());
    let runs = Runs::default();
    ["p", "q"].iter().for_each(|id| register(&world, id, "job"));
    let driver = started(&opaque(&world), &runs.works());
    let held = [runs.next(), runs.next()];
    let tabs = standing_by(&world, 2, &notes);
    assert!(notes.all().is_empty());
    // One is released: its run meets the end of its lease, and its tab may hear of it last.
    now(driver.stop());
    settle(&world);
    assert_eq!(notes.all().len(), 2);
    assert_eq!(held.map(|run| run.told()), [["lease_lost"], ["lease_lost"]]);
    stop(tabs);
}

#[test]
fn a_lease_that_nobody_renews_is_taken_over_within_a_second_of_its_end() {
    let (world, notes) = (tab(), Notes::default());
    register(&world, "p", "job");
    let owner = crate::support::made(json!({"ownerId": "gone", "incarnationId": "gone"}));
    now(world.registry.claim(&"p".into(), owner, 30_000)).unwrap();
    let tabs = standing_by(&world, 3, &notes);
    seconds(&world, 29);
    assert!(notes.all().is_empty());
    seconds(&world, 2);
    assert_eq!(notes.all().len(), 1);
    assert_eq!(output(&world, "p")["value"], 1, "nobody has tried before");
    stop(tabs);
}

#[test]
fn what_nobody_here_can_run_is_left_alone_and_not_looked_at_all_the_time() {
    let (world, hold) = held_tab();
    let driver = started(&world, &job(async |_| done(1)));
    register(&world, "p", "nobody's");
    now(world.start("external"));
    settle(&world);
    seconds(&world, 2);
    let before = hold.questions();
    for number in 0..20 {
        now(world.append("external", json!({"eventType": "note"}))).unwrap();
        crate::runners::signal(&world, "p", "go", number);
    }
    assert_eq!(hold.questions(), before + 4, "each is looked at once a second at most, and at its lease");
    assert_eq!((state(&world, "p"), state(&world, "external")), ("running".to_owned(), "running".to_owned()));
    now(driver.stop());
}

#[test]
fn what_others_hold_and_write_is_not_looked_at_each_time() {
    let (world, hold) = held_tab();
    let (_, _, run) = running(&world);
    let other = another(&world);
    let driver = started(&other, &job(async |_| done(1)));
    settle(&world);
    seconds(&world, 1);
    let before = hold.questions();
    for number in 0..20 {
        run.step(&number.to_string(), number).unwrap();
        settle(&world);
    }
    assert_eq!(hold.questions(), before + 2, "once a second at most, and at its lease");
    now(driver.stop());
}

#[test]
fn an_idle_driver_costs_one_timer_and_one_look_a_second() {
    let (world, hold) = held_tab();
    (0..50).for_each(|number| register(&world, &format!("p{number}"), "nobody's"));
    let driver = started(&world, &job(async |_| done(1)));
    // One of them is looked at until the host is told of their kind.
    seconds(&world, 7);
    let before = hold.reads();
    seconds(&world, 10);
    assert_eq!((hold.reads() - before, world.clock.timers()), (10, 1));
    now(driver.stop());
}

#[test]
fn an_id_that_is_pruned_and_registered_anew_as_another_kind_is_begun_at_once() {
    let world = tab();
    let driver = started(&world, &job(async |_| done(1)));
    let other = another(&world);
    for (id, kind) in [("p", "nobody's"), ("q", "external")] {
        match kind {
            "external" => drop(now(world.start(id))),
            kind => register(&world, id, kind),
        }
        settle(&world);
        seconds(&world, 3);
        now(other.succeed(id));
        other.clock.advance(1);
        now(other.registry.prune(u64::MAX >> 12)).unwrap();
        register(&other, id, "job");
        settle(&world);
        assert_eq!(state(&world, id), "completed");
    }
    now(driver.stop());
}

#[test]
fn what_another_driver_held_and_is_registered_anew_as_ours_is_begun_at_once() {
    let world = tab();
    let (other, runs) = (another(&world), Runs::default());
    register(&world, "p", "theirs");
    let theirs = driver(&other, &Rc::new(Works::default()).on("theirs", async |_| done(1)));
    let ours = started(&world, &runs.works());
    now(theirs.claim_and_run_pending()).unwrap();
    settle(&world);
    world.clock.advance(1);
    now(other.registry.prune(u64::MAX >> 12)).unwrap();
    register(&other, "p", "job");
    settle(&world);
    seconds(&world, 1);
    runs.next().returns(done("ours"));
    assert_eq!(output(&world, "p")["value"], "ours");
    now(ours.stop());
}

#[test]
fn after_more_changes_than_can_be_named_everything_is_looked_at() {
    let world = tab();
    let driver = started(&world, &job(async |_| done(1)));
    let other = another(&world);
    (0..300).for_each(|number| register(&other, &format!("p{number:03}"), "job"));
    seconds(&world, 3);
    assert_eq!(now(world.list(json!({"status": "completed"}))).len(), 300);
    now(driver.stop());
}

/// One more tab, whose life nobody can see the end of.
fn opaque(world: &World) -> World {
    now(world.another_seen_by(Rc::new(NoProof)))
}
