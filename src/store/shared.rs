//! Reads that begin in the same turn of the event loop, as one.
//!
//! A read never joins one that the store has already been asked for: that one may be older than the tick
//! which made this reader look again.

use std::{cell::RefCell, rc::Rc};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{LocalBoxFuture, Map},
};

use super::{Answer, Query, Store};
use crate::{
    error::{Code, Error, Result},
    host::Spawn,
};

/// Asks a store, in one transaction, what is asked in one turn; the same question once.
pub struct SharedReads {
    store: Rc<dyn Store>,
    spawn: Rc<dyn Spawn>,
    next: Rc<RefCell<Vec<Asked>>>,
}

struct Asked {
    query: Query,
    askers: Vec<oneshot::Sender<Result<Answer>>>,
}

/// An answer on its way. Dropping it is no longer wanting it.
pub type Asking = Map<oneshot::Receiver<Result<Answer>>, fn(Told) -> Result<Answer>>;
type Told = std::result::Result<Result<Answer>, oneshot::Canceled>;

/// How many questions go into one transaction. Their answers are decoded in one go, so that more would be
/// felt as a pause of the page.
const LIMIT: usize = 64;

impl SharedReads {
    /// Reads of this store.
    pub fn new(store: Rc<dyn Store>, spawn: Rc<dyn Spawn>) -> Self {
        Self { store, spawn, next: Rc::default() }
    }

    /// Asks a question, together with what else is asked before this turn is over.
    pub fn ask(&self, query: Query) -> Asking {
        let (asker, told) = oneshot::channel();
        let mut next = self.next.borrow_mut();
        let first = next.is_empty();
        // Among the last ones only, so that ten thousand different questions cost no time to tell apart.
        match next.iter_mut().rev().take(LIMIT).find(|asked| asked.query == query) {
            Some(asked) => asked.askers.push(asker),
            None => next.push(Asked { query, askers: vec![asker] }),
        }
        drop(next);
        if first {
            let (store, spawn, next) = (self.store.clone(), self.spawn.clone(), self.next.clone());
            let begin = async move { begin(&store, &*spawn, next.take()).await };
            self.spawn.spawn(begin.boxed_local());
        }
        told.map(|told| told.unwrap_or_else(|_| Err(Error::new(Code::Internal, "a read was dropped"))))
    }
}

/// Begins as many transactions as it takes, in the order in which was asked.
fn begin(store: &Rc<dyn Store>, spawn: &dyn Spawn, mut asked: Vec<Asked>) -> LocalBoxFuture<'static, ()> {
    asked.retain(|asked| asked.askers.iter().any(|asker| !asker.is_canceled()));
    let mut rest = asked.split_off(asked.len().min(LIMIT));
    while !rest.is_empty() {
        let later = rest.split_off(rest.len().min(LIMIT));
        spawn.spawn(read(store.clone(), rest));
        rest = later;
    }
    read(store.clone(), asked)
}

fn read(store: Rc<dyn Store>, asked: Vec<Asked>) -> LocalBoxFuture<'static, ()> {
    async move {
        if asked.is_empty() {
            return;
        }
        let answers = store.read(asked.iter().map(|asked| asked.query.clone()).collect()).await;
        let mut answers = answers.map(Vec::into_iter);
        for Asked { askers, .. } in asked {
            let answer = match &mut answers {
                Ok(answers) => {
                    answers.next().unwrap_or_else(|| Err(Error::new(Code::Internal, "a read went unanswered")))
                }
                Err(fault) => Err(fault.clone()),
            };
            for asker in askers {
                // Whoever went away meanwhile needs no answer.
                let _ = asker.send(answer.clone());
            }
        }
    }
    .boxed_local()
}
