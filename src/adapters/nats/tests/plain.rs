//! Publishers that know nothing of Runbus.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::super::testing::Server;
use super::{PATIENCE, connect, small};
use crate::id::{EventId, ExecutionId, SessionId, StreamId};
use crate::log::{Author, Direction, Expect, Frame, Log, Read, Sequence, Signal};
use crate::subject::{Scope, Topic};

#[tokio::test]
async fn a_plain_message_is_external() {
    let server = Server::shared();
    let config = small(server.config());
    let prefix = config.prefix.clone();
    let log = connect(config).await.log();
    let topic = Topic::Events {
        stream: StreamId::new("chat").unwrap(),
        node: None,
        execution: Some(ExecutionId::new("run 1").unwrap()),
    };
    let shard = log.layout().home(&topic.shard_token());
    let mut tail = log.tail(&Scope::EVERYTHING).await.unwrap();
    let client = server.client("admin").await;
    let subject = topic.external_subject(&prefix, shard).unwrap();
    assert_eq!(subject, format!("{prefix}.ext.{shard}.chat._.run%201"));
    let stream = async_nats::jetstream::new(client.clone());
    let ack =
        stream.publish(subject, Bytes::from_static(b"{\"a\":1}\n{\"a\":2}")).await.unwrap().await.unwrap();
    // No canonical token, no JSON: still readable.
    let odd = format!("{prefix}.ext.{shard}.100%.n.x");
    stream.publish(odd, Bytes::from_static(b"\xff")).await.unwrap().await.unwrap();

    let read = Read {
        scope: Scope::EVERYTHING,
        shard,
        from: Sequence(0),
        direction: Direction::Forward,
        max_frames: 10,
        max_bytes: 1000,
    };
    let page = log.read(&read).await.unwrap();
    let [plain, odd] = &page.frames[..] else { panic!("two frames: {page:?}") };
    assert_eq!((&plain.topic, plain.sequence), (&topic, Sequence(ack.sequence)));
    assert_eq!((plain.frame.author, plain.frame.count, plain.prev), (Author::External, 2, None));
    assert_eq!((odd.frame.payload.as_ref(), &odd.damage), (&b"\xff"[..], &None));
    for expected in [plain, odd] {
        match tail.next().await {
            Some(Signal::Frame(found)) => assert_eq!(&*found, expected),
            other => panic!("the live feed has it too, was {other:?}"),
        }
    }
    // A message published to the live subject is not stored and is not taken for a frame.
    client.publish(format!("{prefix}.live.ext.{shard}.s._.x"), Bytes::from_static(b"{}")).await.unwrap();
    client.flush().await.unwrap();
    assert!(log.read(&read).await.unwrap().frames.len() == 2);
}

/// A publisher that may publish where anybody may, and writes whatever headers it likes: it becomes no owner, and takes no message of
/// Runbus's away.
#[tokio::test]
async fn headers_do_not_make_an_owner() {
    let server = Server::shared();
    let config = small(server.config());
    let prefix = config.prefix.clone();
    let log = connect(config).await.log();
    let topic = Topic::Events {
        stream: StreamId::new("theirs").unwrap(),
        node: None,
        execution: Some(ExecutionId::new("run").unwrap()),
    };
    let shard = log.layout().home(&topic.shard_token());
    let subject = topic.external_subject(&prefix, shard).unwrap();
    let client = async_nats::jetstream::new(server.client("admin").await);
    let owned = Frame::owned(1, 0, 0, &[Bytes::from_static(b"{}")]);
    let first = log.append(&topic, &owned, Expect::Last(None)).await.unwrap();
    // The id that Runbus gives its next message.
    let id = EventId::generate();
    let message_id = format!("{id}-{:08x}", crc32fast::hash(topic.subject(&prefix, shard).as_bytes()));
    let forged = [(u64::MAX, u64::MAX), (1 << 63, 0), (2, 1)];
    for (epoch, index) in forged {
        let mut headers = async_nats::HeaderMap::new();
        let crc = crc32fast::hash(b"{}");
        let header = format!("v=1, count=1, crc32={crc:08x}, epoch={epoch}, index={index}, journal=9");
        headers.insert("Rb-Frame", header);
        headers.insert("Nats-Msg-Id", if epoch == 2 { message_id.clone() } else { epoch.to_string() });
        let sent = client.publish_with_headers(subject.clone(), headers, Bytes::from_static(b"{}")).await;
        sent.unwrap().await.unwrap();
    }
    let next = Frame::owned(1, 1, 1, &[Bytes::from_static(b"{}")]);
    let next = log.append(&topic, &next, Expect::Own(Some(first))).await.expect("the owner is not fenced");
    let open = Frame::open(&[Bytes::from_static(b"{\"said\":1}")]);
    let said = log.append(&topic, &open, Expect::Open(id)).await.unwrap();
    assert!(said > next, "the message with the forged id is not taken for Runbus's");
    let read = Read {
        scope: Scope::from(&topic.key().unwrap()),
        shard,
        from: Sequence(0),
        direction: Direction::Forward,
        max_frames: 10,
        max_bytes: 1000,
    };
    let frames = log.read(&read).await.unwrap().frames;
    let authors: Vec<_> = frames.iter().map(|stored| stored.frame.author).collect();
    assert!(matches!(authors[0], Author::Owner { epoch: 1, index: 0, .. }), "{authors:?}");
    assert_eq!(authors[1..4], [Author::External; 3]);
    assert!(matches!(authors[4], Author::Owner { epoch: 1, index: 1, .. }), "{authors:?}");
    assert_eq!(authors[5], Author::Open);
}

