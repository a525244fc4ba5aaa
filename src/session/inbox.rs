//! The inbox: commands for the session's owner, in the order that the log gave them.

use std::sync::Arc;

use bytes::Bytes;

use crate::id::SessionId;
use crate::log::{Direction, Lag, Log, Missing, Read, Sequence, Stored};
use crate::subject::{Key, Scope};

use super::command::Command;
use super::entry::Fact;
use super::journal::Error;
use crate::limits;

/// How much of an inbox is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpTo {
    /// The part that a replica has: one that lags may hold something back for the next look.
    Known,
    /// Everything up to a place that somebody has seen, at least.
    Place(Sequence),
    /// Everything that was acknowledged before the call: the leader is asked.
    Acknowledged,
}

/// Reads a session's inbox behind `after`: the facts to journal.
///
/// # Errors
/// The log refuses or does not answer.
pub async fn read(
    log: &Arc<dyn Log>,
    session: &SessionId,
    after: Sequence,
    up_to: UpTo,
) -> Result<Vec<Fact>, Error> {
    let key = Key::Inbox(session.clone());
    let last = match up_to {
        UpTo::Known => None,
        UpTo::Place(place) => Some(place),
        UpTo::Acknowledged => log.last(&key).await?.map(|stored| stored.sequence),
    };
    if up_to != UpTo::Known && last.is_none_or(|last| last <= after) {
        return Ok(Vec::new());
    }
    let shard = log.home(&key).await?;
    let mut facts = Vec::new();
    let mut from = after.next();
    let mut lag = Lag::default();
    loop {
        let read = Read {
            scope: Scope::from(&key),
            shard,
            from,
            direction: Direction::Forward,
            max_frames: limits::COMMANDS_AT_ONCE,
            max_bytes: limits::PAGE_BYTES,
        };
        let page = log.read(&read).await?;
        for stored in page.frames {
            from = stored.sequence.next();
            for line in stored.frame.lines() {
                let command = command(session, &stored, &line);
                let (inbox, stored_at) = (stored.sequence, stored.stored_at);
                facts.push(Fact::CommandTaken { inbox, stored_at, command });
            }
        }
        let enough = last.is_none_or(|last| from > last);
        if enough || facts.len() >= limits::COMMANDS_AT_ONCE {
            return Ok(facts);
        }
        if page.done
            && let Some(last) = last
            && lag.look(log.as_ref(), &key, last).await? == Missing::Gone
        {
            tracing::warn!(%session, %last, "commands in the inbox are gone before they were read");
            return Ok(facts);
        }
    }
}

/// The command in a line; `None`: it is none, or somebody else wrote it.
fn command(session: &SessionId, stored: &Stored, line: &[u8]) -> Option<Command> {
    let at = stored.sequence;
    if stored.frame.author.is_external() {
        tracing::warn!(%session, %at, "a message in the inbox is not Runbus's");
        return None;
    }
    let decoded = Command::decode(line);
    decoded
        .inspect_err(|error| tracing::warn!(%session, %at, %error, "a message in the inbox is no command"))
        .ok()
}

/// The command at a place that an append returned, as it is stored; `None`: it is gone.
///
/// # Errors
/// The log refuses or does not answer.
pub async fn line(log: &Arc<dyn Log>, session: &SessionId, at: Sequence) -> Result<Option<Bytes>, Error> {
    let key = Key::Inbox(session.clone());
    let shard = log.layout().home(&key.shard_token());
    let mut lag = Lag::default();
    loop {
        let read = Read {
            scope: Scope::from(&key),
            shard,
            from: at,
            direction: Direction::Forward,
            max_frames: 1,
            max_bytes: limits::PAGE_BYTES,
        };
        if let Some(stored) = log.read(&read).await?.frames.into_iter().next() {
            return Ok((stored.sequence == at).then(|| stored.frame.lines().next()).flatten());
        }
        if lag.look(log.as_ref(), &key, at).await? == Missing::Gone {
            return Ok(None);
        }
    }
}
