//! A broker that is away, dies, and comes back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::super::testing::{Server, cluster, config};
use super::super::{Config, Nats, SetupError, Shards};
use super::{PATIENCE, connect, until_nothing_waits, until_ready};
use crate::id::SessionId;
use crate::log::{Expect, Frame, Log, Signal};
use crate::queue::{Class, Queue};
use crate::subject::{Scope, Topic};

fn frame(n: u64) -> Frame {
    Frame::owned(1, n, 0, &[Bytes::from_static(b"{}")])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_comes_late_is_waited_for() {
    let mut server = Server::start();
    let config = Config { shards: Shards::Count(1), ..server.config() };
    server.kill();
    let nats = Nats::connect(config).await.unwrap();
    let error = nats.ready().await.unwrap_err();
    assert!(matches!(error, SetupError::Unreachable { .. }) && error.is_retryable(), "{error}");
    let topic = Topic::Journal(SessionId::new("x").unwrap());
    let early = tokio::spawn({
        let log = nats.log();
        async move { log.append(&topic, &frame(0), Expect::Last(None)).await }
    });
    server.restart();
    early.await.unwrap().unwrap();
    until_ready(&nats).await;
}

/// The server answers with a status of 400, as to a wrong request; the servers that are missing may still come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_with_too_few_servers_for_the_replicas_is_waited_for() {
    let servers = cluster(3);
    let wanted = Config { shards: Shards::Count(1), replicas: 5, ..config(&servers) };
    let nats = Nats::connect(wanted).await.unwrap();
    let start = Instant::now();
    loop {
        let error = nats.ready().await.expect_err("five replicas on three servers");
        assert!(error.is_retryable(), "{error}");
        if error.to_string().contains("no suitable peers") {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "{error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_feeds_are_suspect_and_appends_go_on() {
    let mut server = Server::start();
    let nats = connect(Config { shards: Shards::Count(1), ..server.config() }).await;
    let (log, queue) = (nats.log(), nats.queue());
    let session = SessionId::new("x").unwrap();
    let topic = Topic::Journal(session.clone());
    let mut tail = log.tail(&Scope::Journal(Some(session))).await.unwrap();
    let first = log.append(&topic, &frame(0), Expect::Last(None)).await.unwrap();
    assert!(matches!(tail.next().await, Some(Signal::Frame(found)) if found.sequence == first));
    let class = Class::sessions();
    queue.push(&class, "a", Bytes::from_static(b"a")).await.unwrap();

    server.kill();
    let second = tokio::spawn({
        let (log, topic) = (Arc::clone(&log), topic.clone());
        async move { log.append(&topic, &frame(1), Expect::Last(Some(first))).await }
    });
    server.restart();
    let second = tokio::time::timeout(PATIENCE, second).await.unwrap().unwrap().unwrap();
    assert!(second > first);
    let suspect = async { while !matches!(tail.next().await, Some(Signal::Suspect)) {} };
    tokio::time::timeout(PATIENCE, suspect).await.expect("the feed says that frames may be lost");
    until_ready(&nats).await;
    // The feed goes on once its subscription is known again, which a last word of loss says at the latest.
    let mut n = 2;
    let mut last = second;
    let goes_on = async {
        loop {
            last = log.append(&topic, &frame(n), Expect::Last(Some(last))).await.unwrap();
            n += 1;
            while let Ok(signal) = tokio::time::timeout(Duration::from_millis(500), tail.next()).await {
                match signal {
                    Some(Signal::Frame(found)) if found.sequence == last => return,
                    Some(_) => {}
                    None => panic!("the feed ended"),
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, goes_on).await.expect("the feed goes on");
    let found = queue.pull(&class, 1, PATIENCE / 4).await.unwrap();
    assert_eq!(found.len(), 1, "the job is still there");
    queue.ack(&found[0]).await.unwrap();
    until_nothing_waits(&nats).await;
}
