//! Receives commands while effects are at work.

use std::sync::Arc;

use runbus::id::SessionId;
use runbus::log::{Log, Sequence, Signal, Tail};
use runbus::subject::{Key, Scope};
use tokio::time::Instant;

use crate::limits;

/// A signal of the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InboxSignal {
    /// There is an entry at this position.
    At(Sequence),
    /// It is unknown: read the log.
    Unknown,
}

/// The live feed of a session's inbox, and a clock for when the feed fails.
#[derive(Debug)]
pub(super) struct InboxListener {
    log: Arc<dyn Log>,
    scope: Scope,
    tail: Option<Tail>,
    look_at: Instant,
}

impl InboxListener {
    pub(super) fn new(log: Arc<dyn Log>, session: &SessionId) -> Self {
        let scope = Scope::from(&Key::Inbox(session.clone()));
        Self { log, scope, tail: None, look_at: Instant::now() }
    }

    /// Waits until something may be new. Safe to drop while waiting.
    pub(super) async fn next(&mut self) -> InboxSignal {
        if self.tail.is_none() {
            match self.log.tail(&self.scope).await {
                Ok(tail) => {
                    self.tail = Some(tail);
                    self.look_at = Instant::now() + limits::INBOX_POLL;
                    // Commands from before the feed began are in the log.
                    return InboxSignal::Unknown;
                }
                Err(error) => tracing::debug!(%error, "no live feed of the inbox; it is read now and then"),
            }
        }
        let signal = match &mut self.tail {
            Some(tail) => tokio::select! {
                signal = tail.next() => signal,
                () = tokio::time::sleep_until(self.look_at) => Some(Signal::Suspect),
            },
            None => {
                tokio::time::sleep_until(self.look_at).await;
                None
            }
        };
        match signal {
            Some(Signal::Frame(stored)) => InboxSignal::At(stored.sequence),
            suspect => {
                if suspect.is_none() {
                    self.tail = None;
                }
                self.look_at = Instant::now() + limits::INBOX_POLL;
                InboxSignal::Unknown
            }
        }
    }
}
