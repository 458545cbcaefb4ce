//! What is committed to streams, for the readers in this tab.
//!
//! A reader takes a seat before it reads. News that come are kept for it, up to a bound; beyond, it is told that it missed some,
//! and reads the store.

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::{Rc, Weak},
};

use futures::channel::oneshot;

use crate::{
    model::{key::ProcessId, stream::StreamNews},
    unordered::Map,
};

/// Hands news of streams to their readers. Clones share it.
#[derive(Clone, Default)]
pub struct StreamHub(Rc<RefCell<Map<Place, Seats>>>);

/// A stream: its process and its name.
type Place = (ProcessId, String);

/// What readers of one stream have heard.
type Seats = Vec<Weak<RefCell<Heard>>>;

/// How many news are kept for a reader that has not come for them.
const MOST_KEPT: usize = 32;

#[derive(Default)]
struct Heard {
    news: VecDeque<Rc<StreamNews>>,
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
        let (place, heard) = ((id.clone(), name.to_owned()), Rc::default());
        self.0.borrow_mut().entry(place.clone()).or_default().push(Rc::downgrade(&heard));
        Seat { hub: self.clone(), place, heard }
    }

    /// Passes news on.
    pub fn tell(&self, news: &Rc<StreamNews>) {
        let place = (news.chunks.process_id.clone(), news.chunks.name.clone());
        let seats = self.0.borrow().get(&place).cloned().unwrap_or_default();
        for heard in seats.iter().filter_map(Weak::upgrade) {
            let mut heard = heard.borrow_mut();
            if heard.news.len() == MOST_KEPT {
                heard.news.clear();
                heard.missed = true;
            }
            heard.news.push_back(news.clone());
            let waiting = heard.waiting.take();
            drop(heard);
            drop(waiting);
        }
    }
}

/// A reader's place. Dropping it ends what is kept for the reader.
pub struct Seat {
    hub: StreamHub,
    place: Place,
    heard: Rc<RefCell<Heard>>,
}

impl Seat {
    /// What came next, if anything did.
    pub fn next(&self) -> Found {
        let mut heard = self.heard.borrow_mut();
        if std::mem::take(&mut heard.missed) {
            return Found::Missed;
        }
        heard.news.pop_front().map_or(Found::Nothing, Found::News)
    }

    /// Resolves when there is something, at once if there is already. One call at a time.
    pub async fn told(&self) {
        let told = {
            let mut heard = self.heard.borrow_mut();
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
        let mut all = self.hub.0.borrow_mut();
        if let Some(seats) = all.get_mut(&self.place) {
            let own = Rc::downgrade(&self.heard);
            seats.retain(|seat| !seat.ptr_eq(&own));
            if seats.is_empty() {
                all.remove(&self.place);
            }
        }
    }
}
