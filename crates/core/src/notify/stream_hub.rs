//! Notifies the readers of streams in this tab of what is committed.
//!
//! A reader subscribes before it reads. Notifications that come are kept for it, up to a bound; beyond, it finds that it missed some,
//! and reads the store.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use futures::channel::oneshot;

use super::Woken;
use crate::model::{key::ProcessId, stream::StreamNotification};

/// Hands notifications of streams to their readers, of which there are few. Clones share it.
#[derive(Clone, Default)]
pub struct StreamHub(Rc<RefCell<Vec<Weak<Subscription>>>>);

/// The subscription of a reader to one stream.
struct Subscription {
    id: ProcessId,
    name: String,
    inbox: RefCell<Inbox>,
}

/// How many notifications are kept for a reader that has not come for them.
const MOST_KEPT: usize = 32;

#[derive(Default)]
struct Inbox {
    notifications: Vec<(Rc<StreamNotification>, Woken)>,
    /// The last of them, where there were more than are kept.
    missed: Option<Woken>,
    /// Dropped to wake the reader.
    waiting: Option<oneshot::Sender<()>>,
}

/// What a reader received.
pub enum Received {
    /// The next notification.
    Notification(Rc<StreamNotification>, Woken),
    /// More notifications than are kept.
    Missed(Woken),
    /// Nothing yet.
    Nothing,
}

impl StreamHub {
    /// Subscribes a reader to one stream.
    pub fn subscribe(&self, id: &ProcessId, name: &str) -> StreamReceiver {
        let subscription = Rc::new(Subscription { id: id.clone(), name: name.to_owned(), inbox: RefCell::default() });
        self.0.borrow_mut().push(Rc::downgrade(&subscription));
        StreamReceiver { hub: self.clone(), subscription }
    }

    /// Notifies the readers of a stream.
    pub fn notify(&self, notification: &Rc<StreamNotification>, woken: Woken) {
        let subscriptions = self.0.borrow().clone();
        for subscription in subscriptions.iter().filter_map(Weak::upgrade) {
            let stream = &notification.stream;
            if subscription.id != stream.process_id || subscription.name != stream.name {
                continue;
            }
            let mut inbox = subscription.inbox.borrow_mut();
            if inbox.notifications.len() == MOST_KEPT {
                inbox.notifications.clear();
                inbox.missed = Some(woken);
            }
            inbox.notifications.push((notification.clone(), woken));
            let waiting = inbox.waiting.take();
            drop(inbox);
            drop(waiting);
        }
    }
}

/// Receives the notifications of one stream. Dropping it ends the subscription.
pub struct StreamReceiver {
    hub: StreamHub,
    subscription: Rc<Subscription>,
}

impl StreamReceiver {
    /// What came next, if anything did.
    pub fn next(&self) -> Received {
        let mut inbox = self.subscription.inbox.borrow_mut();
        if let Some(woken) = inbox.missed.take() {
            return Received::Missed(woken);
        }
        if inbox.notifications.is_empty() {
            return Received::Nothing;
        }
        let (notification, woken) = inbox.notifications.remove(0);
        Received::Notification(notification, woken)
    }

    /// Resolves when there is something, at once if there is already. One call at a time.
    pub async fn notified(&self) {
        let notified = {
            let mut inbox = self.subscription.inbox.borrow_mut();
            if inbox.missed.is_some() || !inbox.notifications.is_empty() {
                return;
            }
            let (waiting, notified) = oneshot::channel();
            inbox.waiting = Some(waiting);
            notified
        };
        let _ = notified.await;
    }
}

impl Drop for StreamReceiver {
    fn drop(&mut self) {
        let own = Rc::downgrade(&self.subscription);
        self.hub.0.borrow_mut().retain(|subscription| !subscription.ptr_eq(&own));
    }
}
