//! What a claim decides by the run policy, and what is due by the clock.

use std::rc::Rc;

use futures::future::{join, join_all};
use longwait_core::{
    Code, Result,
    host::Clock,
    model::{
        lease::ProcessLease,
        policy::Policy,
        process::{FailureClass, NewProcess, ProcessAwaitOutput},
        schema::Schemas,
    },
    operation,
    rules::attempt::{Advice, Attempt, Begun, Claimant, Failed, Thrown},
    store::{Answer, Query, TurnsFrom},
};
use serde_json::{Value, json};

use crate::{AsJson, START, TTL, World, owner, refused};

async fn job(world: &World, id: &str, more: Value) {
    world.job(id, more).await.unwrap();
}

async fn keyed(world: &World, id: &str, priority: i64) {
    job(world, id, json!({"concurrencyKey": "k", "priority": priority})).await;
}

async fn claim(world: &World, id: &str, life: &str, is_offline: bool) -> Result<Begun> {
    let claimant = Claimant { owner: owner("driver", life), ttl: TTL, token: format!("{id} {life}"), is_offline };
    world.registry.execute(operation::begin(id.into(), claimant, None, None)).await
}

async fn begin(world: &World, id: &str) -> Option<Rc<Attempt>> {
    match claim(world, id, "1", false).await.unwrap() {
        Begun::Run(attempt) => Some(attempt),
        Begun::NotNow | Begun::Over => None,
        other @ (Begun::Busy(_) | Begun::Cancelled(_)) => panic!("{other:?}"),
    }
}

async fn began(world: &World, id: &str) -> ProcessLease {
    begin(world, id).await.expect("it does not begin").lease.clone()
}

async fn throw(world: &World, lease: &ProcessLease, advice: Advice) -> Failed {
    let failure = ProcessAwaitOutput::failure(FailureClass::External, "busy", "come back later");
    let fails = operation::fail(lease.clone(), Thrown { failure, advice }, 0.0, &Rc::new(Schemas::unchecked()));
    world.registry.execute(fails).await.unwrap()
}

async fn settle(world: &World) -> Vec<String> {
    let answer = world.registry.read(Query::Due(100)).await.unwrap();
    let Answer::Due(due) = &*answer else { panic!("answers another question") };
    for id in &due.ids {
        world.registry.execute(operation::due(id.clone())).await.unwrap();
    }
    due.ids.iter().map(ToString::to_string).collect()
}

/// The jobs that a driver finds, in the order in which it begins them.
async fn turns(world: &World) -> Vec<String> {
    let answer = world.registry.read(Query::Turns(TurnsFrom::Kind("job".to_owned()), 100)).await.unwrap();
    let Answer::Turns(turns) = &*answer else { panic!("answers another question") };
    turns.turns.iter().map(|turn| turn.id.to_string()).collect()
}

async fn output(world: &World, id: &str) -> Value {
    world.record(id).await.json()["status"]["awaitOutput"].clone()
}

// ── Order ───────────────────────────────────────────────────────────────────

pub async fn pending_processes_are_found_by_priority_then_age_then_id(world: World) {
    for (id, priority) in [("late", 0), ("low", -1), ("high", 5)] {
        job(&world, id, json!({"priority": priority})).await;
    }
    world.clock.advance(1);
    job(&world, "later", json!({})).await;
    job(&world, "b", json!({"priority": 5})).await;
    job(&world, "a", json!({"priority": 5})).await;
    world.register(json!({"id": "external"})).await.unwrap();
    assert_eq!(turns(&world).await, ["high", "a", "b", "late", "later", "low"]);
    world.succeed("a").await;
    assert_eq!(turns(&world).await, ["high", "b", "late", "later", "low"]);
}

