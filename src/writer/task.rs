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
use crate::log::{
    AppendError, Direction, Expect, Frame, Lag, Log, Missing, Read, ReadError, Sequence, Stored,
};
use crate::subject::{Key, Scope, Topic};

const RETRY: Duration = Duration::from_millis(200);

/// How often a frame steps over what others published before it is checked against Runbus's own frames alone: however much they
/// publish, they do not keep an owner from writing.
const STEPS: u32 = 2;

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
        let index = self.at.index.checked_add(u64::from(frame.count));
        let index =
            index.ok_or_else(|| Error::Log(Arc::from("the execution has no number left for an event")))?;
        self.at = Start { epoch: self.at.epoch, last: Some(sequence), own: Some(sequence), index, journal };
        Ok(sequence)
    }

    /// Appends until the outcome is known. Frames without an owner that came in between do not fence.
    async fn append(&mut self, topic: &Topic, frame: &Frame) -> Result<Sequence, Error> {
        let mut steps = 0;
        loop {
            let expect = if steps < STEPS { Expect::Last(self.at.last) } else { Expect::Own(self.at.own) };
            match self.log.append(topic, frame, expect).await {
                Ok(sequence) => return Ok(sequence),
                Err(AppendError::Unresolved(reason)) => {
                    tracing::warn!(execution = %self.execution, reason, "the outcome of an append is not known yet");
                    tokio::time::sleep(RETRY).await;
                }
                Err(AppendError::Fenced { last: Some(last), .. }) => {
                    Box::pin(self.step_over(&last)).await?;
                    steps += 1;
                }
                Err(AppendError::Fenced { last: None, .. }) => return Err(Error::Fenced),
                Err(error) => {
                    tracing::error!(execution = %self.execution, %error, "an append failed for good");
                    return Err(Error::Log(Arc::from(error.to_string())));
                }
            }
        }
    }

    /// Goes behind the key's last frame, if all that came after ours has no owner.
    async fn step_over(&mut self, last: &Stored) -> Result<(), Error> {
        if last.frame.epoch().is_some() {
            return Err(Error::Fenced);
        }
        let key = Key::Execution(self.stream.clone(), self.execution.clone());
        let scope = Scope::from(&key);
        let mut lag = Lag::default();
        if Some(last.sequence) <= self.at.last {
            self.at.own = self.at.own.max(Some(last.sequence));
        }
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
                    for stored in page.frames {
                        if stored.frame.epoch().is_some() {
                            return Err(Error::Fenced);
                        }
                        from = stored.sequence.next();
                        self.at.last = self.at.last.max(Some(stored.sequence));
                        if !stored.frame.author.is_external() {
                            self.at.own = self.at.own.max(Some(stored.sequence));
                        }
                    }
                    if page.done && from <= last.sequence {
                        match lag.look(self.log.as_ref(), &key, last.sequence).await {
                            Ok(Missing::Later) => {}
                            // Nobody can tell any more whether another owner wrote.
                            Ok(Missing::Gone) => return Err(Error::Fenced),
                            Err(error) if error.is_retryable() => {
                                tracing::warn!(execution = %self.execution, %error, "reading behind open frames failed");
                                tokio::time::sleep(RETRY).await;
                            }
                            Err(error) => return Err(Error::Log(Arc::from(error.to_string()))),
                        }
                    }
                }
                Err(ReadError::Unavailable(reason)) => {
                    tracing::warn!(execution = %self.execution, reason, "reading behind open frames failed");
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => return Err(Error::Log(Arc::from(error.to_string()))),
            }
        }
        Ok(())
    }
}

fn answer(groups: Vec<Group>, outcome: &Result<Sequence, Error>) {
    for group in groups {
        // The receiver may be gone; the outcome is valid all the same.
        let _ = group.done.send(outcome.clone());
    }
}
