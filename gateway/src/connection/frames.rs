//! Pieces of an event stream, made of frames: several in one piece when there are several.

use bytes::{Bytes, BytesMut};

use super::output::Output;
use crate::protocol::Text;

/// The next write, bounded by its budget.
#[derive(Debug)]
pub(super) struct Frames {
    frames: Vec<Bytes>,
    bytes: usize,
    budget: usize,
}

impl Frames {
    /// Nothing yet; full at `budget` bytes.
    #[must_use]
    pub(super) const fn new(budget: usize) -> Self {
        Self { frames: Vec::new(), bytes: 0, budget }
    }

    /// Adds a frame.
    pub(super) fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push(frame);
    }

    /// One piece with all of it. A single frame is shared with every other client that gets it.
    pub(super) fn take(mut self) -> Option<Bytes> {
        match self.frames.len() {
            0 | 1 => self.frames.pop(),
            _ => {
                let mut piece = BytesMut::with_capacity(self.bytes);
                self.frames.iter().for_each(|frame| piece.extend_from_slice(frame));
                Some(piece.freeze())
            }
        }
    }
}

impl Output for Frames {
    fn room(&self) -> usize {
        self.budget.saturating_sub(self.bytes)
    }

    fn event(&mut self, event: &Text) {
        self.push(event.frame());
    }

    fn notice(&mut self, notice: &Text) {
        self.push(notice.frame());
    }
}
