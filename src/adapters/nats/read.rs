//! Reading pages by batched direct get: any replica answers, many frames a request.
//!
//! The subject decides the cost at the broker. For a subject with wildcards the broker scans its messages one by one, those of
//! other subjects too, up to the end of a block (8 MB) behind the last one that fits; a subject without is found in its index. So
//! an execution's topics are asked for first (see [`super::ends`]), and read one by one.

use std::collections::VecDeque;

use async_nats::Message;
use serde_json::{Value, json};

use super::core::Core;
use super::decode::{self, Last, by_broker};
use super::ends::Ends;
use super::error::Failure;
use super::parts::{self, Part};
use crate::limits;
use crate::log::{Direction, Page, Read, Sequence, Stored};
use crate::subject::{Lane, Scope, Shard};

/// Requests that one page read backward may take.
const BACKWARD_REQUESTS: usize = 64;

/// How much wider a window is made when it turns out to be empty.
const WIDEN: u64 = 8;

/// Answers beside the frames: the end mark, and one for luck.
const MARKS: usize = 2;

/// Ends a batch.
pub(super) const END: u16 = 204;

/// No frame matches.
pub(super) const NOTHING: u16 = 404;

/// Least payload bytes that one topic's part of a page is asked for.
const PART_BYTES: usize = 16 * 1024;

/// Frames in a row.
type Batch = parts::Batch<Stored>;

/// The answer to a request.
pub(super) struct Answered {
    pub(super) messages: Vec<Message>,
    /// Or a status that says why not.
    pub(super) end: Result<End, (u16, Option<String>)>,
}

/// The end of a batch.
pub(super) struct End {
    /// Frames behind it, as the replica knows.
    pub(super) pending: u64,
    /// The last place that the replica looked at; only for the last frames of topics.
    pub(super) up_to: Option<Sequence>,
}

/// Matching frames of a shard.
pub(super) struct Range<'a> {
    pub(super) core: &'a Core,
    pub(super) lane: Lane,
    pub(super) shard: Shard,
    pub(super) pattern: String,
    /// Its topics, when they are few and known.
    ends: Option<Ends>,
}

impl Core {
    /// Reads a page; a lost request is repeated once.
    pub(super) async fn page(&self, read: &Read) -> Result<Page, Failure> {
        match self.page_once(read).await {
            Err(failure) if failure.is_retryable() => {
                self.doubt(&failure);
                self.page_once(read).await
            }
            outcome => outcome,
        }
    }

    async fn page_once(&self, read: &Read) -> Result<Page, Failure> {
        let pattern = read.scope.pattern(&self.names.prefix, read.shard);
        let lane = read.scope.lane();
        let mut range = Range { core: self, lane, shard: read.shard, pattern, ends: None };
        if range.pattern == self.names.everything(lane, read.shard) {
            // Everything that the stream has: nothing to compare.
            range.pattern = ">".into();
        } else if is_of_one_execution(&read.scope) {
            range.ends = match read.direction {
                // At the end of the log the broker has little to look through.
                Direction::Forward if self.seen.is_near(lane, read.shard, read.from) => None,
                Direction::Forward => range.find_ends(read.from).await?,
                Direction::Backward => range.find_ends(Sequence(1)).await?,
            };
        }
        let max_frames = read.max_frames.clamp(1, limits::PAGE_FRAMES);
        let max_bytes = read.max_bytes.clamp(1, limits::PAGE_BYTES);
        match read.direction {
            Direction::Forward => range.forward(read.from, max_frames, max_bytes).await,
            Direction::Backward => range.backward(read.from, max_frames, max_bytes).await,
        }
    }
}

/// Whether a scope is of one execution.
const fn is_of_one_execution(scope: &Scope) -> bool {
    matches!(scope, Scope::Events { execution: Some(_), .. })
}

