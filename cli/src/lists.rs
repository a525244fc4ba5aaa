//! Lists for the terminal: pages as JSON, from the log in reach.

use std::path::Path;
use std::time::Duration;

use runbus::config::{LogBackend, StoreBackend};
use runbus::directory::{self, Bounds, Directory, Everything, Listing};
use runbus::store::index::Family;
use runbus::time::Clock;
use runbus_gateway::lists;
use runbus_gateway::lists::parameters::{self, Way};
use serde::Serialize;
use serde_json::Value;

use crate::backend::Backend;
use crate::configuration::Configuration;
use crate::exit::Error;
use crate::global::Global;
use crate::remote::Remote;

/// How long a command waits until the index has all that the log holds.
const PATIENCE: Duration = Duration::from_secs(60);

/// One page of a list.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The entries, in order.
    pub entries: Vec<Value>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// Entries by status.
    pub counts: Option<directory::Counts>,
    /// Whether the index has all that the log held when it was asked.
    pub is_complete: bool,
}

/// The lists of the configured log, or of a gateway.
#[derive(Debug)]
pub(crate) enum Lists {
    /// Of the configured log.
    Here(Directory),
    /// Of a gateway.
    There(Remote),
}

/// Refuses to make a log where somebody only looks.
///
/// # Errors
/// There is none.
pub(crate) fn look(configuration: &Configuration) -> Result<(), Error> {
    if configuration.log.backend != LogBackend::Embedded {
        return Ok(());
    }
    let folder = &configuration.embedded.data_dir;
    if Path::new(folder).join("runbus.db").exists() {
        return Ok(());
    }
    Err(Error::NotFound(format!(
        "there is no log in {}; `runbus dev` or `runbus start` makes one, embedded.data_dir names another folder, \
         --gateway names a gateway",
        folder.display()
    )))
}

impl Lists {
    /// Opens the lists of the configured log, and moves the index on to what the log holds now.
    ///
    /// # Errors
    /// There is no log, or it does not answer.
    pub(crate) async fn open(global: &Global, configuration: &Configuration) -> Result<Self, Error> {
        if let Some(url) = &global.gateway {
            return Ok(Self::There(Remote::new(url, global.token.as_deref())?));
        }
        look(configuration)?;
        let backend = Backend::open(configuration).await?;
        // How much a shared index holds is for the gateways to say: this machine's configuration may be none of theirs.
        let bounds = match configuration.store.backend {
            StoreBackend::Embedded => configuration.gateway.directory.bounds(),
            StoreBackend::Redis => Bounds { max_entries: u64::MAX, keep: Duration::MAX },
        };
        let lists = Self::Here(Directory::new(backend.bus(), Clock::System, bounds));
        lists.catch_up().await?;
        Ok(lists)
    }

    /// Moves the index on to what the log holds now.
    ///
    /// # Errors
    /// The log or the store does not answer.
    pub(crate) async fn catch_up(&self) -> Result<(), Error> {
        let Self::Here(directory) = self else { return Ok(()) };
        directory.catch_up(PATIENCE).await.map_err(|error| match error.is_retryable() {
            true => Error::Unavailable(error.to_string()),
            false => Error::Software(error.to_string()),
        })
    }

    /// A page. The parameters are those of the gateway's lists.
    ///
    /// # Errors
    /// A parameter is wrong, or the store does not answer.
    pub(crate) async fn page(&self, family: Family, asked: &[(String, String)]) -> Result<Page, Error> {
        let directory = match self {
            Self::Here(directory) => directory,
            Self::There(remote) => return elsewhere(remote, family, asked).await,
        };
        let query = parameters::read(family, Way::Page, asked.to_vec());
        let query =
            query.map_err(|wrong| Error::Usage(format!("--{}: {}", flag(&wrong.path), wrong.message)))?;
        let is_complete = directory.standing().await.is_ok_and(|standing| standing.is_complete);
        let page = match family {
            Family::Executions => shown(directory.executions(&query, &Everything).await),
            Family::Sessions => shown(directory.sessions(&query, &Everything).await),
            Family::Approvals => shown(directory.approvals(&query, &Everything).await),
            Family::Questions => shown(directory.questions(&query, &Everything).await),
        };
        page.map(|page| Page { is_complete, ..page }).map_err(|error| match &error {
            directory::Error::Cursor(_) => Error::Usage(format!("--cursor: {error}")),
            directory::Error::Limit(_) => Error::Usage(format!("--limit: {error}")),
            directory::Error::Status { .. } => Error::Usage(format!("--status: {error}")),
            directory::Error::Store(store) if store.is_retryable() => Error::Unavailable(error.to_string()),
            directory::Error::Store(_) => Error::Software(error.to_string()),
        })
    }
}

async fn elsewhere(remote: &Remote, family: Family, asked: &[(String, String)]) -> Result<Page, Error> {
    let list = lists::name(family);
    let page: Value = remote.get(&[list], asked).await?;
    let counts = page["counts"].as_object().map(|counts| directory::Counts {
        by_status: counts.iter().map(|(name, n)| (name.clone(), n.as_u64().unwrap_or_default())).collect(),
        is_exact: page["counts_exact"].as_bool().unwrap_or(false),
    });
    let next = page["next"].as_str().map(str::to_owned);
    let is_complete = page["complete"].as_bool().unwrap_or(true);
    Ok(Page { entries: page[list].as_array().cloned().unwrap_or_default(), next, counts, is_complete })
}

/// The flag of a parameter.
fn flag(parameter: &str) -> String {
    parameter.strip_suffix("_id").unwrap_or(parameter).replace('_', "-")
}

fn shown<T: Serialize>(listing: Result<Listing<T>, directory::Error>) -> Result<Page, directory::Error> {
    let Listing { entries, next, counts } = listing?;
    let entries = entries.iter().filter_map(|entry| serde_json::to_value(entry).ok()).collect();
    Ok(Page { entries, next, counts, is_complete: true })
}
