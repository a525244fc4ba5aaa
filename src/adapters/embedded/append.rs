//! Appending inside a transaction: the check, the row, the resolution of unknown outcomes.

use rusqlite::OptionalExtension;
use rusqlite::types::Value;

use super::rows::{first, place, sequence};
use super::schema::{EXTERNAL, table};
use super::transaction::Transaction;
use crate::id::EventId;
use crate::log::{AppendError, Author, Expect, FORMAT, Frame, Sequence, Stored};
use crate::subject::{Key, Lane, Topic};

/// The numbers of a topic's names.
#[derive(Debug, Clone, Copy)]
struct Names {
    lane: Lane,
    stream: Option<i64>,
    node: Option<i64>,
    owner: Option<i64>,
}

/// The columns of the row beside the frame.
struct Facts {
    prev: Option<Sequence>,
    id: Option<EventId>,
    checksum: u32,
}

type Outcome = Result<Sequence, AppendError>;

/// Appends; the inner result is the answer, the outer one SQLite's.
pub(super) fn append(
    transaction: &mut Transaction<'_>,
    topic: &Topic,
    frame: &Frame,
    checksum: u32,
    expect: Expect,
) -> rusqlite::Result<Outcome> {
    let names = names(transaction, topic)?;
    let is_external = frame.author.is_external();
    let (check, expected) = match expect {
        Expect::Open(id) => {
            if let Some(found) = find_id(transaction, names, id, is_external)? {
                return Ok(Ok(found));
            }
            let facts = Facts { prev: None, id: Some(id), checksum };
            return insert(transaction, names, frame, &facts).map(Ok);
        }
        Expect::Last(expected) => (Check::Whole, expected.unwrap_or_default()),
        Expect::Own(expected) => (Check::Own, expected.unwrap_or_default()),
    };
    let Some(key) = topic.key().filter(|_| !is_external) else {
        return Ok(Err(AppendError::Refused("nothing owns this".into())));
    };
    let end = end(transaction, names, check)?;
    if end == expected || is_pruned(transaction, names.lane, end, expected)? {
        let facts = Facts { prev: check.told(expected), id: None, checksum };
        return insert(transaction, names, frame, &facts).map(Ok);
    }
    resolve(transaction, names, key, (topic, frame), check, (expected, end))
}

/// The frames that an expectation is checked over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    /// All frames of the key.
    Whole,
    /// Those that Runbus wrote.
    Own,
}

impl Check {
    /// An SQL condition, to be continued.
    fn condition(self) -> String {
        match self {
            Self::Whole => String::new(),
            Self::Own => format!("line IS NOT {EXTERNAL} AND "),
        }
    }

    /// The previous frame that the stored frame names.
    const fn told(self, expected: Sequence) -> Option<Sequence> {
        match self {
            Self::Whole => Some(expected),
            Self::Own => None,
        }
    }
}

fn names(transaction: &mut Transaction<'_>, topic: &Topic) -> rusqlite::Result<Names> {
    let mut names = Names { lane: topic.lane(), stream: None, node: None, owner: None };
    match topic {
        Topic::Events { stream, node, execution } => {
            names.stream = Some(transaction.name(stream.as_str())?);
            names.node = node.as_ref().map(|id| transaction.name(id.as_str())).transpose()?;
            names.owner = execution.as_ref().map(|id| transaction.name(id.as_str())).transpose()?;
        }
        Topic::Journal(session) | Topic::Inbox(session) => {
            names.owner = Some(transaction.name(session.as_str())?);
        }
        // Refused before it comes here: nobody else can write into this file.
        Topic::Opaque(..) => {}
    }
    Ok(names)
}

/// External events and Runbus's own have separate id spaces: an external event cannot take an id of Runbus's.
fn find_id(
    transaction: &Transaction<'_>,
    names: Names,
    id: EventId,
    is_external: bool,
) -> rusqlite::Result<Option<Sequence>> {
    let sql = format!(
        "SELECT sequence FROM {} WHERE id = ?1 AND +stream IS ?2 AND +node IS ?3 AND +owner IS ?4 AND +line IS ?5",
        table(names.lane)
    );
    let line = is_external.then_some(EXTERNAL);
    transaction
        .connection
        .prepare_cached(&sql)?
        .query_row((id.uuid().into_bytes(), names.stream, names.node, names.owner, line), |row| row.get(0))
        .optional()
        .map(|found| found.map(sequence))
}

