//! Set-up: servers that will not do, streams that are not as configured.

use std::net::Ipv4Addr;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::super::testing::Server;
use super::super::{Config, ConnectError, Nats, SetupError, Shards};
use super::{connect, small, until_refused};
use crate::id::{EventId, SessionId};
use crate::log::{AppendError, Expect, Frame, Log, ReadError};
use crate::subject::Topic;

/// A server that greets with an old version and knows PING and echoes, as the round trip wants.
async fn old_server(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let (read, mut write) = stream.into_split();
            let info = r#"{"server_id":"x","version":"2.9.10","max_payload":1048576,"headers":true,"jetstream":true}"#;
            write.write_all(format!("INFO {info}\r\n").as_bytes()).await.unwrap();
            let mut lines = BufReader::new(read).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let words: Vec<&str> = line.split(' ').collect();
                let answer = match words[..] {
                    ["PING"] => "PONG\r\n".to_owned(),
                    ["PUB", subject, _, "0"] => format!("MSG {subject} 1 0\r\n\r\n"),
                    _ => continue,
                };
                if write.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
    }
}

#[tokio::test]
async fn an_old_server_is_refused() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = format!("nats://{}", listener.local_addr().unwrap());
    tokio::spawn(old_server(listener));
    let nats = Nats::connect(Config { servers: vec![address], ..Config::default() }).await.unwrap();
    let error = until_refused(&nats).await;
    assert!(matches!(&error, SetupError::Version { found, .. } if found == "2.9.10"), "{error}");
    assert!(error.to_string().contains("2.9.10") && error.to_string().contains("2.11"), "{error}");
    let topic = Topic::Inbox(SessionId::new("x").unwrap());
    let outcome =
        nats.log().append(&topic, &Frame::open(&[]), Expect::Open(EventId::generate())).await.unwrap_err();
    assert!(matches!(outcome, AppendError::Refused(_)), "it will not pass: {outcome:?}");
    assert!(matches!(nats.log().ready().await, Err(ReadError::Refused(_))));
}

#[tokio::test]
async fn a_stream_that_differs_is_refused_and_left_alone() {
    let server = Server::shared();
    let config = small(server.config());
    drop(connect(config.clone()).await);
    // The same configuration again is no drift.
    drop(connect(config.clone()).await);
    // A stream with other bounds can be used.
    drop(connect(Config { max_age_hours: Some(5), max_bytes_mib: Some(64), ..config.clone() }).await);
    let changed = Config { duplicate_window_s: 90, max_age_hours: Some(5), ..config.clone() };
    let nats = Nats::connect(changed).await.unwrap();
    let SetupError::Drift(drift) = until_refused(&nats).await else { panic!("expected drift") };
    assert!(drift.stream.ends_with("_EV_0"), "{drift}");
    let fields: Vec<_> = drift.differences.iter().map(|d| (d.field.as_str(), d.found.as_str())).collect();
    assert_eq!(fields, [("duplicate_window", "120000000000"), ("max_age", "0")], "{drift}");
    drop(nats);
    connect(config.clone()).await;
    // A further generation adds streams and changes none.
    connect(Config { shards: Shards::Generations(vec![1, 2, 1]), ..config }).await;
}

#[tokio::test]
async fn no_jetstream_is_said() {
    // A server of the shared kind cannot be without it: an account without JetStream is the same.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("accounts.conf");
    std::fs::write(&file, "accounts { A { users: [{user: u, password: p}] } }\n").unwrap();
    let server = Server::start_with(&["-c", file.to_str().unwrap()]);
    let login =
        Config { user: Some("u".into()), password: Some(crate::config::Secret::new("p")), ..server.config() };
    let nats = Nats::connect(login).await.unwrap();
    let error = until_refused(&nats).await;
    assert!(matches!(error, SetupError::NoJetStream), "{error}");
}

