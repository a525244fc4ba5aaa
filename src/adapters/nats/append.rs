//! Appending: publish, and when the outcome is unknown let the key's frames decide.
//!
//! ```text
//! acknowledged                               done
//! another append of the key is in progress   retry the same frame
//! anything else                              ask the leader what follows the expected frame:
//!     this frame                               done, it had been stored
//!     another one                              fenced
//!     nothing, the expected one is last        retry the same frame; late copies carry the same expectation
//!     nothing, the expected one is gone        the log lost data (or retention removed it: fenced)
//! ```

use std::str::FromStr;
use std::time::Duration;

use async_nats::{HeaderMap, HeaderValue};

use super::check::header;
use super::connect::jitter;
use super::core::Core;
use super::error::{Failure, code};
use super::streams::MESSAGE_BYTES;
use crate::limits;
use crate::log::{AppendError, Expect, Frame, Sequence, Stored};
use crate::subject::{Key, Shard, Topic};

/// Recognised within the stream's duplicate window.
const MESSAGE_ID: &str = "Nats-Msg-Id";

/// Refuses the message when another stream would take it.
const EXPECTED_STREAM: &str = "Nats-Expected-Stream";

/// Pause before the same frame is tried again while another append of the key is in progress: from this to four times this.
const IN_PROCESS_PAUSE: Duration = Duration::from_millis(5);

/// Pauses while the broker does not answer: doubled from the first to the second.
const RETRY_PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// How often, and how far apart, the leader must say that an expected frame is missing before that is believed.
const REGRESSION_READS: u32 = 3;
const REGRESSION_PAUSE: Duration = Duration::from_millis(100);

/// Subject, length words and status line of a message, in bytes, beside headers and payload.
const ENVELOPE_BYTES: usize = 64;

/// What the key's frames say about an append of unknown outcome.
enum Outcome {
    Stored(Sequence),
    NotStored,
}

/// One append.
struct Attempt<'a> {
    core: &'a Core,
    topic: &'a Topic,
    frame: &'a Frame,
    shard: Shard,
    subject: String,
    headers: HeaderMap,
    /// What is expected of which key; `None` for open appends.
    check: Option<(Key, Option<Sequence>)>,
}

impl Core {
    pub(super) async fn append(
        &self,
        topic: &Topic,
        frame: &Frame,
        expect: Expect,
    ) -> Result<Sequence, AppendError> {
        let attempt = Attempt::new(self, topic, frame, expect)?;
        let mut last = None;
        match tokio::time::timeout(limits::PUBLISH_WAIT, attempt.run(&mut last)).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => {
                let reason =
                    last.map_or_else(|| "no answer in time".into(), |failure: Failure| failure.to_string());
                Err(AppendError::Unresolved(reason))
            }
        }
    }
}

