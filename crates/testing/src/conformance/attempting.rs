//! What drivers write: attempts, the waits of runs, and renewals of many leases at once.

use std::rc::Rc;

use futures::future::join;
use longwait_core::{
    Code, Result,
    model::{
        Millis,
        event::AppendRequest,
        lease::{ProcessLease, Proof},
        policy::RetryPolicy,
        process::{FailureClass, ProcessAwaitOutput, WaitState},
        schema::Schemas,
        wait::{Awaited, Outcome, RunWait, When},
    },
    operation,
    rules::{
        attempt::{Advice, Attempt, Begun, Cancelled, Claimant, Thrown},
        step::{Failing, StepFailed},
    },
};
use serde_json::{Value, json};

use crate::{AsJson, START, TTL, World, acquired, busy, owner, payloads, refused};

/// Begins an attempt in a life of its own.
async fn begin(world: &World, life: &str) -> Result<Begun> {
    begin_after(world, life, None).await
}

/// The same, where a holder was observed and may be dead.
async fn begin_after(world: &World, life: &str, observed: Option<(&ProcessLease, Proof)>) -> Result<Begun> {
    let claimant =
        Claimant { owner: owner("driver", life), ttl: TTL, token: format!("token of {life}"), is_offline: false };
    let observed = observed.map(|(holder, proof)| (Rc::new(holder.clone()), proof));
    world.registry.execute(operation::begin("p".into(), claimant, observed, None)).await
}

/// The same, with the reason of a cancel request.
async fn begin_cancelled(world: &World, life: &str, reason: &str) -> Result<Begun> {
    let claimant =
        Claimant { owner: owner("driver", life), ttl: TTL, token: format!("token of {life}"), is_offline: false };
    world.registry.execute(operation::begin("p".into(), claimant, None, Some(Cancelled(Some(reason.into()))))).await
}

/// An attempt that was to begin.
#[track_caller]
fn run(begun: Result<Begun>) -> Rc<Attempt> {
    match begun {
        Ok(Begun::Run(attempt)) => attempt,
        other => panic!("did not begin: {other:?}"),
    }
}

async fn job(world: &World) {
    register(world, json!({})).await;
}

async fn register(world: &World, more: Value) {
    world.job("p", more).await.unwrap();
}

async fn release(world: &World, lease: &ProcessLease) {
    world.registry.release(&lease.process_id, lease.lease_token.clone()).await.unwrap();
}

async fn held(world: &World, id: &str) -> Option<ProcessLease> {
    world.registry.lease(&id.into()).await.unwrap()
}

fn go(ordinal: u64) -> RunWait {
    signal("go", ordinal)
}

fn signal(name: &str, ordinal: u64) -> RunWait {
    RunWait { awaited: Awaited::signals(&[name]).unwrap(), ordinal }
}

async fn wait(world: &World, lease: &ProcessLease, wait: RunWait) -> Result<Millis> {
    let waiting = world.registry.execute(operation::wait(lease.clone(), wait, &Rc::new(Schemas::unchecked()))).await?;
    Ok(waiting.state.since())
}

async fn resume(world: &World, lease: &ProcessLease, over: RunWait, still: Option<(RunWait, Millis)>) -> Result<()> {
    let over = (over, Outcome::GivenUp, Vec::new());
    let still = still.map(|(wait, since)| wait.state(since, 0));
    world
        .registry
        .execute(operation::resume(lease.clone(), over, still, &Rc::new(Schemas::unchecked())))
        .await
        .map(drop)
}

async fn renew_all(world: &World, leases: &[&ProcessLease]) -> Result<Vec<String>> {
    let leases = leases.iter().map(|lease| (*lease).clone()).collect();
    let lost = world.registry.execute(operation::renew_all(leases, TTL)).await?;
    Ok(lost.iter().map(ToString::to_string).collect())
}

async fn shown(world: &World) -> Value {
    world.record("p").await.json()["wait"].clone()
}

