//! What every store must do, as named cases; each store gets a test of its own for every one.
//!
//! A case knows nothing of the store it runs on. It moves time by hand, and waits for nothing
//! but what it set going itself.

// A case that is missing from the list in cases.rs is never called, and that is an error.
#![deny(dead_code)]

use std::{pin::pin, rc::Rc};

use futures::future::{Either, LocalBoxFuture, select};
use longwait_core::ProcessRegistry;

use crate::{AnyRegistry, Place, Tabs, World};

mod appending;
mod attaching;
mod attempting;
mod batching;
mod beginning;
mod closing;
mod counting;
mod ending;
mod feed;
mod forking;
mod gathering;
mod granting;
mod leasing;
mod listing;
mod marking;
mod meaning;
mod moving;
mod naming;
mod policing;
mod pruning;
mod reading;
mod registering;
mod replaying;
mod reserving;
mod sessions;
mod showing;
mod streaming;
mod viewing;
mod waiting;
mod waking;

/// Runs one case in a world of its own.
pub async fn run(place: impl Place + 'static, topic: &str, case: &str) {
    let run = find(topic, case).or_else(|| proving::find(topic, case)).or_else(|| find_inside(topic, case));
    let run = run.unwrap_or_else(|| no_case(topic, case));
    let place: Rc<dyn Place> = Rc::new(place);
    run(World::new(place.clone()).await).await;
    place.remove().await;
}

/// Runs one case on another kind of registry.
pub async fn run_through<R: AnyRegistry>(tabs: impl Tabs<R> + 'static, topic: &str, case: &str) {
    let run = find(topic, case).or_else(|| proving::find(topic, case)).unwrap_or_else(|| no_case(topic, case));
    let tabs: Rc<dyn Tabs<R>> = Rc::new(tabs);
    let whole = async {
        run(World::first(tabs.clone()).await).await;
        tabs.remove().await;
    };
    match select(pin!(whole), tabs.patience()).await {
        Either::Left(_) => {}
        Either::Right(_) => panic!("waits for something that does not come"),
    }
}

fn no_case(topic: &str, case: &str) -> ! {
    panic!("{topic}::{case} is no case")
}

type Case<R> = fn(World<R>) -> LocalBoxFuture<'static, ()>;

macro_rules! a_case_of_any_registry {
    ($($($why:literal:)? $topic:ident: [$($case:ident,)*])*) => {
        pub(super) fn find<R: AnyRegistry>(topic: &str, case: &str) -> Option<Case<R>> {
            match (topic, case) {
                $($((stringify!($topic), stringify!($case)) => Some(|world| Box::pin($topic::$case(world))),)*)*
                _ => None,
            }
        }
    };
}

macro_rules! a_case_inside {
    ($($why:literal: $topic:ident: [$($case:ident,)*])*) => {
        fn find_inside(topic: &str, case: &str) -> Option<Case<ProcessRegistry>> {
            match (topic, case) {
                $($((stringify!($topic), stringify!($case)) => Some(|world| Box::pin($topic::$case(world))),)*)*
                _ => None,
            }
        }
    };
}

each_case! { [a_case_of_any_registry] }
mod proving {
    use super::*;

    each_case_of_proofs! { [a_case_of_any_registry] }
}
each_case_inside! { [a_case_inside] }
