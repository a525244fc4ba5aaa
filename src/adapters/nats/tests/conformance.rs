//! The suites of the two ports: all of it on one server; the cases of writers and feeds on a cluster too.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;

use super::super::testing::{Server, cluster, config};
use super::super::{Config, Nats, Shards};
use super::{PATIENCE, connect, small, until_nothing_waits};
use crate::log::{Log, Signal};
use crate::queue::Queue;
use crate::subject::{Lane, Scope, Shard};

/// The hold that the queue's suite wants.
const HOLD_MS: u64 = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log() {
    let server = Server::shared();
    crate::log::conformance::run(async || {
        let port: Arc<dyn Log> = connect(small(server.config())).await.log();
        port
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queue() {
    let server = Server::shared();
    crate::queue::conformance::run(async || {
        let config = Config { hold_ms: HOLD_MS, shards: Shards::Count(1), ..server.config() };
        let port: Arc<dyn Queue> = connect(config).await.queue();
        port
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_on_a_cluster() {
    let servers = cluster(3);
    // Cases use different sessions and executions of the same names, so each gets its own streams.
    let used: Mutex<Vec<Nats>> = Mutex::default();
    let mut broken = Vec::new();
    for (name, case) in crate::log::conformance::CASES {
        if !["chain::", "resolve::", "contend::one", "open::concurrent", "read::last", "tail::what"]
            .iter()
            .any(|wanted| name.starts_with(wanted))
        {
            continue;
        }
        let nats = connect(Config { shards: Shards::Count(1), ..config(&servers) }).await;
        let outcome = std::panic::AssertUnwindSafe(case(nats.log())).catch_unwind().await;
        if outcome.is_err() {
            broken.push(*name);
        }
        used.lock().unwrap().push(nats);
    }
    assert!(broken.is_empty(), "on a cluster: {broken:?}");
    // Electing a leader is for administrators.
    let admin = Some(crate::config::Secret::new("admin"));
    let config =
        Config { shards: Shards::Count(1), user: Some("admin".into()), password: admin, ..config(&servers) };
    a_feed_hears_of_elections(&connect(config).await).await;
    for nats in used.into_inner().unwrap() {
        until_nothing_waits(&nats).await;
    }
}

/// The frame that the old leader stored last may never have been published again.
async fn a_feed_hears_of_elections(nats: &Nats) {
    let mut tail = nats.log().tail(&Scope::Inbox(None)).await.unwrap();
    nats.step_down(Lane::Inbox, Shard(0)).await;
    let suspect = async { while !matches!(tail.next().await, Some(Signal::Suspect)) {} };
    tokio::time::timeout(PATIENCE, suspect).await.expect("a feed is suspect after an election");
}
