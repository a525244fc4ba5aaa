//! Room: whether the broker takes what is appended, for readiness. A broker without room answers questions as ever.
//!
//! ```text
//! the account's quota      asked of the broker: what is used, and what may be
//! the server's storage     a stored message tells: it is larger than a page of the disk
//! a stream's own limit     asked of the broker for each stream that refused an append
//! ```

use std::collections::BTreeMap;
use std::sync::{Mutex as Table, PoisonError};
use std::time::Duration;

use async_nats::HeaderMap;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::config::Config;
use super::error::{Failure, code};
use super::names::Names;
use super::publish::Link;
use super::streams::MESSAGE_BYTES;

/// How long an answer stands: asking stores a message.
const INTERVAL: Duration = Duration::from_secs(1);

/// Size of the probe's message, in bytes: more than the rest of the last page of a full disk.
const PROBE_BYTES: usize = 8 * 1024;

/// Size of the probe's message after a refused append, in bytes: the remaining space may hold a small message.
const SUSPECT_BYTES: usize = 512 * 1024;

/// Of a quota that is smaller than so many largest messages, this part must be free in place of room for the largest message.
const QUOTA_SHARE: i64 = 16;

/// The same of a stream with a limit of its own.
const STREAM_SHARE: i64 = 4;

/// Streams that are remembered for having refused an append. One more shares the place of the first.
const SUSPECTS: usize = 64;

/// The state of the broker's room.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// The last answer. Callers that come together share one.
    last: Mutex<Option<(Instant, Result<(), Failure>)>>,
    /// Streams that refused an append since they were last seen to have room.
    suspects: Table<BTreeMap<String, Failure>>,
}

impl Room {
    /// A stream has refused an append for want of room.
    pub(super) fn refused(&self, stream: String, failure: &Failure) {
        let mut suspects = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
        if suspects.len() < SUSPECTS {
            suspects.insert(stream, failure.clone());
        }
    }

    fn suspects(&self) -> BTreeMap<String, Failure> {
        self.suspects.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether there is room, asked at most once in [`INTERVAL`].
    pub(super) async fn check(&self, link: &Link, config: &Config, names: &Names) -> Result<(), Failure> {
        let mut last = self.last.lock().await;
        let suspects = self.suspects();
        if let Some((at, outcome)) = &*last
            && at.elapsed() < INTERVAL
            && (suspects.is_empty() || outcome.is_err())
        {
            return outcome.clone();
        }
        let outcome = look(link, config, names, &suspects).await;
        if outcome.is_ok() {
            let mut remembered = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
            remembered.retain(|stream, _| !suspects.contains_key(stream));
        }
        *last = Some((Instant::now(), outcome.clone()));
        outcome
    }
}

async fn look(
    link: &Link,
    config: &Config,
    names: &Names,
    suspects: &BTreeMap<String, Failure>,
) -> Result<(), Failure> {
    account(link, config).await?;
    let bytes = if suspects.is_empty() { PROBE_BYTES } else { SUSPECT_BYTES };
    let bytes = bytes.min(link.client.max_payload() / 2);
    let subject = format!("{}.check.ready.room", names.prefix);
    link.publish(subject, HeaderMap::new(), Bytes::from(vec![b' '; bytes])).await?;
    for stream in suspects.keys() {
        of_stream(link, stream).await?;
    }
    Ok(())
}

/// The usage and the limits of an account. An account without tiers has one pair for all numbers of replicas.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Account {
    storage: i64,
    limits: Limits,
    tiers: BTreeMap<String, Tier>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tier {
    storage: i64,
    limits: Limits,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
struct Limits {
    max_storage: i64,
    max_consumers: i64,
    max_bytes_required: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_storage: -1, max_consumers: -1, max_bytes_required: false }
    }
}

/// The settings that an account demands of each stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Demands {
    /// The most consumers that a stream may be made with; 0 or less: any number.
    pub(super) max_consumers: i64,
    /// A stream without a limit in bytes is refused.
    pub(super) max_bytes: bool,
}

/// Asks for them.
pub(super) async fn demands(link: &Link, config: &Config) -> Result<Demands, Failure> {
    let account: Account = link.api("INFO", &json!({})).await?;
    let tier = account.tiers.get(&format!("R{}", config.replicas));
    let limits = tier.map_or(&account.limits, |tier| &tier.limits);
    Ok(Demands { max_consumers: limits.max_consumers, max_bytes: limits.max_bytes_required })
}

