//! What every store must do, as named cases; each store gets a test of its own for every one.
//!
//! A case knows nothing of the store it runs on. It moves time by hand, and waits for nothing
//! but what it set going itself.

// A case that is missing from the list in cases.rs is never called, and that is an error.
#![deny(dead_code)]

use std::rc::Rc;

use futures::future::LocalBoxFuture;

use crate::{Place, World};

mod appending;
mod attempting;
mod closing;
mod counting;
mod ending;
mod feed;
mod gathering;
mod granting;
mod leasing;
mod listing;
mod marking;
mod meaning;
mod naming;
mod pruning;
mod reading;
mod registering;
mod replaying;
mod reserving;
mod sessions;
mod showing;
mod viewing;
mod waiting;
mod waking;

/// Runs one case in a world of its own.
pub async fn run(place: impl Place + 'static, topic: &str, case: &str) {
    let case = find(topic, case).unwrap_or_else(|| panic!("{topic}::{case} is no case"));
    let place: Rc<dyn Place> = Rc::new(place);
    case(World::new(place.clone()).await).await;
    place.remove().await;
}

type Case = fn(World) -> LocalBoxFuture<'static, ()>;

fn find(topic: &str, case: &str) -> Option<Case> {
    CASES.iter().find(|(of, name, _)| (*of, *name) == (topic, case)).map(|(.., case)| *case)
}

macro_rules! table_of_cases {
    ($($topic:ident: [$($case:ident,)*])*) => {
        const CASES: &[(&str, &str, Case)] =
            &[$($((stringify!($topic), stringify!($case), |world| Box::pin($topic::$case(world))),)*)*];
    };
}

each_case! { [table_of_cases] }
