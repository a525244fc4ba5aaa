//! Live feeds: core subscriptions to the messages that the streams publish again after storage.

use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::select_all;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use super::connect::{Health, jitter};
use super::core::Core;
use super::decode::{self, Last};
use super::error::Failure;
use super::names::Names;
use super::publish::Link;
use super::seen::Seen;
use crate::log::{Feeder, ReadError, Tail, feed};
use crate::subject::{Lane, Scope, Shard};

/// The dependencies of a feed's task.
struct Feed {
    names: Names,
    lane: Lane,
    link: Arc<Link>,
    seen: Seen,
    streams: Arc<[String]>,
    feeder: Feeder,
    end: CancellationToken,
}

impl Core {
    pub(super) async fn tail(&self, scope: &Scope) -> Result<Tail, ReadError> {
        self.open_soon().await.map_err(|error| ReadError::from(&*error))?;
        let link = self.next_link().clone();
        let lane = scope.lane();
        // Before the shards are looked up, so that no change is missed.
        let grown = self.layouts.changes();
        let shards = scope.shards(&self.layouts.current());
        // Before the subscriptions, so that every event from now on is noticed.
        let mut health = link.health.clone();
        health.borrow_and_update();
        let elections = self.elections.listen();
        let mut subscriptions = Vec::with_capacity(shards.len());
        for &shard in &shards {
            let subject = self.names.live(scope, shard);
            let messages = link
                .client
                .subscribe(subject)
                .await
                .map_err(|error| ReadError::Unavailable(error.to_string()))?;
            subscriptions.push(messages.map(move |message| (shard, message)));
        }
        let end = CancellationToken::new();
        let (feeder, tail) = feed(end.clone().drop_guard());
        let streams: Arc<[String]> = shards.iter().map(|&shard| self.names.stream(lane, shard)).collect();
        link.round_trip().await?;
        let feed =
            Feed { names: self.names.clone(), lane, link, seen: self.seen.clone(), streams, feeder, end };
        if let Err(failure) = seen(&feed.link, &feed.streams).await {
            // The broker has the subscription; whether a leader elsewhere in the cluster knows of it is not sure.
            tracing::debug!(%failure, "a leader does not confirm a live feed");
            feed.repair();
        }
        // Most feeds have one subscription, and go without the bookkeeping of several.
        match <[_; 1]>::try_from(subscriptions) {
            Ok([one]) => tokio::spawn(feed.run(one, health, elections, grown)),
            Err(several) => tokio::spawn(feed.run(select_all(several), health, elections, grown)),
        };
        Ok(tail)
    }
}

/// Returns when every stream's leader has been reached over the connection.
async fn seen(link: &Link, streams: &[String]) -> Result<(), Failure> {
    link.round_trip().await?;
    futures_util::future::try_join_all(streams.iter().map(|stream| link.leader_round_trip(stream)))
        .await
        .map(drop)
}

impl Feed {
    async fn run(
        self,
        mut messages: impl StreamExt<Item = (Shard, async_nats::Message)> + Unpin,
        health: watch::Receiver<Health>,
        elections: broadcast::Receiver<Arc<str>>,
        grown: watch::Receiver<()>,
    ) {
        let mut last = Last::default();
        // One future for all of it: a future created per message costs as much as the message.
        let mut rest = pin!(self.watch(health, elections, grown));
        loop {
            tokio::select! {
                biased;
                message = messages.next() => {
                    let Some((shard, message)) = message else { return };
                    match decode::message(&self.names, &mut last, self.lane, shard, message) {
                        Some(stored) => {
                            self.seen.show(self.lane, shard, stored.sequence);
                            self.feeder.frame(Arc::new(stored));
                        }
                        // Somebody published to the live subject; nothing was stored.
                        None => tracing::debug!("a message of the live feed has no place"),
                    }
                }
                () = &mut rest => return,
            }
        }
    }

    /// Says when frames may be lost; returns when the feed is to end.
    async fn watch(
        &self,
        mut health: watch::Receiver<Health>,
        mut elections: broadcast::Receiver<Arc<str>>,
        mut grown: watch::Receiver<()>,
    ) {
        let mut end = pin!(self.end.cancelled());
        loop {
            tokio::select! {
                () = &mut end => return,
                // The reader begins a feed of all shards anew.
                _ = grown.changed() => return,
                changed = health.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.feeder.suspect();
                    self.repair();
                }
                elected = elections.recv() => match elected {
                    Ok(stream) if !self.streams.iter().any(|own| **own == *stream) => {}
                    Err(broadcast::error::RecvError::Closed) => return,
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => self.feeder.suspect(),
                },
            }
        }
    }

    /// Reports again that frames may be lost once the leaders know the subscription again: frames in between are lost.
    fn repair(&self) {
        let (link, streams) = (self.link.clone(), self.streams.clone());
        let (feeder, end) = (self.feeder.clone(), self.end.clone());
        tokio::spawn(async move {
            let confirmed = async {
                while seen(&link, &streams).await.is_err() {
                    tokio::time::sleep(PAUSE + jitter(PAUSE)).await;
                }
            };
            if end.run_until_cancelled(confirmed).await.is_some() {
                feeder.suspect();
            }
        });
    }
}

/// Pause before leaders are asked again.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);
