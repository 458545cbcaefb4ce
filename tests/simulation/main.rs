//! Many tabs over one store, from a seed: frozen, killed, cut off from each other, and asleep for a minute. Some drive.
//!
//! A failing seed is printed. To run that one alone:
//! `LONGWAIT_SEED=7 cargo test --test simulation tabs_on`, with the name of the test; another number of seeds: `LONGWAIT_SEEDS=5000`.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "../history/driven.rs"]
mod driven;

mod history;
mod jobs;
mod locks;
mod policies;
mod store;
mod streams;
mod tab;
mod tally;
mod world;

use std::{
    panic::catch_unwind,
    sync::atomic::{AtomicU64, Ordering},
    thread::{self, available_parallelism},
};

const SEEDS: u64 = 200;

#[test]
fn tabs_keep_their_promises_whatever_happens_to_them() {
    live(SEEDS, false, tally::LOCKING);
}

#[test]
fn tabs_on_an_optimistic_engine_keep_their_promises_whatever_happens_to_them() {
    live(SEEDS / 2, true, tally::OPTIMISTIC);
}

/// Lives through so many seeds, or those that are asked for. These things happen beside all others.
fn live(usual: u64, optimistic: bool, happens: &[&'static str]) {
    let given = |name| std::env::var(name).ok().map(|number: String| number.parse::<u64>().unwrap());
    let seeds = match given("LONGWAIT_SEED") {
        Some(seed) => seed..=seed,
        None => 1..=given("LONGWAIT_SEEDS").unwrap_or(usual),
    };
    let next = AtomicU64::new(*seeds.start());
    let lives = || {
        let (mut done, mut failed) = (tally::Tally::default(), Vec::new());
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if !seeds.contains(&seed) {
                return (done, failed);
            }
            match catch_unwind(|| world::simulate(seed, optimistic)) {
                Ok(tally) => done.add(&tally),
                Err(_) => {
                    eprintln!("seed {seed} fails");
                    failed.push(seed);
                }
            }
        }
    };
    // Each seed is a world of its own.
    let (mut done, mut failed) = (tally::Tally::default(), Vec::new());
    thread::scope(|scope| {
        let threads: Vec<_> = (0..available_parallelism().map_or(1, usize::from)).map(|_| scope.spawn(lives)).collect();
        for (tally, seeds) in threads.into_iter().map(|thread| thread.join().unwrap()) {
            done.add(&tally);
            failed.extend(seeds);
        }
    });
    println!("{} seeds, {} violations: {done:?}", seeds.clone().count(), failed.len());
    failed.sort_unstable();
    let first = failed.first().copied().unwrap_or_default();
    assert_eq!(failed, [0; 0], "to run one alone: LONGWAIT_SEED={first} cargo test --test simulation");
    if given("LONGWAIT_SEED").is_none() {
        done.assert_happened(happens);
    }
}