/// An account that gives a stream few consumers, and none without a limit in bytes.
#[tokio::test]
async fn streams_fit_an_account_with_limits() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("accounts.conf");
    let limits = "jetstream: {max_file: 4GB, max_mem: 1MB, max_consumers: 20, max_bytes_required: true}";
    std::fs::write(&file, format!("accounts {{ A {{ {limits}, users: [{{user: u, password: p}}] }} }}"))
        .unwrap();
    let server = Server::start_with(&["-c", file.to_str().unwrap()]);
    let password = folder.path().join("password");
    std::fs::write(&password, "p\n").unwrap();
    let config = Config {
        user: Some("u".into()),
        password: None,
        password_file: Some(password),
        ..small(server.config())
    };
    let nats = Nats::connect(config.clone()).await.unwrap();
    let error = until_refused(&nats).await.to_string();
    assert!(error.contains("nats.state_max_bytes_mib") && error.contains("max_bytes"), "{error}");
    drop(nats);
    let bounded = Config { max_bytes_mib: Some(64), state_max_bytes_mib: Some(64), ..config };
    connect(bounded).await;
}

/// A user who may do nothing: the error blames the permission, soon, and not the broker.
#[tokio::test]
async fn a_refused_permission_is_blamed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.conf");
    let users = r#"authorization { users: [
        {user: few, password: p, permissions: {publish: {deny: "$JS.API.STREAM.CREATE.>"}}}
    ] }"#;
    std::fs::write(&file, users).unwrap();
    let server = Server::start_with(&["-c", file.to_str().unwrap()]);
    let login = Config {
        user: Some("few".into()),
        password: Some(crate::config::Secret::new("p")),
        request_timeout_ms: 1000,
        ..server.config()
    };
    let nats = Nats::connect(login).await.unwrap();
    // Creating is given more time than an answer.
    let error = until_refused(&nats).await.to_string();
    assert!(error.contains("lacks a permission") && error.contains("$JS.API.STREAM.CREATE."), "{error}");
}

/// The key of a user in a file, as operators give it.
#[tokio::test]
async fn an_nkey_lets_in() {
    let folder = tempfile::tempdir().unwrap();
    let pair = nkeys::KeyPair::new_user();
    let seed = folder.path().join("user.nk");
    std::fs::write(&seed, pair.seed().unwrap()).unwrap();
    let file = folder.path().join("users.conf");
    std::fs::write(&file, format!("authorization {{ users: [{{nkey: {}}}] }}", pair.public_key())).unwrap();
    let server = Server::start_with(&["-c", file.to_str().unwrap()]);
    let nobody = Config { user: None, password: None, ..small(server.config()) };
    connect(Config { nkey_file: Some(seed.clone()), ..nobody.clone() }).await;
    std::fs::write(&seed, nkeys::KeyPair::new_user().seed().unwrap()).unwrap();
    let stranger = Config { nkey_file: Some(seed), request_timeout_ms: 500, ..nobody };
    let found = super::super::examine(&stranger).await.unwrap();
    let said = found[0].outcome.as_ref().unwrap_err();
    assert!(said.contains("authorization violation"), "{said}");
}

#[tokio::test]
async fn wrong_configuration_is_an_error_at_once() {
    let wrong = Config { replicas: 4, ..Config::default() };
    let error = Nats::connect(wrong).await.unwrap_err();
    assert!(matches!(&error, ConnectError::Invalid(invalid) if invalid.key == "replicas"), "{error}");
    assert_eq!(error.to_string(), "nats.replicas = 4: expected 1, 3 or 5");
    let missing = Config { credentials_file: Some("/nowhere/at.all".into()), ..Config::default() };
    assert!(matches!(Nats::connect(missing).await, Err(ConnectError::Credentials { .. })));
}

