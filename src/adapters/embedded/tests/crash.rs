//! Acknowledged frames survive kill -9.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;

use super::reopen;
use crate::adapters::embedded::{Config, Embedded};
use crate::id::{EventId, ExecutionId, StreamId};
use crate::log::{Direction, Expect, Frame, Log, Read, Sequence};
use crate::subject::{Scope, Shard, Topic};
use crate::time::Clock;

/// Names the folder of the child's database.
const FOLDER: &str = "RUNBUS_TEST_CRASH_FOLDER";

/// Acknowledged appends after which the child is killed.
const ENOUGH: usize = 300;

/// Names the child's executions, so that each child has its own.
const ROUND: &str = "RUNBUS_TEST_CRASH_ROUND";

fn topic(round: &str, writer: usize) -> Topic {
    Topic::Events {
        stream: StreamId::new("s").unwrap(),
        node: None,
        execution: Some(ExecutionId::new(format!("{round}-{writer}")).unwrap()),
    }
}

/// The child: appends with several writers and says what was acknowledged, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "is started by `acknowledged_frames_survive_kill_9`"]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let round = std::env::var_os(ROUND).unwrap().into_string().unwrap();
    let embedded =
        Embedded::open(&Config { data_dir: folder.into(), ..Config::default() }, Clock::System).unwrap();
    let writers = (0..8).map(|writer| {
        let (log, topic): (Arc<dyn Log>, _) = (embedded.log.clone(), topic(&round, writer));
        tokio::spawn(async move {
            let mut end = None;
            for index in 0.. {
                let text = format!("{{\"writer\":{writer},\"index\":{index}}}");
                let frame = Frame::owned(1, index, 0, &[Bytes::from(text.clone())]);
                let expect =
                    if writer % 2 == 0 { Expect::Last(end) } else { Expect::Open(EventId::generate()) };
                let sequence = log.append(&topic, &frame, expect).await.unwrap();
                end = Some(sequence);
                let mut out = std::io::stdout().lock();
                writeln!(out, "\nacknowledged {sequence} {text}").unwrap();
                out.flush().unwrap();
            }
        })
    });
    futures_util::future::join_all(writers).await;
}

#[tokio::test]
async fn acknowledged_frames_survive_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    // The same file each time: a recovered database is killed again.
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "adapters::embedded::tests::crash::child", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = BTreeMap::new();
        let mut note = |line: std::io::Result<String>| {
            let line = line.unwrap();
            let Some((sequence, text)) =
                line.strip_prefix("acknowledged ").and_then(|rest| rest.split_once(' '))
            else {
                return 0;
            };
            acknowledged.insert(Sequence(sequence.parse().unwrap()), text.to_owned());
            acknowledged.len()
        };
        while note(lines.next().expect("the child must not end by itself")) < ENOUGH {}
        child.kill().unwrap();
        child.wait().unwrap();
        // Complete lines in the pipe were acknowledged too.
        let rest: Vec<_> = lines.collect();
        for line in rest.into_iter().rev().skip(1) {
            note(line);
        }

        let embedded = reopen(&folder);
        let mut read = Read {
            scope: Scope::EVERYTHING,
            shard: Shard(0),
            from: Sequence(0),
            direction: Direction::Forward,
            max_frames: 500,
            max_bytes: 1 << 20,
        };
        let mut expected_next = Sequence(1);
        loop {
            let page = embedded.log.read(&read).await.unwrap();
            for stored in &page.frames {
                assert_eq!(stored.sequence, expected_next, "places have no hole in an embedded log");
                assert_eq!(stored.damage, None);
                if let Some(text) = acknowledged.remove(&stored.sequence) {
                    assert_eq!(stored.frame.payload, text);
                }
                expected_next = stored.sequence.next();
            }
            if page.done {
                break;
            }
            read.from = expected_next;
        }
        assert!(acknowledged.is_empty(), "acknowledged frames are lost: {acknowledged:?}");
    }
}