async fn types(world: &World) -> Vec<String> {
    world.log("p").await.iter().map(|event| event.event_type.clone()).collect()
}

// ── Attempts ────────────────────────────────────────────────────────────────

pub async fn the_first_attempt_has_number_1_and_a_lease(world: World) {
    job(&world).await;
    world.ticked();
    let attempt = run(begin(&world, "1").await);
    assert_eq!((attempt.number, attempt.lease.fencing_token, attempt.lease.expires_at_ms), (1, 1, START + TTL));
    assert_eq!(attempt.record, world.record("p").await);
    assert_eq!(held(&world, "p").await.as_ref(), Some(&attempt.lease));
    assert!(world.ticked().is_empty(), "the process has not changed");
}

pub async fn attempts_are_counted_over_release_takeover_and_expiry(world: World) {
    job(&world).await;
    release(&world, &run(begin(&world, "1").await).lease).await;
    let second = run(begin(&world, "2").await);
    let third = run(begin_after(&world, "3", Some((&second.lease, Proof::Dead))).await);
    world.clock.advance(TTL);
    let fourth = run(begin(&world, "4").await);
    let seen = [&second, &third, &fourth].map(|attempt| (attempt.number, attempt.lease.fencing_token));
    assert_eq!(seen, [(2, 2), (3, 3), (4, 4)]);
}

pub async fn what_is_claimed_by_hand_is_no_attempt_and_forgets_none(world: World) {
    job(&world).await;
    let by_hand = world.lease("p", &owner("hand", "1")).await;
    world.registry.renew(by_hand.clone(), TTL).await.unwrap();
    release(&world, &by_hand).await;
    let first = run(begin(&world, "2").await);
    assert_eq!((first.number, first.lease.fencing_token), (1, 2));
    world.registry.renew(first.lease.clone(), TTL).await.unwrap();
    release(&world, &first.lease).await;
    release(&world, &world.lease("p", &owner("hand", "3")).await).await;
    assert_eq!(run(begin(&world, "4").await).number, 2);
}

pub async fn attempts_start_over_with_a_new_registration_and_fences_go_on(world: World) {
    job(&world).await;
    release(&world, &run(begin(&world, "1").await).lease).await;
    let second = run(begin(&world, "2").await);
    world.complete_leased(&second.lease, json!({"type": "success", "value": 1})).await.unwrap();
    world.clock.advance(1);
    world.registry.prune(START + 1).await.unwrap();
    job(&world).await;
    let anew = run(begin(&world, "3").await);
    assert_eq!((anew.number, anew.lease.fencing_token), (1, 3));
}

pub async fn an_attempt_at_what_is_unknown_or_has_ended_is_over_and_changes_nothing(world: World) {
    assert_eq!(begin(&world, "1").await.unwrap(), Begun::Over);
    job(&world).await;
    let attempt = run(begin(&world, "1").await);
    world.succeed("p").await;
    let before = world.picture().await;
    assert_eq!(begin(&world, "2").await.unwrap(), Begun::Over);
    assert_eq!(begin_after(&world, "2", Some((&attempt.lease, Proof::Dead))).await.unwrap(), Begun::Over);
    assert_eq!(world.picture().await, before);
}

pub async fn an_attempt_at_what_somebody_holds_is_busy_and_not_counted(world: World) {
    job(&world).await;
    let first = run(begin(&world, "1").await);
    let before = world.picture().await;
    assert_eq!(begin(&world, "2").await.unwrap(), Begun::Busy(Rc::new(first.lease.clone())));
    let unproven = begin_after(&world, "2", Some((&first.lease, Proof::Unknown))).await;
    assert_eq!(unproven.unwrap(), Begun::Busy(Rc::new(first.lease.clone())));
    assert_eq!(world.picture().await, before);
    release(&world, &first.lease).await;
    assert_eq!(run(begin(&world, "2").await).number, 2);
}

