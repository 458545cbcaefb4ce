//! Random steps against a naive model, on the memory store.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "mod.rs"]
mod property;
#[allow(dead_code, reason = "made for the conformance suite")]
#[path = "../support/mod.rs"]
mod support;

use std::rc::Rc;

use proptest::{collection::vec, prelude::*};

use property::{compare, steps::Step};

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_registry_answers_as_the_model_does(dice in vec(any::<[u8; 7]>(), 1..80)) {
        let steps: Vec<_> = dice.into_iter().map(Step::from_dice).collect();
        let mut outcome = Ok(());
        support::at_once(async { outcome = compare(Rc::new(support::memory::Memory::default()), &steps).await });
        prop_assert!(outcome.is_ok(), "{}\nsteps: {steps:#?}", outcome.unwrap_err());
    }
}
