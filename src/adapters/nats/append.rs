//! Appending: publish, and when the outcome is unknown let the key's frames decide.
//!
//! ```text
//! acknowledged                               done
//! another append of the key is in progress   retry the same frame
//! anything else                              see `resolve`
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
    subject: String,
    headers: HeaderMap,
    /// What is expected of which key; `None` for open appends.
    pub(super) check: Option<(Key, Option<Sequence>)>,
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
}
