//! Appending: publish, and when the outcome is unknown let the key's frames decide.
//!
//! ```text
//! acknowledged                               done
//! another append of the key is in progress   retry the same frame
//! anything else                              see `resolve`
//! ```

use std::str::FromStr;
use std::time::Duration;

use async_nats::header::IntoHeaderValue as _;
use async_nats::{HeaderMap, HeaderValue, Subject};
use tokio::time::Instant;

use super::check::header;
use super::connect::jitter;
use super::core::Core;
use super::error::{Failure, code};
use super::streams::MESSAGE_BYTES;
use crate::limits;
use crate::log::{AppendError, Expect, Frame, Sequence};
use crate::subject::{Key, Shard, Topic};

/// Recognised within the stream's duplicate window.
const MESSAGE_ID: &str = "Nats-Msg-Id";

/// Refuses the message when another stream would take it.
const EXPECTED_STREAM: &str = "Nats-Expected-Stream";

/// Pause before the same frame is tried again while another append of the key is in progress: from this to four times this.
const IN_PROCESS_PAUSE: Duration = Duration::from_millis(5);

/// Pauses while the broker does not answer: doubled from the first to the second.
pub(super) const RETRY_PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// Subject, length words and status line of a message, in bytes, beside headers and payload.
const ENVELOPE_BYTES: usize = 64;

/// One append.
pub(super) struct Attempt<'a> {
    pub(super) core: &'a Core,
    pub(super) topic: &'a Topic,
    pub(super) frame: &'a Frame,
    pub(super) shard: Shard,
    subject: Subject,
    /// The condition of the append.
    guard: Guard,
}

/// The condition under which the broker refuses a message.
enum Guard {
    /// The same message was stored before; and the id that it has when somebody used that for another one.
    Id(String, String),
    /// The key ends elsewhere.
    Check(Check),
}

fn random() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// The expected last frame of a key.
pub(super) struct Check {
    pub(super) key: Key,
    /// The subjects that it is checked over.
    pub(super) pattern: String,
    /// Whether those are all frames of the key: then the frame names its predecessor.
    pub(super) is_whole: bool,
    pub(super) expected: Option<Sequence>,
}

impl Core {
    pub(super) async fn append(
        &self,
        topic: &Topic,
        frame: &Frame,
        expect: Expect,
    ) -> Result<Sequence, AppendError> {
        let begun = Instant::now();
        if !self.is_open() {
            // Validation errors come first.
            let home = self.layouts.current().home(&topic.shard_token());
            let attempt = Attempt::new(self, topic, home, frame, expect)?;
            attempt.fits(&attempt.headers())?;
            Box::pin(attempt.open()).await?;
        }
        let shard = self.shard_of(topic).await?;
        let attempt = Attempt::new(self, topic, shard, frame, expect)?;
        let headers = attempt.headers();
        attempt.fits(&headers)?;
        // Nearly all end here, and a request has a timer of its own.
        let first = attempt.publish(headers).await;
        let mut last = None;
        let rest = limits::PUBLISH_WAIT.saturating_sub(begun.elapsed());
        match first {
            Ok(sequence) => Ok(sequence),
            // Kept apart, so that those that need no more have no room for it.
            Err(failure) => match tokio::time::timeout(rest, Box::pin(attempt.retry(failure, &mut last)))
                .await
            {
                Ok(outcome) => outcome,
                Err(_elapsed) => {
                    let reason = last
                        .map_or_else(|| "no answer in time".into(), |failure: Failure| failure.to_string());
                    Err(AppendError::Unresolved(reason))
                }
            },
        }
    }
}

impl Core {
    /// Where a topic's next frame goes.
    async fn shard_of(&self, topic: &Topic) -> Result<Shard, AppendError> {
        let Some(key) = topic.key() else { return Ok(self.layouts.current().home(&topic.shard_token())) };
        self.place(&key).await.map_err(|failure| {
            if failure.is_retryable() {
                AppendError::Unresolved(failure.to_string())
            } else {
                AppendError::Refused(failure.to_string())
            }
        })
    }
}

impl<'a> Attempt<'a> {
    fn new(
        core: &'a Core,
        topic: &'a Topic,
        shard: Shard,
        frame: &'a Frame,
        expect: Expect,
    ) -> Result<Self, AppendError> {
        if matches!(topic, Topic::Opaque(..)) {
            return Err(AppendError::Refused("a subject that names no ids takes no appends".into()));
        }
        let prefix = &core.names.prefix;
        let is_external = frame.author.is_external();
        let subject = if is_external {
            topic
                .external_subject(prefix, shard)
                .ok_or_else(|| AppendError::Refused("journals and inboxes are Runbus's own".into()))?
        } else {
            topic.subject(prefix, shard)
        };
        let guard = match expect {
            Expect::Open(id) => {
                // The window is the stream's, the promise is the topic's.
                let of_topic = format!("{id}-{:08x}", crc32fast::hash(subject.as_bytes()));
                if is_external {
                    // Plain publishers write the same header: the broker recognises the event on either path.
                    Guard::Id(id.to_string(), of_topic)
                } else {
                    Guard::Id(of_topic, uuid::Uuid::new_v4().to_string())
                }
            }
            Expect::Last(_) | Expect::Own(_) if is_external => {
                return Err(AppendError::Refused("external appends take no expectation".into()));
            }
            Expect::Last(expected) | Expect::Own(expected) => {
                let key = topic.key().ok_or_else(|| {
                    AppendError::Refused(
                        "a topic without an execution has no owner: it takes open appends only".into(),
                    )
                })?;
                let is_whole = matches!(expect, Expect::Last(_));
                let pattern =
                    if is_whole { key.pattern(prefix, shard) } else { key.own_pattern(prefix, shard) };
                Guard::Check(Check { key, pattern, is_whole, expected })
            }
        };
        Ok(Self { core, topic, frame, shard, subject: subject.into(), guard })
    }

