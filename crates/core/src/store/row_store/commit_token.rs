//! How a commit whose answer was lost is recognised.

use std::{cell::RefCell, rc::Rc};

use super::{Shared, rows::CommitRow};
use crate::{
    error::{Code, Result},
    model::key::{Part, ProcessId, key},
    store::{Answer, engine::Mode},
};

/// How often a token is looked for where the storage is lost again and again.
const MOST_LOOKS: usize = 10;

/// The token that shows that a commit has landed. The events of an operation that has the commit for itself carry it,
/// which is the cheapest. Else it has a row of its own as long as the commit is in flight: a commit that lands in
/// the meantime must not overwrite it.
pub struct CommitToken {
    shared: Rc<Shared>,
    place: usize,
    pub number: u64,
    /// The last event that was to carry it.
    event: RefCell<Option<Vec<Part>>>,
}

impl CommitToken {
    /// A token that no other commit in flight has.
    pub fn new(shared: &Rc<Shared>) -> Self {
        let number = shared.commits.get() + 1;
        shared.commits.set(number);
        let mut tokens = shared.tokens.borrow_mut();
        let place = tokens.iter().position(|taken| !taken).unwrap_or(tokens.len());
        match tokens.get_mut(place) {
            Some(taken) => *taken = true,
            None => tokens.push(true),
        }
        Self { shared: shared.clone(), place, number, event: RefCell::default() }
    }

    /// The token, to be carried by an event.
    pub fn carried_by(&self, id: &ProcessId, sequence: u64) -> CommitRow {
        self.event.replace(Some(key![id, sequence]));
        self.row()
    }

    /// The token, to be left in `commits`.
    pub fn row(&self) -> CommitRow {
        CommitRow { writer: format!("{}/{}", self.shared.writer, self.place), number: self.number }
    }

    /// Whether the commit left it. A look that fails is repeated: as long as none has succeeded, an error would say that nothing was
    /// written, and that is not known.
    pub async fn was_committed(&self) -> Result<bool> {
        let mut found = self.look().await;
        for _ in 1..MOST_LOOKS {
            match &found {
                Err(fault) if fault.code() != Code::Closed => found = self.look().await,
                Ok(_) | Err(_) => break,
            }
        }
        self.event.take();
        found
    }

    async fn look(&self) -> Result<bool> {
        let (event, CommitRow { writer, number }) = (self.event.borrow().clone(), self.row());
        let left =
            self.shared.read(Mode::Read, Rc::new(move |reader| reader.token(event.as_ref(), &writer))).await?.pop();
        Ok(matches!(left, Some(Ok(Answer::Count(Some(left)))) if left == number))
    }
}

impl Drop for CommitToken {
    fn drop(&mut self) {
        if let Some(taken) = self.shared.tokens.borrow_mut().get_mut(self.place) {
            *taken = false;
        }
    }
}
