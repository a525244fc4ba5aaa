//! Whether the streams are still those that were set up: one that is gone is made again, and readers hear of one that was made
//! again. A broker that lost its data is the same as one without streams.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{Notify, broadcast};

use super::error::{Failure, SetupError, code};
use super::names::{Names, places};
use super::publish::Link;
use crate::subject::Layout;

/// How often each stream is looked at.
const EVERY: Duration = Duration::from_secs(2);

/// Least time for each stream between two looks: brokers with many streams are asked less often.
const EVERY_STREAM: Duration = Duration::from_millis(20);

/// Least pause between two looks, whoever asks for one.
const LEAST: Duration = Duration::from_millis(100);

/// Streams that are asked for at the same time.
const AT_ONCE: usize = 16;

/// Watches the streams.
#[derive(Debug)]
pub(super) struct Watch {
    /// The number of streams at the last look.
    streams: u32,
    /// When each of them was made.
    created: BTreeMap<Arc<str>, String>,
    /// Requests that find no stream ask for a look.
    doubt: Arc<Notify>,
    /// Tells live feeds that they may have lost something.
    feeds: broadcast::Sender<Arc<str>>,
}

#[derive(Deserialize)]
struct Info {
    created: String,
}

impl Watch {
    pub(super) fn new(doubt: Arc<Notify>, feeds: broadcast::Sender<Arc<str>>) -> Self {
        Self { streams: 0, created: BTreeMap::new(), doubt, feeds }
    }

    /// Waits until the streams are to be looked at again.
    pub(super) async fn pause(&self, link: &Link) {
        let mut health = link.health.clone();
        health.borrow_and_update();
        tokio::time::sleep(LEAST).await;
        tokio::select! {
            () = tokio::time::sleep(EVERY.max(EVERY_STREAM * self.streams)) => {}
            () = self.doubt.notified() => {}
            _ = health.changed() => {}
        }
    }

    /// Looks at all of them. `true`: they are there, but some were made again, which their readers are told.
    ///
    /// # Errors
    /// One is gone. A broker that does not answer is no error here.
    pub(super) async fn look(
        &mut self,
        link: &Link,
        names: &Names,
        layout: &Layout,
    ) -> Result<bool, SetupError> {
        let mut changed = false;
        let shards = places(layout).map(|(lane, shard)| names.stream(lane, shard));
        let streams: Vec<Arc<str>> = shards.chain([names.jobs(), names.layout()]).map(Arc::from).collect();
        self.streams = u32::try_from(streams.len()).unwrap_or(u32::MAX);
        for some in streams.chunks(AT_ONCE) {
            let asked = some.iter().map(|stream| async move {
                let info = link.api::<Info>(&format!("STREAM.INFO.{stream}"), &json!({})).await;
                (stream, info)
            });
            for (stream, info) in join_all(asked).await {
                match info {
                    Ok(Info { created }) => {
                        let before = self.created.insert(stream.clone(), created.clone());
                        if before.is_some_and(|before| before != created) {
                            tracing::warn!(%stream, "the stream was deleted and made again: what it had is gone");
                            changed = true;
                            // Nobody listens while there is no live feed.
                            let _ = self.feeds.send(stream.clone());
                        }
                    }
                    Err(Failure::Api { code: code::NO_STREAM, .. }) => {
                        return Err(SetupError::Step {
                            step: format!("looking at stream {stream}"),
                            reason: "it is gone".into(),
                            passing: true,
                        });
                    }
                    Err(failure) => {
                        tracing::debug!(%stream, %failure, "a stream cannot be looked at");
                        return Ok(changed);
                    }
                }
            }
        }
        Ok(changed)
    }
}
