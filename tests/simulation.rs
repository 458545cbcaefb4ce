//! Many tabs over one store, from a seed: frozen, killed, cut off from each other, and asleep for a minute. Some drive.
//!
//! A failing seed is printed. To run that one alone:
//! `LONGWAIT_SEED=7 cargo test --test simulation`; another number of seeds: `LONGWAIT_SEEDS=5000`.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "history/driven.rs"]
mod driven;

#[path = "simulation/dice.rs"]
mod dice;
#[path = "simulation/history.rs"]
mod history;
#[path = "simulation/jobs.rs"]
mod jobs;
#[path = "simulation/locks.rs"]
mod locks;
#[path = "simulation/store.rs"]
mod store;
#[path = "simulation/tab.rs"]
mod tab;
#[path = "simulation/tally.rs"]
mod tally;
#[path = "simulation/world.rs"]
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

const SEEDS: u64 = 200;

#[test]
fn tabs_keep_their_promises_whatever_happens_to_them() {
    let given = |name| std::env::var(name).ok().map(|number: String| number.parse::<u64>().unwrap());
    let seeds = match given("LONGWAIT_SEED") {
        Some(seed) => seed..=seed,
        None => 1..=given("LONGWAIT_SEEDS").unwrap_or(SEEDS),
    };
    let mut done = tally::Tally::default();
    for seed in seeds {
        match catch_unwind(AssertUnwindSafe(|| world::simulate(seed))) {
            Ok(tally) => done.add(&tally),
            Err(fault) => {
                eprintln!("seed {seed} fails; run it alone: LONGWAIT_SEED={seed} cargo test --test simulation");
                resume_unwind(fault);
            }
        }
    }
    println!("{done:?}");
    if given("LONGWAIT_SEED").is_none() {
        done.assert_all_happened();
    }
}