pub async fn turns_go_on_behind_any_of_them_and_with_the_next_kind(world: World) {
    for id in ["a", "b", "c"] {
        job(&world, id, json!({})).await;
    }
    world.register(json!({"id": "z", "input": {"type": "engine", "kind": "other"}})).await.unwrap();
    let ask = async |from| {
        let answer = world.registry.read(Query::Turns(from, 2)).await.unwrap();
        let Answer::Turns(turns) = &*answer else { panic!("answers another question") };
        turns.turns.clone()
    };
    let first = ask(TurnsFrom::Kind("job".to_owned())).await;
    let rest = ask(TurnsFrom::Behind(first[1].clone())).await;
    let next = ask(TurnsFrom::NextKind("job".to_owned())).await;
    let names = [first, rest, next].map(|turns| turns.iter().map(|turn| turn.id.to_string()).collect::<Vec<_>>());
    assert_eq!(names, [vec!["a", "b"], vec!["c"], vec!["z"]]);
}

// ── Times ───────────────────────────────────────────────────────────────────

pub async fn a_process_is_not_begun_before_its_time(world: World) {
    job(&world, "p", json!({"startAtMs": START + 5})).await;
    assert!(begin(&world, "p").await.is_none());
    assert!(turns(&world).await.is_empty());
    world.clock.advance(4);
    assert_eq!(settle(&world).await, Vec::<String>::new());
    assert!(begin(&world, "p").await.is_none());
    world.clock.advance(1);
    assert_eq!(settle(&world).await, ["p"]);
    assert_eq!(turns(&world).await, ["p"]);
    assert_eq!(world.record("p").await.json()["wait"], Value::Null);
    assert!(begin(&world, "p").await.is_some());
}

pub async fn a_process_is_begun_at_its_time_even_before_a_driver_settled_that(world: World) {
    job(&world, "p", json!({"startAtMs": START + 5})).await;
    world.clock.advance(5);
    let attempt = begin(&world, "p").await.unwrap();
    assert_eq!((attempt.record.wait.clone(), world.record("p").await.wait), (None, None));
}

pub async fn the_next_time_at_which_something_is_due_is_known(world: World) {
    for (id, start) in [("p", 50), ("q", 20)] {
        job(&world, id, json!({"startAtMs": START + start})).await;
    }
    world.register(json!({"id": "r", "deadlineAtMs": START + 30})).await.unwrap();
    let mut nexts = Vec::new();
    for _ in 0..4 {
        let answer = world.registry.read(Query::Due(10)).await.unwrap();
        let Answer::Due(due) = &*answer else { panic!("answers another question") };
        nexts.push(due.next);
        world.clock.advance(due.next.unwrap_or_default());
        settle(&world).await;
    }
    assert_eq!(nexts, [Some(20), Some(10), Some(20), None]);
}

pub async fn a_process_of_any_kind_fails_at_its_deadline(world: World) {
    job(&world, "p", json!({"deadlineAtMs": START + 5})).await;
    world.register(json!({"id": "external", "deadlineAtMs": START + 5})).await.unwrap();
    world.clock.advance(4);
    assert_eq!(settle(&world).await, Vec::<String>::new());
    world.clock.advance(1);
    assert_eq!(settle(&world).await, ["external", "p"]);
    for id in ["external", "p"] {
        let output = output(&world, id).await;
        assert_eq!((&output["class"], &output["code"]), (&json!("timeout"), &json!("deadline_exceeded")), "{id}");
    }
    assert_eq!(settle(&world).await, Vec::<String>::new());
}

pub async fn a_deadline_takes_the_lease_of_a_run_in_progress(world: World) {
    job(&world, "p", json!({"deadlineAtMs": START + 5})).await;
    let lease = began(&world, "p").await;
    world.clock.advance(5);
    settle(&world).await;
    assert!(world.registry.lease(&"p".into()).await.unwrap().is_none());
    let late = world.complete_leased(&lease, json!({"type": "success", "value": 1})).await;
    assert_eq!(refused(late), Code::LeaseLost);
}

