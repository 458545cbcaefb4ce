//! Ticks and waits, as far as they depend on what a store does.

use futures::{
    FutureExt,
    future::{join, join_all},
};
use longwait_core::{Code, notify::ProcessAttach};
use serde_json::json;

use crate::{AnyAwaiter, AnyHub, AnyReceiver, AnyRegistry, World, refused, sequences, success};

pub async fn every_change_of_a_row_ticks_once_after_its_commit(world: World<impl AnyRegistry>) {
    world.start("p").await;
    assert_eq!(world.ticked(), ["p"]);
    world.note("p").await;
    world.wait("p").await.unwrap();
    world.succeed("p").await;
    assert_eq!(world.ticked(), ["p", "p", "p"]);
    let changes = world.hub.subscribe(&"p".into());
    let (sequence, ()) = join(world.note("p"), async {
        changes.changed().await;
        assert_eq!(sequences(&world.log("p").await), [1, 2, 3], "ticked before the commit");
    })
    .await;
    assert_eq!(sequence, 3);
}

pub async fn another_tab_does_not_tick_before_it_hears_of_a_change(world: World) {
    let other = world.another().await;
    world.start("p").await;
    assert_eq!(world.ticked(), ["p"]);
    assert_eq!(other.ticked(), [""; 0]);
}

pub async fn what_changes_no_row_does_not_tick(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.append("p", json!({"eventType": "note", "replayKey": "k"})).await.unwrap();
    world.ticked();
    world.start("p").await;
    world.append("p", json!({"eventType": "note", "replayKey": "k"})).await.unwrap();
    world.append("p", json!({"eventType": "nonsense"})).await.unwrap_err();
    world.registry.clear_wait(&"p".into()).await.unwrap();
    world.registry.ack_wake(&"p".into(), 1).await.unwrap();
    assert_eq!(world.ticked(), [""; 0]);
}

pub async fn the_outcome_of_an_ended_process_is_there_at_once(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.succeed("p").await;
    assert_eq!(world.awaiter().await_terminal(&"p".into()).await.unwrap(), success(json!(1)));
    assert_eq!(world.polling().await_terminal(&"p".into()).await.unwrap(), success(json!(1)));
    assert_eq!((world.clock.timers(), world.hub.tracked_processes()), (0, 0));
}

pub async fn a_wait_resolves_when_its_process_ends(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let (awaiter, p) = (world.awaiter(), "p".into());
    let (output, ()) = join(awaiter.await_terminal(&p), async {
        world.clock.asleep(1).await;
        assert_eq!(world.hub.tracked_processes(), 1);
        world.note("p").await;
        world.succeed("p").await;
    })
    .await;
    assert_eq!(output.unwrap(), success(json!(1)));
    assert_eq!((world.clock.timers(), world.hub.tracked_processes()), (0, 0));
}

pub async fn a_polling_wait_resolves_within_its_back_off(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let (awaiter, p) = (world.polling(), "p".into());
    let (output, ()) = join(awaiter.await_terminal(&p), async {
        world.clock.asleep(1).await;
        world.succeed("p").await;
        assert_eq!(world.clock.timers(), 1);
        world.clock.advance(1_000);
    })
    .await;
    assert_eq!(output.unwrap(), success(json!(1)));
}

pub async fn an_end_written_by_another_tab_is_found_within_a_second(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let other = world.another().await;
    let (awaiter, p) = (world.awaiter(), "p".into());
    let (output, ()) = join(awaiter.await_terminal(&p), async {
        world.clock.asleep(1).await;
        other.succeed("p").await;
        world.clock.advance(1_000);
    })
    .await;
    assert_eq!(output.unwrap(), success(json!(1)));
}

pub async fn waiting_for_an_unknown_process_is_an_error(world: World<impl AnyRegistry>) {
    for awaiter in [world.awaiter(), world.polling()] {
        let p = "p".into();
        assert_eq!(refused(awaiter.await_terminal(&p).await), Code::UnknownProcess);
        assert_eq!(refused(awaiter.await_event(&p, "note", 0, false).await), Code::UnknownProcess);
        assert_eq!(refused(awaiter.await_events(&p, 0, None, false).await), Code::UnknownProcess);
    }
    assert_eq!((world.clock.timers(), world.hub.tracked_processes()), (0, 0));
}

