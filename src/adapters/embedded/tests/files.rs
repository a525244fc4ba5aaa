//! Files: made for their owner alone, opened again, opened twice, refused.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, StatementStatus};

use super::{config, open, reopen};
use crate::adapters::embedded::schema::{Role, connect};
use crate::adapters::embedded::{Config, Embedded, OpenError};
use crate::id::{EventId, ExecutionId, StreamId};
use crate::log::{Damage, Expect, Frame, Log, Signal};
use crate::subject::{Key, Lane, Scope, Shard, Topic};
use crate::time::Clock;

/// How long a test waits for something that must come.
const PATIENCE: Duration = Duration::from_secs(20);

fn topic(execution: &str) -> Topic {
    Topic::Events {
        stream: StreamId::new("s").unwrap(),
        node: None,
        execution: Some(ExecutionId::new(execution).unwrap()),
    }
}

fn key(execution: &str) -> Key {
    topic(execution).key().unwrap()
}

fn frame(text: &str) -> Frame {
    Frame::open(&[Bytes::from(format!("{{\"text\":\"{text}\"}}"))])
}

fn refusal(config: &Config) -> OpenError {
    Embedded::open(config, Clock::System).map(drop).unwrap_err()
}

#[tokio::test]
async fn stored_frames_survive_a_reopen() {
    let (first, folder) = open();
    let id = EventId::generate();
    let place = first.log.append(&topic("x"), &frame("a"), Expect::Open(id)).await.unwrap();
    let before = first.log.bounds(Lane::Events, Shard(0)).await.unwrap();
    drop(first);
    let second = reopen(&folder);
    assert_eq!(second.log.bounds(Lane::Events, Shard(0)).await.unwrap(), before, "also the incarnation");
    assert_eq!(second.log.append(&topic("x"), &frame("a"), Expect::Open(id)).await.unwrap(), place);
    let (other, _folder) = open();
    assert_ne!(other.log.bounds(Lane::Events, Shard(0)).await.unwrap().epoch, before.epoch);
}

#[tokio::test]
async fn two_handles_of_one_file_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    // Opened at the same time, as two processes may.
    let open = || {
        let config = config(&folder);
        tokio::task::spawn_blocking(move || Embedded::open(&config, Clock::System).unwrap())
    };
    let (a, b) = tokio::join!(open(), open());
    let (a, b) = (a.unwrap(), b.unwrap());
    let mut tail = b.log.tail(&Scope::EVERYTHING).await.unwrap();
    for n in 0..50 {
        let writer: Arc<dyn Log> = if n % 3 == 0 { b.log.clone() } else { a.log.clone() };
        let last = b.log.last(&key("x")).await.unwrap().map(|stored| stored.sequence);
        let place = writer.append(&topic("x"), &frame(&format!("{n}")), Expect::Last(last)).await.unwrap();
        let next = tokio::time::timeout(PATIENCE, tail.next()).await.expect("a frame arrives");
        let Some(Signal::Frame(stored)) = next else { panic!("no frame is lost") };
        assert_eq!(stored.sequence, place);
    }
}

