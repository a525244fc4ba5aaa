//! The streams: created as configured, or compared with it. An existing stream is altered in one case only: an earlier version
//! made it, when others' events had no subjects of their own.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::config::Config;
use super::error::{Difference, Drift, Failure, SetupError, code};
use super::names::{Names, places};
use super::publish::Link;
use super::room::{self, Demands};
use crate::subject::{Lane, Layout, Shard};

/// Largest message that a stream takes, in bytes with its headers; also the server's own default limit.
pub(super) const MESSAGE_BYTES: usize = 1024 * 1024;

/// Consumers that a stream may have. Runbus makes one for each job class and none for readers; servers from 2.15 on put 1000
/// where nothing is said.
const CONSUMERS: u32 = 10_000;

/// Creating a replicated stream waits for its Raft group.
const CREATE: Duration = Duration::from_secs(10);

/// Size limit of the scratch stream of the checks, in bytes, where the account demands a limit.
const SCRATCH_BYTES: u64 = 4 * 1024 * 1024;

/// Size limit of the layout's record over all growths, in bytes, where the account demands a limit.
const LAYOUT_BYTES: u64 = 1024 * 1024;

/// Fields that an operator may edit. A stream that differs in these is used.
const EDITABLE: [&str; 4] = ["description", "max_bytes", "max_msgs", "placement"];

/// The same of events, which may expire.
const EDITABLE_EVENTS: [&str; 5] = ["description", "max_age", "max_bytes", "max_msgs", "placement"];

/// How long messages of the start-up check stay, in nanoseconds.
const SCRATCH_AGE_NS: u64 = 60_000_000_000;

type Wanted = Map<String, Value>;

