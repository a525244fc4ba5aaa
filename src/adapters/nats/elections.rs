//! Leader elections: messages that the old leader stored and the new leader applied before it led are never published
//! again, so live feeds of the stream may have lost them although their connection is up.

use std::sync::Arc;

use futures_util::StreamExt;
use tokio::sync::broadcast;
use tokio_util::task::AbortOnDropHandle;

use super::error::ConnectError;
use super::publish::Link;

/// Where the broker tells of elections; the last token is the stream.
const ELECTED: &str = "$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED.";

/// Elections that a live feed may be late for before it takes every stream to have had one.
const ELECTIONS: usize = 256;

/// Tells of elections, by the stream's name.
#[derive(Debug)]
pub(super) struct Elections {
    sender: broadcast::Sender<Arc<str>>,
    _listen: AbortOnDropHandle<()>,
}

impl Elections {
    pub(super) async fn follow(link: &Link) -> Result<Self, ConnectError> {
        let mut advisories = link
            .client
            .subscribe(format!("{ELECTED}*"))
            .await
            .map_err(|error| ConnectError::Options(error.to_string()))?;
        let (sender, _) = broadcast::channel(ELECTIONS);
        let listen = tokio::spawn({
            let sender = sender.clone();
            async move {
                while let Some(advisory) = advisories.next().await {
                    if let Some(stream) = advisory.subject.strip_prefix(ELECTED) {
                        // Nobody listens while there is no live feed.
                        let _ = sender.send(stream.into());
                    }
                }
            }
        });
        Ok(Self { sender, _listen: AbortOnDropHandle::new(listen) })
    }

    /// For those who know by other means that live feeds of a stream may have lost something.
    pub(super) fn teller(&self) -> broadcast::Sender<Arc<str>> {
        self.sender.clone()
    }

    pub(super) fn listen(&self) -> broadcast::Receiver<Arc<str>> {
        self.sender.subscribe()
    }
}
