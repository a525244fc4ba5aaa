//! Pending requests and their receivers: one inbox per connection, one token per request.
//!
//! The client library's own requests leave an entry behind for each time-out and hear nothing of a lost connection; here
//! an entry is dropped with its receiver, and a lost connection answers all of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_nats::Message;
use tokio::sync::{mpsc, oneshot};

use super::error::Failure;

enum Waiter {
    One(oneshot::Sender<Result<Message, Failure>>),
    Many(mpsc::Sender<Result<Message, Failure>>),
}

/// The table of a connection.
#[derive(Default)]
pub(super) struct Inbox {
    waiting: Mutex<HashMap<u64, Waiter>>,
    next: AtomicU64,
}

/// An entry; dropping it removes it.
pub(super) struct Entry {
    inbox: Arc<Inbox>,
    token: u64,
}

impl Inbox {
    fn enter(self: &Arc<Self>, waiter: Waiter) -> Entry {
        let token = self.next.fetch_add(1, Ordering::Relaxed);
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(token, waiter);
        Entry { inbox: self.clone(), token }
    }

    /// An entry for one answer.
    pub(super) fn one(self: &Arc<Self>) -> (Entry, oneshot::Receiver<Result<Message, Failure>>) {
        let (sender, receiver) = oneshot::channel();
        (self.enter(Waiter::One(sender)), receiver)
    }

    /// An entry for up to `most` answers.
    pub(super) fn many(self: &Arc<Self>, most: usize) -> (Entry, mpsc::Receiver<Result<Message, Failure>>) {
        let (sender, receiver) = mpsc::channel(most);
        (self.enter(Waiter::Many(sender)), receiver)
    }

    /// Hands an answer over. One that nobody waits for any more is dropped.
    pub(super) fn deliver(&self, token: Option<u64>, message: Message) {
        let Some(token) = token else { return };
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.remove(&token) {
            // The receiver may be gone.
            Some(Waiter::One(sender)) => drop(sender.send(Ok(message))),
            Some(Waiter::Many(sender)) if sender.try_send(Ok(message)).is_ok() => {
                waiting.insert(token, Waiter::Many(sender));
            }
            // Without room the entry is dropped, and its receiver sees the end too early.
            Some(Waiter::Many(_)) | None => {}
        }
    }

    /// Whether somebody still waits for an answer.
    pub(super) fn waits(&self, token: u64) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&token)
    }

    /// Says that there will be no answer.
    pub(super) fn fail(&self, token: u64, failure: Failure) {
        match self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&token) {
            // The receiver may be gone.
            Some(Waiter::One(sender)) => drop(sender.send(Err(failure))),
            Some(Waiter::Many(sender)) => drop(sender.try_send(Err(failure))),
            None => {}
        }
    }

    /// Answers everybody that the connection is lost.
    pub(super) fn disconnected(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        for waiter in waiting.into_values() {
            // The receiver may be gone.
            match waiter {
                Waiter::One(sender) => drop(sender.send(Err(Failure::Disconnected))),
                Waiter::Many(sender) => drop(sender.try_send(Err(Failure::Disconnected))),
            }
        }
    }

    /// Requests that wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Entry {
    pub(super) const fn token(&self) -> u64 {
        self.token
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.inbox.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message {
            subject: "a".into(),
            reply: None,
            payload: bytes::Bytes::new(),
            headers: None,
            status: None,
            description: None,
            length: 0,
        }
    }

    #[tokio::test]
    async fn entries_are_dropped_with_their_receivers() {
        let inbox = Arc::new(Inbox::default());
        let (entry, answer) = inbox.one();
        let token = entry.token();
        drop((entry, answer));
        assert_eq!(inbox.len(), 0, "a time-out leaves nothing behind");
        inbox.deliver(Some(token), message());
        inbox.deliver(None, message());

        let (one, answer) = inbox.one();
        inbox.deliver(Some(one.token()), message());
        assert!(answer.await.unwrap().is_ok());

        let (many, mut answers) = inbox.many(2);
        for _ in 0..3 {
            inbox.deliver(Some(many.token()), message());
        }
        for _ in 0..2 {
            assert!(answers.recv().await.unwrap().is_ok());
        }
        assert!(answers.recv().await.is_none(), "one too many ends it");
        drop((one, many));
        assert_eq!(inbox.len(), 0);
    }

    #[tokio::test]
    async fn an_unsent_request_fails_for_its_receiver() {
        let inbox = Arc::new(Inbox::default());
        let (one, answer) = inbox.one();
        assert!(inbox.waits(one.token()));
        inbox.fail(one.token(), Failure::Timeout);
        assert!(matches!(answer.await.unwrap(), Err(Failure::Timeout)));
        assert!(!inbox.waits(one.token()), "nothing is sent for it any more");
    }

    #[tokio::test]
    async fn a_lost_connection_answers_everybody() {
        let inbox = Arc::new(Inbox::default());
        let (_one, answer) = inbox.one();
        let (_many, mut answers) = inbox.many(1);
        inbox.disconnected();
        assert!(matches!(answer.await.unwrap(), Err(Failure::Disconnected)));
        assert!(matches!(answers.recv().await.unwrap(), Err(Failure::Disconnected)));
    }
}
