//! Live feeds: frames as they are stored, and a word when some may be missing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tokio::sync::mpsc;

use super::port::Stored;
use crate::limits;

/// The signals of a live feed.
#[derive(Debug, Clone)]
pub enum Signal {
    /// A frame was stored.
    Frame(Arc<Stored>),
    /// Frames may have been lost since the last signal: read the log.
    Suspect,
}

#[derive(Debug, Default)]
struct Loss {
    happened: AtomicBool,
    told: AtomicWaker,
}

/// The reader's side of a live feed. Dropping it ends the feed.
pub struct Tail {
    frames: mpsc::Receiver<Arc<Stored>>,
    loss: Arc<Loss>,
    /// Ends the adapter's side when it is dropped.
    _guard: Box<dyn Send + Sync>,
}

/// The adapter's side of a live feed.
#[derive(Debug, Clone)]
pub struct Feeder {
    frames: mpsc::Sender<Arc<Stored>>,
    loss: Arc<Loss>,
}

/// A feed that holds at most [`limits::TAIL_SIGNALS`] frames. `guard` is dropped with the reader's side.
pub fn feed(guard: impl Send + Sync + 'static) -> (Feeder, Tail) {
    let (sender, receiver) = mpsc::channel(limits::TAIL_SIGNALS);
    let loss = Arc::new(Loss::default());
    (Feeder { frames: sender, loss: loss.clone() }, Tail { frames: receiver, loss, _guard: Box::new(guard) })
}

impl Feeder {
    /// Hands a frame over. When the reader is too slow the feed drops the frame and signals the loss: the reader reads
    /// the log.
    pub fn frame(&self, stored: Arc<Stored>) {
        if matches!(self.frames.try_send(stored), Err(mpsc::error::TrySendError::Full(_))) {
            self.suspect();
        }
    }

    /// Says that frames may have been lost.
    pub fn suspect(&self) {
        self.loss.happened.store(true, Ordering::Release);
        self.loss.told.wake();
    }

    /// Whether the reader is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.frames.is_closed()
    }

    /// Waits until the reader is gone.
    pub async fn closed(&self) {
        self.frames.closed().await;
    }
}

impl Tail {
    /// The next frame, if it is there already and nothing is suspect.
    pub fn next_now(&mut self) -> Option<Arc<Stored>> {
        if self.loss.happened.load(Ordering::Acquire) { None } else { self.frames.try_recv().ok() }
    }

    /// The next signal; `None` when the adapter ended the feed. Safe to drop while waiting.
    pub async fn next(&mut self) -> Option<Signal> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Signal>> {
        // Before the look, so that a later change wakes the task.
        self.loss.told.register(cx.waker());
        if self.loss.happened.swap(false, Ordering::AcqRel) {
            return Poll::Ready(Some(Signal::Suspect));
        }
        self.frames.poll_recv(cx).map(|frame| frame.map(Signal::Frame))
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail").field("waiting", &self.frames.len()).finish_non_exhaustive()
    }
}
