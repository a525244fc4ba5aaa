//! The streams: created as configured, or compared with it. An existing stream is altered in one case only: an earlier version
//! made it, when others' events had no subjects of their own.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::config::Config;
use super::error::{Difference, Drift, Failure, SetupError, code};
use super::names::{Names, places};
use super::publish::Link;
use crate::subject::{Lane, Layout, Shard};

/// Largest message that a stream takes, in bytes with its headers; also the server's own default limit.
pub(super) const MESSAGE_BYTES: usize = 1024 * 1024;

/// Consumers that a stream may have. Runbus makes one for each job class and none for readers; servers from 2.15 on put 1000
/// where nothing is said.
const CONSUMERS: u32 = 10_000;

/// Creating a replicated stream waits for its Raft group.
const CREATE: Duration = Duration::from_secs(10);

/// How long messages of the start-up check stay, in nanoseconds.
const SCRATCH_AGE_NS: u64 = 60_000_000_000;

type Wanted = Map<String, Value>;

fn base(name: &str, subjects: &[String], replicas: u8, duplicate_window_s: u32) -> Wanted {
    let wanted = json!({
        "name": name,
        "subjects": subjects,
        "storage": "file",
        "num_replicas": replicas,
        "max_consumers": CONSUMERS,
        "max_msgs": -1,
        "max_msgs_per_subject": -1,
        "max_bytes": -1,
        "max_age": 0,
        "max_msg_size": MESSAGE_BYTES,
        "duplicate_window": u64::from(duplicate_window_s) * 1_000_000_000,
        "sealed": false,
        "no_ack": false,
        "allow_rollup_hdrs": false,
        "discard_new_per_subject": false,
        "mirror": null,
        "sources": null,
        "subject_transform": null,
    });
    match wanted {
        Value::Object(wanted) => wanted,
        _ => Wanted::new(),
    }
}

/// A shard's stream.
fn shard(config: &Config, names: &Names, lane: Lane, shard: Shard) -> Wanted {
    let (name, subjects) = (names.stream(lane, shard), names.subjects(lane, shard));
    let mut wanted = base(&name, &subjects, config.replicas, config.duplicate_window_s);
    let (from, to) = names.republish(lane, shard);
    let mut set = |field: &str, value: Value| wanted.insert(field.into(), value);
    set("retention", "limits".into());
    set("allow_direct", true.into());
    set("deny_delete", true.into());
    set("deny_purge", true.into());
    set("republish", json!({ "src": from, "dest": to }));
    // Old events may go when space is short; journals and inboxes are the state itself.
    set("discard", if lane == Lane::Events { "old" } else { "new" }.into());
    if lane == Lane::Events {
        if let Some(hours) = config.max_age_hours {
            set("max_age", (u64::from(hours) * 3_600_000_000_000).into());
        }
        if let Some(mib) = config.max_bytes_mib {
            set("max_bytes", (mib * 1024 * 1024).into());
        }
    }
    wanted
}

/// The stream of jobs.
fn jobs(config: &Config, names: &Names) -> Wanted {
    let mut wanted = base(&names.jobs(), &[names.job_subjects()], config.replicas, config.duplicate_window_s);
    wanted.insert("retention".into(), "workqueue".into());
    wanted.insert("discard".into(), "new".into());
    wanted
}

/// Makes the scratch stream of the checks, replicated as the others are. One that is there will do.
pub(super) async fn scratch(link: &Link, config: &Config, names: &Names) -> Result<(), SetupError> {
    let mut wanted = base(&names.check(), &[names.check_subjects()], config.replicas, 30);
    wanted.insert("retention".into(), "limits".into());
    wanted.insert("discard".into(), "old".into());
    // On disk, as the others are: readiness asks whether there is room (`check::room`).
    wanted.insert("max_age".into(), SCRATCH_AGE_NS.into());
    match create(link, &wanted, &names.check()).await {
        Ok(_) | Err(Failure::Api { code: code::NAME_IN_USE, .. }) => Ok(()),
        Err(failure) => Err(SetupError::step(format!("creating stream {}", names.check()), &failure)),
    }
}

/// Creates what is missing and compares what is there.
pub(super) async fn set_up(
    link: &Link,
    config: &Config,
    names: &Names,
    layout: &Layout,
) -> Result<(), SetupError> {
    for (lane, number) in places(layout) {
        let wanted = shard(config, names, lane, number);
        let old = (lane == Lane::Events).then(|| old_form(&wanted, names, number));
        ensure(link, &names.stream(lane, number), &wanted, old.as_ref()).await?;
    }
    ensure(link, &names.jobs(), &jobs(config, names), None).await
}

