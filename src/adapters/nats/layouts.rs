//! The layout in use: how the lanes are split is recorded in the log, and followed while the process runs.
//!
//! ```text
//! first process         records what it is configured to            [4]
//! one with another      refuses                                     8
//! one that adds to it   makes the streams, announces them           [4, 8], the first takes new ids
//! every process         hears of it and reads both from now on
//! any process, later    has it take new ids                         [4, 8], the second takes new ids
//! ```
//!
//! Between the last two lies more time than a process may go without hearing of the record ([`STALE`]): each appender knows
//! every generation that may hold the frame.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use async_nats::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use super::check::header;
use super::config::Config;
use super::core::Core;
use super::error::{Failure, SetupError, code};
use super::names::Names;
use super::publish::Link;
use super::streams;
use crate::log::Sequence;
use crate::subject::{Key, Lane, Layout, Shard};

/// How often the record is read.
const EVERY: Duration = Duration::from_secs(2);

/// A process that has not read the record for so long reads it before it appends.
const STALE: Duration = Duration::from_secs(8);

/// How long after it was first seen a generation takes new ids.
const ANNOUNCED: Duration = Duration::from_secs(20);

/// Messages that are no record behind which one is looked for.
const STRANGERS: usize = 256;

/// Keys of which the process remembers where they began.
const KEYS: usize = 16_384;

/// The recorded layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// The number of shards of each generation, oldest first.
    generations: Vec<u16>,
    /// Generations that take new ids.
    active: usize,
}

/// The layout as this process knows it.
#[derive(Debug)]
pub(super) struct Layouts {
    current: RwLock<Arc<Layout>>,
    /// Changes with it.
    grown: watch::Sender<()>,
    /// When the record was last read.
    seen: Mutex<Instant>,
    /// Where keys began; only of use when there are several generations.
    keys: Mutex<HashMap<Key, Shard>>,
}

impl Layouts {
    pub(super) fn new(layout: Layout) -> Self {
        Self {
            current: RwLock::new(Arc::new(layout)),
            grown: watch::channel(()).0,
            seen: Mutex::new(Instant::now()),
            keys: Mutex::default(),
        }
    }

    pub(super) fn current(&self) -> Arc<Layout> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes when the layout has changed.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.grown.subscribe()
    }

    pub(super) fn adopt(&self, layout: Layout) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        if *self.current() == layout {
            return;
        }
        tracing::info!(shards = %layout, active = layout.active(), "the layout of the log");
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(layout);
        self.grown.send_replace(());
    }

    fn is_stale(&self) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).elapsed() > STALE
    }

    fn known(&self, key: &Key) -> Option<Shard> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    fn remember(&self, key: &Key, shard: Shard) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEYS {
            keys.clear();
        }
        keys.insert(key.clone(), shard);
    }
}

/// The last record in the log.
#[derive(Debug)]
struct Recorded {
    record: Record,
    /// The last message where records are: the next record is written behind it.
    end: Sequence,
    /// Whether that is the record. On NATS a publisher without an account of its own can make the broker write its answers there.
    is_last: bool,
}

/// A message where records are.
#[derive(Deserialize)]
struct Message {
    seq: u64,
    #[serde(default)]
    hdrs: String,
    #[serde(default)]
    data: String,
}

impl Message {
    /// The record in it; `None`: it is none, or lacks the header that its author writes.
    fn record(&self) -> Option<Record> {
        let headers = String::from_utf8(STANDARD.decode(&self.hdrs).ok()?).ok()?;
        let mut names = headers.lines().filter_map(|line| line.split_once(':')).map(|(name, _value)| name);
        if !names.any(|name| name == header::EXPECTED) {
            return None;
        }
        crate::json::from_slice(&STANDARD.decode(&self.data).ok()?).ok()
    }
}

