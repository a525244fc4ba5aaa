//! The topics of an execution, and where each of them ends.
//!
//! One request to one replica, so that the answer is consistent: it holds for every frame up to [`Ends::up_to`].

use serde_json::json;

use super::decode::{self, by_broker};
use super::error::Failure;
use super::read::{Answered, NOTHING, Range, number, refused};
use crate::limits;
use crate::log::Sequence;

/// Most topics that are read one by one; more are read together, by their pattern.
const TOPICS: usize = 32;
const _: () = assert!(TOPICS <= limits::PAGE_FRAMES);

/// The broker says so when there are more topics than it answers for.
const TOO_MANY: u16 = 413;

/// A topic.
#[derive(Debug)]
pub(super) struct End {
    /// Its subject.
    pub(super) subject: String,
    /// Its last frame.
    pub(super) last: Sequence,
}

/// Topics that end at or behind a place.
#[derive(Debug)]
pub(super) struct Ends {
    topics: Vec<End>,
    /// No other topic of the scope has a frame before this place or at it.
    pub(super) up_to: Sequence,
}

impl Ends {
    /// The last frame of all.
    pub(super) fn last(&self) -> Option<Sequence> {
        self.topics.iter().map(|topic| topic.last).max()
    }

    /// Those that end at or behind a place.
    pub(super) fn behind(&self, from: Sequence) -> impl Iterator<Item = &End> {
        self.topics.iter().filter(move |topic| topic.last >= from)
    }
}

impl Range<'_> {
    /// Finds the topics that end at or behind a place; `None`: they are too many, or too large.
    pub(super) async fn find_ends(&self, from: Sequence) -> Result<Option<Ends>, Failure> {
        let body = json!({
            "multi_last": [self.pattern],
            "seq": from.0.max(1),
            "batch": TOPICS,
            "max_bytes": limits::PAGE_BYTES,
        });
        let Answered { messages, end } = self.ask(&body, TOPICS).await?;
        let up_to = match end {
            Ok(end) if end.pending > 0 => return Ok(None),
            Ok(end) => end.up_to,
            Err((NOTHING, _)) => Some(from.previous()),
            Err((TOO_MANY, _)) => return Ok(None),
            Err((status, description)) => return Err(refused(status, description)),
        };
        let up_to = up_to.ok_or_else(|| Failure::Unexpected("last frames without their place".into()))?;
        let topics = messages.iter().map(|last| {
            // As it stands: publishers may have encoded their ids in their own way.
            let subject = last.headers.as_ref().and_then(|headers| by_broker(headers, decode::SUBJECT));
            Some(End { subject: subject?.into(), last: Sequence(number(last, decode::SEQUENCE)?) })
        });
        let topics = topics.collect::<Option<Vec<_>>>();
        let topics = topics.ok_or_else(|| Failure::Unexpected("a message without its place".into()))?;
        Ok(Some(Ends { topics, up_to }))
    }
}