pub async fn a_wait_for_an_event_takes_the_first_that_fits(world: World<impl AnyRegistry>) {
    world.start("p").await;
    for event_type in ["note", "ring", "note", "ring", "note"] {
        world.append("p", json!({"eventType": event_type})).await.unwrap();
    }
    let (awaiter, p) = (world.awaiter(), "p".into());
    for (event_type, after, sequence) in
        [("note", 0, 1), ("ring", 0, 2), ("note", 1, 3), ("note", 3, 5), ("ring", 3, 4)]
    {
        assert_eq!(awaiter.await_event(&p, event_type, after, false).await.unwrap().sequence, sequence);
    }
}

pub async fn a_wait_for_an_event_skips_what_does_not_fit(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.append("p", json!({"eventType": "ring"})).await.unwrap();
    let (awaiter, p) = (world.awaiter(), "p".into());
    let (event, ()) = join(awaiter.await_event(&p, "ring", 1, false), async {
        world.clock.asleep(1).await;
        world.note("p").await;
        world.append("p", json!({"eventType": "ring", "payload": "this"})).await.unwrap();
        world.append("p", json!({"eventType": "ring", "payload": "later"})).await.unwrap();
    })
    .await;
    assert_eq!((event.unwrap().sequence, world.log("p").await.len()), (3, 4));
}

pub async fn a_wait_for_an_event_outlasts_the_end_of_its_process(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let (awaiter, p) = (world.awaiter(), "p".into());
    let (event, ()) = join(awaiter.await_event(&p, "note", 0, false), async {
        world.clock.asleep(1).await;
        world.succeed("p").await;
        world.note("p").await;
    })
    .await;
    assert_eq!(event.unwrap().sequence, 2);
}

pub async fn a_wait_until_the_end_gives_up_at_the_end(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let (awaiter, p) = (world.awaiter(), "p".into());
    let (outcome, ()) = join(awaiter.await_event(&p, "note", 0, true), async {
        world.clock.asleep(1).await;
        world.succeed("p").await;
    })
    .await;
    assert_eq!(refused(outcome), Code::ProcessTerminal);
    assert_eq!(refused(awaiter.await_event(&p, "note", 0, true).await), Code::ProcessTerminal);
}

pub async fn a_wait_until_the_end_still_finds_what_came_before_or_after_it(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.note("p").await;
    world.succeed("p").await;
    world.note("p").await;
    let (awaiter, p) = (world.awaiter(), "p".into());
    assert_eq!(awaiter.await_event(&p, "note", 0, true).await.unwrap().sequence, 1);
    assert_eq!(awaiter.await_event(&p, "note", 1, true).await.unwrap().sequence, 3);
    assert_eq!(awaiter.await_event(&p, "process.completed", 0, true).await.unwrap().sequence, 2);
}

pub async fn a_wait_that_is_given_up_leaves_process_hub_and_clock_alone(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let (awaiter, p) = (world.awaiter(), "p".into());
    let mut waiting = awaiter.await_terminal(&p).boxed_local();
    futures::future::select(&mut waiting, world.clock.asleep(1).boxed_local()).await;
    assert_eq!((world.clock.timers(), world.hub.tracked_processes()), (1, 1));
    drop(waiting);
    assert!(!world.record("p").await.is_terminal());
    assert_eq!((world.clock.timers(), world.hub.tracked_processes()), (0, 0));
    assert_eq!(world.log("p").await, []);
}

pub async fn a_wait_that_takes_too_long_times_out(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let (awaiter, p) = (world.awaiter(), "p".into());
    let awaiter = awaiter.within(Some(60));
    let (outcome, ()) = join(awaiter.await_terminal(&p), async {
        world.clock.asleep(1).await;
        world.clock.advance(60);
    })
    .await;
    assert_eq!(refused(outcome), Code::Timeout);
    assert_eq!((world.clock.timers(), world.hub.tracked_processes()), (0, 0));
    assert!(!world.record("p").await.is_terminal());
}

pub async fn many_waiters_on_one_process_all_resolve(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let (awaiter, p) = (world.awaiter(), "p".into());
    let waits = join_all((0..50).map(|_| awaiter.await_terminal(&p)));
    let (outputs, ()) = join(waits, async {
        world.clock.asleep(1).await;
        assert_eq!(world.hub.tracked_processes(), 1);
        world.succeed("p").await;
    })
    .await;
    assert!(outputs.into_iter().all(|output| output.unwrap() == success(json!(1))));
    assert_eq!((world.clock.timers(), world.hub.tracked_processes()), (0, 0));
}

