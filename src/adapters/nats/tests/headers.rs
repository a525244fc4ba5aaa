//! Headers that publishers write: whatever their bytes, they take no place, no author and no connection.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Instant;

use bytes::Bytes;

use super::super::error::Failure;
use super::super::publish::Link;
use super::super::testing::Server;
use super::{PATIENCE, connect, small};
use crate::id::{ExecutionId, StreamId};
use crate::log::{Author, Direction, Expect, Frame, Log, Read, Sequence, Signal};
use crate::subject::{Scope, Topic};

/// Header blocks that no client library writes.
const MALFORMED: [&[u8]; 22] = [
    b"NATS/1.0\r\nno colon\r\n\r\n",
    b"NATS/1.0\r\n: no name\r\n\r\n",
    b"NATS/1.0\r\nwith space: x\r\n\r\n",
    b"NATS/1.0\r\nn\xc3\xa4me: x\r\n\r\n",
    b"NATS/1.0\r\nbroken: \xff\xfe\r\n\r\n",
    b"NATS/1.0\r\n\xff: x\r\n\r\n",
    b"NATS/1.0\r\n folded: x\r\n\r\n",
    b"NATS/1.0\r\na: 1\r\n\tgoes on\r\n\r\n",
    b"NATS/1.0\r\na: 1\nb: 2\n\n\r\n",
    b"NATS/1.0\r\nNats-Subject\r\n\r\n",
    b"NATS/1.0\r\nends without a line",
    b"NATS/1.0\r\n",
    b"NATS/2.0\r\na: 1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\na: 1\r\n\r\n",
    b"xxxx",
    b"\xff\xff\xff\xff",
    b"\r\n\r\n",
    b"NATS/1.0 404 Message Not Found\r\n\r\n",
    b"NATS/1.0 204 EOB\r\nNats-Num-Pending: 0\r\n\r\n",
    b"NATS/1.0 503\r\n\r\n",
    b"NATS/1.0 99999 x\r\n\r\n",
    b"NATS/1.0 one two\r\n\r\n",
];

/// Header blocks with what the broker alone may tell; `{subject}` is a subject of owners.
const FORGED: [&str; 9] = [
    "Nats-Subject: {subject}",
    "Nats-Subject: {subject}\r\nRb-Frame: v=1, count=1, crc32={crc}, epoch=9, index=0, journal=0",
    "Nats-Sequence: 1",
    "Nats-Sequence: 18446744073709551615",
    "Nats-Sequence: x",
    "Nats-Last-Sequence: 7",
    "Nats-Time-Stamp: yesterday",
    "Nats-Stream: OTHER",
    "Nats-Num-Pending: 0\r\nNats-UpTo-Sequence: 1",
];

/// Publishes with such headers, over the protocol's text.
fn publish(server: &Server, subject: &str, blocks: &[Vec<u8>]) {
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let login = r#"CONNECT {"verbose":false,"headers":true,"user":"admin","pass":"admin"}"#;
    socket.write_all(format!("{login}\r\n").as_bytes()).unwrap();
    for block in blocks {
        socket
            .write_all(format!("HPUB {subject} {} {}\r\n", block.len(), block.len() + 2).as_bytes())
            .unwrap();
        socket.write_all(&[block, &b"{}\r\n"[..]].concat()).unwrap();
    }
    socket.write_all(b"PING\r\n").unwrap();
    let lines = BufReader::new(socket).lines().map(Result::unwrap);
    let said: Vec<String> = lines.take_while(|line| line != "PONG").collect();
    assert!(said.iter().all(|line| line.starts_with("INFO")), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_publishers_hide_nothing_and_forge_nothing() {
    let server = Server::shared();
    let config = small(server.config());
    let prefix = config.prefix.clone();
    let nats = connect(config).await;
    let log = nats.log();
    let topic = Topic::Events {
        stream: StreamId::new("theirs").unwrap(),
        node: None,
        execution: Some(ExecutionId::new("run").unwrap()),
    };
    let shard = log.layout().home(&topic.shard_token());
    let mut tail = log.tail(&Scope::EVERYTHING).await.unwrap();
    let own = |index| Frame::owned(1, index, 0, &[Bytes::from_static(b"{}")]);
    let first = log.append(&topic, &own(0), Expect::Last(None)).await.unwrap();

    let owned = topic.subject(&prefix, shard);
    let crc = format!("{:08x}", crc32fast::hash(b"{}"));
    let forged = FORGED.map(|lines| {
        let lines = lines.replace("{subject}", &owned).replace("{crc}", &crc);
        format!("NATS/1.0\r\n{lines}\r\n\r\n").into_bytes()
    });
    let blocks: Vec<Vec<u8>> = MALFORMED.iter().map(|block| block.to_vec()).chain(forged).collect();
    publish(&server, &topic.external_subject(&prefix, shard).unwrap(), &blocks);

    let read = |scope: Scope, direction| Read {
        scope,
        shard,
        from: if direction == Direction::Forward { Sequence(0) } else { Sequence(u64::MAX) },
        direction,
        max_frames: 100,
        max_bytes: 100_000,
    };
    let one = || Scope::from(&topic.key().unwrap());
    let start = Instant::now();
    let frames = loop {
        let frames = log.read(&read(one(), Direction::Forward)).await.unwrap().frames;
        if frames.len() > blocks.len() {
            break frames;
        }
        assert!(start.elapsed() < PATIENCE, "{} of {} messages are there", frames.len(), blocks.len() + 1);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    let next = log.append(&topic, &own(1), Expect::Own(Some(first))).await.expect("the owner is not fenced");
    assert_eq!(frames.len(), 1 + blocks.len());
    for stored in &frames[1..] {
        assert_eq!((&stored.topic, stored.frame.author), (&topic, Author::External), "{stored:?}");
        assert!(first < stored.sequence && stored.sequence < next, "{stored:?}");
    }
    for scope in [one(), Scope::EVERYTHING] {
        for direction in [Direction::Forward, Direction::Backward] {
            let found = log.read(&read(scope.clone(), direction)).await.unwrap().frames;
            assert_eq!(found.len(), frames.len() + 1, "{scope:?} {direction:?}");
        }
    }
    // The live feed has them all, each where the log has it, and no connection was lost.
    for expected in &frames {
        match tail.next().await {
            Some(Signal::Frame(found)) => assert_eq!(&*found, expected),
            other => panic!("the live feed has it too, was {other:?}"),
        }
    }
}

/// From 2.15 on nats-server puts the subject of the request into the status that says so.
#[tokio::test]
async fn a_request_that_nobody_answers_fails_at_once() {
    let server = Server::shared();
    let config = server.config();
    let link = Link::open(&config, 0).await.unwrap();
    // No stream of this prefix is made.
    let subject = format!("{}.ext.0.s._._", config.prefix);
    let failure = link.request(subject, None, Bytes::new()).await.unwrap_err();
    assert!(matches!(failure, Failure::NoResponders), "{failure}");
}
