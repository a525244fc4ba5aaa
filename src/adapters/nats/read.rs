//! Reading pages by batched direct get: any replica answers, many frames a request.

use std::collections::VecDeque;

use serde_json::json;

use super::core::Core;
use super::decode::{self, get};
use super::error::Failure;
use crate::limits;
use crate::log::{Direction, Page, Read, Sequence, Stored};
use crate::subject::{Lane, Shard};

/// Requests that one page read backward may take.
const BACKWARD_REQUESTS: usize = 64;

/// How much wider a window is made when it turns out to be empty.
const WIDEN: u64 = 8;

/// Answers beside the frames: the end mark, and one for luck.
const MARKS: usize = 2;

/// Ends a batch.
const END: u16 = 204;

/// No frame matches.
const NOTHING: u16 = 404;

/// Frames in a row.
struct Batch {
    frames: Vec<Stored>,
    /// Frames behind these, as the replica knows.
    pending: u64,
}

/// Matching frames of a shard.
struct Range<'a> {
    core: &'a Core,
    lane: Lane,
    shard: Shard,
    pattern: String,
}

impl Core {
    /// Reads a page; a lost request is repeated once.
    pub(super) async fn page(&self, read: &Read) -> Result<Page, Failure> {
        match self.page_once(read).await {
            Err(failure) if failure.is_retryable() => self.page_once(read).await,
            outcome => outcome,
        }
    }

    async fn page_once(&self, read: &Read) -> Result<Page, Failure> {
        let range = Range {
            core: self,
            lane: read.scope.lane(),
            shard: read.shard,
            pattern: read.scope.pattern(&self.names.prefix, read.shard),
        };
        let max_frames = read.max_frames.clamp(1, limits::PAGE_FRAMES);
        let max_bytes = read.max_bytes.clamp(1, limits::PAGE_BYTES);
        match read.direction {
            Direction::Forward => range.forward(read.from, max_frames, max_bytes).await,
            Direction::Backward => range.backward(read.from, max_frames, max_bytes).await,
        }
    }
}

impl Range<'_> {
    async fn forward(&self, from: Sequence, max_frames: usize, max_bytes: usize) -> Result<Page, Failure> {
        let Batch { mut frames, pending } = self.batch(from, max_frames, max_bytes).await?;
        let fits = full_at(frames.iter(), max_bytes);
        let done = pending == 0 && fits == frames.len();
        frames.truncate(fits);
        Ok(Page { frames, done })
    }

    /// There is no reading backward: windows before `from` are read forward, made wider while they are empty and narrower
    /// while they hold more than a page.
    async fn backward(&self, from: Sequence, max_frames: usize, max_bytes: usize) -> Result<Page, Failure> {
        let mut end = self.last().await?.map(|stored| stored.sequence);
        if from < Sequence::MAX && end < Some(from) {
            // A replica that lags may not know what its reader has seen.
            let pattern = &self.pattern;
            end = self.core.last_in(self.lane, self.shard, pattern).await?.map(|stored| stored.sequence);
        }
        let Some(end) = end else { return Ok(Page { frames: Vec::new(), done: true }) };
        // What stands behind `high` is in the page, or not asked for.
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
        let last = batch.frames.last().map(|stored| stored.sequence);
        if last >= Some(high) {
            return Ok(true);
        }
        if batch.pending > 0 {
            return Ok(false);
        }
        // Nothing more, says a replica that may lag: `high` may be a place that it has not seen.
        let from = last.unwrap_or_default().next();
        match self.core.next_in(self.lane, self.shard, from, &self.pattern).await? {
            Some(next) if next.sequence <= high => {
                Err(Failure::Unexpected("a replica lags behind what was read before".into()))
            }
            _ => Ok(true),
        }
    }

    /// The last matching frame that a replica knows.
    async fn last(&self) -> Result<Option<Stored>, Failure> {
        let verb = format!("$JS.API.DIRECT.GET.{}", self.core.names.stream(self.lane, self.shard));
        let body = json!({ "last_by_subj": self.pattern }).to_string();
        let message = self.core.link(self.shard).request(verb, None, body.into()).await?;
        match message.status.map(|status| status.as_u16()) {
            None => self.decode(message).map(Some),
            Some(NOTHING) => Ok(None),
            Some(status) => Err(refused(status, message.description)),
        }
    }

    async fn batch(&self, from: Sequence, most: usize, max_bytes: usize) -> Result<Batch, Failure> {
        let core = self.core;
        let verb = format!("$JS.API.DIRECT.GET.{}", core.names.stream(self.lane, self.shard));
        let body = json!({
            "seq": from.0.max(1),
            "next_by_subj": self.pattern,
            "batch": most,
            "max_bytes": max_bytes.max(1),
        });
        let timeout = core.config.request_timeout();
        let body = body.to_string().into();
        let mut answers = core.link(self.shard).request_many(timeout, verb, body, most + MARKS).await?;
        let mut frames: Vec<Stored> = Vec::new();
        loop {
            let message = answers.next().await?;
            let number = |name| {
                message
                    .headers
                    .as_ref()
                    .and_then(|headers| get(headers, name))
                    .and_then(|text| text.parse().ok())
            };
            let status = message.status.map(|status| status.as_u16());
            if matches!(status, None | Some(END)) {
                // Each answer names the one before it.
                let before = frames.last().map_or(0, |stored| stored.sequence.0);
                if number("Nats-Last-Sequence") != Some(before) {
                    return Err(Failure::Unexpected("an answer is missing in a batch".into()));
                }
            }
            match status {
                None => frames.push(self.decode(message)?),
                Some(END) => {
                    let pending = number("Nats-Num-Pending")
                        .ok_or_else(|| Failure::Unexpected("a batch without number of pending".into()))?;
                    return Ok(Batch { frames, pending });
                }
                Some(NOTHING) => return Ok(Batch { frames, pending: 0 }),
                Some(status) => return Err(refused(status, message.description)),
            }
        }
    }

    fn decode(&self, message: async_nats::Message) -> Result<Stored, Failure> {
        decode::message(&self.core.names, self.lane, self.shard, message)
            .ok_or_else(|| Failure::Unexpected("a message without its place".into()))
    }
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
fn refused(status: u16, description: Option<String>) -> Failure {
    let description = description.unwrap_or_else(|| "direct get failed".into());
    Failure::Api { code: 0, status: status.into(), description }
}