pub async fn a_feed_gives_every_event_once_in_order(world: World<impl AnyRegistry>) {
    world.start("p").await;
    let (awaiter, p) = (world.awaiter(), "p".into());
    let (mut after, mut seen) = (0, Vec::new());
    let reading = async {
        while seen.len() < 30 {
            let batch = awaiter.await_events(&p, after, None, false).await.unwrap();
            assert!(!batch.events.is_empty() && !batch.done);
            seen.extend(sequences(&batch.events));
            after = *seen.last().unwrap();
        }
    };
    let writing = async {
        for _ in 0..10 {
            world.note("p").await;
        }
        join_all((0..20).map(|_| world.note("p"))).await;
    };
    join(reading, writing).await;
    assert_eq!(seen, (1..=30).collect::<Vec<_>>());
    assert_eq!(world.hub.tracked_processes(), 0);
}

pub async fn a_feed_until_the_end_ends_with_the_terminal_event(world: World<impl AnyRegistry>) {
    world.start("p").await;
    world.note("p").await;
    let (awaiter, p) = (world.awaiter(), "p".into());
    let first = awaiter.await_events(&p, 0, None, true).await.unwrap();
    assert_eq!((sequences(&first.events), first.done), (vec![1], false));
    let (last, ()) = join(awaiter.await_events(&p, 1, None, true), async {
        world.clock.asleep(1).await;
        world.succeed("p").await;
    })
    .await;
    let last = last.unwrap();
    assert_eq!((sequences(&last.events), last.done), (vec![2], true));
    world.note("p").await;
    let whole = awaiter.await_events(&p, 0, None, true).await.unwrap();
    assert_eq!((sequences(&whole.events), whole.done), (vec![1, 2], true));
    let past = awaiter.await_events(&p, 2, None, true).await.unwrap();
    assert_eq!((past.events.len(), past.done), (0, true));
    let open = awaiter.await_events(&p, 2, None, false).await.unwrap();
    assert_eq!((sequences(&open.events), open.done), (vec![3], false));
}

pub async fn a_feed_of_some_types_gives_only_those(world: World<impl AnyRegistry>) {
    world.start("p").await;
    for event_type in ["note", "ring", "note", "ring"] {
        world.append("p", json!({"eventType": event_type})).await.unwrap();
    }
    world.succeed("p").await;
    let (awaiter, p) = (world.awaiter(), "p".into());
    let (mut after, mut seen, mut done) = (0, Vec::new(), false);
    while !done {
        let batch = awaiter.await_events(&p, after, Some(vec!["ring".to_owned()]), true).await.unwrap();
        seen.extend(sequences(&batch.events));
        (after, done) = (*seen.last().unwrap(), batch.done);
    }
    assert_eq!(seen, [2, 4]);
    let rest = awaiter.await_events(&p, 4, Some(vec!["ring".to_owned()]), true).await.unwrap();
    assert_eq!((rest.events.len(), rest.done), (0, true));
}

pub async fn an_attached_engine_is_asked_only_about_what_has_not_ended(world: World) {
    struct Engine;
    impl ProcessAttach for Engine {
        fn await_terminal(
            &self,
            _: &longwait_core::model::key::ProcessId,
        ) -> futures::future::LocalBoxFuture<
            'static,
            longwait_core::Result<longwait_core::model::process::ProcessAwaitOutput>,
        > {
            futures::future::ready(Err(longwait_core::Error::new(Code::Disconnected, "the engine is away")))
                .boxed_local()
        }
    }
    world.start("runs").await;
    world.start("ended").await;
    world.succeed("ended").await;
    let awaiter = world.awaiter().with_attach(std::rc::Rc::new(Engine));
    assert_eq!(awaiter.await_terminal(&"ended".into()).await.unwrap(), success(json!(1)));
    assert_eq!(refused(awaiter.await_terminal(&"runs".into()).await), Code::Disconnected);
    assert_eq!(refused(awaiter.await_terminal(&"unknown".into()).await), Code::UnknownProcess);
}
