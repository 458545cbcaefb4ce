//! Driving on: registrations of other tabs, deaths, leases that end, stops.

use std::{cell::RefCell, rc::Rc};

use futures::future::pending;
use longwait::driver::Abort;

use crate::{
    runners::{WithTasks, Works, another, done, driver, record, register, signal, sweep, tab},
    support::tasks,
};

#[test]
fn a_driver_that_was_started_runs_what_any_tab_registers() {
    let (world, works) = (tab(), Rc::new(Works::default()).on("job", async |_| done(1)));
    let driver = driver(&world, &works);
    register(&world, "before", "job");
    driver.start();
    tasks().run();
    assert_eq!(record(&world, "before")["status"]["state"], "completed");
    register(&world, "here", "job");
    tasks().run();
    assert_eq!(record(&world, "here")["status"]["state"], "completed");
    let other = another(&world);
    register(&other, "there", "job");
    tasks().run();
    world.network.deliver();
    tasks().run();
    assert_eq!(record(&world, "there")["status"]["state"], "completed");
    register(&other, "unheard", "job");
    tasks().run();
    assert_eq!(record(&world, "unheard")["status"]["state"], "running");
    world.clock.advance(1_000);
    tasks().run();
    assert_eq!(record(&world, "unheard")["status"]["state"], "completed");
    driver.stop().now_or_never_with_tasks();
    register(&world, "after", "job");
    world.clock.advance(60_000);
    tasks().run();
    assert_eq!(record(&world, "after")["status"]["state"], "running");
}

#[test]
fn what_a_stopped_driver_hands_back_runs_at_once_where_somebody_stands_by() {
    let world = tab();
    let stopped = Rc::<RefCell<Vec<String>>>::default();
    let heard = stopped.clone();
    let hung = Rc::new(Works::default()).on("job", move |context| {
        let heard = heard.clone();
        context.on_abort(move |why| {
            if let Abort::Over(fault) = why {
                heard.borrow_mut().push(fault.code().as_str().to_owned());
            }
        });
        async move { pending().await }
    });
    let first = driver(&world, &hung);
    first.start();
    register(&world, "p", "job");
    tasks().run();
    let other = another(&world);
    let second = driver(&other, &Rc::new(Works::default()).on("job", async |context| done(context.attempt())));
    second.start();
    tasks().run();
    assert_eq!(record(&world, "p")["status"]["state"], "running");
    first.stop().now_or_never_with_tasks();
    tasks().run();
    assert_eq!(*stopped.borrow(), ["lease_lost"]);
    assert_eq!(record(&world, "p")["status"]["awaitOutput"]["value"], 2);
}

#[test]
fn leases_are_renewed_as_long_as_they_are_needed_and_no_timer_is_left_behind() {
    let world = tab();
    let works = Rc::new(Works::default()).on("job", async |context| {
        context.wait_for_signal("go").await.unwrap();
        done(1)
    });
    register(&world, "p", "job");
    let driver = driver(&world, &works);
    sweep(&driver);
    let other = another(&world);
    for _ in 0..12 {
        world.clock.advance(10_000);
        tasks().run();
        assert_eq!(sweep(&self::driver(&other, &works)).busy, ["p".into()]);
    }
    signal(&world, "p", "go", 1.into());
    tasks().run();
    assert_eq!(record(&world, "p")["status"]["state"], "completed");
    assert_eq!(world.clock.timers(), 0);
}

#[test]
fn a_run_whose_lease_was_taken_over_is_aborted_and_writes_nothing() {
    let world = tab();
    let hung = Rc::new(Works::default()).on("job", async |context| {
        context.aborted().await;
        done("too late")
    });
    register(&world, "p", "job");
    sweep(&driver(&world, &hung));
    // It sleeps past the end of its lease, and somebody else takes over.
    world.clock.advance(0);
    let other = another(&world);
    let works = Rc::new(Works::default()).on("job", async |context| done(context.attempt()));
    world.killed.kill(holder(&world, "p"));
    sweep(&driver(&other, &works));
    assert_eq!(record(&world, "p")["status"]["awaitOutput"]["value"], 2);
    world.hub.notify(&"p".into());
    tasks().run();
    assert_eq!(record(&world, "p")["status"]["awaitOutput"]["value"], 2);
}

fn holder(world: &crate::support::World, id: &str) -> String {
    let lease = world.registry.lease(&id.into()).now_or_never_with_tasks().unwrap().unwrap();
    lease.owner.incarnation_id
}
