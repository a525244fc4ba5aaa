//! Requests that have several answers.

use std::time::Duration;

use async_nats::{Message, StatusCode, Subscriber};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::Instant;

use super::connect::Health;
use super::decode;
use super::error::Failure;
use super::inbox::Entry;

/// Several answers to one request.
pub(super) struct Answers {
    pub(super) receiver: mpsc::Receiver<Result<Message, Failure>>,
    pub(super) timeout: Duration,
    pub(super) _entry: Entry,
    pub(super) _room: OwnedSemaphorePermit,
}

/// Jobs that answer one pull.
pub(super) struct Pull {
    pub(super) jobs: Subscriber,
    pub(super) health: watch::Receiver<Health>,
    pub(super) losses: u64,
    pub(super) deadline: Instant,
}

impl Pull {
    /// The next job, or a status.
    pub(super) async fn next(&mut self) -> Result<Message, Failure> {
        let (losses, health) = (self.losses, &mut self.health);
        let message = tokio::select! {
            biased;
            message = self.jobs.next() => message.ok_or(Failure::Disconnected)?,
            // The request is forgotten with the connection.
            _ = health.wait_for(|health| health.losses != losses) => return Err(Failure::Disconnected),
            () = tokio::time::sleep_until(self.deadline) => return Err(Failure::Timeout),
        };
        match message.status {
            // A job has a receipt, whatever its publisher wrote.
            Some(StatusCode::NO_RESPONDERS) if message.reply.is_none() => Err(Failure::NoResponders),
            _ => Ok(message),
        }
    }
}

impl Answers {
    /// The next answer.
    pub(super) async fn next(&mut self) -> Result<Message, Failure> {
        let message = tokio::time::timeout(self.timeout, self.receiver.recv())
            .await
            .map_err(|_elapsed| Failure::Timeout)?
            .ok_or_else(|| Failure::Unexpected("more messages than asked for".into()))??;
        match decode::status(&message) {
            Some(StatusCode::NO_RESPONDERS) => Err(Failure::NoResponders),
            _ => Ok(message),
        }
    }
}
