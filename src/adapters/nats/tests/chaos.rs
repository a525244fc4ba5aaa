//! Two writers contend for each key while the leaders of the streams are killed: nothing acknowledged is lost or doubled,
//! and no owner writes behind the one that replaced it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::super::testing::{Server, client, cluster, config};
use super::super::{Config, Nats, Shards};
use super::{PATIENCE, connect};
use crate::id::{ExecutionId, NodeId, StreamId};
use crate::log::{AppendError, Direction, Expect, Frame, Log, Read, Sequence, Stored};
use crate::subject::{Key, Scope, Shard, Topic};

const KEYS: usize = 3;
const KILLS: usize = 3;
const CALM: Duration = Duration::from_millis(1500);

/// The acknowledgement of a write: place, epoch, index.
type Acked = Vec<(Sequence, u64, u64)>;

fn topic(key: usize, node: &str) -> Topic {
    Topic::Events {
        stream: StreamId::new("chaos").unwrap(),
        node: Some(NodeId::new(node).unwrap()),
        execution: Some(ExecutionId::new(format!("x{key}")).unwrap()),
    }
}

fn key(number: usize) -> Key {
    topic(number, "any").key().unwrap()
}

async fn last(log: &dyn Log, key: &Key) -> Option<Stored> {
    loop {
        match log.last(key).await {
            Ok(found) => return found,
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
    }
}

async fn append(log: &dyn Log, topic: &Topic, frame: &Frame, last: Option<Sequence>) -> Option<Sequence> {
    loop {
        match log.append(topic, frame, Expect::Last(last)).await {
            Ok(sequence) => return Some(sequence),
            Err(AppendError::Fenced { .. }) => return None,
            Err(AppendError::Unresolved(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Takes the key over again and again and writes until it is fenced.
async fn writer(log: Arc<dyn Log>, number: usize, name: &'static str, stop: CancellationToken) -> Acked {
    let (topic, key) = (topic(number, name), key(number));
    let mut acked = Vec::new();
    while !stop.is_cancelled() {
        let end = last(&*log, &key).await;
        let epoch = end.as_ref().and_then(|end| end.frame.epoch()).unwrap_or(0) + 1;
        let mut index = end.as_ref().and_then(|end| end.frame.index()).map_or(0, |index| index + 1);
        let mut place = end.map(|end| end.sequence);
        for _ in 0..20 {
            let line = Bytes::from(json!({ "by": name, "index": index }).to_string());
            let frame = Frame::owned(epoch, index, 0, &[line]);
            let Some(sequence) = append(&*log, &topic, &frame, place).await else { break };
            acked.push((sequence, epoch, index));
            (place, index) = (Some(sequence), index + 1);
            if stop.is_cancelled() {
                break;
            }
        }
    }
    acked
}

/// Which server leads a stream.
async fn leader(servers: &[Server], stream: &str) -> Option<usize> {
    let client = client(servers, "admin").await.ok()?;
    let answer = client.request(format!("$JS.API.STREAM.INFO.{stream}"), Bytes::new()).await.ok()?;
    let info: Value = serde_json::from_slice(&answer.payload).ok()?;
    let name = info["cluster"]["leader"].as_str()?;
    servers.iter().position(|server| server.name() == name)
}

async fn everything(log: &dyn Log, key: &Key) -> Vec<Stored> {
    let mut all: Vec<Stored> = Vec::new();
    let end = last(log, key).await.map_or(Sequence(0), |end| end.sequence);
    let start = Instant::now();
    while all.last().is_none_or(|stored| stored.sequence < end) {
        let from = all.last().map_or(Sequence(0), |stored| stored.sequence.next());
        let read = Read {
            scope: Scope::from(key),
            shard: Shard(0),
            from,
            direction: Direction::Forward,
            max_frames: 500,
            max_bytes: 1 << 20,
        };
        if let Ok(page) = log.read(&read).await {
            all.extend(page.frames);
        }
        assert!(start.elapsed() < PATIENCE, "reading {key} up to {end}");
    }
    all
}

fn check(found: &[Stored], acked: &Acked) {
    let mut by_place = BTreeMap::new();
    let (mut prev, mut epoch) = (Sequence(0), 0);
    for (index, stored) in (0..).zip(found) {
        assert_eq!(stored.frame.index(), Some(index), "no frame is missing or doubled");
        assert_eq!(stored.prev, Some(prev), "each follows the one that its writer expected");
        assert!(stored.frame.epoch() >= Some(epoch), "an owner wrote behind its successor");
        epoch = stored.frame.epoch().unwrap();
        prev = stored.sequence;
        by_place.insert(stored.sequence, (epoch, index));
    }
    for (sequence, epoch, index) in acked {
        assert_eq!(by_place.get(sequence), Some(&(*epoch, *index)), "acknowledged at {sequence} and lost");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contending_writers_survive_the_death_of_leaders() {
    let mut servers = cluster(3);
    let shared = Config { shards: Shards::Count(1), ..config(&servers) };
    let stream = format!("{}_EV_0", shared.prefix.to_ascii_uppercase());
    let nats: Vec<Nats> = vec![connect(shared.clone()).await, connect(shared).await];
    let stop = CancellationToken::new();
    let mut writers = Vec::new();
    for number in 0..KEYS {
        for (nats, name) in nats.iter().zip(["a", "b"]) {
            writers.push((number, tokio::spawn(writer(nats.log(), number, name, stop.clone()))));
        }
    }
    for _ in 0..KILLS {
        tokio::time::sleep(CALM).await;
        let start = Instant::now();
        let at = loop {
            if let Ok(Some(at)) = tokio::time::timeout(CALM, leader(&servers, &stream)).await {
                break at;
            }
            assert!(start.elapsed() < PATIENCE, "no leader");
        };
        servers[at].kill();
        tokio::time::sleep(CALM).await;
        servers[at].restart();
    }
    tokio::time::sleep(CALM).await;
    stop.cancel();
    let mut acked: BTreeMap<usize, Acked> = BTreeMap::new();
    for (number, writer) in writers {
        acked.entry(number).or_default().extend(writer.await.unwrap());
    }
    for (number, acked) in acked {
        let found = everything(&*nats[0].log(), &key(number)).await;
        println!(
            "key {number}: {} frames, {} acknowledged, last {:?}",
            found.len(),
            acked.len(),
            found.last().and_then(|s| s.frame.epoch())
        );
        assert!(acked.len() > 20, "the writers came to write");
        check(&found, &acked);
    }
}
