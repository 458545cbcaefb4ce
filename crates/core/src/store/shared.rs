//! Reads that begin in the same turn of the event loop, as one.
//!
//! A read never joins one that the store has already been asked for: that one may be older than the tick
//! which made this reader look again.

use std::{cell::RefCell, rc::Rc};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{LocalBoxFuture, join, join_all},
};

use super::{Answer, Query, Store};
use crate::{
    error::{Code, Error, Result},
    host::Spawn,
};

/// Asks a store, in few transactions, what is asked in one turn; the same question once.
pub struct SharedReads {
    store: Rc<dyn Store>,
    spawn: Rc<dyn Spawn>,
    next: Rc<RefCell<Vec<Asked>>>,
}

struct Asked {
    query: Rc<Query>,
    /// One for all who asked; here before they are told.
    answer: Rc<RefCell<Option<Result<Rc<Answer>>>>>,
    askers: Vec<oneshot::Sender<()>>,
}

/// How many questions go into one transaction. Their answers are decoded in one go, so that more would be
/// felt as a pause of the page.
const LIMIT: usize = 64;

impl SharedReads {
    /// Reads of this store.
    pub fn new(store: Rc<dyn Store>, spawn: Rc<dyn Spawn>) -> Self {
        Self { store, spawn, next: Rc::default() }
    }

    /// Asks a question, together with what else is asked before this turn is over. It is asked now, and
    /// dropping the future is no longer wanting the answer.
    pub fn ask(&self, query: Rc<Query>) -> LocalBoxFuture<'static, Result<Rc<Answer>>> {
        let (asker, told) = oneshot::channel();
        let answer = self.join(query, asker);
        async move {
            let _ = told.await;
            let answer = answer.borrow().clone();
            answer.unwrap_or_else(|| Err(Error::new(Code::Internal, "a read went unanswered")))
        }
        .boxed_local()
    }

    fn join(&self, query: Rc<Query>, asker: oneshot::Sender<()>) -> Rc<RefCell<Option<Result<Rc<Answer>>>>> {
        let mut next = self.next.borrow_mut();
        if next.is_empty() {
            let (store, next) = (self.store.clone(), self.next.clone());
            self.spawn.spawn(async move { read_all(store, next.take()).await }.boxed_local());
        }
        // Among the last ones only, so that ten thousand different questions cost no time to tell apart.
        let last = next.len().saturating_sub(LIMIT);
        if let Some(asked) = next.get_mut(last..).into_iter().flatten().find(|asked| asked.query.is(&query)) {
            asked.askers.push(asker);
            return asked.answer.clone();
        }
        let answer = Rc::default();
        next.push(Asked { query, answer: Rc::clone(&answer), askers: vec![asker] });
        answer
    }
}

/// Reads in as many transactions as it takes. A question whose answer may be large has one of its own, so that no other waits for
/// it. The others go one transaction after another, in the order in which was asked: what a transaction has fetched takes a few
/// kilobytes a question, and would else be there for all of them at once.
async fn read_all(store: Rc<dyn Store>, mut asked: Vec<Asked>) {
    asked.retain(|asked| asked.askers.iter().any(|asker| !asker.is_canceled()));
    let (large, mut small): (Vec<_>, Vec<_>) = asked.into_iter().partition(|asked| asked.query.may_be_large());
    let large = join_all(large.into_iter().map(|asked| read(&*store, vec![asked])));
    let small = async {
        while !small.is_empty() {
            let later = small.split_off(small.len().min(LIMIT));
            read(&*store, small).await;
            small = later;
        }
    };
    join(small, large).await;
}

async fn read(store: &dyn Store, asked: Vec<Asked>) {
    let mut queries = Vec::new();
    asked.iter().for_each(|asked| queries.push(Rc::clone(&asked.query)));
    let answers = store.read(queries).await;
    if asked.len() > 1 && answers.as_ref().is_err_and(|fault| fault.code() == Code::StorageFailed) {
        // What one of them asks for may be too much for the store: that is no fault of the others.
        for asked in asked {
            Box::pin(read(store, vec![asked])).await;
        }
        return;
    }
    let mut answers = answers.map(Vec::into_iter);
    for Asked { query, answer, askers } in asked {
        *answer.borrow_mut() = match &mut answers {
            Ok(answers) => answers.next().map(|answer| answer.map(Rc::new)),
            Err(fault) => Some(Err(match query.process_id() {
                Some(id) if fault.code() == Code::StorageFailed => fault.clone().concerning(id),
                Some(_) | None => fault.clone(),
            })),
        };
        // Dropped, they tell.
        drop(askers);
    }
}
