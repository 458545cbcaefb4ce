//! Tasks that end with their owner.
#![cfg(not(target_family = "wasm"))]

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures::{FutureExt, future::pending};
use longwait_core::host::Background;
use longwait_testing::fake::Tasks;

#[test]
fn a_task_ends_the_moment_its_owner_is_dropped() {
    let (tasks, held) = (Tasks::default(), Rc::new(()));
    let holds = held.clone();
    let task = async move {
        let _holds = holds;
        pending().await
    };
    let background = Background::spawn(&tasks, task.boxed_local());
    tasks.run();
    assert_eq!((Rc::strong_count(&held), tasks.len()), (2, 1));
    drop(background);
    assert_eq!(Rc::strong_count(&held), 1);
    tasks.run();
    assert_eq!(tasks.len(), 0);
}

#[test]
fn a_task_may_drop_its_own_owner() {
    let (tasks, owner, ended) = (Tasks::default(), Rc::new(RefCell::new(None)), Rc::new(Cell::new(false)));
    let (own, end) = (owner.clone(), ended.clone());
    let task = async move {
        own.take();
        end.set(true);
        pending().await
    };
    owner.replace(Some(Background::spawn(&tasks, task.boxed_local())));
    tasks.run();
    assert_eq!((ended.get(), tasks.len()), (true, 0));
}
