//! The messages that leave over a connection, and those that do not.

use std::sync::Arc;

use async_nats::Subject;
use bytes::Bytes;
use futures_util::StreamExt;

use super::super::error::Failure;
use super::super::inbox::Inbox;
use super::super::outbox::{Outbox, Outgoing};
use super::super::testing::Server;

fn message(token: u64, subject: impl Into<Subject>, n: u8) -> Outgoing {
    let payload = Bytes::from(vec![n]);
    Outgoing { token, subject: subject.into(), reply: "answers".into(), headers: None, payload }
}

#[tokio::test]
async fn messages_leave_in_order_and_only_for_present_receivers() {
    let server = Server::shared();
    let client = server.client("admin").await;
    let subject = format!("out.{}", uuid::Uuid::now_v7().simple());
    let mut heard = client.subscribe(subject.clone()).await.unwrap();
    let inbox = Arc::new(Inbox::default());
    let outbox = Outbox::new(client, inbox.clone(), 16);
    let (given_up, _) = inbox.one();
    let token = given_up.token();
    drop(given_up);
    let (entry, _answer) = inbox.one();
    for n in 0..200 {
        // Nobody waits for every second one.
        let token = if n % 2 == 0 { entry.token() } else { token };
        outbox.put(message(token, subject.clone(), n)).await.unwrap();
    }
    for n in (0..200).step_by(2) {
        assert_eq!(heard.next().await.unwrap().payload[..], [n]);
    }
}

#[tokio::test]
async fn an_unsendable_message_fails_at_once() {
    let server = Server::shared();
    let client = server.client("admin").await;
    let inbox = Arc::new(Inbox::default());
    let outbox = Outbox::new(client, inbox.clone(), 16);
    let (entry, answer) = inbox.one();
    outbox.put(message(entry.token(), "no subject", 0)).await.unwrap();
    assert!(matches!(answer.await.unwrap(), Err(Failure::Api { status: 400, .. })));
}
