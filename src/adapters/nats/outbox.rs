//! The outgoing messages of a connection: gathered first, so that many small messages leave in one write.
//!
//! The client library writes to the socket as soon as its own task has something, and that task runs right after the first of
//! many that publish at the same time: a system call a message. Here a task waits for its turn behind all the others.

use std::sync::Arc;

use async_nats::client::PublishError;
use async_nats::{Client, HeaderMap, PublishErrorKind, Subject};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::error::{Failure, code};
use super::inbox::Inbox;

/// Messages that leave before others get their turn.
const AT_ONCE: usize = 256;

/// A message on its way out; the answer goes to `token`.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) token: u64,
    pub(super) subject: Subject,
    pub(super) reply: String,
    pub(super) headers: Option<HeaderMap>,
    pub(super) payload: Bytes,
}

/// The queue and its task.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: mpsc::Sender<Outgoing>,
    _task: AbortOnDropHandle<()>,
}

impl Outbox {
    /// For at most `room` messages.
    pub(super) fn new(client: Client, inbox: Arc<Inbox>, room: usize) -> Self {
        let (queue, outgoing) = mpsc::channel(room);
        let task = tokio::spawn(run(client, inbox, outgoing));
        Self { queue, _task: AbortOnDropHandle::new(task) }
    }

    /// Waits while the queue is full. A message that cannot be sent fails the request that waits for its answer.
    pub(super) async fn put(&self, message: Outgoing) -> Result<(), Failure> {
        self.queue.send(message).await.map_err(|_closed| Failure::Disconnected)
    }
}

async fn run(client: Client, inbox: Arc<Inbox>, mut outgoing: mpsc::Receiver<Outgoing>) {
    let mut messages = Vec::with_capacity(AT_ONCE);
    while let Some(first) = outgoing.recv().await {
        messages.push(first);
        tokio::task::yield_now().await;
        while messages.len() < AT_ONCE
            && let Ok(more) = outgoing.try_recv()
        {
            messages.push(more);
        }
        for message in messages.drain(..) {
            // Nobody waits any more: the time is over, or the caller gave up.
            if !inbox.waits(message.token) {
                continue;
            }
            let token = message.token;
            if let Err(failure) = publish(&client, message).await {
                inbox.fail(token, failure);
            }
        }
    }
}

async fn publish(client: &Client, message: Outgoing) -> Result<(), Failure> {
    let Outgoing { subject, reply, headers, payload, .. } = message;
    let sent = match headers {
        Some(headers) => client.publish_with_reply_and_headers(subject, reply, headers, payload).await,
        None => client.publish_with_reply(subject, reply, payload).await,
    };
    sent.map_err(|error| failure(&error))
}

/// Why the client library takes no message.
pub(super) fn failure(error: &PublishError) -> Failure {
    match error.kind() {
        PublishErrorKind::MaxPayloadExceeded => {
            Failure::Api { code: code::TOO_LARGE, status: 400, description: error.to_string() }
        }
        PublishErrorKind::InvalidSubject => {
            Failure::Api { code: 0, status: 400, description: error.to_string() }
        }
        PublishErrorKind::Send => Failure::Disconnected,
    }
}