impl<'a> Attempt<'a> {
    fn new(core: &'a Core, topic: &'a Topic, frame: &'a Frame, expect: Expect) -> Result<Self, AppendError> {
        if matches!(topic, Topic::Opaque(..)) {
            return Err(AppendError::Refused("a subject that names no ids takes no appends".into()));
        }
        let shard = core.layout.home(&topic.shard_token());
        let subject = topic.subject(&core.names.prefix, shard);
        let mut headers = HeaderMap::new();
        for (name, value) in frame.headers() {
            // Only trace contexts are somebody else's text; one that fits no header is left out.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        headers.insert(EXPECTED_STREAM, core.names.stream(topic.lane(), shard).as_str());
        let check = match expect {
            Expect::Open(id) => {
                // The window is the stream's, the promise is the topic's.
                let topic = crc32fast::hash(subject.as_bytes());
                headers.insert(MESSAGE_ID, format!("{id}-{topic:08x}").as_str());
                None
            }
            Expect::Last(expected) => {
                let key = topic.key().ok_or_else(|| {
                    AppendError::Refused("nobody owns a topic without execution: only open appends".into())
                })?;
                headers.insert(header::EXPECTED, expected.unwrap_or_default().0.to_string().as_str());
                headers.insert(header::EXPECTED_SUBJECT, key.pattern(&core.names.prefix, shard).as_str());
                Some((key, expected))
            }
        };
        let attempt = Self { core, topic, frame, shard, subject, headers, check };
        attempt.fits()?;
        Ok(attempt)
    }

    fn fits(&self) -> Result<(), AppendError> {
        let headers: usize = self
            .headers
            .iter()
            .flat_map(|(name, values)| {
                let name: &str = name.as_ref();
                let name = name.len();
                values.iter().map(move |value| name + value.as_str().len() + 4)
            })
            .sum();
        let overhead = headers + ENVELOPE_BYTES;
        let limit =
            MESSAGE_BYTES.min(self.core.link(self.shard).client.max_payload()).saturating_sub(overhead);
        let bytes = self.frame.payload.len();
        if bytes > limit { Err(AppendError::TooLarge { bytes, limit }) } else { Ok(()) }
    }

    async fn run(&self, last: &mut Option<Failure>) -> Result<Sequence, AppendError> {
        if let Err(error) = self.core.open(limits::PUBLISH_WAIT).await {
            return Err(if error.is_retryable() {
                AppendError::Unresolved(error.to_string())
            } else {
                AppendError::Refused(error.to_string())
            });
        }
        let (mut pause, longest) = RETRY_PAUSES;
        loop {
            let link = self.core.link(self.shard);
            let failure = match link
                .publish(self.subject.clone(), self.headers.clone(), self.frame.payload.clone())
                .await
            {
                Ok(ack) => return Ok(Sequence(ack.seq)),
                Err(Failure::Api { code: code::LAST_IN_PROCESS | code::ID_IN_PROCESS, .. }) => {
                    tokio::time::sleep(IN_PROCESS_PAUSE + jitter(IN_PROCESS_PAUSE * 3)).await;
                    continue;
                }
                Err(failure) => failure,
            };
            tracing::debug!(subject = self.subject, %failure, "an append is not acknowledged");
            let decided = last.insert(failure).clone();
            if let Some(sequence) = self.decide(&decided, last).await? {
                return Ok(sequence);
            }
            if !matches!(decided, Failure::Api { code: code::WRONG_LAST, .. }) {
                tokio::time::sleep(pause + jitter(pause)).await;
                pause = (pause * 2).min(longest);
            }
        }
    }

    /// Its place when it was stored after all, `None` to try again.
    async fn decide(
        &self,
        failure: &Failure,
        last: &mut Option<Failure>,
    ) -> Result<Option<Sequence>, AppendError> {
        match failure {
            Failure::Api { code: code::TOO_LARGE, .. } => {
                let bytes = self.frame.payload.len();
                return Err(AppendError::TooLarge { bytes, limit: MESSAGE_BYTES });
            }
            Failure::Api { code: code::WRONG_LAST | code::STORE_FAILED, .. } => {}
            failure if !failure.is_retryable() => return Err(AppendError::Refused(failure.to_string())),
            _ => {}
        }
        if let Some((key, expected)) = &self.check {
            if let Outcome::Stored(sequence) = self.resolve(key, *expected, last).await? {
                return Ok(Some(sequence));
            }
        }
        match failure {
            // The stream is full: it will be full again.
            Failure::Api { code: code::STORE_FAILED, description, .. } if description.contains("maximum") => {
                Err(AppendError::Refused(description.clone()))
            }
            _ => Ok(None),
        }
    }

    /// Asks the leader until it answers.
    async fn resolve(
        &self,
        key: &Key,
        expected: Option<Sequence>,
        last: &mut Option<Failure>,
    ) -> Result<Outcome, AppendError> {
        let (mut pause, longest) = RETRY_PAUSES;
        let mut missing = 0;
        loop {
            match self.look(key, expected).await {
                Ok(Look::Next(next)) if self.is_mine(&next, expected) => {
                    return Ok(Outcome::Stored(next.sequence));
                }
                Ok(Look::Next(_)) => match self.core.last_of(key, self.shard).await {
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

    /// What stands behind the expected frame.
    async fn look(&self, key: &Key, expected: Option<Sequence>) -> Result<Look, Failure> {
        let from = expected.unwrap_or_default().next();
        if let Some(next) = self.core.next_of(key, self.shard, from).await? {
            return Ok(Look::Next(Box::new(next)));
        }
        let end = self.core.last_of(key, self.shard).await?.map(|stored| stored.sequence);
        Ok(match (end, expected) {
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

    fn is_mine(&self, stored: &Stored, expected: Option<Sequence>) -> bool {
        stored.prev == Some(expected.unwrap_or_default())
            && stored.topic == *self.topic
            && stored.frame.is_same(self.frame)
    }
}

/// What the leader sees behind the expected frame.
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
