//! What is committed to streams, for the readers in this tab.
//!
//! A reader takes a seat before it reads. News that come are kept for it, up to a bound; beyond, it is told that it missed some,
//! and reads the store.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use futures::channel::oneshot;

use crate::model::{key::ProcessId, stream::StreamNews};

/// Hands news of streams to their readers, of which there are few. Clones share it.
#[derive(Clone, Default)]
pub struct StreamHub(Rc<RefCell<Vec<Weak<Place>>>>);

/// A reader's place.
struct Place {
    id: ProcessId,
    name: String,
    heard: RefCell<Heard>,
}

/// How many news are kept for a reader that has not come for them.
const MOST_KEPT: usize = 32;

#[derive(Default)]
struct Heard {
    news: Vec<Rc<StreamNews>>,
    /// Whether there were more than are kept.
    missed: bool,
    /// Dropped to wake the reader.
    waiting: Option<oneshot::Sender<()>>,
}

/// What a reader finds at its seat.
pub enum Found {
    /// The next news.
    News(Rc<StreamNews>),
    /// There were more news than are kept.
    Missed,
    /// None.
    Nothing,
}

impl StreamHub {
    /// A seat for a reader of one stream.
    pub fn seat(&self, id: &ProcessId, name: &str) -> Seat {
        let place = Rc::new(Place { id: id.clone(), name: name.to_owned(), heard: RefCell::default() });
        self.0.borrow_mut().push(Rc::downgrade(&place));
        Seat { hub: self.clone(), place }
    }

    /// Passes news on.
    pub fn tell(&self, news: &Rc<StreamNews>) {
        let places = self.0.borrow().clone();
        for place in places.iter().filter_map(Weak::upgrade) {
            if place.id != news.stream.process_id || place.name != news.stream.name {
                continue;
            }
            let mut heard = place.heard.borrow_mut();
            if heard.news.len() == MOST_KEPT {
                heard.news.clear();
                heard.missed = true;
            }
            heard.news.push(news.clone());
            let waiting = heard.waiting.take();
            drop(heard);
            drop(waiting);
        }
    }
}

/// What a reader has of its place. Dropping it ends what is kept for the reader.
pub struct Seat {
    hub: StreamHub,
    place: Rc<Place>,
}

impl Seat {
    /// What came next, if anything did.
    pub fn next(&self) -> Found {
        let mut heard = self.place.heard.borrow_mut();
        if std::mem::take(&mut heard.missed) {
            return Found::Missed;
        }
        match heard.news.is_empty() {
            true => Found::Nothing,
            false => Found::News(heard.news.remove(0)),
        }
    }

    /// Resolves when there is something, at once if there is already. One call at a time.
    pub async fn told(&self) {
        let told = {
            let mut heard = self.place.heard.borrow_mut();
            if heard.missed || !heard.news.is_empty() {
                return;
            }
            let (waiting, told) = oneshot::channel();
            heard.waiting = Some(waiting);
            told
        };
        let _ = told.await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let own = Rc::downgrade(&self.place);
        self.hub.0.borrow_mut().retain(|place| !place.ptr_eq(&own));
    }
}
