//! How a commit whose answer was lost is recognised.

use std::rc::Rc;

use super::{Shared, codec::CommitRow};
use crate::{
    error::Result,
    store::Answer,
    text::{decimal, text},
};

/// The mark by which a commit can be told to have landed. It has a row of its own as long as the commit is
/// in flight: another one that lands meanwhile must not wipe it out.
pub struct Mark {
    shared: Rc<Shared>,
    place: usize,
    number: u64,
}

impl Mark {
    /// A mark that no other commit in flight has.
    pub fn new(shared: &Rc<Shared>) -> Self {
        let number = shared.commits.get() + 1;
        shared.commits.set(number);
        let mut marks = shared.marks.borrow_mut();
        let place = marks.iter().position(|taken| !taken).unwrap_or(marks.len());
        match marks.get_mut(place) {
            Some(taken) => *taken = true,
            None => marks.push(true),
        }
        Self { shared: shared.clone(), place, number }
    }

    /// What the commit leaves in `commits`.
    pub fn row(&self) -> CommitRow {
        CommitRow { writer: text![self.shared.writer, "/", decimal(self.place as u64)], number: self.number }
    }

    /// Whether the commit left it.
    pub async fn has_landed(&self) -> Result<bool> {
        let CommitRow { writer, number } = self.row();
        let last = self.shared.read(Rc::new(move |mut reader| reader.last_commit(&writer))).await?.pop();
        Ok(matches!(last, Some(Ok(Answer::Count(Some(last)))) if last == number))
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        if let Some(taken) = self.shared.marks.borrow_mut().get_mut(self.place) {
            *taken = false;
        }
    }
}