fn base(name: &str, subjects: &[String], replicas: u8, duplicate_window_s: u32) -> Wanted {
    let wanted = json!({
        "name": name,
        "description": null,
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
        "placement": null,
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
    if lane != Lane::Events {
        bounded(&mut wanted, config);
    } else {
        let mut set = |field: &str, value: Value| wanted.insert(field.into(), value);
        if let Some(hours) = config.max_age_hours {
            set("max_age", (u64::from(hours) * 3_600_000_000_000).into());
        }
        if let Some(mib) = config.max_bytes_mib {
            set("max_bytes", (mib * 1024 * 1024).into());
        }
    }
    wanted
}

/// The limit of a stream that holds the state itself.
fn bounded(wanted: &mut Wanted, config: &Config) {
    if let Some(mib) = config.state_max_bytes_mib {
        wanted.insert("max_bytes".into(), (mib * 1024 * 1024).into());
    }
}

/// The stream of jobs.
fn jobs(config: &Config, names: &Names) -> Wanted {
    let mut wanted = base(&names.jobs(), &[names.job_subjects()], config.replicas, config.duplicate_window_s);
    bounded(&mut wanted, config);
    wanted.insert("retention".into(), "workqueue".into());
    wanted.insert("discard".into(), "new".into());
    wanted
}

/// Makes the scratch stream of the checks, replicated as the others are. One that is there will do.
pub(super) async fn scratch(link: &Link, config: &Config, names: &Names) -> Result<(), SetupError> {
    let mut wanted = base(&names.check(), &[names.check_subjects()], config.replicas, 30);
    wanted.insert("retention".into(), "limits".into());
    wanted.insert("discard".into(), "old".into());
    // On disk, as the others are: readiness asks whether there is room (`room`).
    wanted.insert("max_age".into(), SCRATCH_AGE_NS.into());
    let demands = asked(link, config).await?;
    if demands.max_bytes {
        // A limit takes as much of the account's storage from the beginning.
        wanted.insert("max_bytes".into(), SCRATCH_BYTES.into());
    }
    match create(link, &wanted, &names.check(), demands).await {
        Ok(_) | Err(Failure::Api { code: code::NAME_IN_USE, .. }) => Ok(()),
        Err(failure) => Err(SetupError::step(format!("creating stream {}", names.check()), &failure)),
    }
}

/// Creates missing streams and compares existing ones.
pub(super) async fn set_up(
    link: &Link,
    config: &Config,
    names: &Names,
    layout: &Layout,
) -> Result<(), SetupError> {
    let demands = asked(link, config).await?;
    for (lane, number) in places(layout) {
        let wanted = shard(config, names, lane, number);
        let old = (lane == Lane::Events).then(|| old_form(&wanted, names, number));
        ensure(link, &names.stream(lane, number), &wanted, old.as_ref(), demands).await?;
    }
    ensure(link, &names.jobs(), &jobs(config, names), None, demands).await
}

async fn asked(link: &Link, config: &Config) -> Result<Demands, SetupError> {
    room::demands(link, config)
        .await
        .map_err(|failure| SetupError::step("asking for the account's limits", &failure))
}

/// The stream that holds the record of the layout.
fn layout(config: &Config, names: &Names) -> Wanted {
    let mut wanted =
        base(&names.layout(), &[names.layout_subject()], config.replicas, config.duplicate_window_s);
    for (field, value) in [("retention", "limits"), ("discard", "new")] {
        wanted.insert(field.into(), value.into());
    }
    for field in ["deny_delete", "deny_purge"] {
        wanted.insert(field.into(), true.into());
    }
    wanted
}

/// Makes it.
pub(super) async fn set_up_first(link: &Link, config: &Config, names: &Names) -> Result<(), SetupError> {
    let demands = asked(link, config).await?;
    let mut wanted = layout(config, names);
    if demands.max_bytes {
        wanted.insert("max_bytes".into(), LAYOUT_BYTES.into());
    }
    ensure(link, &names.layout(), &wanted, None, demands).await
}

/// Whether a stream is there.
pub(super) async fn exists(link: &Link, name: &str) -> Result<bool, Failure> {
    match info(link, name).await {
        Ok(_) => Ok(true),
        Err(Failure::Api { code: code::NO_STREAM, .. }) => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// The broker's state of a shard's stream, when the stream is as configured; `None` when it does not exist. Changes
/// nothing.
pub(super) async fn inspect(
    link: &Link,
    config: &Config,
    names: &Names,
    lane: Lane,
    number: Shard,
) -> Result<Option<Value>, SetupError> {
    inspect_as(link, &names.stream(lane, number), &shard(config, names, lane, number)).await
}

/// The same of the stream of jobs.
pub(super) async fn inspect_jobs(
    link: &Link,
    config: &Config,
    names: &Names,
) -> Result<Option<Value>, SetupError> {
    inspect_as(link, &names.jobs(), &jobs(config, names)).await
}

async fn inspect_as(link: &Link, name: &str, wanted: &Wanted) -> Result<Option<Value>, SetupError> {
    let found = match info(link, name).await {
        Err(Failure::Api { code: code::NO_STREAM, .. }) => return Ok(None),
        found => found.map_err(|failure| SetupError::step(format!("reading stream {name}"), &failure))?,
    };
    let differences = differences(wanted, &found["config"]);
    if are_harmless(wanted, &differences) {
        return Ok(Some(found));
    }
    Err(Drift { stream: name.into(), differences, old: None }.into())
}

/// A shard of events as earlier versions made it.
fn old_form(wanted: &Wanted, names: &Names, shard: Shard) -> Wanted {
    let (from, to) = names.old_republish(Lane::Events, shard);
    let mut old = wanted.clone();
    old.insert("subjects".into(), json!(names.old_subjects(shard)));
    old.insert("republish".into(), json!({ "src": from, "dest": to }));
    old
}

async fn ensure(
    link: &Link,
    name: &str,
    wanted: &Wanted,
    old: Option<&Wanted>,
    demands: Demands,
) -> Result<(), SetupError> {
    let failed = |what: &str, failure: &Failure| SetupError::step(format!("{what} stream {name}"), failure);
    let found = match info(link, name).await {
        Err(Failure::Api { code: code::NO_STREAM, .. }) if demands.max_bytes && has_no_bound(wanted) => {
            let reason = "the account demands max_bytes of each stream: set nats.max_bytes_mib for events and \
                          nats.state_max_bytes_mib for all others";
            let (step, reason) = (format!("creating stream {name}"), reason.to_owned());
            return Err(SetupError::Step { step, reason, passing: false });
        }
        Err(Failure::Api { code: code::NO_STREAM, .. }) => match create(link, wanted, name, demands).await {
            // Another process was faster.
            Err(Failure::Api { code: code::NAME_IN_USE, .. }) => {
                info(link, name).await.map_err(|failure| failed("reading", &failure))?
            }
            created => {
                let created = created.map_err(|failure| failed("creating", &failure))?;
                tracing::info!(stream = name, "created");
                created
            }
        },
        found => found.map_err(|failure| failed("reading", &failure))?,
    };
    let unlike = differences(wanted, &found["config"]);
    if are_harmless(wanted, &unlike) {
        for Difference { field, found, wanted } in unlike {
            tracing::warn!(
                stream = name,
                field,
                found,
                configured = wanted,
                "an operator edited a stream; it is used as it is"
            );
        }
        return Ok(());
    }
    // Nothing else differs: other operators' settings stay.
    let is_old = old.is_some_and(|old| are_harmless(old, &differences(old, &found["config"])));
    let mut drift = Drift { stream: name.into(), differences: unlike, old: None };
    if is_old {
        match bring_up_to_date(link, name, wanted, &found["config"]).await {
            Ok(found) if are_harmless(wanted, &differences(wanted, &found["config"])) => {
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

/// Whether a stream would have no limit in bytes.
fn has_no_bound(wanted: &Wanted) -> bool {
    wanted.get("max_bytes").and_then(Value::as_i64).is_none_or(|bytes| bytes <= 0)
}

/// Whether a stream with these differences can be used. Streams that hold state must not expire.
fn are_harmless(wanted: &Wanted, differences: &[Difference]) -> bool {
    let expires = wanted.get("discard").is_some_and(|discard| discard == "old");
    let editable: &[&str] = if expires { &EDITABLE_EVENTS } else { &EDITABLE };
    differences.iter().all(|difference| editable.contains(&difference.field.as_str()))
}

async fn create(link: &Link, wanted: &Wanted, name: &str, demands: Demands) -> Result<Value, Failure> {
    let mut set: Wanted =
        wanted.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect();
    if (1..i64::from(CONSUMERS)).contains(&demands.max_consumers) {
        set.insert("max_consumers".into(), demands.max_consumers.into());
    }
    link.api_within(CREATE, &format!("STREAM.CREATE.{name}"), &Value::Object(set)).await
}

fn differences(wanted: &Wanted, found: &Value) -> Vec<Difference> {
    let differs = |(field, wanted): (&String, &Value)| {
        // As many as the account lets a stream have.
        if field == "max_consumers" {
            return None;
        }
        let found = &found[field.as_str()];
        let same = same(wanted, found);
        (!same).then(|| Difference {
            field: field.clone(),
            found: found.to_string(),
            wanted: wanted.to_string(),
        })
    };
    let mut differences: Vec<Difference> = wanted.iter().filter_map(differs).collect();
    differences.sort_by(|a, b| a.field.cmp(&b.field));
    differences
}

/// Whether two values are equal; an absent value equals null, `false` or 0.
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
        assert!(!are_harmless(&wanted, &differences(&wanted, &found)));
        let mut edited = Value::Object(wanted.clone());
        edited["description"] = json!("edited");
        edited["placement"] = json!({ "tags": ["ssd"] });
        let found_edits = differences(&wanted, &edited);
        let fields: Vec<_> = found_edits.iter().map(|d| d.field.as_str()).collect();
        assert_eq!(fields, ["description", "placement"]);
        assert!(are_harmless(&wanted, &found_edits));
        let drift = Drift { stream: "RB_EV_3".into(), differences: differences(&wanted, &found), old: None };
        assert!(drift.to_string().contains("num_replicas is 3, wanted 1"), "{drift}");
    }
}