pub async fn an_attempt_takes_over_from_the_dead_holder_that_was_observed_and_from_no_other(world: World) {
    job(&world).await;
    let first = run(begin(&world, "1").await);
    let second = run(begin_after(&world, "2", Some((&first.lease, Proof::Dead))).await);
    let third = begin_after(&world, "3", Some((&first.lease, Proof::Dead))).await;
    assert_eq!(third.unwrap(), Begun::Busy(Rc::new(second.lease.clone())));
}

pub async fn two_tabs_that_begin_an_attempt_at_once_have_one_winner(world: World) {
    job(&world).await;
    let other = world.another().await;
    let (one, two) = join(begin(&world, "1"), begin(&other, "2")).await;
    let begun = [one.unwrap(), two.unwrap()];
    let runs = begun.iter().filter(|begun| matches!(begun, Begun::Run(attempt) if attempt.number == 1)).count();
    let busy = begun.iter().filter(|begun| matches!(begun, Begun::Busy(_))).count();
    assert_eq!((runs, busy), (1, 1), "{begun:?}");
}

pub async fn what_is_not_to_be_run_again_is_ended_and_released_by_the_second_attempt(world: World) {
    register(&world, json!({"recovery": "abandon"})).await;
    let first = run(begin(&world, "1").await);
    assert_eq!(begin(&world, "2").await.unwrap(), Begun::Busy(Rc::new(first.lease.clone())), "it is being run");
    world.ticked();
    assert_eq!(begin_after(&world, "2", Some((&first.lease, Proof::Dead))).await.unwrap(), Begun::Over);
    let status = world.record("p").await.json()["status"].clone();
    assert_eq!((&status["state"], &status["awaitOutput"]["code"]), (&json!("failed"), &json!("abandoned")));
    assert_eq!(held(&world, "p").await, None);
    assert_eq!((types(&world).await, world.ticked()), (vec!["process.failed".to_owned()], vec!["p".to_owned()]));
    let late = world.complete_leased(&first.lease, json!({"type": "success", "value": 1})).await;
    assert_eq!(refused(late), Code::LeaseLost);
    assert_eq!(begin(&world, "3").await.unwrap(), Begun::Over);
}

pub async fn what_is_not_to_be_run_again_and_is_registered_anew_is_run(world: World) {
    register(&world, json!({"recovery": "abandon"})).await;
    let first = run(begin(&world, "1").await);
    assert_eq!(begin_after(&world, "2", Some((&first.lease, Proof::Dead))).await.unwrap(), Begun::Over);
    world.clock.advance(1);
    world.registry.prune(START + 1).await.unwrap();
    register(&world, json!({"recovery": "abandon"})).await;
    assert_eq!(run(begin(&world, "3").await).number, 1);
}

pub async fn what_was_asked_to_stop_before_it_was_ever_begun_is_ended_as_cancelled_without_a_run(world: World) {
    job(&world).await;
    world.registry.request_cancel(&"p".into(), Some("too late")).await.unwrap();
    let before = world.picture().await;
    assert_eq!(begin(&world, "1").await.unwrap(), Begun::Cancelled(None));
    assert_eq!(world.picture().await, before, "it is for the claimant to say why");
    assert_eq!(begin_cancelled(&world, "1", "too late").await.unwrap(), Begun::Over);
    let status = world.record("p").await.json()["status"].clone();
    assert_eq!(status["awaitOutput"], json!({"type": "cancelled", "message": "too late"}));
    assert_eq!(held(&world, "p").await, None);
    assert_eq!(types(&world).await, ["process.cancel_requested", "process.cancelled"]);
}

pub async fn what_was_begun_and_is_asked_to_stop_is_run_again_for_its_runner_to_tidy_up(world: World) {
    job(&world).await;
    release(&world, &run(begin(&world, "1").await).lease).await;
    world.registry.request_cancel(&"p".into(), None).await.unwrap();
    assert_eq!(run(begin(&world, "2").await).number, 2);
}

