//! Answers from recordings, found by what is asked.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use runbus::blocking::Pool;
use serde_json::Value;

use super::compare::{self, Difference};
use super::{Folder, Interaction};
use crate::model::Fault;
use crate::model::limits::{REPLAY_TIME_MS, REPLAYS_AT_ONCE, REPLAYS_WAITING};

static COMPARER: Pool =
    Pool::new("replay", REPLAYS_AT_ONCE, REPLAYS_WAITING, Duration::from_millis(REPLAY_TIME_MS));

/// The recordings of one provider.
///
/// A request gets the answer to the recorded request that asks for the same. Where several do, the n-th such request gets the n-th of their
/// answers, and each later one the last.
pub struct Player {
    folder: PathBuf,
    takes: Vec<Take>,
    /// How often each was asked, by the place of its first take.
    asked: Mutex<BTreeMap<usize, usize>>,
}

/// One recorded answer.
struct Take {
    file: String,
    /// Its place in the file, from 1.
    place: usize,
    request: Value,
    answer: Played,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::model) struct Played {
    /// The path that was asked.
    path: Option<String>,
    pub(in crate::model) request_id: Option<String>,
    pub(in crate::model) status: u16,
    pub(in crate::model) content_type: String,
    pub(in crate::model) body: Bytes,
    pub(in crate::model) broken: bool,
}

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Player").field("folder", &self.folder).field("takes", &self.takes.len()).finish()
    }
}

impl Player {
    /// Plays the recordings of a provider.
    #[must_use]
    pub fn new(folder: &Folder, provider: &str) -> Self {
        let own = folder.sources.iter().filter(|source| source.recording.client().provider == provider);
        let takes = own.flat_map(|source| {
            (1..).zip(&source.recording.interactions).map(|(place, interaction)| {
                let Interaction { path, request, status, content_type, request_id, body, broken } =
                    interaction;
                let body = Bytes::copy_from_slice(body.as_bytes());
                let (path, content_type, request_id) =
                    (path.clone(), content_type.clone(), request_id.clone());
                Take {
                    file: source.file.clone(),
                    place,
                    request: compare::plain(request),
                    answer: Played { path, request_id, status: *status, content_type, body, broken: *broken },
                }
            })
        });
        Self { folder: folder.path.clone(), takes: takes.collect(), asked: Mutex::default() }
    }

    /// The answer to a request. All recordings may have to be compared with it: that leaves the runtime's thread.
    ///
    /// # Errors
    /// [`Fault::Unsendable`]: no recorded request asks for the same.
    pub(in crate::model) async fn answer(
        self: &Arc<Self>,
        path: &str,
        request: &Value,
    ) -> Result<Played, Fault> {
        let (player, path, request) = (Arc::clone(self), path.to_owned(), request.clone());
        let found = COMPARER.run(move || player.find(&path, &request)).await;
        found.unwrap_or_else(|error| Err(Fault::Unsendable { message: format!("recordings: {error}") }))
    }

    fn find(&self, path: &str, request: &Value) -> Result<Played, Fault> {
        let asked = compare::plain(request);
        let fits = |take: &Take| is_same_path(take, path) && compare::is_same(&take.request, &asked);
        let mut found = self.takes.iter().enumerate().filter(|(_, take)| fits(take)).map(|(place, _)| place);
        let Some(first) = found.next() else { return Err(self.unmatched(path, &asked)) };
        let all: Vec<usize> = std::iter::once(first).chain(found).collect();
        let mut counts = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(first).or_default();
        let place = all[(*count).min(all.len() - 1)];
        *count = count.saturating_add(1);
        Ok(self.takes[place].answer.clone())
    }

    /// The error of a request that nothing matches. It names the nearest recording and the first field that differs.
    fn unmatched(&self, path: &str, asked: &Value) -> Fault {
        let folder = self.folder.display();
        let differ = |take: &Take| {
            let mut found = compare::difference(&take.request, asked).unwrap_or_default();
            if !is_same_path(take, path) {
                let recorded = take.answer.path.clone().unwrap_or_default();
                let fields = found.fields + 1;
                found = Difference { fields, field: "path".into(), recorded, asked: path.to_owned() };
            }
            found
        };
        // The first of those that are equally near.
        let nearest =
            self.takes.iter().map(|take| (take, differ(take))).min_by_key(|(_, found)| found.fields);
        let message = match nearest {
            None => format!(
                "the recordings in {folder} hold no request to this provider; record one with model.record"
            ),
            Some((take, Difference { fields, field, recorded, asked })) => {
                let others = match fields.saturating_sub(1) {
                    0 => String::new(),
                    1 => " (and 1 other field)".to_owned(),
                    more => format!(" (and {more} other fields)"),
                };
                let Take { file, place, .. } = take;
                format!(
                    "no recording in {folder} matches it. The nearest is interaction {place} of {file}: {field}{others} is \
                     {recorded} there, and {asked} here. Record the run again with model.record, or ask as it was recorded"
                )
            }
        };
        Fault::Unsendable { message }
    }
}

/// Whether the last part of two paths is the same: Gemini's models stand there.
fn is_same_path(take: &Take, path: &str) -> bool {
    let last = |path: &str| path.rsplit('/').next().map(str::to_owned);
    take.answer.path.as_deref().is_none_or(|recorded| last(recorded) == last(path))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use serde_json::json;

    use super::*;
    use crate::model::recorded::{Recording, Source};

    #[tokio::test]
    async fn a_request_that_nothing_matches_does_not_hold_the_runtime() {
        let content = "a".repeat(64 * 1024);
        let interaction = |n: usize| {
            json!({"request": {"messages": [{"role": "user", "content": format!("{content}{n}")}]},
                "status": 200, "content_type": "text/event-stream", "body": ""})
        };
        let all: Vec<Value> = (0..200).map(interaction).collect();
        let recording: Recording =
            serde_json::from_value(json!({"name": "r", "provenance": {}, "interactions": all})).unwrap();
        let provider = recording.client().provider;
        let folder =
            Folder { path: "recordings".into(), sources: vec![Source { file: "r.json".into(), recording }] };
        let player = Arc::new(Player::new(&folder, &provider));
        let asked = json!({"messages": [{"role": "user", "content": format!("{content}x")}]});
        let mut answer = Box::pin(player.answer("/v1/chat/completions", &asked));
        assert!(answer.as_mut().now_or_never().is_none(), "it is compared elsewhere");
        let fault = answer.await.unwrap_err();
        assert!(fault.to_string().contains("The nearest is interaction 1 of r.json"), "{fault}");
    }
}
