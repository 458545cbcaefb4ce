//! How soon, and how often, a transaction runs again that lost a race: an optimistic engine has refused it, as another commit came first.
//!
//! Of those that race, one wins each time, so trying again at once settles a race of two or three. Where many clients write to
//! one process they would keep losing to each other: from the fourth time on each waits for a span by chance, up to twice as long as before.

use std::cell::Cell;

use super::Shared;
use crate::{
    error::{Code, Error},
    host::{chance_of, turn},
    model::Millis,
    store::engine::{Failed, How},
};

/// How often a transaction runs. The pauses before the last ones take about four seconds together, in which a client that answers in
/// milliseconds has won many times.
pub const MOST_RUNS: u32 = 64;

/// How often a transaction runs again at once.
const AT_ONCE: u32 = 3;

/// The longest pause. A commit takes a few milliseconds, so that dozens find their place in it.
const LONGEST_MS: Millis = 128;

/// A number from 0 up to 1, another one each time, that clients do not share.
pub struct Chance(Cell<f64>);

impl Chance {
    /// Begins where the name says.
    pub fn new(name: &str) -> Self {
        Self(Cell::new(chance_of(name)))
    }

    fn next(&self) -> f64 {
        // Steps by the golden section spread evenly, and a store has no source of chance of its own.
        self.0.set((self.0.get() + 0.618_033_988_75) % 1.0);
        self.0.get()
    }
}

impl Shared {
    /// Waits until a transaction should run again that lost a race for the `lost`th time. [`Code::Conflict`] after `most` times.
    pub async fn lost_race(&self, lost: u32, most: u32, error: Error) -> Result<(), Failed> {
        if lost >= most {
            let what = format!("another commit came first each of {lost} times; nothing was written");
            let conflict = Error::new(Code::Conflict, what);
            let error = error.cause().cloned().map_or(conflict.clone(), |cause| conflict.caused_by(cause));
            return Err(Failed { error, how: How::Raced });
        }
        turn().await;
        if lost > AT_ONCE {
            let longest = LONGEST_MS.min(1 << (lost - AT_ONCE).min(63));
            self.clock.sleep((longest as f64 * self.chance.next()) as Millis).await;
        }
        Ok(())
    }
}