/// Whether the account may store the largest message. Asked by `runbus doctor` too: it stores nothing.
pub(super) async fn account(link: &Link, config: &Config) -> Result<(), Failure> {
    let account: Account = link.api("INFO", &json!({})).await?;
    quota(&account, config.replicas)
}

fn quota(account: &Account, replicas: u8) -> Result<(), Failure> {
    let tier = account.tiers.get(&format!("R{replicas}"));
    let (used, most) = tier.map_or((account.storage, account.limits.max_storage), |tier| {
        (tier.storage, tier.limits.max_storage)
    });
    if most <= 0 {
        return Ok(());
    }
    let copies = if tier.is_some() { 1 } else { i64::from(replicas) };
    let largest = i64::try_from(MESSAGE_BYTES).unwrap_or(i64::MAX).saturating_mul(copies);
    if most.saturating_sub(used) >= largest.min(most / QUOTA_SHARE) {
        return Ok(());
    }
    let description = format!(
        "the account's JetStream storage is used up: {used} of {most} bytes; raise the account's limit or remove what is old"
    );
    Err(Failure::Api { code: code::ACCOUNT_FULL, status: 503, description })
}

/// Whether a stream with a limit of its own takes messages again.
async fn of_stream(link: &Link, stream: &str) -> Result<(), Failure> {
    let info: Value = link.api(&format!("STREAM.INFO.{stream}"), &json!({})).await?;
    of_info(stream, &info)
}

/// The same from the broker's stream information.
pub(super) fn of_info(stream: &str, info: &Value) -> Result<(), Failure> {
    let (config, state) = (&info["config"], &info["state"]);
    if config["discard"] != "new" {
        return Ok(());
    }
    for (limit, used, least) in [
        ("max_bytes", "bytes", i64::try_from(MESSAGE_BYTES).unwrap_or(i64::MAX)),
        ("max_msgs", "messages", 1),
    ] {
        let (most, used) = (config[limit].as_i64().unwrap_or(-1), state[used].as_i64().unwrap_or(0));
        if most > 0 && most.saturating_sub(used) < least.min((most / STREAM_SHARE).max(1)) {
            let description = format!("stream {stream} is full: {used} of {limit} {most}; raise its {limit}");
            return Err(Failure::Api { code: code::STORE_FAILED, status: 503, description });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota_of(info: Value, replicas: u8) -> Result<(), String> {
        quota(&serde_json::from_value(info).unwrap(), replicas).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_quota_needs_room_for_the_largest_message_or_a_share_of_a_small_one() {
        let flat = |used: i64, most: i64| json!({"storage": used, "limits": {"max_storage": most}});
        assert!(quota_of(flat(1 << 40, -1), 1).is_ok(), "no quota");
        assert!(quota_of(flat(0, 1_000_000), 1).is_ok(), "a small quota");
        assert!(quota_of(flat(1_000_000 - 62_000, 1_000_000), 1).is_err());
        assert!(quota_of(flat(98 << 20, 100 << 20), 1).is_ok());
        let full = quota_of(flat((99 << 20) + 1, 100 << 20), 1).unwrap_err();
        assert!(full.contains("storage is used up") && full.contains("104857600"), "{full}");
        assert!(quota_of(flat(98 << 20, 100 << 20), 3).is_err(), "each message is stored three times");
        let tiers = json!({"tiers": {"R1": {"storage": 1, "limits": {"max_storage": 50_000_000}},
            "R3": {"storage": 50_000_000, "limits": {"max_storage": 50_000_000}}}});
        assert!(quota_of(tiers.clone(), 1).is_ok() && quota_of(tiers, 3).is_err());
    }

    #[test]
    fn only_a_stream_that_refuses_new_messages_can_be_full() {
        let info = |discard: &str, most: i64, bytes: i64| {
            json!({"config": {"discard": discard, "max_bytes": most, "max_msgs": -1},
            "state": {"bytes": bytes, "messages": 1}})
        };
        assert!(of_info("S", &info("old", 16 << 20, 16 << 20)).is_ok());
        assert!(of_info("S", &info("new", -1, 1 << 40)).is_ok());
        assert!(of_info("S", &info("new", 64 << 20, 1 << 20)).is_ok());
        assert!(of_info("S", &info("new", 64 << 20, 64 << 20)).unwrap_err().is_full());
    }
}
