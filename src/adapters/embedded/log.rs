//! The log.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::types::Value;

use super::append;
use super::files::Joined;
use super::limits;
use super::readers::{self, Readers};
use super::rows::{condition, first, place, select, sequence, stored};
use super::schema::{number, table};
use super::watch::{Stop, Watch};
use super::writer::{self, Writer};
use crate::limits::{PAGE_BYTES, PAGE_FRAMES};
use crate::log::{
    AppendError, Bounds, Direction, Epoch, Expect, Frame, Log, Page, Read, ReadError, Sequence, Stored, Tail,
};
use crate::subject::{Key, Lane, Layout, Scope, Shard, Topic};

/// The log in a SQLite file: one shard.
pub struct EmbeddedLog {
    pub(super) layout: Arc<Layout>,
    pub(super) epoch: Epoch,
    pub(super) writer: Writer,
    pub(super) readers: Readers,
    pub(super) watch: Watch,
    pub(super) _stop: Stop,
    pub(super) _joined: Joined,
}

impl fmt::Debug for EmbeddedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedLog").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

impl From<writer::Failure> for AppendError {
    fn from(failure: writer::Failure) -> Self {
        match failure {
            writer::Failure::Retry(reason) => Self::Unresolved(reason),
            writer::Failure::Refused(reason) => Self::Refused(reason),
        }
    }
}

impl From<readers::Failure> for ReadError {
    fn from(failure: readers::Failure) -> Self {
        match failure {
            readers::Failure::Retry(reason) => Self::Unavailable(reason),
            readers::Failure::Refused(reason) => Self::Refused(reason),
        }
    }
}

fn read_page(connection: &rusqlite::Connection, read: &Read) -> rusqlite::Result<Page> {
    let done = Page { frames: Vec::new(), done: true };
    let Some(mut condition) = condition(connection, &read.scope)? else { return Ok(done) };
    let lane = read.scope.lane();
    let (compare, order) = match read.direction {
        Direction::Forward => (">=", "ASC"),
        Direction::Backward => ("<=", "DESC"),
    };
    condition.values.push(Value::Integer(place(read.from)));
    let sql = format!(
        "{} WHERE {} f.sequence {compare} ?{} ORDER BY f.sequence {order}",
        select(lane),
        condition.sql,
        condition.values.len()
    );
    let max_frames = read.max_frames.clamp(1, PAGE_FRAMES);
    let max_bytes = read.max_bytes.min(PAGE_BYTES);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(condition.values))?;
    let mut page = Page::default();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let frame = stored(lane, row)?;
        bytes += frame.frame.payload.len();
        if page.frames.len() == max_frames || (bytes > max_bytes && !page.frames.is_empty()) {
            return Ok(page);
        }
        page.frames.push(frame);
    }
    page.done = true;
    Ok(page)
}

fn read_bounds(connection: &rusqlite::Connection, lane: Lane, epoch: Epoch) -> rusqlite::Result<Bounds> {
    // One statement, so that all numbers are of one moment.
    let sql = format!(
        "SELECT last, frames, bytes, (SELECT min(sequence) FROM {}) FROM lanes WHERE lane = ?1",
        table(lane)
    );
    connection.prepare_cached(&sql)?.query_row([number(lane)], |row| {
        let last = sequence(row.get(0)?);
        let first = row.get::<_, Option<i64>>(3)?.map_or(last.next(), sequence);
        let count = |column| row.get::<_, i64>(column).map(|n| u64::try_from(n).unwrap_or_default());
        Ok(Bounds { epoch, first, last, frames: count(1)?, bytes: count(2)? })
    })
}

/// This log has one shard; another one holds nothing.
fn is_here(shard: Shard) -> bool {
    shard == Shard(0)
}

#[async_trait]
impl Log for EmbeddedLog {
    fn layout(&self) -> std::sync::Arc<Layout> {
        self.layout.clone()
    }

    async fn append(&self, topic: &Topic, frame: &Frame, expect: Expect) -> Result<Sequence, AppendError> {
        let bytes = frame.payload.len();
        if bytes > limits::FRAME_BYTES {
            return Err(AppendError::TooLarge { bytes, limit: limits::FRAME_BYTES });
        }
        if matches!(topic, Topic::Opaque(..)) {
            return Err(AppendError::Refused("an opaque topic names no ids".into()));
        }
        if frame.author.is_external() && topic.lane() != Lane::Events {
            return Err(AppendError::Refused("journals and inboxes are Runbus's own".into()));
        }
        let (topic, frame, checksum) = (topic.clone(), frame.clone(), frame.checksum());
        self.writer
            .call(bytes, move |transaction| append::append(transaction, &topic, &frame, checksum, expect))
            .await?
    }

    async fn read(&self, read: &Read) -> Result<Page, ReadError> {
        if !is_here(read.shard) {
            return Ok(Page { frames: Vec::new(), done: true });
        }
        let read = read.clone();
        Ok(self.readers.call(move |connection| read_page(connection, &read)).await?)
    }

    async fn last(&self, key: &Key) -> Result<Option<Stored>, ReadError> {
        let scope = Scope::from(key);
        let read = move |connection: &rusqlite::Connection| {
            let Some(condition) = condition(connection, &scope)? else { return Ok(None) };
            let rest = format!("WHERE {} true ORDER BY f.sequence DESC LIMIT 1", condition.sql);
            first(connection, scope.lane(), &rest, &condition.values)
        };
        Ok(self.readers.call(read).await?)
    }

    async fn tail(&self, scope: &Scope) -> Result<Tail, ReadError> {
        Ok(self.watch.tail(scope.clone()).await?)
    }

    async fn bounds(&self, lane: Lane, shard: Shard) -> Result<Bounds, ReadError> {
        let epoch = self.epoch;
        if !is_here(shard) {
            return Ok(Bounds { epoch, first: Sequence(1), last: Sequence(0), frames: 0, bytes: 0 });
        }
        Ok(self.readers.call(move |connection| read_bounds(connection, lane, epoch)).await?)
    }

    async fn ready(&self) -> Result<(), ReadError> {
        match self.writer.ready().await {
            Ok(()) => Ok(()),
            Err(writer::Failure::Retry(reason)) => Err(ReadError::Unavailable(reason)),
            Err(writer::Failure::Refused(reason)) => Err(ReadError::Refused(reason)),
        }
    }
}
