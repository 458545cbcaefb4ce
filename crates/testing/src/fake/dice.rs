//! Chance that a seed decides.

use std::{cell::Cell, rc::Rc};

use longwait_core::host::Random;

/// Clones throw the same dice.
#[derive(Clone)]
pub struct Dice(Rc<Cell<u64>>);

impl Dice {
    /// Dice that fall as this seed says.
    pub fn new(seed: u64) -> Self {
        Self(Rc::new(Cell::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)))
    }

    /// Below `end`. xorshift64*.
    pub fn below(&self, end: u64) -> u64 {
        let mut state = self.0.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.0.set(state);
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % end
    }

    /// So many times in a hundred.
    pub fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these; none of none.
    pub fn pick<'a, T>(&self, items: &'a [T]) -> Option<&'a T> {
        (!items.is_empty()).then(|| &items[self.below(items.len() as u64) as usize])
    }
}

impl Random for Dice {
    fn name(&self) -> String {
        (0..4).map(|_| format!("{:08x}", self.below(1 << 32))).collect()
    }
}