    /// `None` for open appends.
    pub(super) const fn check(&self) -> Option<&Check> {
        match &self.guard {
            Guard::Id(..) => None,
            Guard::Check(check) => Some(check),
        }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in self.frame.headers() {
            // Only trace contexts are somebody else's text; one that fits no header is left out.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        headers.insert(
            EXPECTED_STREAM,
            self.core.names.stream(self.topic.lane(), self.shard).into_header_value(),
        );
        match &self.guard {
            Guard::Id(id, _) => headers.insert(MESSAGE_ID, id.as_str()),
            Guard::Check(Check { pattern, expected, .. }) => {
                headers.insert(header::EXPECTED_SUBJECT, pattern.as_str());
                let expected = expected.unwrap_or_default().0.to_string();
                headers.insert(header::EXPECTED, expected.into_header_value());
            }
        }
        headers
    }

    fn fits(&self, headers: &HeaderMap) -> Result<(), AppendError> {
        let headers: usize = headers
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

    async fn open(&self) -> Result<(), AppendError> {
        self.core.open(limits::PUBLISH_WAIT).await.map_err(|error| {
            if error.is_retryable() {
                AppendError::Unresolved(error.to_string())
            } else {
                AppendError::Refused(error.to_string())
            }
        })
    }

    async fn publish(&self, headers: HeaderMap) -> Result<Sequence, Failure> {
        let link = self.core.link(self.shard);
        let ack = link.publish(self.subject.clone(), headers, self.frame.payload.clone()).await?;
        let place = Sequence(ack.seq);
        if ack.duplicate && !self.is_at(place).await? {
            return Box::pin(self.publish_beside()).await;
        }
        Ok(place)
    }

    /// Whether the message with this id has this subject: external publishers can write any value into that header.
    async fn is_at(&self, place: Sequence) -> Result<bool, Failure> {
        let found = self.core.at(self.topic.lane(), self.shard, place).await?;
        Ok(found.is_none_or(|found| {
            found.topic == *self.topic && found.frame.author.is_external() == self.frame.author.is_external()
        }))
    }

    /// Stores it although somebody used its id for something else. Where that somebody used the second id too it is stored once
    /// more when it is repeated: that is better than not at all.
    async fn publish_beside(&self) -> Result<Sequence, Failure> {
        tracing::info!(subject = %self.subject, "another message has the id of this one; storing it beside that");
        let second = match &self.guard {
            Guard::Id(_, second) => Some(second.clone()),
            Guard::Check(_) => None,
        };
        if let Some(place) = self.publish_as(second.unwrap_or_else(random)).await? {
            return Ok(place);
        }
        let last = self.publish_as(random()).await?;
        last.ok_or_else(|| Failure::Unexpected("a fresh message id is taken".into()))
    }

    /// Publishes it with this message id; `None`: another message has it.
    async fn publish_as(&self, id: String) -> Result<Option<Sequence>, Failure> {
        let mut headers = self.headers();
        headers.insert(MESSAGE_ID, id);
        let link = self.core.link(self.shard);
        let ack = link.publish(self.subject.clone(), headers, self.frame.payload.clone()).await?;
        let place = Sequence(ack.seq);
        Ok((!ack.duplicate || self.is_at(place).await?).then_some(place))
    }

    async fn retry(&self, mut failure: Failure, last: &mut Option<Failure>) -> Result<Sequence, AppendError> {
        let (mut pause, longest) = RETRY_PAUSES;
        loop {
            self.core.doubt(&failure);
            if let Failure::Api { code: code::LAST_IN_PROCESS | code::ID_IN_PROCESS, .. } = failure {
                tokio::time::sleep(IN_PROCESS_PAUSE + jitter(IN_PROCESS_PAUSE * 3)).await;
            } else {
                tracing::debug!(subject = %self.subject, %failure, "an append is not acknowledged");
                if failure.is_full() {
                    let stream = self.core.names.stream(self.topic.lane(), self.shard);
                    self.core.room.refused(stream, &failure);
                }
                let decided = last.insert(failure).clone();
                if let Some(sequence) = self.decide(&decided, last).await? {
                    return Ok(sequence);
                }
                if !matches!(decided, Failure::Api { code: code::WRONG_LAST, .. }) {
                    tokio::time::sleep(pause + jitter(pause)).await;
                    pause = (pause * 2).min(longest);
                }
            }
            match self.publish(self.headers()).await {
                Ok(sequence) => return Ok(sequence),
                Err(again) => failure = again,
            }
        }
    }
}
