//! The conformance suite on one server and on a cluster; wipes, crashes, failovers, wrong configuration.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::testing::{Server, cluster, log_in};
use super::{Config, Mode, Redis};
use crate::config::{Secret, check};
use crate::store::{Applied, Error, Lease, Mark, Name, Store, conformance};

/// Longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(30);

fn config(server: &Server) -> Config {
    server.config()
}

fn name(id: &str) -> Name {
    Name { family: "execution", id: id.into() }
}

const fn step(from: u64, to: u64) -> Mark {
    Mark { epoch: 1, from: Some(from), to }
}

const fn whole(to: u64) -> Mark {
    Mark { epoch: 1, from: None, to }
}

async fn apply(store: &Redis, mark: Mark) -> Result<Applied, Error> {
    store.apply(&name("x"), mark, Bytes::from_static(b"doc"), None).await
}

/// Tries until it is ready; each failure in between must be one that may pass.
async fn until_ready(store: &Redis) {
    let start = Instant::now();
    while let Err(error) = store.ready().await {
        assert!(error.is_retryable(), "{error}");
        assert!(start.elapsed() < PATIENCE, "it does not come back: {error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Each case gets a prefix of its own on the same server.
async fn conforms(config: Config) {
    let count = AtomicU32::new(0);
    let make = async || {
        let prefix = format!("rb{}", count.fetch_add(1, Ordering::Relaxed));
        let store = Redis::new(&Config { prefix, ..config.clone() }).unwrap();
        Arc::new(store) as Arc<dyn Store>
    };
    conformance::run(make).await;
}

#[tokio::test]
async fn one_server_conforms() {
    let server = Server::start();
    conforms(config(&server)).await;
}

#[tokio::test]
async fn a_cluster_conforms() {
    let servers = tokio::task::spawn_blocking(|| cluster(3)).await.unwrap();
    let urls = servers.iter().map(Server::url).collect();
    conforms(Config { mode: Mode::Cluster, urls, ..log_in(Config::default()) }).await;
    for server in &servers {
        let keys: u64 = server.command(&["DBSIZE"]).unwrap();
        assert!(keys > 0, "no key on a node of the cluster");
    }
}

#[tokio::test]
async fn a_cluster_survives_the_crash_of_a_node() {
    let mut servers = tokio::task::spawn_blocking(|| cluster(3)).await.unwrap();
    let urls = servers.iter().map(Server::url).collect();
    let store = Redis::new(&Config { mode: Mode::Cluster, urls, ..log_in(Config::default()) }).unwrap();
    let names: Vec<Name> = (0..12).map(|n| name(&format!("{n}"))).collect();
    let write = async |name: &Name, to| store.apply(name, whole(to), Bytes::new(), None).await;
    for name in &names {
        assert_eq!(write(name, 1).await.unwrap(), Applied::Stored);
    }
    servers[0].kill();
    let mut failed = 0;
    for name in &names {
        match write(name, 2).await {
            Ok(applied) => assert_eq!(applied, Applied::Stored),
            Err(error) => {
                assert!(error.is_retryable(), "{error}");
                failed += 1;
            }
        }
    }
    assert!(failed > 0, "a third of all names was on the node that is away");
    servers[0].restart();
    let start = Instant::now();
    for name in &names {
        while let Err(error) = write(name, 3).await {
            assert!(error.is_retryable(), "{error}");
            assert!(start.elapsed() < PATIENCE, "it does not come back: {error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn after_a_wipe_a_whole_copy_is_asked_for() {
    let server = Server::start();
    let store = Redis::new(&config(&server)).unwrap();
    assert_eq!(apply(&store, step(0, 1)).await.unwrap(), Applied::Stored);
    assert_eq!(apply(&store, step(1, 2)).await.unwrap(), Applied::Stored);
    server.command::<()>(&["FLUSHALL"]).unwrap();
    server.command::<()>(&["SCRIPT", "FLUSH"]).unwrap();
    assert_eq!(apply(&store, step(2, 3)).await.unwrap(), Applied::Discontinuous);
    assert_eq!(store.get(&name("x")).await.unwrap(), None);
    assert_eq!(apply(&store, whole(3)).await.unwrap(), Applied::Stored);
    assert_eq!(apply(&store, step(3, 4)).await.unwrap(), Applied::Stored);
}

#[tokio::test]
async fn a_crash_in_between_is_survived() {
    let mut server = Server::start();
    let store = Redis::new(&config(&server)).unwrap();
    assert_eq!(apply(&store, whole(5)).await.unwrap(), Applied::Stored);
    server.kill();
    let error = apply(&store, step(5, 6)).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(store.ready().await.is_err());
    server.restart();
    until_ready(&store).await;
    // It had no persistence: the lost write shows as a discontinuity.
    assert_eq!(apply(&store, step(5, 6)).await.unwrap(), Applied::Discontinuous);
    assert_eq!(apply(&store, whole(6)).await.unwrap(), Applied::Stored);
}

#[tokio::test]
async fn a_lost_connection_is_not_even_noticed() {
    let server = Server::start();
    let store = Redis::new(&config(&server)).unwrap();
    assert_eq!(apply(&store, whole(1)).await.unwrap(), Applied::Stored);
    for version in 1..20 {
        let _: u64 = server.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).unwrap();
        assert_eq!(apply(&store, step(version, version + 1)).await.unwrap(), Applied::Stored);
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_waited_for_within_bounds() {
    let server = Server::start();
    let config = Config { response_timeout_ms: 2000, connect_timeout_ms: 100, ..config(&server) };
    let store = Redis::new(&config).unwrap();
    assert_eq!(apply(&store, whole(1)).await.unwrap(), Applied::Stored);
    server.pause();
    let start = Instant::now();
    let error = apply(&store, step(1, 2)).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    // It is not sent once more: nobody waits twice.
    assert!(start.elapsed() < Duration::from_millis(3900), "{:?}", start.elapsed());
    // The next one finds no connection and does not wait for the answer either.
    assert!(store.ready().await.unwrap_err().is_retryable());
    server.resume();
    until_ready(&store).await;
    // The first attempt may have been carried out after all.
    let again = apply(&store, step(1, 2)).await.unwrap();
    assert!(matches!(again, Applied::Stored | Applied::Already), "{again:?}");
}

#[tokio::test]
async fn a_server_that_comes_later_is_found() {
    let mut server = Server::start();
    server.kill();
    let store = Redis::new(&config(&server)).unwrap();
    let error = store.ready().await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    server.restart();
    until_ready(&store).await;
    assert_eq!(store.lease(&name("x"), "a", PATIENCE).await.unwrap(), Lease::Held);
}

#[tokio::test]
async fn a_replica_is_not_ready_until_it_is_the_primary() {
    let primary = Server::start();
    let replica = Server::start_with(&["--replicaof", "127.0.0.1", &primary.port().to_string()]);
    let store = Redis::new(&config(&replica)).unwrap();
    let error = store.ready().await.unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("read only replica"), "{error}");
    replica.command::<()>(&["REPLICAOF", "NO", "ONE"]).unwrap();
    until_ready(&store).await;
}

#[tokio::test]
async fn sentinel_leads_to_the_next_primary() {
    let mut primary = Server::start();
    let link = ["--replicaof", "127.0.0.1", &primary.port().to_string()];
    let replica = Server::start_with(&link);
    let start = Instant::now();
    let waits = |what: &str| {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    };
    while !replica.command::<String>(&["INFO", "replication"]).unwrap().contains("master_link_status:up") {
        waits("the replica does not follow");
    }
    let sentinel = Server::sentinel("main", &primary);
    while !sentinel.command::<String>(&["INFO", "sentinel"]).unwrap().contains("slaves=1") {
        waits("the sentinel does not see the replica");
    }
    let config = Config {
        mode: Mode::Sentinel,
        // The first one is away.
        urls: vec!["redis://127.0.0.1:1".into(), sentinel.url()],
        service: Some("main".into()),
        ..log_in(Config::default())
    };
    let store = Redis::new(&config).unwrap();
    store.ready().await.unwrap();
    assert_eq!(apply(&store, whole(1)).await.unwrap(), Applied::Stored);
    primary.kill();
    until_ready(&store).await;
    let role: (String, u64, redis::Value) = replica.command(&["ROLE"]).unwrap();
    assert_eq!(role.0, "master");
    // The write may or may not have reached the replica before; either way the answer is one that the caller knows.
    let again = apply(&store, whole(1)).await.unwrap();
    assert!(matches!(again, Applied::Stored | Applied::Already), "{again:?}");

    let unknown = Redis::new(&Config { service: Some("other".into()), ..config }).unwrap();
    assert!(unknown.ready().await.unwrap_err().is_retryable());
}

/// The shipped file on a real server: nothing beyond the store's commands and keys.
#[tokio::test]
async fn the_server_refuses_each_command_that_the_store_does_not_need() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.acl");
    // A test server is watched by the default user.
    let text = super::acl("rb").replace("user default off", "user default on nopass ~* &* +@all");
    let text = text.replace("${REDIS_ADMIN_PASSWORD}", "admin").replace("${REDIS_PASSWORD}", "runbus");
    std::fs::write(&file, text).unwrap();
    let server = Server::start_plain(&["--aclfile", file.to_str().unwrap()]);
    let store = Redis::new(&config(&server)).unwrap();
    store.ready().await.unwrap();
    assert_eq!(apply(&store, whole(1)).await.unwrap(), Applied::Stored);
    server.command::<()>(&["SET", "other", "secret"]).unwrap();
    let refused = |words: &[&str]| {
        let error = server.command_as::<redis::Value>("runbus", words).unwrap_err();
        // A script's refusal has no code of its own.
        let within = error.to_string().contains("executing the script can't");
        assert!(error.code() == Some("NOPERM") || within, "{words:?}: {error}");
    };
    refused(&["GET", "other"]);
    refused(&["EVAL", "return redis.call('GET', KEYS[1])", "1", "other"]);
    refused(&["EVAL", "return redis.call('GET', 'other')", "0"]);
    refused(&["EVAL", "return redis.call('FLUSHALL')", "0"]);
    for command in
        ["FLUSHALL", "FLUSHDB", "KEYS *", "SCAN 0", "CONFIG GET *", "ACL LIST", "SHUTDOWN", "MONITOR"]
    {
        refused(&command.split(' ').collect::<Vec<_>>());
    }
    refused(&["PUBLISH", "c", "m"]);
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let server = Server::start();
    server.command::<()>(&["ACL", "SETUSER", "bus", "on", ">right", "~*", "+@all"]).unwrap();
    let with = |password: &str| Config {
        user: Some("bus".into()),
        password: Some(Secret::new(password)),
        ..config(&server)
    };
    Redis::new(&with("right")).unwrap().ready().await.unwrap();
    let error = Redis::new(&with("wrong")).unwrap().ready().await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error}");
    assert!(!format!("{:?}", with("wrong")).contains("wrong"));
}

#[tokio::test]
async fn tls_at_a_server_without_it_is_an_error() {
    let server = Server::start();
    let config = Config { url: server.url().replace("redis:", "rediss:"), ..Config::default() };
    let error = Redis::new(&config).unwrap().ready().await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
}

#[tokio::test]
async fn somebody_elses_key_is_refused() {
    let server = Server::start();
    let store = Redis::new(&config(&server)).unwrap();
    server.command::<()>(&["SET", "rb:p:execution:{x}", "text"]).unwrap();
    assert!(matches!(apply(&store, whole(1)).await.unwrap_err(), Error::Refused(_)));
    assert!(matches!(store.get(&name("x")).await.unwrap_err(), Error::Refused(_)));
}

#[tokio::test]
async fn presence_leaves_nothing_behind() {
    let server = Server::start();
    let store = Redis::new(&config(&server)).unwrap();
    let short = Duration::from_millis(30);
    for member in ["a", "b"] {
        store.join(&name("x"), member, Bytes::from_static(b"d"), short).await.unwrap();
    }
    let start = Instant::now();
    while server.command::<u64>(&["DBSIZE"]).unwrap() > 0 {
        assert!(start.elapsed() < PATIENCE, "keys stay after their last member");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The rules of the port, in Rust.
fn expected(stands: Option<(u64, u64)>, mark: Mark) -> Applied {
    match stands {
        Some((epoch, _)) if mark.epoch < epoch => Applied::Stale,
        Some((epoch, version)) if mark.epoch == epoch && mark.to <= version => Applied::Already,
        _ if mark.from.is_some_and(|from| from != stands.map_or(0, |(_, version)| version)) => {
            Applied::Discontinuous
        }
        _ => Applied::Stored,
    }
}

#[test]
fn the_script_is_the_rules() {
    use proptest::prelude::*;
    let server = Server::start();
    let store = Redis::new(&config(&server)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let number =
        || prop_oneof![0..12_u64, Just(u64::MAX), Just(u64::MAX - 1), Just(1 << 53), Just((1 << 53) + 1)];
    let mark = (number(), proptest::option::of(number()), number());
    let marks = proptest::collection::vec(mark.prop_map(|(epoch, from, to)| Mark { epoch, from, to }), 1..30);
    let count = AtomicU32::new(0);
    proptest!(ProptestConfig::with_cases(100), |(marks in marks)| {
        let name = name(&count.fetch_add(1, Ordering::Relaxed).to_string());
        let mut stands = None;
        for mark in marks {
            let applied = runtime.block_on(store.apply(&name, mark, Bytes::new(), None)).unwrap();
            prop_assert_eq!(applied, expected(stands, mark), "{:?} at {:?}", mark, stands);
            if applied == Applied::Stored {
                stands = Some((mark.epoch, mark.to));
            }
            let found = runtime.block_on(store.get(&name)).unwrap().map(|found| (found.epoch, found.version));
            prop_assert_eq!(found, stands);
        }
    });
}

#[test]
fn contradictions_are_refused() {
    let base = Config::default;
    let many = || vec!["redis://a:1".to_owned()];
    assert_eq!(check(&base()), Ok(()));
    let cases = [
        ("url", Config { url: "http://a".into(), ..base() }),
        ("url", Config { url: "redis://u:geheim@a:1".into(), ..base() }),
        ("url", Config { url: "redis://a:1/3".into(), mode: Mode::Cluster, ..base() }),
        ("url", Config { url: "unix:///tmp/x".into(), mode: Mode::Cluster, ..base() }),
        ("urls", Config { urls: many(), ..base() }),
        ("service", Config { urls: many(), mode: Mode::Sentinel, ..base() }),
        ("service", Config { service: Some("x".into()), ..base() }),
        ("password", Config { user: Some("x".into()), ..base() }),
        ("prefix", Config { prefix: "a{b}".into(), ..base() }),
        ("prefix", Config { prefix: String::new(), ..base() }),
        ("response_timeout_ms", Config { response_timeout_ms: 500, ..base() }),
        ("keepalive_s", Config { keepalive_s: 0, ..base() }),
    ];
    for (key, config) in cases {
        let invalid = Redis::new(&config).map(|_| ()).unwrap_err();
        assert_eq!(invalid.key, key, "{invalid}");
        assert!(!invalid.to_string().contains("geheim"), "{invalid}");
    }
}