pub async fn a_process_whose_deadline_has_passed_is_ended_by_its_claim(world: World) {
    job(&world, "p", json!({"deadlineAtMs": START + 5})).await;
    world.clock.advance(5);
    assert!(begin(&world, "p").await.is_none());
    assert_eq!(output(&world, "p").await["code"], "deadline_exceeded");
}

// ── Retries ─────────────────────────────────────────────────────────────────

pub async fn a_run_that_throws_without_a_policy_ends_its_process(world: World) {
    job(&world, "p", json!({})).await;
    let lease = began(&world, "p").await;
    assert_eq!(throw(&world, &lease, Advice::ByPolicy).await, Failed::Ended);
    assert_eq!(output(&world, "p").await["code"], "busy");
}

pub async fn a_run_that_throws_is_retried_by_its_policy_up_to_its_last_attempt(world: World) {
    let retry = json!({"maxAttempts": 3, "initialIntervalMs": 10, "jitter": false});
    job(&world, "p", json!({"retry": retry})).await;
    for (attempt, span) in [(1, 10), (2, 20)] {
        let now = world.clock.now();
        let lease = began(&world, "p").await;
        assert_eq!(throw(&world, &lease, Advice::ByPolicy).await, Failed::Retried(now + span));
        let wait = json!({"kind": "retry", "untilMs": now + span, "attempt": attempt + 1, "sinceMs": now});
        assert_eq!(world.record("p").await.json()["wait"], wait);
        assert!(begin(&world, "p").await.is_none(), "it is too early");
        let failed = world.log("p").await.last().unwrap().clone();
        let error = json!({"class": "external", "code": "busy", "message": "come back later"});
        let payload = json!({"attempt": attempt, "error": error, "retryAtMs": now + span});
        assert_eq!((failed.event_type.as_str(), failed.payload.json()), ("process.attempt_failed", payload));
        world.clock.advance(span);
        assert_eq!(settle(&world).await, ["p"]);
    }
    let lease = began(&world, "p").await;
    assert_eq!(throw(&world, &lease, Advice::ByPolicy).await, Failed::Ended);
    assert_eq!(output(&world, "p").await["code"], "busy");
}

pub async fn an_error_may_ask_for_another_attempt_or_refuse_it(world: World) {
    for (id, more, advice, failed) in [
        ("default", json!({}), Advice::Again(None), Failed::Retried(START + 500)),
        ("later", json!({"retry": {}}), Advice::Again(Some(7)), Failed::Retried(START + 7)),
        ("last", json!({"retry": {"maxAttempts": 1}}), Advice::Again(Some(7)), Failed::Ended),
        ("never", json!({"retry": {}}), Advice::Never, Failed::Ended),
    ] {
        job(&world, id, more).await;
        let lease = began(&world, id).await;
        assert_eq!(throw(&world, &lease, advice).await, failed, "{id}");
    }
}

pub async fn what_is_thrown_after_a_cancel_request_is_not_retried(world: World) {
    job(&world, "p", json!({"retry": {}})).await;
    let lease = began(&world, "p").await;
    world.registry.request_cancel(&"p".into(), None).await.unwrap();
    assert_eq!(throw(&world, &lease, Advice::ByPolicy).await, Failed::Ended);
}

pub async fn a_process_that_is_asked_to_stop_waits_for_no_retry(world: World) {
    job(&world, "p", json!({"retry": {}})).await;
    let lease = began(&world, "p").await;
    throw(&world, &lease, Advice::ByPolicy).await;
    assert!(turns(&world).await.is_empty());
    world.registry.request_cancel(&"p".into(), None).await.unwrap();
    assert_eq!(turns(&world).await, ["p"]);
    assert!(begin(&world, "p").await.is_some(), "its runner learns of it");
}

