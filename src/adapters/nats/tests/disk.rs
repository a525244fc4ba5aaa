//! A broker without room: appends fail at once, acknowledged frames stay, and freed room is used again.

use std::time::Duration;

use bytes::Bytes;

use super::super::testing::Server;
use super::super::{Config, Shards};
use super::{PATIENCE, connect, until_ready};
use crate::id::{EventId, SessionId, StreamId};
use crate::log::{AppendError, Direction, Expect, Frame, Log, Read, Sequence};
use crate::queue::{Class, Queue};
use crate::subject::{Scope, Shard, Topic};

/// Much shorter than an append waits for a broker that does not answer.
const SOON: Duration = Duration::from_secs(15);

fn frame(bytes: usize) -> Frame {
    Frame::open(&[Bytes::from(format!("{{\"text\":\"{}\"}}", "x".repeat(bytes)))])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_without_room_is_unavailable_and_not_ready_until_it_has_some() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nats.conf");
    let write = |bytes: &str| {
        std::fs::write(&file, format!("jetstream {{ max_file_store: {bytes} }}")).unwrap();
    };
    write("2MB");
    let mut server = Server::start_with(&["-c", file.to_str().unwrap()]);
    let nats = connect(Config { shards: Shards::Count(1), ..server.config() }).await;
    let (log, queue) = (nats.log(), nats.queue());
    let topic = Topic::Events { stream: StreamId::new("s").unwrap(), node: None, execution: None };
    let journal = Topic::Journal(SessionId::new("x").unwrap());
    let mut acknowledged = Vec::new();
    let refusal = loop {
        match log.append(&topic, &frame(100_000), Expect::Open(EventId::generate())).await {
            Ok(sequence) => acknowledged.push(sequence),
            Err(error) => break error,
        }
        assert!(acknowledged.len() < 100, "the server has room for 2 MB");
    };
    assert!(matches!(&refusal, AppendError::Unresolved(reason) if reason.contains("code 100")), "{refusal}");
    let owned = Frame::owned(1, 0, 0, &[Bytes::from_static(b"{}")]);
    let checked = tokio::time::timeout(SOON, log.append(&journal, &owned, Expect::Last(None)));
    let checked = checked.await.expect("a full broker is said at once").unwrap_err();
    assert!(checked.is_retryable(), "{checked}");
    let job = queue.push(&Class::sessions(), "a", Bytes::from_static(b"a")).await.unwrap_err();
    assert!(job.is_retryable(), "{job}");
    let readiness = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Err(error) = nats.ready().await {
                break error;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let readiness = readiness.await.expect("a process whose broker has no room is not ready");
    assert!(readiness.is_retryable() && readiness.to_string().contains("storing a message"), "{readiness}");

    server.kill();
    write("64MB");
    server.restart();
    until_ready(&nats).await;
    let more = log.append(&topic, &frame(100_000), Expect::Open(EventId::generate())).await.unwrap();
    log.append(&journal, &owned, Expect::Last(None)).await.unwrap();
    acknowledged.push(more);
    let read = Read {
        scope: Scope::EVERYTHING,
        shard: Shard(0),
        from: Sequence(1),
        direction: Direction::Forward,
        max_frames: 500,
        max_bytes: usize::MAX,
    };
    let mut found = Vec::new();
    let mut from = Sequence(1);
    while found.len() < acknowledged.len() {
        let page = log.read(&Read { from, ..read.clone() }).await.unwrap();
        found.extend(page.frames.iter().map(|stored| stored.sequence));
        from = found.last().copied().unwrap_or_default().next();
    }
    assert_eq!(found, acknowledged, "the acknowledged frames are there, and no others");
}

/// An idle process whose account's storage another client fills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reached_quota_of_the_account_makes_it_unready_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nats.conf");
    let accounts =
        "accounts { A { jetstream: {max_file: 4MB, max_mem: 1MB}, users: [{user: u, password: p}] } }";
    std::fs::write(&file, accounts).unwrap();
    let server = Server::start_with(&["-c", file.to_str().unwrap()]);
    let config = Config {
        shards: Shards::Count(1),
        user: Some("u".into()),
        password: Some(crate::config::Secret::new("p")),
        ..server.config()
    };
    let nats = connect(config).await;
    let other = async_nats::ConnectOptions::with_user_and_password("u".into(), "p".into());
    let other = async_nats::jetstream::new(other.connect(server.url()).await.unwrap());
    let stream = async_nats::jetstream::stream::Config {
        name: "OTHER".into(),
        subjects: vec!["other".into()],
        ..Default::default()
    };
    other.create_stream(stream).await.unwrap();
    while other.publish("other", vec![0; 100_000].into()).await.unwrap().await.is_ok() {}
    let unready = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Err(error) = nats.ready().await {
                break error;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let unready = unready.await.expect("it is not ready").to_string();
    assert!(unready.contains("storage is used up"), "{unready}");
    other.delete_stream("OTHER").await.unwrap();
    until_ready(&nats).await;
}

/// A stream with an operator's limit: the limit that refuses an append makes the process unready, until it is raised.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_stream_makes_it_unready_until_its_limit_is_raised() {
    let server = Server::start_with(&[]);
    let config = Config { shards: Shards::Count(1), ..server.config() };
    let nats = connect(config.clone()).await;
    let name = format!("{}_JOB", config.prefix.to_uppercase());
    let admin = async_nats::jetstream::new(server.client("admin").await);
    let mut stream = admin.get_stream(&name).await.unwrap().cached_info().config.clone();
    stream.max_bytes = 20_000;
    admin.update_stream(stream.clone()).await.unwrap();
    let queue = nats.queue();
    let mut n = 0;
    while queue.push(&Class::sessions(), &n.to_string(), Bytes::from(vec![0; 4_000])).await.is_ok() {
        n += 1;
        assert!(n < 20, "the stream has room for 20 kB");
    }
    let error = nats.ready().await.unwrap_err().to_string();
    assert!(error.contains(&name) && error.contains("full"), "{error}");
    stream.max_bytes = -1;
    admin.update_stream(stream).await.unwrap();
    until_ready(&nats).await;
    queue.push(&Class::sessions(), "more", Bytes::from_static(b"x")).await.unwrap();
}