pub async fn a_process_that_is_held_elsewhere_is_not_ended_by_a_request_to_stop(world: World) {
    job(&world).await;
    let lease = world.lease("p", &owner("hand", "1")).await;
    world.registry.request_cancel(&"p".into(), None).await.unwrap();
    assert_eq!(begin_cancelled(&world, "2", "x").await.unwrap(), Begun::Busy(Rc::new(lease)));
}

pub async fn what_a_lost_attempt_writes_is_refused_and_leaves_no_trace(world: World) {
    job(&world).await;
    let first = run(begin(&world, "1").await);
    run(begin_after(&world, "2", Some((&first.lease, Proof::Dead))).await);
    let before = world.picture().await;
    let step = AppendRequest { lease: Some(first.lease.clone()), ..AppendRequest::step("a", &None) };
    assert_eq!(refused(world.registry.append(&"p".into(), step).await), Code::LeaseLost);
    assert_eq!(refused(wait(&world, &first.lease, go(1)).await), Code::LeaseLost);
    assert_eq!(refused(resume(&world, &first.lease, go(1), None).await), Code::LeaseLost);
    assert_eq!(renew_all(&world, &[&first.lease]).await.unwrap(), ["p"]);
    let end = world.complete_leased(&first.lease, json!({"type": "success", "value": 1})).await;
    assert_eq!(refused(end), Code::LeaseLost);
    assert_eq!(world.picture().await, before);
}

// ── Waits of runs ───────────────────────────────────────────────────────────

pub async fn a_run_that_waits_is_said_and_shown_to_do_so_in_one_change(world: World) {
    job(&world).await;
    let lease = run(begin(&world, "1").await).lease.clone();
    world.clock.advance(7);
    world.ticked();
    assert_eq!(wait(&world, &lease, go(1)).await.unwrap(), START + 7);
    assert_eq!(world.ticked(), ["p"]);
    let expected = json!({
        "kind": "signal", "name": "go", "eventType": "signal.go", "key": "go:1", "ordinal": 1, "sinceMs": START + 7,
    });
    assert_eq!(shown(&world).await, expected);
    assert_eq!(types(&world).await, ["process.waiting"]);
    assert_eq!(payloads(&world.log("p").await), [json!({"name": "go", "ordinal": 1})]);
    assert_eq!(world.list(json!({"waiting": true})).await, ["p"]);
}

pub async fn a_wait_that_another_run_goes_on_with_has_lasted_since_the_first_and_is_said_once(world: World) {
    job(&world).await;
    let first = run(begin(&world, "1").await).lease.clone();
    wait(&world, &first, go(1)).await.unwrap();
    release(&world, &first).await;
    world.clock.advance(50);
    let second = run(begin(&world, "2").await).lease.clone();
    let before = world.picture().await;
    assert_eq!(wait(&world, &second, go(1)).await.unwrap(), START);
    assert_eq!(world.picture().await, before, "nothing has changed");
    resume(&world, &second, go(1), None).await.unwrap();
    assert_eq!(wait(&world, &second, go(1)).await.unwrap(), START, "given up and begun anew");
    assert_eq!(shown(&world).await["sinceMs"], json!(START));
    resume(&world, &second, go(1), None).await.unwrap();
    assert!(shown(&world).await.is_null());
    assert_eq!(types(&world).await, ["process.waiting", "process.resumed"]);
}

pub async fn a_wait_that_is_over_leaves_the_other_one_shown(world: World) {
    job(&world).await;
    let lease = run(begin(&world, "1").await).lease.clone();
    let since = wait(&world, &lease, signal("one", 1)).await.unwrap();
    world.clock.advance(5);
    wait(&world, &lease, signal("two", 1)).await.unwrap();
    assert_eq!(shown(&world).await["name"], "two");
    world.clock.advance(5);
    resume(&world, &lease, signal("two", 1), Some((signal("one", 1), since))).await.unwrap();
    assert_eq!((&shown(&world).await["name"], &shown(&world).await["sinceMs"]), (&json!("one"), &json!(START)));
    resume(&world, &lease, signal("one", 1), None).await.unwrap();
    assert!(shown(&world).await.is_null());
    assert_eq!(world.list(json!({"waiting": false})).await, ["p"]);
}