/// Streams of earlier versions: one subject for all events. Their messages stay readable, and external events get a subject of
/// their own. A process without the permission to alter them gets an error.
#[tokio::test]
async fn streams_of_earlier_versions_are_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.conf");
    let users = r#"authorization { users: [
        {user: all, password: p}
        {user: few, password: p, permissions: {publish: {allow: ">", deny: "$JS.API.STREAM.UPDATE.>"}}}
    ] }"#;
    std::fs::write(&file, users).unwrap();
    let server = Server::start_with(&["-c", file.to_str().unwrap()]);
    let as_user = |name: &str, config: &Config| Config {
        user: Some(name.into()),
        password: Some(crate::config::Secret::new("p")),
        ..config.clone()
    };
    let config = Config { request_timeout_ms: 1000, ..server.config() };
    let prefix = config.prefix.clone();
    let topic = Topic::Events {
        stream: crate::id::StreamId::new("s").unwrap(),
        node: None,
        execution: Some(crate::id::ExecutionId::new("x").unwrap()),
    };
    let key = topic.key().unwrap();
    let client = async_nats::ConnectOptions::with_user_and_password("all".into(), "p".into());
    let client = async_nats::jetstream::new(client.connect(server.url()).await.unwrap());
    let old = |name: &str, subject: String| async_nats::jetstream::stream::Config {
        name: name.into(),
        subjects: vec![subject],
        republish: Some(async_nats::jetstream::stream::Republish {
            source: format!("{prefix}.ev.0.>"),
            destination: format!("{prefix}.live.ev.0.>"),
            headers_only: false,
        }),
        max_consumers: 10_000,
        max_message_size: 1024 * 1024,
        duplicate_window: std::time::Duration::from_secs(120),
        allow_direct: true,
        deny_delete: true,
        deny_purge: true,
        ..Default::default()
    };
    let config = Config { shards: Shards::Generations(vec![1]), ..config };
    let stream = format!("{}_EV_0", prefix.to_uppercase());
    client.create_stream(old(&stream, format!("{prefix}.ev.0.*.*.*"))).await.unwrap();
    let shard = crate::subject::Shard(0);
    let subject = topic.subject(&prefix, shard);
    let payload = bytes::Bytes::from_static(b"{\"old\":1}");
    let frame = Frame::owned(1, 0, 0, std::slice::from_ref(&payload));
    let mut headers = async_nats::HeaderMap::new();
    for (name, value) in frame.headers() {
        headers.insert(name, value);
    }
    headers.insert("Nats-Expected-Last-Subject-Sequence", "0");
    headers.insert("Nats-Expected-Last-Subject-Sequence-Subject", format!("{prefix}.ev.0.s.*.x"));
    client.publish_with_headers(subject.clone(), headers, payload.clone()).await.unwrap().await.unwrap();
    client.publish(subject, payload).await.unwrap().await.unwrap();

    let nats = Nats::connect(as_user("few", &config)).await.unwrap();
    let error = until_refused(&nats).await;
    let SetupError::Drift(drift) = &error else { panic!("expected drift, was {error}") };
    let fields: Vec<_> = drift.differences.iter().map(|d| d.field.as_str()).collect();
    assert_eq!(fields, ["republish", "subjects"], "{drift}");
    let text = error.to_string();
    assert!(text.contains("runbus setup") && text.contains("$JS.API.STREAM.UPDATE."), "{text}");
    drop(nats);

    let log = connect(as_user("all", &config)).await.log();
    let mut tail = log.tail(&crate::subject::Scope::EVERYTHING).await.unwrap();
    let external = Frame::external(&[bytes::Bytes::from_static(b"{\"new\":1}")]);
    log.append(&topic, &external, Expect::Open(EventId::generate())).await.unwrap();
    let last = log.last(&key).await.unwrap().unwrap();
    let next = Frame::owned(1, 1, 0, &[bytes::Bytes::from_static(b"{\"new\":2}")]);
    log.append(&topic, &next, Expect::Last(Some(last.sequence))).await.unwrap();
    let read = crate::log::Read {
        scope: crate::subject::Scope::from(&key),
        shard,
        from: crate::log::Sequence(0),
        direction: crate::log::Direction::Forward,
        max_frames: 10,
        max_bytes: 10_000,
    };
    let frames = log.read(&read).await.unwrap().frames;
    let epochs: Vec<_> = frames.iter().map(|stored| stored.frame.epoch()).collect();
    assert_eq!(epochs, [Some(1), None, None, Some(1)], "old and new, in order");
    assert!(frames.iter().all(|stored| stored.damage.is_none() && stored.topic == topic));
    assert!(frames[1].frame.author.is_external() && frames[2].frame.author.is_external());
    for wanted in &frames[2..] {
        match tail.next().await {
            Some(crate::log::Signal::Frame(found)) => assert_eq!(found.sequence, wanted.sequence),
            other => panic!("the live feed has both kinds, was {other:?}"),
        }
    }
    // One process suffices: a user that cannot alter streams can work now.
    connect(as_user("few", &config)).await;
}