/// Whichever way an event comes in, the broker knows it again.
#[tokio::test]
async fn the_same_event_over_the_library_and_over_plain_nats_is_stored_once() {
    let server = Server::shared();
    let config = small(server.config());
    let prefix = config.prefix.clone();
    let log = connect(config).await.log();
    let topic = |stream: &str| Topic::Events {
        stream: StreamId::new(stream).unwrap(),
        node: None,
        execution: Some(ExecutionId::new("run").unwrap()),
    };
    let shard = log.layout().home(&topic("a").shard_token());
    let client = async_nats::jetstream::new(server.client("admin").await);
    let line = Bytes::from_static(b"{\"a\":1}");
    let plain = async |stream: &str, id: Option<EventId>| {
        let mut headers = async_nats::HeaderMap::new();
        if let Some(id) = id {
            headers.insert("Nats-Msg-Id", id.to_string());
        }
        let subject = topic(stream).external_subject(&prefix, shard).unwrap();
        let ack = client.publish_with_headers(subject, headers, line.clone()).await.unwrap().await.unwrap();
        (Sequence(ack.sequence), ack.duplicate)
    };
    let own = async |stream: &str, id: EventId| {
        log.append(&topic(stream), &Frame::external(std::slice::from_ref(&line)), Expect::Open(id))
            .await
            .unwrap()
    };
    let (first, second) = (EventId::generate(), EventId::generate());
    let stored = own("a", first).await;
    assert_eq!(plain("a", Some(first)).await, (stored, true), "library, then plain");
    let (stored, _) = plain("a", Some(second)).await;
    assert_eq!(own("a", second).await, stored, "plain, then library");
    // Another topic is another event, as often as it is repeated.
    let beside = own("b", second).await;
    assert_ne!(beside, stored);
    assert_eq!(own("b", second).await, beside);
    // Without the header the broker cannot know.
    assert!(!plain("a", None).await.1 && !plain("a", None).await.1);
}

/// Publishers in Runbus's own account can have the broker's answers written where the layout is recorded.
#[tokio::test]
async fn an_answer_of_the_broker_is_no_record_of_the_layout() {
    let server = Server::shared();
    let config = small(server.config());
    let (subject, verb) = (
        format!("{}.ext.0.s._._", config.prefix),
        format!("$JS.API.STREAM.MSG.GET.{}_LAYOUT", config.prefix.to_uppercase()),
    );
    let record = format!("{}.layout", config.prefix);
    let running = connect(config.clone()).await;
    let admin = server.client("admin").await;
    let last = async || {
        let body = serde_json::json!({ "last_by_subj": record }).to_string();
        let answer = admin.request(verb.clone(), body.into()).await.unwrap();
        let answer: serde_json::Value = crate::json::from_slice(&answer.payload).unwrap();
        answer["message"].clone()
    };
    let first = last().await;
    for _ in 0..3 {
        admin.publish_with_reply(subject.clone(), record.clone(), "{}".into()).await.unwrap();
    }
    // A process that starts finds the record before them, and one that runs writes it again.
    connect(config.clone()).await;
    let begun = Instant::now();
    let mut again = last().await;
    while again["seq"].as_u64() <= Some(4) || again["data"] != first["data"] {
        assert!(begun.elapsed() < PATIENCE, "the record is not written again: {again}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        again = last().await;
    }
    running.log().ready().await.unwrap();
    connect(config).await;
}

/// The same in a journal and an inbox: they are nobody's entries and commands.
#[tokio::test]
async fn an_answer_of_the_broker_in_a_session_is_external() {
    let server = Server::shared();
    let config = small(server.config());
    let prefix = config.prefix.clone();
    let log = connect(config).await.log();
    let admin = server.client("admin").await;
    let session = SessionId::new("x").unwrap();
    for topic in [Topic::Journal(session.clone()), Topic::Inbox(session)] {
        let shard = log.layout().home(&topic.shard_token());
        let reply = topic.subject(&prefix, shard);
        admin.publish_with_reply(format!("{prefix}.ext.0.s._._"), reply, "{}".into()).await.unwrap();
        let begun = Instant::now();
        let stored = loop {
            if let Some(stored) = log.last(&topic.key().unwrap()).await.unwrap() {
                break stored;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not arrive");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!((stored.frame.author, stored.damage), (Author::External, None), "{topic:?}");
    }
}