pub async fn a_wait_is_refused_without_the_lease_even_where_it_was_said_before(world: World) {
    job(&world).await;
    let lease = run(begin(&world, "1").await).lease.clone();
    wait(&world, &lease, go(1)).await.unwrap();
    resume(&world, &lease, go(1), None).await.unwrap();
    world.clock.advance(TTL);
    let before = world.picture().await;
    assert_eq!(refused(wait(&world, &lease, go(1)).await), Code::LeaseLost);
    assert_eq!(refused(resume(&world, &lease, go(1), None).await), Code::LeaseLost);
    assert_eq!(world.picture().await, before);
}

pub async fn an_ended_process_enters_no_wait_though_a_lease_of_it_is_held(world: World) {
    job(&world).await;
    let lease = run(begin(&world, "1").await).lease.clone();
    wait(&world, &lease, go(1)).await.unwrap();
    world.succeed("p").await;
    assert!(shown(&world).await.is_null());
    let before = world.picture().await;
    assert_eq!(refused(wait(&world, &lease, go(2)).await), Code::AlreadyTerminal);
    assert_eq!(refused(resume(&world, &lease, go(1), None).await), Code::AlreadyTerminal);
    assert_eq!(world.picture().await, before);
}

pub async fn each_outcome_of_a_wait_is_told_in_the_log_with_the_waits_it_came_before(world: World) {
    job(&world).await;
    let lease = run(begin(&world, "1").await).lease.clone();
    let either = RunWait { awaited: Awaited::signals(&["b", "a", "b"]).unwrap(), ordinal: 2 };
    let end = RunWait { awaited: Awaited::Process("q".into()), ordinal: 1 };
    let outcomes = [
        (go(1), Outcome::Took(7), vec!["stop:1".to_owned()]),
        (go(2), Outcome::TimedOut, vec![]),
        (go(1), Outcome::GivenUp, vec![]),
        (either, Outcome::Took(8), vec![]),
        (end, Outcome::Ended, vec!["go:3".to_owned()]),
    ];
    for over in &outcomes {
        let over = operation::resume(lease.clone(), over.clone(), None, &Rc::new(Schemas::unchecked()));
        world.registry.execute(over).await.unwrap();
    }
    let log = world.log("p").await;
    let logged = [
        json!({"name": "go", "ordinal": 1, "sequence": 7, "before": ["stop:1"]}),
        json!({"name": "go", "ordinal": 2, "timedOut": true}),
        json!({"name": "go", "ordinal": 1, "givenUp": true}),
        json!({"names": ["a", "b"], "ordinal": 2, "sequence": 8}),
        json!({"processId": "q", "ordinal": 1, "before": ["go:3"]}),
    ];
    assert_eq!(payloads(&log), logged);
    for (event, (wait, outcome, before)) in log.iter().zip(outcomes) {
        let resumed = event.as_resumed().unwrap();
        assert_eq!((resumed.key, resumed.outcome, resumed.before), (wait.key(), outcome, before));
    }
}

pub async fn a_wait_for_any_of_several_signals_is_shown_with_all_of_them(world: World) {
    job(&world).await;
    let lease = run(begin(&world, "1").await).lease.clone();
    wait(&world, &lease, RunWait { awaited: Awaited::signals(&["b", "a"]).unwrap(), ordinal: 1 }).await.unwrap();
    let expected = json!({
        "kind": "signal", "name": "a", "names": ["a", "b"], "eventType": "signal.a", "key": "a,b:1", "ordinal": 1,
        "sinceMs": START,
    });
    assert_eq!(shown(&world).await, expected);
}

