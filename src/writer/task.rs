//! The writer's loop: one frame in flight, until its outcome is known.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::batch::Groups;
use super::{Error, Group, Start};
use crate::id::{ExecutionId, StreamId};
use crate::limits;
use crate::log::{AppendError, Direction, Expect, Frame, Log, Read, ReadError, Sequence, Stored};
use crate::subject::{Key, Scope, Topic};

const RETRY: Duration = Duration::from_millis(200);

pub(super) struct Task {
    pub(super) log: Arc<dyn Log>,
    pub(super) stream: StreamId,
    pub(super) execution: ExecutionId,
    pub(super) at: Start,
    pub(super) groups: Groups,
    pub(super) stop: CancellationToken,
}

impl Task {
    pub(super) async fn run(mut self) {
        let stop = self.stop.clone();
        let mut stopped = pin!(stop.cancelled());
        let error = loop {
            let batch = tokio::select! {
                () = &mut stopped => break Error::Stopped,
                batch = self.groups.next() => batch,
            };
            let Some(batch) = batch else { return };
            let outcome = tokio::select! {
                () = &mut stopped => Err(Error::Stopped),
                outcome = self.write(&batch) => outcome,
            };
            match outcome {
                Ok(sequence) => answer(batch, &Ok(sequence)),
                Err(error) => {
                    answer(batch, &Err(error.clone()));
                    break error;
                }
            }
        };
        answer(self.groups.rest(), &Err(error));
    }

    async fn write(&mut self, batch: &[Group]) -> Result<Sequence, Error> {
        let lines: Vec<Bytes> = batch.iter().flat_map(|group| group.lines.iter().cloned()).collect();
        let journal = batch
            .iter()
            .filter_map(|group| group.journal)
            .max()
            .map_or(self.at.journal, |j| j.max(self.at.journal));
        let mut frame = Frame::owned(self.at.epoch, self.at.index, journal, &lines);
        frame.trace = batch.iter().find_map(|group| group.trace.clone());
        let topic = Topic::Events {
            stream: self.stream.clone(),
            node: batch[0].node.clone(),
            execution: Some(self.execution.clone()),
        };
        let sequence = self.append(&topic, &frame).await?;
        self.at = Start {
            epoch: self.at.epoch,
            last: Some(sequence),
            index: self.at.index + u64::from(frame.count),
            journal,
        };
        Ok(sequence)
    }

    /// Appends until the outcome is known. Open frames that came in between do not fence: anybody may add them.
    async fn append(&mut self, topic: &Topic, frame: &Frame) -> Result<Sequence, Error> {
        loop {
            match self.log.append(topic, frame, Expect::Last(self.at.last)).await {
                Ok(sequence) => return Ok(sequence),
                Err(AppendError::Unresolved(reason)) => {
                    tracing::warn!(execution = %self.execution, reason, "the outcome of an append is not known yet");
                    tokio::time::sleep(RETRY).await;
                }
                Err(AppendError::Fenced { last: Some(last), .. }) => {
                    self.at.last = Some(Box::pin(self.behind_open_frames(&last)).await?);
                }
                Err(AppendError::Fenced { last: None, .. }) => return Err(Error::Fenced),
                Err(error) => {
                    tracing::error!(execution = %self.execution, %error, "an append failed for good");
                    return Err(Error::Log(Arc::from(error.to_string())));
                }
            }
        }
    }

    /// The key's last place, if all that came after ours is open.
    async fn behind_open_frames(&self, last: &Stored) -> Result<Sequence, Error> {
        if last.frame.epoch().is_some() {
            return Err(Error::Fenced);
        }
        let scope = Scope::from(&Key::Execution(self.stream.clone(), self.execution.clone()));
        let mut from = self.at.last.unwrap_or_default().next();
        while from <= last.sequence {
            let read = Read {
                scope: scope.clone(),
                shard: last.shard,
                from,
                direction: Direction::Forward,
                max_frames: limits::PAGE_FRAMES,
                max_bytes: limits::PAGE_BYTES,
            };
            match self.log.read(&read).await {
                Ok(page) => {
                    if page.frames.iter().any(|stored| stored.frame.epoch().is_some()) {
                        return Err(Error::Fenced);
                    }
                    match page.frames.last() {
                        Some(stored) => from = stored.sequence.next(),
                        // A replica that lags: the frame is there, the leader has shown it.
                        None => tokio::time::sleep(RETRY / 10).await,
                    }
                }
                Err(ReadError::Unavailable(reason)) => {
                    tracing::warn!(execution = %self.execution, reason, "reading behind open frames failed");
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => return Err(Error::Log(Arc::from(error.to_string()))),
            }
        }
        Ok(from.previous())
    }
}

fn answer(groups: Vec<Group>, outcome: &Result<Sequence, Error>) {
    for group in groups {
        // Whoever asked may be gone; the outcome stands all the same.
        let _ = group.done.send(outcome.clone());
    }
}
