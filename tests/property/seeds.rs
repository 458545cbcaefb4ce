//! The same random steps on IndexedDB, from fixed seeds.

use std::rc::Rc;

use wasm_bindgen_test::wasm_bindgen_test;

use crate::{
    property::{compare, steps::Step},
    support::indexed_db::Database,
};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=10;
const STEPS: usize = 60;

#[wasm_bindgen_test]
async fn a_registry_answers_as_the_model_does() {
    for seed in SEEDS {
        let mut steps = steps(seed);
        if let Err(mut difference) = attempt(&steps).await {
            while let Some(worse) = shrunk(&steps).await {
                (steps, difference) = worse;
            }
            panic!("seed {seed}: {difference}\nsteps: {steps:#?}");
        }
    }
}

async fn attempt(steps: &[Step]) -> Result<(), String> {
    compare(Rc::new(Database::default()), steps).await
}

/// The same steps without some of them, where that still fails: the longer the stretch left out, the better.
async fn shrunk(steps: &[Step]) -> Option<(Vec<Step>, String)> {
    let mut length = steps.len() / 2;
    while length > 0 {
        for start in (0..=steps.len() - length).step_by(length) {
            let fewer: Vec<_> = steps[..start].iter().chain(&steps[start + length..]).cloned().collect();
            if let Err(difference) = attempt(&fewer).await {
                return Some((fewer, difference));
            }
        }
        length /= 2;
    }
    None
}

fn steps(seed: u64) -> Vec<Step> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // xorshift64*
    let mut number = move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    };
    (0..STEPS).map(|_| Step::from_dice(std::array::from_fn(|_| (number() >> 32) as u8))).collect()
}
