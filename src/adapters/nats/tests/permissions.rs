//! The shipped accounts on a real server: each user may do what it needs, and the server refuses everything else.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::super::testing::{Server, log_in};
use super::super::{Config, Role, accounts};
use super::{PATIENCE, connect};

/// A server with the accounts file as it is shipped. Passwords are the users' names.
fn shipped(folder: &std::path::Path) -> Server {
    let mut text = accounts(&Config::default()).unwrap();
    for user in ["admin", "gateway", "worker", "publisher", "tap"] {
        text = text.replace(&format!("$NATS_{}_PASSWORD", user.to_ascii_uppercase()), user);
    }
    let file = folder.join("shipped.conf");
    std::fs::write(&file, text).unwrap();
    Server::start_with(&["-c", file.to_str().unwrap()])
}

/// A connection that speaks the protocol's text itself, so that every answer of the server is seen.
struct Raw {
    write: TcpStream,
    read: BufReader<TcpStream>,
}

impl Raw {
    fn connect(server: &Server, user: &str) -> Self {
        let write = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        write.set_read_timeout(Some(PATIENCE)).unwrap();
        let read = BufReader::new(write.try_clone().unwrap());
        let mut raw = Self { write, read };
        raw.send(&format!(r#"CONNECT {{"verbose":false,"headers":true,"user":"{user}","pass":"{user}"}}"#));
        assert!(raw.is_allowed(), "{user} may log in");
        raw
    }

    fn send(&mut self, line: &str) {
        self.write.write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }

    /// Whether the server took everything that was sent so far.
    fn is_allowed(&mut self) -> bool {
        self.send("PING");
        let mut allowed = true;
        loop {
            let mut line = String::new();
            assert!(self.read.read_line(&mut line).unwrap() > 0, "the server closed the connection");
            match line.split(' ').next().unwrap().trim() {
                "PONG" => return allowed,
                "PING" => self.send("PONG"),
                "-ERR" => {
                    assert!(line.contains("Permissions Violation"), "{line}");
                    allowed = false;
                }
                _ => {}
            }
        }
    }

    fn may_publish(&mut self, subject: &str) -> bool {
        self.send(&format!("PUB {subject} 2\r\n{{}}"));
        self.is_allowed()
    }

    fn may_subscribe(&mut self, subject: &str) -> bool {
        self.send(&format!("SUB {subject} 9"));
        let allowed = self.is_allowed();
        self.send("UNSUB 9");
        allowed
    }
}

/// Subjects, and the users who may publish there.
const PUBLISH: [(&str, &[&str]); 26] = [
    ("rb.ev.0.s.n.x", &["gateway", "worker"]),
    ("rb.ext.0.s.n.x", &["gateway", "worker", "publisher"]),
    // The mapping leads to `rb.ext`.
    ("rb.pub.s.n.x", &["gateway", "worker", "publisher"]),
    ("rb.in.0.x", &["gateway", "worker"]),
    ("rb.job.sessions", &["gateway", "worker"]),
    ("rb.se.0.x", &["worker"]),
    ("rb.se.1.runbus%2Fauth%2Frevocations", &["gateway", "worker"]),
    ("rb.check.i.n", &["gateway", "worker"]),
    ("rb.layout", &["gateway", "worker"]),
    ("rb.live.ev.0.s.n.x", &[]),
    ("rb.other", &[]),
    ("other.ev.0.s.n.x", &[]),
    ("$JS.API.STREAM.INFO.RB_EV_0", &["gateway", "worker"]),
    ("$JS.API.STREAM.CREATE.RB_EV_0", &["gateway", "worker"]),
    ("$JS.API.STREAM.CREATE.OTHER", &[]),
    ("$JS.API.STREAM.UPDATE.RB_EV_0", &[]),
    ("$JS.API.STREAM.DELETE.RB_EV_0", &[]),
    ("$JS.API.STREAM.PURGE.RB_SE_0", &[]),
    ("$JS.API.STREAM.PURGE.RB_CHECK", &["gateway", "worker"]),
    ("$JS.API.STREAM.MSG.DELETE.RB_EV_0", &[]),
    ("$JS.API.STREAM.MSG.GET.RB_SE_3", &["gateway", "worker"]),
    ("$JS.API.DIRECT.GET.RB_EV_3", &["gateway", "worker"]),
    ("$JS.API.DIRECT.GET.RB_EV_4", &[]),
    ("$JS.API.CONSUMER.CREATE.RB_EV_0", &[]),
    ("$JS.API.CONSUMER.DURABLE.CREATE.RB_JOB.sessions", &["worker"]),
    ("$JS.ACK.RB_JOB.sessions.1.1.1.1.0", &["worker"]),
];

/// Subjects, and the users who may subscribe to them.
const SUBSCRIBE: [(&str, &[&str]); 8] = [
    ("rb.live.>", &["gateway", "worker", "tap"]),
    ("rb.live.ev.*.council.>", &["gateway", "worker", "tap"]),
    ("_INBOX.>", &["publisher"]),
    ("rb.inbox.gateway.>", &["gateway"]),
    ("rb.inbox.worker.>", &["worker"]),
    ("rb.in.>", &[]),
    ("rb.se.>", &[]),
    (">", &[]),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_server_refuses_each_operation_that_a_user_does_not_need() {
    let folder = tempfile::tempdir().unwrap();
    let server = shipped(folder.path());
    // Both kinds of processes set the broker up by themselves.
    for role in [Role::Worker, Role::Gateway] {
        drop(connect(log_in(Config { prefix: "rb".into(), ..server.config() }, role)).await);
    }
    for user in ["gateway", "worker", "publisher", "tap"] {
        let mut raw = Raw::connect(&server, user);
        for (subject, users) in PUBLISH {
            assert_eq!(raw.may_publish(subject), users.contains(&user), "{user} publishes to {subject}");
        }
        for (subject, users) in SUBSCRIBE {
            assert_eq!(raw.may_subscribe(subject), users.contains(&user), "{user} subscribes to {subject}");
        }
    }
}

#[tokio::test]
async fn nobody_enters_without_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let server = shipped(folder.path());
    assert!(async_nats::connect(server.url()).await.is_err());
}

/// The broker sends the acknowledgement of a message wherever its publisher asks, and looks at no permission for that.
#[tokio::test(flavor = "multi_thread")]
async fn acknowledgements_reach_publishers_and_no_subject_of_runbus() {
    let folder = tempfile::tempdir().unwrap();
    let server = shipped(folder.path());
    let _worker = connect(log_in(Config { prefix: "rb".into(), ..server.config() }, Role::Worker)).await;
    let admin = server.client("admin").await;
    let last = async |stream: &str| {
        let answer = admin.request(format!("$JS.API.STREAM.INFO.{stream}"), "".into()).await.unwrap();
        let info: serde_json::Value = crate::json::from_slice(&answer.payload).unwrap();
        info["state"]["last_seq"].as_u64().unwrap()
    };
    // `_` is in shard 2, and so are the messages of this test.
    let replies = [
        ("rb.se.0.x", "RB_SE_0"),
        ("rb.in.0.x", "RB_IN_0"),
        ("rb.ev.0.s._.x", "RB_EV_0"),
        ("rb.job.sessions", "RB_JOB"),
        ("rb.job.timers", "RB_JOB"),
        ("rb.layout", "RB_LAYOUT"),
    ];
    let mut before = Vec::new();
    for (_, stream) in replies {
        before.push(last(stream).await);
    }
    let publisher = server.client("publisher").await;
    for subject in ["rb.pub.s._._", "rb.ext.2.s._._"] {
        for (reply, _) in replies {
            publisher.publish_with_reply(subject, reply, "{}".into()).await.unwrap();
        }
        // A publisher that asks for its acknowledgement gets it, and behind it are those of the messages before.
        for is_duplicate in [false, true] {
            let mut headers = async_nats::HeaderMap::new();
            headers.insert("Nats-Msg-Id", subject);
            let answer = publisher.request_with_headers(subject, headers, "{}".into()).await.unwrap();
            let answer: serde_json::Value = crate::json::from_slice(&answer.payload).unwrap();
            assert_eq!(answer["stream"], "RB_EV_2", "{answer}");
            assert_eq!(answer["duplicate"].as_bool().unwrap_or_default(), is_duplicate, "{answer}");
        }
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    for ((reply, stream), before) in replies.into_iter().zip(before) {
        assert_eq!(last(stream).await, before, "nothing arrives on {reply}");
    }
}
