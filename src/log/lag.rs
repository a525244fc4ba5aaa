//! Waiting for a frame that the leader has shown and a replica does not have yet. It ends: the frame may go meanwhile.
//!
//! A reader that reads up to a known place and finds nothing further asks here for the reason; a loop that only waits would
//! wait for ever once retention has removed the frame.

use tokio::time::Instant;

use super::cursor::Sequence;
use super::port::{Log, ReadError};
use crate::limits;
use crate::subject::Key;

/// A reader that waits for a key's frames up to a known place.
#[derive(Debug, Clone)]
pub struct Lag {
    begun: Instant,
}

/// Why a known frame is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// A replica has it not yet: read again.
    Later,
    /// It is gone, with all before it.
    Gone,
}

impl Default for Lag {
    fn default() -> Self {
        Self { begun: Instant::now() }
    }
}

impl Lag {
    /// Nothing was found up to `last`, which the leader had shown. Waits a moment when it is still there.
    ///
    /// # Errors
    /// The log does not answer, or replicas lag for longer than [`limits::LAG_PATIENCE`].
    pub async fn look(&mut self, log: &dyn Log, key: &Key, last: Sequence) -> Result<Missing, ReadError> {
        if log.last(key).await?.is_none_or(|stored| stored.sequence < last) {
            return Ok(Missing::Gone);
        }
        if self.begun.elapsed() > limits::LAG_PATIENCE {
            let seconds = limits::LAG_PATIENCE.as_secs();
            return Err(ReadError::Unavailable(format!(
                "frame {last} is not readable after {seconds} s: a replica lags"
            )));
        }
        tokio::time::sleep(limits::LAG_PAUSE).await;
        Ok(Missing::Later)
    }

    /// Something was found: the replica catches up.
    pub fn advanced(&mut self) {
        *self = Self::default();
    }
}