pub async fn a_throw_without_the_lease_is_refused_and_recorded_nowhere(world: World) {
    job(&world, "p", json!({"retry": {}})).await;
    let lease = began(&world, "p").await;
    world.clock.advance(TTL);
    began(&world, "p").await;
    let failure = ProcessAwaitOutput::failure(FailureClass::External, "busy", "come back later");
    let thrown = Thrown { failure, advice: Advice::ByPolicy };
    let fails = operation::fail(lease, thrown, 0.0, &Rc::new(Schemas::unchecked()));
    assert_eq!(refused(world.registry.execute(fails).await), Code::LeaseLost);
    assert!(world.log("p").await.is_empty());
}

pub async fn a_throw_behind_the_end_of_its_process_is_refused_and_changes_nothing(world: World) {
    job(&world, "p", json!({"retry": {}})).await;
    let lease = began(&world, "p").await;
    world.succeed("p").await;
    let failure = ProcessAwaitOutput::failure(FailureClass::External, "busy", "come back later");
    let thrown = Thrown { failure, advice: Advice::ByPolicy };
    let fails = operation::fail(lease, thrown, 0.0, &Rc::new(Schemas::unchecked()));
    assert_eq!(refused(world.registry.execute(fails).await), Code::AlreadyTerminal);
    assert_eq!(world.record("p").await.wait, None);
}

// ── Crashes ─────────────────────────────────────────────────────────────────

pub async fn a_process_that_is_lost_to_crashes_without_progress_is_not_begun_for_ever(world: World) {
    job(&world, "p", json!({"crashLimit": 3})).await;
    for _ in 0..3 {
        assert!(begin(&world, "p").await.is_some());
        world.clock.advance(TTL);
    }
    assert!(begin(&world, "p").await.is_none());
    let output = output(&world, "p").await;
    assert_eq!((&output["class"], &output["code"]), (&json!("internal"), &json!("crash_loop")));
}

pub async fn what_a_lost_run_recorded_counts_as_progress(world: World) {
    job(&world, "p", json!({"crashLimit": 2})).await;
    for _ in 0..6 {
        assert!(begin(&world, "p").await.is_some());
        world.registry.signal(&"p".into(), "go", Default::default(), None).await.unwrap();
        world.clock.advance(TTL);
    }
}

pub async fn a_run_that_is_handed_back_is_not_lost_to_a_crash(world: World) {
    job(&world, "p", json!({"crashLimit": 1})).await;
    for _ in 0..3 {
        let lease = began(&world, "p").await;
        world.registry.release(&"p".into(), lease.lease_token).await.unwrap();
    }
    began(&world, "p").await;
    world.clock.advance(TTL);
    assert!(begin(&world, "p").await.is_none());
    assert_eq!(output(&world, "p").await["code"], "crash_loop");
}

pub async fn a_run_whose_tab_turns_out_to_live_was_not_lost_to_a_crash(world: World) {
    job(&world, "p", json!({"crashLimit": 2})).await;
    for _ in 0..4 {
        let late = began(&world, "p").await;
        world.clock.advance(TTL);
        let next = began(&world, "p").await;
        world.registry.execute(operation::hand_back(late)).await.unwrap();
        assert_eq!(
            world.registry.lease(&"p".into()).await.unwrap(),
            Some(next.clone()),
            "it is not taken from the next one"
        );
        world.registry.execute(operation::hand_back(next)).await.unwrap();
        assert!(world.registry.lease(&"p".into()).await.unwrap().is_none());
    }
}

// ── Network and pauses ──────────────────────────────────────────────────────

pub async fn what_requires_the_network_is_begun_by_a_host_that_is_not_offline(world: World) {
    job(&world, "p", json!({"requires": "network"})).await;
    assert_eq!(claim(&world, "p", "1", true).await.unwrap(), Begun::NotNow);
    assert!(begin(&world, "p").await.is_some());
}

pub async fn a_paused_process_is_not_begun_and_what_is_due_takes_effect_when_it_is_resumed(world: World) {
    job(&world, "p", json!({"startAtMs": START + 5})).await;
    world.registry.pause_process(&"p".into(), None).await.unwrap();
    world.clock.advance(10);
    assert_eq!(settle(&world).await, Vec::<String>::new());
    assert!(begin(&world, "p").await.is_none());
    world.registry.resume_process(&"p".into()).await.unwrap();
    assert_eq!(settle(&world).await, ["p"]);
    assert!(begin(&world, "p").await.is_some());
}

