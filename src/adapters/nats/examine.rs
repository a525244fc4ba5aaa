//! The broker checks of `runbus doctor`. They create and change nothing: the broker refuses each published message by its
//! condition.

use async_nats::HeaderMap;
use bytes::Bytes;

use super::check::{self, header};
use super::config::Config;
use super::error::{ConnectError, Failure, SetupError, code};
use super::layouts;
use super::names::{Names, places};
use super::publish::Link;
use super::{room, streams};
use crate::limits;
use crate::subject::{Lane, Layout, Shard, token};

/// A sequence that no message has: an append that expects it is refused.
const NOWHERE: &str = "9223372036854775807";

/// Messages by which the mapping of plain publishers is tried: they go to several shards.
const MAPPED: usize = 8;

/// One check.
#[derive(Debug, Clone)]
pub struct Examined {
    /// The name of the check.
    pub check: &'static str,
    /// The result, or the fault.
    pub outcome: Result<String, String>,
}

/// Looks at everything that a process needs of the broker, up to the first check without which the others say nothing.
///
/// # Errors
/// The configuration is wrong, or a file that it names cannot be read.
pub async fn examine(config: &Config) -> Result<Vec<Examined>, ConnectError> {
    crate::config::check(config)?;
    let link = Link::open(config, 0).await?;
    let names = Names::new(&config.prefix);
    let mut found = Vec::new();
    let mut add = |check, outcome: Result<String, String>| {
        let is_well = outcome.is_ok();
        found.push(Examined { check, outcome });
        is_well
    };
    if !add("connection", connection(&link, config).await) {
        return Ok(found);
    }
    let jetstream =
        check::jetstream(&link).await.map(|()| "it answers".to_owned()).map_err(|error| error.to_string());
    if !add("jetstream", jetstream) {
        return Ok(found);
    }
    let account = room::account(&link, config).await;
    add("storage", account.map(|()| "the account has room".into()).map_err(|failure| failure.to_string()));
    let layout = match layouts::look(&link, config, &names).await {
        Ok(layout) => layout,
        Err(error) => {
            add("shards", Err(error.to_string()));
            return Ok(found);
        }
    };
    let Some(layout) = layout else {
        add(
            "shards",
            Ok("nothing is recorded yet: the first process, or `runbus setup`, makes the streams".into()),
        );
        return Ok(found);
    };
    add("shards", Ok(shards(&layout)));
    let streams = all_streams(&link, config, &names, &layout).await;
    if add("streams", streams) {
        add("mapping", mapping(&link, &names, &layout).await);
    }
    Ok(found)
}

fn shards(layout: &Layout) -> String {
    if layout.active() < layout.counts().len() {
        format!("{layout}; the last generation takes no new ids yet")
    } else {
        layout.to_string()
    }
}

async fn connection(link: &Link, config: &Config) -> Result<String, String> {
    let patience = std::time::Duration::from_millis(config.connect_timeout_ms.saturating_mul(2));
    let answered = tokio::time::timeout(patience, async {
        while link.round_trip().await.is_err() {
            tokio::time::sleep(limits::LAG_PAUSE).await;
        }
    });
    if answered.await.is_err() {
        return Err(SetupError::no_answer(config, link).to_string());
    }
    let version = link.client.server_info().version;
    check::version(&version).map_err(|error| error.to_string())?;
    Ok(format!("{} (nats-server {version})", config.servers.join(",")))
}

async fn all_streams(link: &Link, config: &Config, names: &Names, layout: &Layout) -> Result<String, String> {
    let mut held = Vec::new();
    let mut missing = Vec::new();
    for lane in Lane::ALL {
        let (mut frames, mut bytes) = (0, 0);
        for (_, shard) in places(layout).filter(|(of, _)| *of == lane) {
            let name = names.stream(lane, shard);
            match streams::inspect(link, config, names, lane, shard)
                .await
                .map_err(|error| error.to_string())?
            {
                Some(info) => {
                    room::of_info(&name, &info).map_err(|failure| failure.to_string())?;
                    frames += info["state"]["messages"].as_u64().unwrap_or_default();
                    bytes += info["state"]["bytes"].as_u64().unwrap_or_default();
                }
                None => missing.push(name),
            }
        }
        held.push(format!("{} {frames} frames, {bytes} bytes", lane.token()));
    }
    match streams::inspect_jobs(link, config, names).await.map_err(|error| error.to_string())? {
        Some(info) => room::of_info(&names.jobs(), &info).map_err(|failure| failure.to_string())?,
        None => missing.push(names.jobs()),
    }
    if missing.is_empty() {
        Ok(held.join("; "))
    } else {
        Err(format!(
            "{} are missing: the next process that starts, or `runbus setup`, makes them",
            missing.join(", ")
        ))
    }
}

/// Whether the server gives plain publishers' messages their shard.
async fn mapping(link: &Link, names: &Names, layout: &Layout) -> Result<String, String> {
    let prefix = &names.prefix;
    let advice = || {
        format!(
            "a mapping of {prefix}.pub.*.*.* to {prefix}.ext.{{{{partition({},3)}}}}.{{{{wildcard(1)}}}}.{{{{wildcard(2)}}}}.{{{{wildcard(3)}}}} is missing in the \
             server's configuration: plain publishers cannot publish (`runbus permissions nats` prints it)",
            layout.oldest()
        )
    };
    for _ in 0..MAPPED {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let oldest = Layout::new(vec![layout.oldest()]).map_err(|error| error.to_string())?;
        let shard: Shard = oldest.home(&token::encode(&id));
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Expected-Stream", names.stream(Lane::Events, shard).as_str());
        headers.insert(header::EXPECTED, NOWHERE);
        match link
            .publish(format!("{prefix}.pub.runbus.doctor.{id}"), headers, Bytes::from_static(b"{}"))
            .await
        {
            Err(Failure::Api { code: code::WRONG_LAST | code::LAST_IN_PROCESS, .. }) => {}
            Err(Failure::Api { code: code::OTHER_STREAM, .. }) => {
                return Err(format!(
                    "the server's mapping of {prefix}.pub computes other shards: {}",
                    advice()
                ));
            }
            Err(Failure::NoResponders) => return Err(advice()),
            Err(failure @ (Failure::Timeout | Failure::Denied(_))) => {
                return Err(format!("{failure}; if the user may publish to {prefix}.ext: {}", advice()));
            }
            Ok(_) => return Err("the broker ignores the expected place of a message".into()),
            Err(failure) => return Err(failure.to_string()),
        }
    }
    Ok(format!("{prefix}.pub.*.*.* goes to the shards of the log"))
}