/// The last place of the key; 0 when it has none.
fn end(transaction: &Transaction<'_>, names: Names, check: Check) -> rusqlite::Result<Sequence> {
    let sql = format!(
        "SELECT sequence FROM {} WHERE {}owner = ?1 AND +stream IS ?2 ORDER BY sequence DESC LIMIT 1",
        table(names.lane),
        check.condition()
    );
    let found = transaction
        .connection
        .prepare_cached(&sql)?
        .query_row((names.owner, names.stream), |row| row.get(0))
        .optional()?;
    Ok(found.map(sequence).unwrap_or_default())
}

/// Whether the expected frame was there and retention removed it, with all that the key had.
fn is_pruned(
    transaction: &mut Transaction<'_>,
    lane: Lane,
    end: Sequence,
    expected: Sequence,
) -> rusqlite::Result<bool> {
    if end > Sequence(0) || place(expected) > transaction.end(lane).last {
        return Ok(false);
    }
    let sql = format!("SELECT sequence FROM {} ORDER BY sequence LIMIT 1", table(lane));
    let first: Option<i64> =
        transaction.connection.prepare_cached(&sql)?.query_row([], |row| row.get(0)).optional()?;
    Ok(first.is_none_or(|first| place(expected) < first))
}

/// The key ends elsewhere than expected: is the frame behind the expected one this very frame?
fn resolve(
    transaction: &Transaction<'_>,
    names: Names,
    key: Key,
    (topic, frame): (&Topic, &Frame),
    check: Check,
    (expected, end): (Sequence, Sequence),
) -> rusqlite::Result<Outcome> {
    let key = Box::new(key);
    if expected > end {
        let found = (end > Sequence(0)).then_some(end);
        return Ok(Err(AppendError::Regressed { key, expected, found }));
    }
    let of_key = |order: &str| -> rusqlite::Result<Option<Stored>> {
        let own = check.condition();
        let rest = format!("WHERE {own}f.owner = ?1 AND +f.stream IS ?2 AND f.sequence > ?3 {order} LIMIT 1");
        let values = [names.owner.into(), names.stream.into(), Value::Integer(place(expected))];
        first(transaction.connection, names.lane, &rest, &values)
    };
    if let Some(next) = of_key("ORDER BY f.sequence")?
        && next.prev == check.told(expected)
        && next.topic == *topic
        && next.frame.is_same(frame)
    {
        return Ok(Ok(next.sequence));
    }
    let last = of_key("ORDER BY f.sequence DESC")?.map(Box::new);
    Ok(Err(AppendError::Fenced { key, last }))
}

fn insert(
    transaction: &mut Transaction<'_>,
    names: Names,
    frame: &Frame,
    facts: &Facts,
) -> rusqlite::Result<Sequence> {
    let stored_at = transaction.stamp().micros();
    let end = transaction.end(names.lane);
    let next = end.last + 1;
    let (epoch, line, journal) = match frame.author {
        Author::Open => (None, None, None),
        Author::External => (None, Some(EXTERNAL), None),
        Author::Owner { epoch, index, journal } => {
            (Some(epoch.cast_signed()), Some(index.cast_signed()), Some(journal.cast_signed()))
        }
    };
    *end = super::transaction::End {
        last: next,
        frames: end.frames + 1,
        bytes: end.bytes + i64::try_from(frame.payload.len()).unwrap_or(i64::MAX),
        changed: true,
    };
    let sql = format!(
        "INSERT INTO {} VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        table(names.lane)
    );
    transaction.connection.prepare_cached(&sql)?.execute(rusqlite::params![
        next,
        names.stream,
        names.node,
        names.owner,
        stored_at,
        facts.prev.map(place),
        facts.id.map(|id| id.uuid().into_bytes()),
        FORMAT,
        epoch,
        line,
        journal,
        frame.count,
        facts.checksum,
        frame.trace.as_ref().map(|trace| trace.parent.as_str()),
        frame.trace.as_ref().and_then(|trace| trace.state.as_deref()),
        &frame.payload[..],
    ])?;
    Ok(sequence(next))
}