/// One message where records are; `None`: it is not there.
async fn message(link: &Link, names: &Names, which: &serde_json::Value) -> Result<Option<Message>, Failure> {
    #[derive(Deserialize)]
    struct Found {
        message: Message,
    }
    match link.api::<Found>(&format!("STREAM.MSG.GET.{}", names.layout()), which).await {
        Ok(found) => Ok(Some(found.message)),
        Err(Failure::Api { code: code::NO_MESSAGE | code::NO_STREAM, .. }) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The last record; `None`: there is none. Messages that are no record hide none.
async fn read(link: &Link, names: &Names) -> Result<Option<Recorded>, Failure> {
    let which = serde_json::json!({ "last_by_subj": names.layout_subject() });
    let Some(last) = message(link, names, &which).await? else { return Ok(None) };
    let end = Sequence(last.seq);
    if let Some(record) = last.record() {
        return Ok(Some(Recorded { record, end, is_last: true }));
    }
    for place in (1..end.0).rev().take(STRANGERS) {
        let found = message(link, names, &serde_json::json!({ "seq": place })).await?;
        if let Some(record) = found.and_then(|message| message.record()) {
            return Ok(Some(Recorded { record, end, is_last: false }));
        }
    }
    Err(Failure::Unexpected("the record of the layout cannot be read".into()))
}

/// Records a layout where the record was `last`; `false`: somebody else was faster.
async fn write(link: &Link, names: &Names, last: Option<Sequence>, record: &Record) -> Result<bool, Failure> {
    let line = serde_json::to_vec(record).map_err(|error| Failure::Unexpected(error.to_string()))?;
    let mut headers = HeaderMap::new();
    headers.insert(header::EXPECTED, last.unwrap_or_default().0.to_string().as_str());
    match link.publish(names.layout_subject(), headers, line.into()).await {
        Ok(_) => Ok(true),
        Err(Failure::Api { code: code::WRONG_LAST | code::LAST_IN_PROCESS, .. }) => Ok(false),
        Err(failure) => Err(failure),
    }
}

fn refused(recorded: impl ToString, configured: &Layout) -> SetupError {
    SetupError::Layout { recorded: recorded.to_string(), configured: configured.to_string() }
}

fn layout(record: &Record) -> Result<Layout, SetupError> {
    Layout::growing(record.generations.clone(), record.active).map_err(|error| SetupError::Step {
        step: "reading the recorded layout".into(),
        reason: error.to_string(),
        passing: false,
    })
}

/// The layout found on the broker, before anything is changed.
#[derive(Debug)]
enum Found {
    /// Nothing: the configured layout will be the first.
    Nothing,
    /// A record, and where the next one is written.
    Record(Sequence, Record),
    /// Streams of an earlier version, which recorded no layout: the layout that their number implies.
    Streams(Record),
}

/// Compares the configured layout with the one in use. Changes nothing.
async fn compare(link: &Link, names: &Names, wanted: &Layout) -> Result<Found, SetupError> {
    let failed = |failure: Failure| SetupError::step("reading the layout", &failure);
    if let Some(Recorded { record, end, .. }) = read(link, names).await.map_err(failed)? {
        let recorded = layout(&record)?;
        return if wanted.counts().starts_with(recorded.counts()) {
            Ok(Found::Record(end, record))
        } else {
            Err(refused(recorded, wanted))
        };
    }
    // Of an earlier version: the stream of jobs is made last.
    if !streams::exists(link, &names.jobs()).await.map_err(failed)? {
        return Ok(Found::Nothing);
    }
    let mut there = 0;
    loop {
        match streams::exists(link, &names.stream(Lane::Events, Shard(there))).await {
            Ok(true) => there += 1,
            // The user may look at the streams of its own layout only.
            Ok(false) | Err(Failure::Denied(_)) => break,
            Err(failure) => return Err(failed(failure)),
        }
    }
    let counts = wanted.counts();
    let generations = (1..=counts.len()).find(|&n| counts[..n].iter().sum::<u16>() == there);
    match generations {
        Some(n) => Ok(Found::Streams(Record { generations: counts[..n].to_vec(), active: n })),
        None => Err(refused(there, wanted)),
    }
}

/// The layout that is in use, after it was recorded or grown where that was needed.
///
/// # Errors
/// Another one is in use, or a step fails.
pub(super) async fn agree(link: &Link, config: &Config, names: &Names) -> Result<Layout, SetupError> {
    let wanted = wanted(config)?;
    let failed = |failure: Failure| SetupError::step("recording the layout", &failure);
    loop {
        let (at, record) = match compare(link, names, &wanted).await? {
            Found::Record(_, record) if record.generations == wanted.counts() => return layout(&record),
            Found::Record(_, record) if record.active < record.generations.len() => {
                return Err(SetupError::Step {
                    step: "growing the layout".into(),
                    reason: "an earlier growth is not done yet".into(),
                    passing: true,
                });
            }
            Found::Record(at, record) => {
                // Before any reader learns of them.
                streams::set_up(link, config, names, &wanted).await?;
                (Some(at), Record { generations: wanted.counts().to_vec(), active: record.active })
            }
            Found::Streams(record) => {
                streams::set_up_first(link, config, names).await?;
                (None, record)
            }
            Found::Nothing => {
                streams::set_up_first(link, config, names).await?;
                (None, Record { generations: wanted.counts().to_vec(), active: wanted.counts().len() })
            }
        };
        write(link, names, at, &record).await.map_err(failed)?;
    }
}

fn wanted(config: &Config) -> Result<Layout, SetupError> {
    config.layout().map_err(|error| SetupError::Step {
        step: "nats.shards".into(),
        reason: error.to_string(),
        passing: false,
    })
}

/// The layout in use, compared with the configured one; `None`: none is recorded yet. Changes nothing.
///
/// # Errors
/// Another one is in use, or the broker does not answer.
pub(super) async fn look(link: &Link, config: &Config, names: &Names) -> Result<Option<Layout>, SetupError> {
    match compare(link, names, &wanted(config)?).await? {
        Found::Nothing => Ok(None),
        Found::Record(_, record) | Found::Streams(record) => layout(&record).map(Some),
    }
}

/// Follows the record for ever.
pub(super) async fn follow(link: &Link, names: &Names, layouts: &Layouts) {
    let mut growing: Option<(Record, Instant)> = None;
    let mut stranger = None;
    loop {
        tokio::time::sleep(EVERY).await;
        match refresh(link, names, layouts).await {
            Ok(Some(Recorded { record, end, is_last: false })) => {
                if stranger.replace(end) != Some(end) {
                    tracing::error!(at = %end, "a message behind the record of the layout is no record; the record is written again");
                }
                if let Err(failure) = write(link, names, Some(end), &record).await {
                    tracing::debug!(%failure, "the record of the layout is not written again yet");
                }
            }
            Ok(Some(Recorded { record, end, .. })) if record.active < record.generations.len() => {
                let since = match &growing {
                    Some((known, since)) if *known == record => *since,
                    _ => Instant::now(),
                };
                growing = Some((record.clone(), since));
                if since.elapsed() >= ANNOUNCED {
                    let grown = Record { active: record.generations.len(), ..record };
                    if let Err(failure) = write(link, names, Some(end), &grown).await {
                        tracing::debug!(%failure, "a new generation of shards does not take new ids yet");
                    }
                }
            }
            Ok(_) => growing = None,
            Err(failure) => tracing::debug!(%failure, "the record of the layout was not read"),
        }
    }
}

/// Reads the record, and goes by it if this process's layout is a beginning of it.
async fn refresh(link: &Link, names: &Names, layouts: &Layouts) -> Result<Option<Recorded>, Failure> {
    let Some(found) = read(link, names).await? else { return Ok(None) };
    match layout(&found.record) {
        Ok(layout) if layout.counts().starts_with(layouts.current().counts()) => layouts.adopt(layout),
        _ => tracing::error!(record = ?found.record, "the log has another layout than this process"),
    }
    Ok(Some(found))
}

impl Core {
    /// The shard that has a key, or that will have it. An id stays in the generation where it began.
    pub(super) async fn place(&self, key: &Key) -> Result<Shard, Failure> {
        if self.layouts.is_stale() {
            refresh(&self.links[0], &self.names, &self.layouts).await?;
        }
        let layout = self.layouts.current();
        let home = layout.home(&key.shard_token());
        if layout.counts().len() == 1 {
            return Ok(home);
        }
        if let Some(shard) = self.layouts.known(key) {
            return Ok(shard);
        }
        for shard in layout.candidates(&key.shard_token()) {
            if self.last_of(key, shard).await?.is_some() {
                self.layouts.remember(key, shard);
                return Ok(shard);
            }
        }
        Ok(home)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_its_author_wrote_is_a_record() {
        let of = |hdrs: &str, data: &str| {
            Message { seq: 1, hdrs: STANDARD.encode(hdrs), data: STANDARD.encode(data) }.record()
        };
        let headers = "NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: 0\r\n\r\n";
        let line = r#"{"generations":[4],"active":1}"#;
        assert_eq!(of(headers, line), Some(Record { generations: vec![4], active: 1 }));
        for (hdrs, data) in [
            ("", line),
            ("NATS/1.0\r\nNats-Msg-Id: 1\r\n\r\n", line),
            (headers, r#"{"stream":"RB_EV_0","seq":1}"#),
            ("", r#"{"stream":"RB_EV_0","seq":1}"#),
            (headers, "\u{0}"),
        ] {
            assert_eq!(of(hdrs, data), None, "{hdrs} {data}");
        }
    }

    #[test]
    fn a_layout_is_shown_as_it_is_configured() {
        let one = Layout::new(vec![8]).unwrap();
        let error = refused(Layout::new(vec![4]).unwrap(), &one).to_string();
        assert!(error.contains("nats.shards is 8") && error.contains("has 4"), "{error}");
        let error = refused(Layout::new(vec![4, 8]).unwrap(), &Layout::new(vec![4]).unwrap()).to_string();
        assert!(error.contains("has [4, 8]") && error.contains("is 4"), "{error}");
    }
}