impl Range<'_> {
    async fn forward(&self, from: Sequence, max_frames: usize, max_bytes: usize) -> Result<Page, Failure> {
        let Batch { mut frames, pending, .. } = self.batch(from, max_frames, max_bytes).await?;
        let fits = full_at(frames.iter(), max_bytes);
        let done = pending == 0 && fits == frames.len();
        frames.truncate(fits);
        Ok(Page { frames, done })
    }

    /// There is no reading backward: windows before `from` are read forward, made wider while they are empty and narrower
    /// while they hold more than a page.
    async fn backward(&self, from: Sequence, max_frames: usize, max_bytes: usize) -> Result<Page, Failure> {
        let mut end = match &self.ends {
            Some(ends) => ends.last(),
            None => self.last().await?.map(|stored| stored.sequence),
        };
        if from < Sequence::MAX && end < Some(from) {
            // A replica that lags may not know what its reader has seen.
            let pattern = &self.pattern;
            end = self.core.last_in(self.lane, self.shard, pattern).await?.map(|stored| stored.sequence);
        }
        let Some(end) = end else { return Ok(Page { frames: Vec::new(), done: true }) };
        // Frames behind `high` are in the page already, or were not requested.
        let mut high = from.min(end);
        let mut page = Vec::new();
        let mut bytes = 0;
        let mut width = max_frames as u64;
        let mut dense = false;
        for _ in 0..BACKWARD_REQUESTS {
            if high.0 == 0 {
                return Ok(Page { frames: page, done: true });
            }
            let missing = max_frames - page.len();
            let low = Sequence(high.0.saturating_sub(width - 1).max(1));
            // One more than needed: a frame behind the window proves that the window is complete.
            let batch = self.batch(low, missing + 1, max_bytes - bytes).await?;
            if !self.is_complete(&batch, high).await? {
                // Of as many places as the frames that fitted take, a page will hold all.
                let span = batch.frames.last().map_or(1, |last| last.sequence.0 - low.0 + 1);
                width = span.min(width / 2).max(1);
                dense = true;
                continue;
            }
            let mut window: VecDeque<Stored> = batch.frames.into();
            window.retain(|stored| stored.sequence <= high);
            let found = window.len() as u64;
            while let Some(stored) = window.pop_back() {
                bytes += stored.frame.payload.len();
                page.push(stored);
                if page.len() == max_frames || bytes >= max_bytes {
                    let done = window.is_empty() && low.0 == 1;
                    return Ok(Page { frames: page, done });
                }
            }
            high = low.previous();
            width = match (found, dense) {
                (0, true) => width,
                (0, false) => width.saturating_mul(WIDEN),
                // As wide as the rest of the page should take.
                (found, _) => {
                    let rest = (max_frames - page.len()) as u64;
                    (rest.saturating_mul(width) / found).clamp(1, width.saturating_mul(WIDEN))
                }
            };
            dense &= found == 0;
        }
        if page.is_empty() {
            return Err(Failure::Unexpected("reading backward took too many requests".into()));
        }
        Ok(Page { frames: page, done: false })
    }

    /// Whether a batch holds everything up to `high`.
    async fn is_complete(&self, batch: &Batch, high: Sequence) -> Result<bool, Failure> {
        if batch.through >= high {
            return Ok(true);
        }
        let last = batch.frames.last().map(|stored| stored.sequence);
        if batch.pending > 0 {
            return Ok(false);
        }
        // Nothing more, says a replica that may lag: `high` may be a place that it has not seen.
        let from = last.unwrap_or_default().next();
        match self.core.next_in(self.lane, self.shard, from, &self.pattern).await? {
            Some(next) if next.sequence <= high => {
                Err(Failure::Unexpected("a replica lags behind the frames read before".into()))
            }
            _ => Ok(true),
        }
    }

    /// The last matching frame that a replica knows.
    async fn last(&self) -> Result<Option<Stored>, Failure> {
        let api = &self.core.link(self.shard).api;
        let verb = format!("{api}.DIRECT.GET.{}", self.core.names.stream(self.lane, self.shard));
        let body = json!({ "last_by_subj": self.pattern }).to_string();
        let message = self.core.link(self.shard).request(verb, None, body.into()).await?;
        match decode::status(&message).map(|status| status.as_u16()) {
            None => self.decode(&mut Last::default(), message).map(Some),
            Some(NOTHING) => Ok(None),
            Some(status) => Err(refused(status, message.description)),
        }
    }

    async fn batch(&self, from: Sequence, most: usize, max_bytes: usize) -> Result<Batch, Failure> {
        let Some(ends) = &self.ends else { return self.batch_of(&self.pattern, from, most, max_bytes).await };
        let topics: Vec<_> = ends.behind(from).collect();
        let part = (max_bytes / topics.len().max(1)).max(PART_BYTES.min(max_bytes));
        let reads = topics.iter().map(|topic| self.batch_of(&topic.subject, from, most, part));
        let reads = futures_util::future::try_join_all(reads).await?;
        let parts = topics.iter().zip(reads).map(|(topic, Batch { frames, pending, .. })| Part {
            last: topic.last,
            frames,
            pending,
        });
        Ok(parts::join(parts.collect(), from, ends.up_to, most, |stored| stored.sequence))
    }

    async fn batch_of(
        &self,
        pattern: &str,
        from: Sequence,
        most: usize,
        max_bytes: usize,
    ) -> Result<Batch, Failure> {
        let body = json!({
            "seq": from.0.max(1),
            "next_by_subj": pattern,
            "batch": most,
            "max_bytes": max_bytes.max(1),
        });
        let Answered { messages, end } = self.ask(&body, most).await?;
        let mut last = Last::default();
        let frames = messages
            .into_iter()
            .map(|message| self.decode(&mut last, message))
            .collect::<Result<Vec<_>, _>>()?;
        let pending = match end {
            Ok(end) => end.pending,
            Err((NOTHING, _)) => 0,
            Err((status, description)) => return Err(refused(status, description)),
        };
        let through = frames.last().map_or(from.previous(), |stored| stored.sequence);
        Ok(Batch { frames, pending, through })
    }

    /// A request that has up to `most` stored messages as answers.
    pub(super) async fn ask(&self, body: &Value, most: usize) -> Result<Answered, Failure> {
        let core = self.core;
        let api = &core.link(self.shard).api;
        let verb = format!("{api}.DIRECT.GET.{}", core.names.stream(self.lane, self.shard));
        let timeout = core.config.request_timeout();
        let body = body.to_string().into();
        let mut answers = core.link(self.shard).request_many(timeout, verb, body, most + MARKS).await?;
        let mut messages = Vec::new();
        let mut before = 0;
        loop {
            let message = answers.next().await?;
            let number = |name| number(&message, name);
            let status = decode::status(&message).map(|status| status.as_u16());
            // Each answer names the one before it.
            if matches!(status, None | Some(END)) && number("Nats-Last-Sequence") != Some(before) {
                return Err(Failure::Unexpected("an answer is missing in a batch".into()));
            }
            match status {
                None => {
                    before = number(decode::SEQUENCE)
                        .ok_or_else(|| Failure::Unexpected("a message without its place".into()))?;
                    messages.push(message);
                }
                Some(END) => {
                    let pending = number("Nats-Num-Pending")
                        .ok_or_else(|| Failure::Unexpected("a batch without number of pending".into()))?;
                    let up_to = number("Nats-UpTo-Sequence").map(Sequence);
                    return Ok(Answered { messages, end: Ok(End { pending, up_to }) });
                }
                Some(status) => return Ok(Answered { messages, end: Err((status, message.description)) }),
            }
        }
    }

    fn decode(&self, last: &mut Last, message: Message) -> Result<Stored, Failure> {
        decode::message(&self.core.names, last, self.lane, self.shard, message)
            .ok_or_else(|| Failure::Unexpected("a message without its place".into()))
    }
}

/// A number in the headers that the broker added to a message.
pub(super) fn number(message: &Message, name: &'static str) -> Option<u64> {
    by_broker(message.headers.as_ref()?, name)?.parse().ok()
}

/// How many frames fill a page of so many payload bytes.
fn full_at<'a>(frames: impl Iterator<Item = &'a Stored>, max_bytes: usize) -> usize {
    let mut bytes = 0;
    let mut count = 0;
    for stored in frames {
        count += 1;
        bytes += stored.frame.payload.len();
        if bytes >= max_bytes {
            break;
        }
    }
    count
}

/// 408 says that the request is not understood; it is as final as the other 4xx.
pub(super) fn refused(status: u16, description: Option<String>) -> Failure {
    let description = description.unwrap_or_else(|| "direct get failed".into());
    Failure::Api { code: 0, status: status.into(), description }
}
