//! A full disk: refused appends return an error, acknowledged frames stay, and freed space is used again.

use std::time::Duration;

use bytes::Bytes;

use super::{open, reopen};
use crate::adapters::embedded::Embedded;
use crate::adapters::embedded::limits::PROBE_INTERVAL;
use crate::id::{EventId, StreamId};
use crate::log::{AppendError, Direction, Expect, Frame, Log, Read, ReadError};
use crate::queue::{Class, Queue};
use crate::store::{Name, Store};
use crate::subject::{Scope, Shard, Topic};

/// How long a test waits for something that must come.
const PATIENCE: Duration = Duration::from_secs(60);

fn topic() -> Topic {
    Topic::Events { stream: StreamId::new("s").unwrap(), node: None, execution: None }
}

fn frame(bytes: usize) -> Frame {
    Frame::open(&[Bytes::from(format!("{{\"text\":\"{}\"}}", "x".repeat(bytes)))])
}

/// SQLite answers as on a full disk when the file would have more pages; `None`: any number.
async fn limit_pages(embedded: &Embedded, more: Option<u32>) {
    let set = move |transaction: &mut super::super::transaction::Transaction<'_>| {
        let pages: u32 = transaction.connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let most = more.map_or(u32::MAX - 1, |more| pages + more);
        transaction.connection.execute_batch(&format!("PRAGMA max_page_count = {most}"))
    };
    embedded.queue.writer.call(0, set).await.unwrap();
}

async fn stored(log: &dyn Log) -> usize {
    let read = Read {
        scope: Scope::EVERYTHING,
        shard: Shard(0),
        from: crate::log::Sequence(1),
        direction: Direction::Forward,
        max_frames: 500,
        max_bytes: usize::MAX,
    };
    log.read(&read).await.unwrap().frames.len()
}

#[tokio::test]
async fn a_full_disk_refuses_for_now_and_acknowledged_frames_stay() {
    let (embedded, folder) = open();
    embedded.log.ready().await.unwrap();
    limit_pages(&embedded, Some(20)).await;
    let mut acknowledged = 0;
    let refusal = loop {
        match embedded.log.append(&topic(), &frame(9_000), Expect::Open(EventId::generate())).await {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(&refusal, AppendError::Unresolved(reason) if reason.contains("full")), "{refusal}");
    assert!(refusal.is_retryable() && acknowledged > 0);
    let class = Class::sessions();
    let job = embedded.queue.push(&class, "a", Bytes::from(vec![0; 200_000])).await.unwrap_err();
    assert!(job.is_retryable() && job.to_string().contains("full"), "{job}");
    let name = Name { family: "session", id: "s".into() };
    let large = Bytes::from(vec![0; 200_000]);
    let value = embedded.store.remember(&name, large, PATIENCE).await.unwrap_err();
    assert!(value.is_retryable() && value.to_string().contains("full"), "{value}");

    // Free space in the last pages does not make it ready.
    let readiness = embedded.log.ready().await.unwrap_err();
    assert!(matches!(&readiness, ReadError::Unavailable(reason) if reason.contains("full")), "{readiness}");
    assert!(embedded.queue.ready().await.is_err() && embedded.store.ready().await.is_err());
    assert_eq!(stored(&*embedded.log).await, acknowledged);

    limit_pages(&embedded, None).await;
    let recovered = async {
        while embedded.log.ready().await.is_err() {
            tokio::time::sleep(PROBE_INTERVAL / 10).await;
        }
    };
    tokio::time::timeout(PATIENCE, recovered).await.expect("it is ready again by itself");
    embedded.log.append(&topic(), &frame(9_000), Expect::Open(EventId::generate())).await.unwrap();
    drop(embedded);
    assert_eq!(stored(&*reopen(&folder).log).await, acknowledged + 1);
}

#[tokio::test]
async fn an_idle_process_notices_a_full_disk() {
    let (embedded, _folder) = open();
    limit_pages(&embedded, Some(0)).await;
    // The probe's own row needs no new page; another refused write makes the probe ask for more.
    embedded.store.ready().await.unwrap();
    let large = Bytes::from(vec![0; 200_000]);
    assert!(embedded.queue.push(&Class::sessions(), "a", large).await.is_err());
    assert!(embedded.store.ready().await.is_err());
}