pub async fn the_deadline_of_a_paused_process_goes_on(world: World) {
    job(&world, "p", json!({"deadlineAtMs": START + 5})).await;
    world.registry.pause_process(&"p".into(), None).await.unwrap();
    world.clock.advance(5);
    assert_eq!(settle(&world).await, ["p"]);
    assert_eq!(output(&world, "p").await["code"], "deadline_exceeded");
}

// ── Keys ────────────────────────────────────────────────────────────────────

pub async fn one_process_of_a_key_runs_at_a_time_and_the_others_follow_in_order(world: World) {
    keyed(&world, "a", 0).await;
    let first = began(&world, "a").await;
    for (id, priority) in [("b", 0), ("c", 0), ("urgent", 1)] {
        keyed(&world, id, priority).await;
    }
    job(&world, "unrelated", json!({})).await;
    assert_eq!(turns(&world).await, ["a", "unrelated"], "those that wait hold up no other process");
    for id in ["b", "c", "urgent"] {
        assert!(begin(&world, id).await.is_none(), "{id}");
    }
    let mut lease = first;
    for next in ["urgent", "b", "c"] {
        world.complete_leased(&lease, json!({"type": "success", "value": 1})).await.unwrap();
        let others: Vec<_> = turns(&world).await.into_iter().filter(|id| id != "unrelated").collect();
        assert_eq!(others, [next]);
        lease = began(&world, next).await;
    }
}

pub async fn the_process_that_goes_first_is_begun_first_whichever_is_claimed_first(world: World) {
    keyed(&world, "a", 0).await;
    keyed(&world, "b", 3).await;
    assert!(begin(&world, "a").await.is_none());
    assert_eq!(turns(&world).await, ["b"]);
    began(&world, "b").await;
    world.succeed("b").await;
    assert_eq!(turns(&world).await, ["a"]);
}

pub async fn a_retry_is_not_overtaken_by_others_of_its_key(world: World) {
    job(&world, "a", json!({"concurrencyKey": "k", "retry": {}})).await;
    let lease = began(&world, "a").await;
    keyed(&world, "b", 9).await;
    assert_eq!(throw(&world, &lease, Advice::Again(Some(50))).await, Failed::Retried(START + 50));
    assert!(begin(&world, "b").await.is_none());
    world.clock.advance(50);
    settle(&world).await;
    assert!(begin(&world, "b").await.is_none());
    began(&world, "a").await;
}

pub async fn what_may_not_begin_yet_lets_others_of_its_key_go_first(world: World) {
    keyed(&world, "a", 0).await;
    job(&world, "later", json!({"concurrencyKey": "k", "priority": 5, "startAtMs": START + 5})).await;
    world.registry.pause_process(&"a".into(), None).await.unwrap();
    keyed(&world, "b", 0).await;
    let lease = began(&world, "b").await;
    world.clock.advance(5);
    settle(&world).await;
    world.registry.resume_process(&"a".into()).await.unwrap();
    assert_eq!(turns(&world).await, ["b"], "those behind it are queued");
    world.complete_leased(&lease, json!({"type": "success", "value": 1})).await.unwrap();
    assert_eq!(turns(&world).await, ["later"]);
}

pub async fn a_pause_of_the_first_of_a_key_lets_the_next_one_begin(world: World) {
    keyed(&world, "a", 0).await;
    keyed(&world, "b", 0).await;
    assert_eq!(turns(&world).await, ["a"]);
    world.registry.pause_process(&"a".into(), None).await.unwrap();
    assert_eq!(turns(&world).await, ["b"]);
}

