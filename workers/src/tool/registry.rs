//! The tools of a worker, by name, and the limits within which each call runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use runbus::pattern::Patterns;

use super::limits::{CALL_TIMEOUT_MS, MAX_KNOWN_BYTES, MAX_NAME_BYTES, MAX_RESULT_BYTES, MAX_TOOLS};
use super::scope::Scope;
use super::stats::{Counters, Stats};
use super::{Listing, RegistryFault, Schema, Source, Spec, Tool, truncate};

/// The tools of a worker. Cheap to clone. It runs none of them: a [`Scope`] of it does, which guards every call.
#[derive(Debug, Clone)]
pub struct Registry {
    tools: Arc<BTreeMap<String, Arc<dyn Tool>>>,
    pub(super) sources: Vec<Arc<dyn Source>>,
    pub(super) timeout: Duration,
    pub(super) max_result_bytes: usize,
    schemas: Arc<BTreeMap<String, Arc<Schema>>>,
    pub(super) counters: Arc<Counters>,
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    /// A registry without tools, with the default limits.
    pub fn new() -> Self {
        Self {
            tools: Arc::default(),
            sources: Vec::new(),
            timeout: Duration::from_millis(CALL_TIMEOUT_MS),
            max_result_bytes: MAX_RESULT_BYTES,
            schemas: Arc::default(),
            counters: Arc::default(),
        }
    }

    /// Sets how long a call may take.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sets how many bytes of a result the model gets to see.
    #[must_use]
    pub fn with_max_result_bytes(self, max_result_bytes: usize) -> Self {
        Self { max_result_bytes, ..self }
    }

    /// Adds a tool.
    ///
    /// # Errors
    ///
    /// When its name is taken or invalid, its schema is not valid, or there are too many tools.
    pub fn with(mut self, tool: impl Tool + 'static) -> Result<Self, RegistryFault> {
        let name = tool.spec().name.clone();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(allowed) {
            return Err(RegistryFault::Name(name));
        }
        if self.tools.contains_key(&name) || self.source(&name).is_some() {
            return Err(RegistryFault::Duplicate(name));
        }
        if self.tools.len() == MAX_TOOLS {
            return Err(RegistryFault::TooMany { limit: MAX_TOOLS });
        }
        let schema = match tool.schema() {
            Some(schema) => schema,
            None => Schema::compile(&tool.spec().parameters)
                .map(Arc::new)
                .map_err(|message| RegistryFault::Schema { name: name.clone(), message })?,
        };
        Arc::make_mut(&mut self.schemas).insert(name.clone(), schema);
        Arc::make_mut(&mut self.tools).insert(name, Arc::new(tool));
        Ok(self)
    }

    /// Adds tools that come and go: those with the source's prefix in their name.
    ///
    /// # Errors
    ///
    /// When a tool or another source has such a name.
    pub fn with_source(mut self, source: impl Source + 'static) -> Result<Self, RegistryFault> {
        let prefix = source.prefix();
        let taken = self.tools.keys().find(|name| name.starts_with(prefix)).map(String::as_str);
        let overlaps = |other: &&str| other.starts_with(prefix) || prefix.starts_with(other);
        let taken = taken.or_else(|| self.sources.iter().map(|source| source.prefix()).find(overlaps));
        if let Some(name) = taken {
            return Err(RegistryFault::Duplicate(name.to_owned()));
        }
        self.sources.push(Arc::new(source));
        Ok(self)
    }

    /// The names of all tools that are always there, sorted: not those of sources.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tools.keys().map(String::as_str)
    }

    /// The tool `name`, if there is one that is always there.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.tools.get(name)
    }

    pub(super) fn source(&self, name: &str) -> Option<&Arc<dyn Source>> {
        self.sources.iter().find(|source| name.starts_with(source.prefix()))
    }

    /// The schema that a tool's arguments are checked against.
    pub(super) fn schema(&self, name: &str) -> Option<&Arc<Schema>> {
        self.schemas.get(name)
    }

    /// The tools that a node may call, and their guards: the tools that `tools` covers, each call of those that `approve`
    /// covers after a person's approval.
    #[must_use]
    pub fn scope(&self, tools: Patterns, approve: Patterns) -> Scope {
        Scope::new(self.clone(), tools, approve)
    }

    /// All of its tools, with no guard but those that the tools have themselves.
    #[must_use]
    pub fn everything(&self) -> Scope {
        self.scope(Patterns::all(), Patterns::default())
    }

    /// The descriptions of all present tools for a model, sorted by name.
    pub fn specs(&self) -> Vec<Spec> {
        let mut specs: Vec<Spec> = self.tools.values().map(|tool| tool.spec().clone()).collect();
        for source in &self.sources {
            specs.extend(source.tools().iter().map(|tool| tool.spec().clone()));
        }
        specs.sort_by(|a, b| a.name.cmp(&b.name));
        specs
    }

    /// How many calls ended in which way, over this registry and all that were made from it.
    pub fn stats(&self) -> Stats {
        self.counters.read()
    }

    /// The known names, and the prefixes of tools that are not known yet.
    pub(super) fn known(&self) -> String {
        let mut names: Vec<String> = self.names().map(str::to_owned).collect();
        for source in &self.sources {
            match source.listing() {
                Listing::Unknown => names.push(format!("{}*", source.prefix())),
                Listing::Checked | Listing::Faulty(_) => {
                    names.extend(source.tools().iter().map(|tool| tool.spec().name.clone()));
                }
            }
        }
        list(&names)
    }
}

/// Names for an error, within its limit.
pub(crate) fn list<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    if names.is_empty() { "none".to_owned() } else { truncate(names.join(", "), MAX_KNOWN_BYTES).0 }
}
