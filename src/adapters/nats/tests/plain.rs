//! Publishers that know nothing of Runbus.

use bytes::Bytes;

use super::super::testing::Server;
use super::{connect, small};
use crate::id::{ExecutionId, StreamId};
use crate::log::{Author, Direction, Log, Read, Sequence, Signal};
use crate::subject::{Scope, Topic};

#[tokio::test]
async fn a_plain_message_is_somebody_elses() {
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
    let client = async_nats::connect(server.url()).await.unwrap();
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
    // What is published to the live subject was not stored and is not taken for a frame.
    client.publish(format!("{prefix}.live.ext.{shard}.s._.x"), Bytes::from_static(b"{}")).await.unwrap();
    client.flush().await.unwrap();
    assert!(log.read(&read).await.unwrap().frames.len() == 2);
}