#[tokio::test]
async fn a_dropped_feed_is_forgotten_and_a_closed_log_ends_its_feeds() {
    let (embedded, _folder) = open();
    let tail = embedded.log.tail(&Scope::EVERYTHING).await.unwrap();
    let mut kept = embedded.log.tail(&Scope::Journal(None)).await.unwrap();
    assert_eq!(embedded.log.watch.feeds(), 2);
    drop(tail);
    tokio::time::timeout(PATIENCE, async {
        while embedded.log.watch.feeds() != 1 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("a dropped feed is forgotten");
    drop(embedded);
    let end = tokio::time::timeout(PATIENCE, kept.next()).await.expect("the feed ends");
    assert!(end.is_none(), "the feeds of a closed log end");
}

#[tokio::test]
async fn a_changed_payload_is_noticed() {
    let (embedded, folder) = open();
    embedded.log.append(&topic("x"), &frame("abc"), Expect::Last(None)).await.unwrap();
    let database = Connection::open(folder.path().join("runbus.db")).unwrap();
    database.execute("UPDATE events SET payload = CAST(replace(payload, 'abc', 'abd') AS BLOB)", []).unwrap();
    let found = embedded.log.last(&key("x")).await.unwrap().unwrap();
    assert!(matches!(found.damage, Some(Damage::Checksum { .. })), "{:?}", found.damage);
    database.execute("UPDATE events SET format = 2", []).unwrap();
    let found = embedded.log.last(&key("x")).await.unwrap().unwrap();
    assert_eq!(found.damage, Some(Damage::Format(2)));
    assert_eq!(found.frame.payload, r#"{"text":"abd"}"#, "a damaged payload is delivered");
}

#[tokio::test]
async fn foreign_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runbus.db");
    std::fs::write(
        &path,
        "this is no database, but it is long enough to look like a header of one".repeat(20),
    )
    .unwrap();
    assert!(matches!(refusal(&config(&folder)), OpenError::NotADatabase { .. }));
    std::fs::remove_file(&path).unwrap();

    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert!(matches!(refusal(&config(&folder)), OpenError::NotOurs { .. }));
    std::fs::remove_file(&path).unwrap();

    drop(reopen(&folder));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let refused = refusal(&config(&folder));
    assert!(matches!(refused, OpenError::Version { found: 99, known: 1, .. }), "{refused:?}");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 1).unwrap();
    drop(reopen(&folder));

    let inside_a_file = Config { data_dir: path.join("sub"), ..config(&folder) };
    assert!(matches!(refusal(&inside_a_file), OpenError::Folder { .. }));
    let is_a_folder = folder.path().join("other");
    std::fs::create_dir_all(is_a_folder.join("runbus.db")).unwrap();
    let refused = refusal(&Config { data_dir: is_a_folder, ..config(&folder) });
    assert!(matches!(refused, OpenError::NotWritable { .. }), "{refused:?}");
}

/// The mode of each file in a folder that others may do something with.
fn open_to_others(folder: &std::path::Path) -> Vec<(std::path::PathBuf, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    let mode = |path: &std::path::Path| path.metadata().unwrap().mode() & 0o7777;
    let inside = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    std::iter::once(folder.to_owned())
        .chain(inside)
        .map(|path| (path.clone(), mode(&path)))
        .filter(|(path, mode)| *mode != if path.is_dir() { 0o700 } else { 0o600 })
        .collect()
}

fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn only_the_owner_may_read_folder_and_files() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("made").join("data");
    let config = Config { data_dir: folder.clone(), ..config(&parent) };
    let embedded = Embedded::open(&config, Clock::System).unwrap();
    embedded.log.append(&topic("x"), &frame("a"), Expect::Last(None)).await.unwrap();
    assert!(folder.join("runbus.db-wal").exists() && folder.join("runbus.db-shm").exists());
    assert_eq!(open_to_others(&folder), []);

    // An older version left them wide, in use by another process or not.
    for suffix in ["", "-wal", "-shm"] {
        set_mode(&folder.join(format!("runbus.db{suffix}")), 0o644);
    }
    set_mode(&folder, 0o755);
    let again = Embedded::open(&config, Clock::System).unwrap();
    assert_eq!(open_to_others(&folder), []);
    drop((embedded, again));
}

#[test]
fn a_folder_that_holds_other_things_is_not_narrowed_but_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("theirs.txt"), "x").unwrap();
    set_mode(folder.path(), 0o755);
    let refused = refusal(&config(&folder));
    assert!(matches!(refused, OpenError::SharedFolder { mode: 0o755, .. }), "{refused:?}");
    assert!(refused.to_string().contains("chmod 700"), "{refused}");
    assert!(!folder.path().join("runbus.db").exists(), "nothing was written where others may read");
    set_mode(folder.path(), 0o700);
    drop(reopen(&folder));
}

#[test]
fn settings_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    for (wrong, key) in [
        (Config { read_connections: 0, ..config(&folder) }, "read_connections"),
        (Config { cache_mib: 5000, ..config(&folder) }, "cache_mib"),
        (Config { hold_ms: 0, ..config(&folder) }, "hold_ms"),
    ] {
        let refused = refusal(&wrong);
        assert!(matches!(refused, OpenError::Setting { key: found, .. } if found == key), "{refused:?}");
    }
    assert_eq!(serde_json::from_str::<Config>("{}").unwrap(), Config::default());
    assert!(serde_json::from_str::<Config>(r#"{"data_dirr": "x"}"#).is_err());
}

#[test]
fn a_cached_statement_is_compiled_once() {
    let folder = tempfile::tempdir().unwrap();
    drop(reopen(&folder));
    let path = config(&folder).data_dir.join("runbus.db");
    for role in [Role::Write, Role::Read] {
        let connection = connect(&path, &config(&folder), role).unwrap();
        for sql in [
            "SELECT sequence FROM events WHERE sequence > ?1 ORDER BY sequence LIMIT ?1",
            "SELECT min(available_at) FROM jobs WHERE class = ?1",
            "SELECT sequence FROM events WHERE owner = ?1 AND +stream IS ?1 ORDER BY sequence DESC LIMIT 1",
        ] {
            let mut statement = connection.prepare(sql).unwrap();
            for value in 1..5 {
                statement.query([value]).unwrap().next().unwrap();
            }
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
        }
    }
}
