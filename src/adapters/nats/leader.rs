//! Reads that a stream's leader answers: they include everything that was acknowledged.
//!
//! A leader that has just been replaced and does not know it yet may still answer, for a few seconds at most. A caller
//! that draws a final conclusion from a missing frame asks more than once.

use serde::Deserialize;
use serde_json::{Value, json};

use super::core::Core;
use super::decode::{self, Raw};
use super::error::{Failure, code};
use crate::log::{Bounds, Epoch, Sequence, Stored};
use crate::subject::{Key, Lane, Shard};

#[derive(Deserialize)]
struct Found {
    message: Raw,
}

#[derive(Deserialize)]
struct Info {
    created: String,
    state: State,
}

#[derive(Deserialize)]
struct State {
    messages: u64,
    bytes: u64,
    first_seq: u64,
    last_seq: u64,
}

impl Core {
    async fn get(&self, lane: Lane, shard: Shard, body: &Value) -> Result<Option<Stored>, Failure> {
        let verb = format!("STREAM.MSG.GET.{}", self.names.stream(lane, shard));
        match self.link(shard).api::<Found>(&verb, body).await {
            Ok(found) => decode::raw(&self.names, lane, shard, &found.message)
                .map(Some)
                .ok_or_else(|| Failure::Unexpected("a garbled message".into())),
            Err(Failure::Api { code: code::NO_MESSAGE, .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The frame at a place.
    pub(super) async fn at(&self, lane: Lane, shard: Shard, at: Sequence) -> Result<Option<Stored>, Failure> {
        self.get(lane, shard, &json!({ "seq": at.0 })).await
    }

    /// The last frame of a key.
    pub(super) async fn last_of(&self, key: &Key, shard: Shard) -> Result<Option<Stored>, Failure> {
        self.last_in(key.lane(), shard, &key.pattern(&self.names.prefix, shard)).await
    }

    /// The last frame of a pattern.
    pub(super) async fn last_in(
        &self,
        lane: Lane,
        shard: Shard,
        pattern: &str,
    ) -> Result<Option<Stored>, Failure> {
        self.get(lane, shard, &json!({ "last_by_subj": pattern })).await
    }

    /// The first frame of a pattern at or behind a place.
    pub(super) async fn next_in(
        &self,
        lane: Lane,
        shard: Shard,
        from: Sequence,
        pattern: &str,
    ) -> Result<Option<Stored>, Failure> {
        self.get(lane, shard, &json!({ "seq": from.0, "next_by_subj": pattern })).await
    }

    /// The bounds of a shard.
    pub(super) async fn bounds_of(&self, lane: Lane, shard: Shard) -> Result<Bounds, Failure> {
        let verb = format!("STREAM.INFO.{}", self.names.stream(lane, shard));
        let Info { created, state } = self.link(shard).api(&verb, &json!({})).await?;
        let last = Sequence(state.last_seq);
        Ok(Bounds {
            // A stream that was deleted and made again was made at another time.
            epoch: Epoch(crc32fast::hash(created.as_bytes())),
            first: if state.messages == 0 { last.next() } else { Sequence(state.first_seq) },
            last,
            frames: state.messages,
            bytes: state.bytes,
        })
    }
}
