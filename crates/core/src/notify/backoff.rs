//! How long to wait before looking again when nothing was heard.

use crate::model::Millis;

/// First wait. As in lash-core 0.1.0-alpha.83, whose awaiter this is a build of.
pub const FIRST_MS: Millis = 25;
/// Longest wait; the bound on how late a lost hint can make a waiter.
pub const LONGEST_MS: Millis = 1_000;

/// 25 ms, doubling, at most 1 s.
#[derive(Clone, Copy, Debug)]
pub struct Backoff(Millis);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST_MS)
    }
}

impl Backoff {
    /// The longest: where notifications come.
    pub fn longest() -> Self {
        Self(LONGEST_MS)
    }

    /// The span to wait now.
    pub fn span(self) -> Millis {
        self.0
    }

    /// Doubles the span, because nothing happened in it.
    pub fn lengthen(&mut self) {
        self.0 = (self.0 * 2).min(LONGEST_MS);
    }

    /// Starts over, because something happened. Tells whether that makes a difference.
    pub fn reset(&mut self) -> bool {
        std::mem::replace(&mut self.0, FIRST_MS) != FIRST_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_back_off_doubles_from_25_ms_to_1_s_and_starts_over() {
        let mut backoff = Backoff::default();
        for span in [25, 50, 100, 200, 400, 800, 1000, 1000] {
            assert_eq!(backoff.span(), span);
            backoff.lengthen();
        }
        assert!(backoff.reset());
        assert_eq!((backoff.span(), backoff.reset()), (25, false));
    }
}