pub async fn a_timer_is_set_once_and_comes_out_once_its_time_has_come(world: World) {
    job(&world).await;
    let lease = run(begin(&world, "1").await).lease.clone();
    let wait = RunWait { awaited: Awaited::Timer("pause".into()), ordinal: 1 };
    let set = async |when| world.registry.execute(operation::set_timer(lease.clone(), wait.clone(), when)).await;
    let set_first = set(When::After(50)).await.unwrap();
    world.clock.advance(20);
    let again = set(When::At(START + 5_000)).await.unwrap();
    assert_eq!((again.now - set_first.now, again.state.until()), (20, Some(set_first.now + 50)));
    let due = set_first.now + 50;
    assert_eq!(shown(&world).await, json!({"kind": "timer", "key": "pause", "untilMs": due, "sinceMs": due - 50}));
    let over = async || {
        let over = (wait.clone(), Outcome::Due(due), Vec::new());
        let comes_out = operation::resume(lease.clone(), over, None, &Rc::new(Schemas::unchecked()));
        world.registry.execute(comes_out).await.unwrap()
    };
    let before = world.picture().await;
    assert_eq!(over().await, 30);
    assert_eq!(world.picture().await, before, "something was written before its time");
    world.clock.advance(30);
    assert_eq!(over().await, 0);
    assert!(shown(&world).await.is_null());
    let log = world.log("p").await;
    let logged = [json!({"key": "pause", "dueAtMs": due}), json!({"timer": "pause", "ordinal": 1, "dueAtMs": due})];
    assert_eq!(payloads(&log), logged);
    assert_eq!(log[0].as_timer(), Some(("pause".to_owned(), due)));
    assert_eq!(log[1].as_resumed().unwrap().outcome, Outcome::Due(due));
}

fn failing(attempt: u64, most: u64) -> Failing {
    let failure = ProcessAwaitOutput::failure(FailureClass::Unavailable, "no_luck", "no luck");
    let retry = RetryPolicy {
        max_attempts: Some(most),
        initial_interval_ms: Some(40),
        jitter: Some(false),
        ..RetryPolicy::default()
    };
    let thrown = Thrown { failure, advice: Advice::ByPolicy };
    Failing { key: "fetch".into(), attempt, thrown, retry, chance: 0.0 }
}

pub async fn a_failed_attempt_of_a_step_is_told_with_the_time_of_the_next_and_the_last_one_as_its_end(world: World) {
    job(&world).await;
    let lease = run(begin(&world, "1").await).lease.clone();
    let fails = async |failing| world.registry.execute(operation::fail_step(lease.clone(), failing)).await;
    let StepFailed::Retried { wait, left } = fails(failing(1, 2)).await.unwrap() else { panic!("is not retried") };
    assert_eq!((left, wait.until()), (40, Some(START + 40)));
    let retry = json!({"kind": "retry", "step": "fetch", "untilMs": START + 40, "attempt": 2, "sinceMs": START});
    assert_eq!(shown(&world).await, retry);
    let outlasts = async || {
        let outlasts = operation::outlast(lease.clone(), wait.clone(), None);
        world.registry.execute(outlasts).await.unwrap()
    };
    world.clock.advance(39);
    assert_eq!((outlasts().await, shown(&world).await), (1, retry));
    world.clock.advance(1);
    assert_eq!((outlasts().await, shown(&world).await), (0, Value::Null));
    assert_eq!(fails(failing(2, 2)).await.unwrap(), StepFailed::Over);
    let log = world.log("p").await;
    let logged: Vec<_> = log.iter().map(|event| event.as_step_failed().unwrap()).collect();
    assert_eq!(
        logged.iter().map(|failed| (failed.attempt, failed.is_last)).collect::<Vec<_>>(),
        [(1, false), (2, true)]
    );
    assert_eq!(ProcessAwaitOutput::from_error(&logged[1].error), failing(2, 2).thrown.failure);
    assert_eq!(log[1].replay_key.as_deref(), Some("step:fetch"));
}

