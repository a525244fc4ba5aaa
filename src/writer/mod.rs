//! The owner's writer: events of one execution as numbered frames, one in flight, fenced.
//!
//! Events that arrive while a frame is in flight form the next one (group commit). This keeps token streams cheap:
//! the frames grow with the load, the order stays, and the broker checks every one against the owner's last.

mod batch;
mod task;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::id::{ExecutionId, NodeId, StreamId};
use crate::limits;
use crate::log::{Log, Sequence, Trace};

/// Where an owner begins to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Start {
    /// The owner's epoch: the number of its claim.
    pub epoch: u64,
    /// The key's last frame, of any author.
    pub last: Option<Sequence>,
    /// The last that is not somebody else's.
    pub own: Option<Sequence>,
    /// The index of the next event.
    pub index: u64,
    /// How many journal entries the frames so far reflect.
    pub journal: u64,
}

/// Why an event was not written. The writer is closed after any of these.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Another owner writes this execution now: stop for good.
    #[error("another owner took the execution over")]
    Fenced,
    /// The log lost what it had acknowledged, or refuses.
    #[error("{0}")]
    Log(Arc<str>),
    /// The writer was stopped before the outcome was known.
    #[error("the writer was stopped")]
    Stopped,
    /// The group has no event.
    #[error("no event to write")]
    Empty,
    /// The group does not fit into one frame.
    #[error("the events have {bytes} bytes together, one frame takes {limit}", limit = limits::GROUP_BYTES)]
    TooLarge {
        /// Their size.
        bytes: usize,
    },
}

/// Waits until a group of events is durable.
#[derive(Debug)]
pub struct Ticket(oneshot::Receiver<Result<Sequence, Error>>);

impl Ticket {
    /// The place of the group's frame.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn durable(self) -> Result<Sequence, Error> {
        self.0.await.unwrap_or(Err(Error::Stopped))
    }
}

/// A cheap handle; the writer ends when the last one is dropped or the token given to [`Writer::open`] is cancelled.
#[derive(Debug, Clone)]
pub struct Writer {
    groups: mpsc::Sender<Group>,
    room: Arc<Semaphore>,
}

/// Events that belong into one frame.
#[derive(Debug)]
struct Group {
    node: Option<NodeId>,
    lines: Vec<Bytes>,
    bytes: usize,
    journal: Option<u64>,
    trace: Option<Trace>,
    _room: tokio::sync::OwnedSemaphorePermit,
    done: oneshot::Sender<Result<Sequence, Error>>,
}

impl Writer {
    /// A writer for one execution.
    #[must_use]
    pub fn open(
        log: Arc<dyn Log>,
        stream: StreamId,
        execution: ExecutionId,
        start: Start,
        stop: CancellationToken,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(limits::FRAME_EVENTS);
        let task =
            task::Task { log, stream, execution, at: start, groups: batch::Groups::new(receiver), stop };
        tokio::spawn(task.run());
        Self { groups: sender, room: Arc::new(Semaphore::new(limits::WRITER_BUFFER_BYTES)) }
    }

    /// Queues events of one node as one indivisible group: all of them or none become visible. `journal` says how
    /// many journal entries the execution's events reflect with these. Waits while the buffer is full.
    ///
    /// # Errors
    /// The group is too large, or the writer is closed.
    pub async fn append(
        &self,
        node: Option<NodeId>,
        lines: Vec<Bytes>,
        journal: Option<u64>,
    ) -> Result<Ticket, Error> {
        let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
        if lines.is_empty() {
            return Err(Error::Empty);
        }
        if lines.len() > 1 && bytes > limits::GROUP_BYTES || lines.len() > limits::FRAME_EVENTS {
            return Err(Error::TooLarge { bytes });
        }
        let permits = u32::try_from(bytes.clamp(1, limits::WRITER_BUFFER_BYTES)).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(permits).await.map_err(|_closed| Error::Stopped)?;
        let (done, ticket) = oneshot::channel();
        let trace = crate::telemetry::current_trace();
        let group = Group { node, lines, bytes, journal, trace, _room: room, done };
        self.groups.send(group).await.map_err(|_closed| Error::Stopped)?;
        Ok(Ticket(ticket))
    }
}
