//! Resolves an append that was not acknowledged: the key's frames decide, as the leader sees them.
//!
//! ```text
//! what follows the expected frame
//!     this frame                          done, it had been stored
//!     another one                         fenced
//!     nothing, the expected one is last   retry the same frame; late copies carry the same expectation
//!     nothing, the expected one is gone   the log lost data (or retention removed it: fenced)
//! ```

use std::time::Duration;

use super::append::{Attempt, Check, RETRY_PAUSES};
use super::connect::jitter;
use super::error::{Failure, code};
use super::streams::MESSAGE_BYTES;
use crate::log::{AppendError, Sequence, Stored};

/// How often, and how far apart, the leader must say that an expected frame is missing before that is believed.
const REGRESSION_READS: u32 = 3;
const REGRESSION_PAUSE: Duration = Duration::from_millis(100);

/// The result of an append of unknown outcome, by the key's frames.
enum Outcome {
    Stored(Sequence),
    NotStored,
}

/// The frame that the leader has behind the expected one.
enum Look {
    /// A frame.
    Next(Box<Stored>),
    /// Nothing; the expected frame is the last.
    Unchanged,
    /// Nothing a moment ago, a frame now.
    Moved,
    /// Nothing; retention has removed the expected frame.
    Expired,
    /// Nothing, and the expected frame is not there either.
    Missing(Option<Sequence>),
}

impl Attempt<'_> {
    /// Its place when it was stored after all, `None` to try again.
    pub(super) async fn decide(
        &self,
        failure: &Failure,
        last: &mut Option<Failure>,
    ) -> Result<Option<Sequence>, AppendError> {
        match failure {
            Failure::Api { code: code::TOO_LARGE, .. } => {
                let bytes = self.frame.payload.len();
                return Err(AppendError::TooLarge { bytes, limit: MESSAGE_BYTES });
            }
            Failure::Api { code: code::WRONG_LAST, .. } => {}
            failure if !failure.is_retryable() => return Err(AppendError::Refused(failure.to_string())),
            _ => {}
        }
        if let Some(check) = self.check()
            && let Outcome::Stored(sequence) = self.resolve(check, last).await?
        {
            return Ok(Some(sequence));
        }
        // No room: it is not stored, and waiting here makes none.
        if failure.is_full() { Err(AppendError::Unresolved(failure.to_string())) } else { Ok(None) }
    }

    /// Asks the leader until it answers.
    async fn resolve(&self, check: &Check, last: &mut Option<Failure>) -> Result<Outcome, AppendError> {
        let Check { key, pattern, expected, .. } = check;
        let (mut pause, longest) = RETRY_PAUSES;
        let mut missing = 0;
        loop {
            match self.look(check).await {
                Ok(Look::Next(next)) if self.is_mine(&next, check) => {
                    return Ok(Outcome::Stored(next.sequence));
                }
                Ok(Look::Next(_)) => match self.core.last_in(key.lane(), self.shard, pattern).await {
                    Ok(end) => {
                        let last = end.map(Box::new);
                        return Err(AppendError::Fenced { key: Box::new(key.clone()), last });
                    }
                    Err(failure) => *last = Some(failure),
                },
                Ok(Look::Unchanged) => return Ok(Outcome::NotStored),
                Ok(Look::Expired) => {
                    return Err(AppendError::Fenced { key: Box::new(key.clone()), last: None });
                }
                Ok(Look::Missing(found)) => {
                    missing += 1;
                    if missing == REGRESSION_READS {
                        return Err(AppendError::Regressed {
                            key: Box::new(key.clone()),
                            expected: expected.unwrap_or_default(),
                            found,
                        });
                    }
                    tokio::time::sleep(REGRESSION_PAUSE).await;
                    continue;
                }
                Ok(Look::Moved) => continue,
                Err(failure) => *last = Some(failure),
            }
            tokio::time::sleep(pause + jitter(pause)).await;
            pause = (pause * 2).min(longest);
        }
    }

    /// Reads the frame behind the expected one.
    async fn look(&self, check: &Check) -> Result<Look, Failure> {
        let Check { key, pattern, expected, .. } = check;
        let from = expected.unwrap_or_default().next();
        if let Some(next) = self.core.next_in(key.lane(), self.shard, from, pattern).await? {
            return Ok(Look::Next(Box::new(next)));
        }
        let last = self.core.last_in(key.lane(), self.shard, pattern).await?;
        let end = last.map(|stored| stored.sequence);
        Ok(match (end, *expected) {
            (end, expected) if end == expected => Look::Unchanged,
            (Some(end), expected) if Some(end) > expected => Look::Moved,
            (None, Some(expected))
                if expected < self.core.bounds_of(key.lane(), self.shard).await?.first
                    && expected <= self.core.bounds_of(key.lane(), self.shard).await?.last =>
            {
                Look::Expired
            }
            (found, _) => Look::Missing(found),
        })
    }

    fn is_mine(&self, stored: &Stored, check: &Check) -> bool {
        let told = check.is_whole.then(|| check.expected.unwrap_or_default());
        stored.prev == told && stored.topic == *self.topic && stored.frame.is_same(self.frame)
    }
}