/// A shard of events as earlier versions made it.
fn old_form(wanted: &Wanted, names: &Names, shard: Shard) -> Wanted {
    let (from, to) = names.old_republish(Lane::Events, shard);
    let mut old = wanted.clone();
    old.insert("subjects".into(), json!(names.old_subjects(shard)));
    old.insert("republish".into(), json!({ "src": from, "dest": to }));
    old
}

async fn ensure(link: &Link, name: &str, wanted: &Wanted, old: Option<&Wanted>) -> Result<(), SetupError> {
    let failed = |what: &str, failure: &Failure| SetupError::step(format!("{what} stream {name}"), failure);
    let found = match info(link, name).await {
        Err(Failure::Api { code: code::NO_STREAM, .. }) => match create(link, wanted, name).await {
            // Another process was faster.
            Err(Failure::Api { code: code::NAME_IN_USE, .. }) => {
                info(link, name).await.map_err(|failure| failed("reading", &failure))?
            }
            created => {
                tracing::info!(stream = name, "created");
                created.map_err(|failure| failed("creating", &failure))?
            }
        },
        found => found.map_err(|failure| failed("reading", &failure))?,
    };
    let unlike = differences(wanted, &found["config"]);
    if unlike.is_empty() {
        return Ok(());
    }
    // Nothing else differs: what somebody else decided is not touched.
    let is_old = old.is_some_and(|old| differences(old, &found["config"]).is_empty());
    let mut drift = Drift { stream: name.into(), differences: unlike, old: None };
    if is_old {
        match bring_up_to_date(link, name, wanted, &found["config"]).await {
            Ok(found) if differences(wanted, &found["config"]).is_empty() => {
                tracing::info!(stream = name, "events of others have their own subjects from now on");
                return Ok(());
            }
            Ok(_) => drift.old = Some("the server did not change it".into()),
            Err(failure) => drift.old = Some(failure.to_string()),
        }
    }
    Err(drift.into())
}

/// Adds the subjects of others' events to a stream that has none, and leaves the rest of it as it is.
async fn bring_up_to_date(link: &Link, name: &str, wanted: &Wanted, found: &Value) -> Result<Value, Failure> {
    let mut config = found.clone();
    for field in ["subjects", "republish"] {
        config[field] = wanted[field].clone();
    }
    link.api_within(CREATE, &format!("STREAM.UPDATE.{name}"), &config).await
}

async fn info(link: &Link, name: &str) -> Result<Value, Failure> {
    link.api(&format!("STREAM.INFO.{name}"), &json!({})).await
}

async fn create(link: &Link, wanted: &Wanted, name: &str) -> Result<Value, Failure> {
    let set: Wanted =
        wanted.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect();
    link.api_within(CREATE, &format!("STREAM.CREATE.{name}"), &Value::Object(set)).await
}

fn differences(wanted: &Wanted, found: &Value) -> Vec<Difference> {
    let differs = |(field, wanted): (&String, &Value)| {
        let found = &found[field.as_str()];
        let same = same(wanted, found);
        (!same).then(|| Difference {
            field: field.clone(),
            found: found.to_string(),
            wanted: wanted.to_string(),
        })
    };
    wanted.iter().filter_map(differs).collect()
}

/// Whether two values are the same; what is left out stands for nothing, `false` or 0.
fn same(wanted: &Value, found: &Value) -> bool {
    let blank = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            let keys: std::collections::BTreeSet<_> = wanted.keys().chain(found.keys()).collect();
            let of = |map: &Map<String, Value>, key: &str| map.get(key).cloned().unwrap_or_default();
            keys.into_iter().all(|key| same(&of(wanted, key), &of(found, key)))
        }
        _ => wanted == found || (blank(wanted) && blank(found)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_is_listed() {
        let (config, names) = (Config::default(), Names::new("rb"));
        let wanted = shard(&config, &names, Lane::Events, Shard(3));
        let mut found = Value::Object(wanted.clone());
        found.as_object_mut().unwrap().retain(|_, value| value != &json!(false) && !value.is_null());
        found["metadata"] = json!({ "_nats.ver": "2.15.1" });
        assert_eq!(differences(&wanted, &found), []);
        found["num_replicas"] = json!(3);
        found["republish"]["headers_only"] = json!(true);
        found["mirror"] = json!({ "name": "other" });
        let fields: Vec<_> = differences(&wanted, &found).into_iter().map(|d| d.field).collect();
        assert_eq!(fields, ["mirror", "num_replicas", "republish"]);
        let drift = Drift { stream: "RB_EV_3".into(), differences: differences(&wanted, &found), old: None };
        assert!(drift.to_string().contains("num_replicas is 3, wanted 1"), "{drift}");
    }
}