pub async fn nothing_is_told_of_a_step_that_fails_after_a_cancel_request_or_without_the_lease(world: World) {
    job(&world).await;
    let lease = run(begin(&world, "1").await).lease.clone();
    world.registry.request_cancel(&"p".into(), None).await.unwrap();
    let before = world.picture().await;
    let fails = async || world.registry.execute(operation::fail_step(lease.clone(), failing(1, 2))).await;
    assert_eq!(fails().await.unwrap(), StepFailed::Stopped);
    assert_eq!(world.picture().await, before);
    world.clock.advance(TTL);
    assert_eq!(refused(fails().await), Code::LeaseLost);
    assert_eq!(world.picture().await, before);
}

pub async fn a_wait_for_a_process_is_shown_under_the_lease_since_the_first_run_that_waited(world: World) {
    job(&world).await;
    let lease = run(begin(&world, "1").await).lease.clone();
    let state = |since_ms| Some(WaitState::Process { process_id: "q".into(), since_ms });
    let show = async |wait| world.registry.execute(operation::show_wait(lease.clone(), wait)).await;
    assert_eq!(show(state(START)).await.unwrap(), state(START));
    let before = world.picture().await;
    assert_eq!(show(state(START + 7)).await.unwrap(), state(START));
    assert_eq!(world.picture().await, before, "what is shown already was written again");
    assert_eq!(show(None).await.unwrap(), None);
    assert!(shown(&world).await.is_null());
    world.clock.advance(TTL);
    assert_eq!(refused(show(state(START)).await), Code::LeaseLost);
}

// ── Renewals ────────────────────────────────────────────────────────────────

pub async fn many_leases_are_renewed_at_once_and_the_lost_ones_are_named(world: World) {
    let mut leases = Vec::new();
    for id in ["a", "b", "c", "d", "e"] {
        world.start(id).await;
        leases.push(world.lease(id, &owner("o", id)).await);
    }
    world.clock.advance(TTL / 2);
    release(&world, &leases[1]).await;
    world.killed.kill("c");
    let taken = acquired(world.registry.reclaim(leases[2].clone(), owner("o", "other"), TTL).await);
    world.succeed("d").await;
    world.clock.advance(1);
    world.registry.prune(START + TTL).await.unwrap();
    world.ticked();
    let all: Vec<_> = leases.iter().collect();
    assert_eq!(renew_all(&world, &all).await.unwrap(), ["b", "c", "d"]);
    for (id, lease) in [("a", &leases[0]), ("e", &leases[4])] {
        let renewed = ProcessLease { expires_at_ms: START + TTL / 2 + 1 + TTL, ..lease.clone() };
        assert_eq!(held(&world, id).await, Some(renewed));
    }
    assert_eq!(held(&world, "b").await, None);
    assert_eq!(held(&world, "c").await, Some(taken));
    assert_eq!(held(&world, "d").await, None);
    assert!(world.ticked().is_empty());
    assert!(renew_all(&world, &[]).await.unwrap().is_empty());
}

pub async fn a_lease_that_has_ended_is_not_renewed_with_others_though_nobody_took_it(world: World) {
    world.start("a").await;
    let early = world.lease("a", &owner("o", "a")).await;
    world.clock.advance(1);
    world.start("b").await;
    let late = world.lease("b", &owner("o", "b")).await;
    world.clock.advance(TTL - 1);
    assert_eq!(renew_all(&world, &[&early, &late]).await.unwrap(), ["a"]);
    assert_eq!(held(&world, "a").await, Some(early));
    busy(world.claim("b", &owner("o", "c")).await);
}

pub async fn renewing_does_not_count_as_an_attempt_nor_forget_any(world: World) {
    job(&world).await;
    let first = run(begin(&world, "1").await);
    assert!(renew_all(&world, &[&first.lease]).await.unwrap().is_empty());
    release(&world, &first.lease).await;
    assert_eq!(run(begin(&world, "2").await).number, 2);
}