pub async fn a_key_is_freed_by_every_end_of_the_process_that_holds_it(world: World) {
    for (number, (holder, next)) in [("a", "b"), ("c", "d"), ("e", "f"), ("g", "h")].into_iter().enumerate() {
        let key = format!("k{number}");
        for id in [holder, next] {
            job(
                &world,
                id,
                json!({"concurrencyKey": key, "deadlineAtMs": if id == "e" { START + 5 } else { START + 500 }}),
            )
            .await;
        }
        let lease = began(&world, holder).await;
        match holder {
            "a" => drop(world.succeed(holder).await),
            "c" => world.registry.delete(&holder.into(), true).await.unwrap(),
            "e" => {
                world.clock.advance(5);
                settle(&world).await;
            }
            _ => assert_eq!(throw(&world, &lease, Advice::Never).await, Failed::Ended),
        }
        assert!(begin(&world, next).await.is_some(), "{holder}");
    }
}

pub async fn all_of_a_key_may_end_at_one_time(world: World) {
    for id in ["a", "b", "c"] {
        job(&world, id, json!({"concurrencyKey": "k", "deadlineAtMs": START + 5})).await;
    }
    began(&world, "a").await;
    job(&world, "d", json!({"concurrencyKey": "k"})).await;
    world.clock.advance(5);
    let due = ["a", "b", "c"].map(|id| world.registry.execute(operation::due(id.into())));
    for settled in join_all(due).await {
        settled.unwrap();
    }
    assert_eq!(turns(&world).await, ["d"]);
    began(&world, "d").await;
}

pub async fn the_running_process_of_a_key_is_asked_to_stop_where_that_is_wanted(world: World) {
    keyed(&world, "a", 0).await;
    began(&world, "a").await;
    keyed(&world, "b", 0).await;
    job(&world, "c", json!({"concurrencyKey": "k", "onConflict": "cancel_running"})).await;
    assert!(world.record("a").await.is_cancel_requested());
    assert_eq!(output(&world, "b").await["message"], "replaced");
    assert!(begin(&world, "c").await.is_none(), "not before the other one has ended");
    world.succeed("a").await;
    assert!(begin(&world, "c").await.is_some());
}

pub async fn two_tabs_that_claim_two_processes_of_one_key_have_one_winner(world: World) {
    for id in ["a", "b"] {
        keyed(&world, id, 0).await;
    }
    let other = world.another().await;
    let begun = join(claim(&world, "b", "1", false), claim(&other, "a", "2", false)).await;
    assert!(matches!(begun.0, Ok(Begun::NotNow)), "{:?}", begun.0);
    assert!(matches!(begun.1, Ok(Begun::Run(_))), "{:?}", begun.1);
}

// ── Children ────────────────────────────────────────────────────────────────

pub async fn a_child_that_was_never_begun_is_ended_as_cancelled_when_its_parent_ends(world: World) {
    job(&world, "p", json!({})).await;
    let parent = began(&world, "p").await;
    job(&world, "c", json!({"parentId": "p", "startAtMs": START + 500})).await;
    world.complete_leased(&parent, json!({"type": "success", "value": 1})).await.unwrap();
    assert_eq!(turns(&world).await, ["c"], "it need not wait for its time");
    let Begun::Cancelled(_) = claim(&world, "c", "1", false).await.unwrap() else { panic!("it begins") };
}

pub async fn a_child_is_registered_under_the_lease_of_its_parent_and_no_longer(world: World) {
    job(&world, "p", json!({})).await;
    let parent = began(&world, "p").await;
    let register = async |id: &str| {
        let registration = crate::made(json!({"id": id, "input": {"type": "engine", "kind": "job"}}));
        let policy = Policy { parent_id: Some("p".into()), ..Policy::default() };
        world.registry.register_with(NewProcess::new(registration, policy), Some(parent.clone())).await
    };
    register("c").await.unwrap();
    world.clock.advance(TTL);
    assert_eq!(refused(register("d").await), Code::LeaseLost);
    assert!(world.registry.process(&"d".into()).await.unwrap().is_none());
}
