//! How long to wait before looking again when nothing was heard.

use crate::domain::Millis;

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
    /// The span to wait now; the next one is twice as long.
    pub fn step(&mut self) -> Millis {
        let span = self.0;
        self.0 = (span * 2).min(LONGEST_MS);
        span
    }

    /// Starts over, because something happened.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_back_off_doubles_from_25_ms_to_1_s_and_starts_over() {
        let mut backoff = Backoff::default();
        let spans: Vec<_> = (0..8).map(|_| backoff.step()).collect();
        assert_eq!(spans, [25, 50, 100, 200, 400, 800, 1000, 1000]);
        backoff.reset();
        assert_eq!(backoff.step(), 25);
    }
}
