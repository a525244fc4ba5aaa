//! The tools of a worker, by name, and the limits within which each call runs.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use runbus::metrics::worker as metrics;
use serde_json::Value;

use super::limits::{
    CALL_TIMEOUT_MS, MAX_ARGUMENTS_BYTES, MAX_ERROR_BYTES, MAX_NAME_BYTES, MAX_RESULT_BYTES, MAX_TOOLS,
};
use super::schema::{Schema, Schemas};
use super::stats::{Counters, Stats};
use super::{Approval, Error, Invocation, Kind, RegistryFault, Source, Spec, Tool, truncate};

/// The tools of a worker. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Registry {
    tools: BTreeMap<String, Arc<dyn Tool>>,
    sources: Vec<Arc<dyn Source>>,
    timeout: Duration,
    max_result_bytes: usize,
    schemas: Arc<Schemas>,
    counters: Arc<Counters>,
}

/// How a call ended, as the model and the readers of events get to see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The result, or the error's text; within the registry's limit.
    pub content: String,
    /// Why it failed, if it did.
    pub error: Option<Error>,
    /// Whether `content` was cut.
    pub truncated: bool,
}

impl Outcome {
    /// Whether the call failed.
    pub fn is_error(&self) -> bool {
        self.error.is_some()
    }
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
            tools: BTreeMap::new(),
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
        Schema::compile(&tool.spec().parameters)
            .map_err(|message| RegistryFault::Schema { name: name.clone(), message })?;
        self.tools.insert(name, Arc::new(tool));
        Ok(self)
    }

    /// Adds tools that come and go: whatever has a name with the source's prefix.
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

    /// The tool `name`: also one of a source, whether it is there at the moment or not.
    pub fn find(&self, name: &str) -> Option<Arc<dyn Tool>> {
        self.tools.get(name).cloned().or_else(|| {
            let source = self.source(name)?;
            let present = source.tools().iter().find(|tool| tool.spec().name == name).cloned();
            Some(present.unwrap_or_else(|| source.absent(name)))
        })
    }

    fn source(&self, name: &str) -> Option<&Arc<dyn Source>> {
        self.sources.iter().find(|source| name.starts_with(source.prefix()))
    }

    /// A registry with only the tools in `names`, and the same limits. A source's prefix with a `*` behind it stands for
    /// all of its tools. Of sources it has the tools that are there at the moment.
    ///
    /// # Errors
    ///
    /// When there is no tool of such a name, and no source that may have one.
    pub fn only<S: AsRef<str>>(&self, names: &[S]) -> Result<Self, RegistryFault> {
        let mut tools = BTreeMap::new();
        for name in names.iter().map(AsRef::as_ref) {
            if let Some(tool) = self.tools.get(name) {
                tools.insert(name.to_owned(), Arc::clone(tool));
                continue;
            }
            let Some(source) = self.source(name) else {
                return Err(RegistryFault::Unknown { name: name.to_owned(), known: self.known() });
            };
            let all = name.strip_prefix(source.prefix()) == Some("*");
            let present = source.tools();
            let chosen = present.iter().filter(|tool| all || tool.spec().name == name);
            tools.extend(chosen.map(|tool| (tool.spec().name.clone(), Arc::clone(tool))));
        }
        while tools.len() > MAX_TOOLS {
            let left_out = tools.pop_last().map(|(name, _)| name);
            tracing::warn!(
                tool = left_out,
                limit = MAX_TOOLS,
                "too many tools for one model; this one is left out"
            );
        }
        Ok(Self { tools, sources: Vec::new(), ..self.clone() })
    }

    /// What a model is told about every tool that is there at the moment, sorted by name.
    pub fn specs(&self) -> Vec<Spec> {
        let mut specs: Vec<Spec> = self.tools.values().map(|tool| tool.spec().clone()).collect();
        for source in &self.sources {
            specs.extend(source.tools().iter().map(|tool| tool.spec().clone()));
        }
        specs.sort_by(|a, b| a.name.cmp(&b.name));
        specs
    }

    /// Whether a call of `name` whose outcome is unknown may simply run again: also when there is no such
    /// tool, since that call does nothing.
    pub fn is_safe_to_repeat(&self, name: &str) -> bool {
        self.find(name).is_none_or(|tool| tool.safe_to_repeat())
    }

    /// Whether a person must agree before a call of `name` runs. Not when there is no such tool: that call does nothing.
    pub fn requires_approval(&self, name: &str) -> bool {
        self.find(name).is_some_and(|tool| tool.approval() == Approval::Always)
    }

    /// Who carries out the calls of `name`: the registry itself when there is no such tool, with an error.
    pub fn kind(&self, name: &str) -> Kind {
        self.find(name).map(|tool| tool.kind()).unwrap_or_default()
    }

    /// How many calls ended in which way, over this registry and all that were made from it.
    pub fn stats(&self) -> Stats {
        self.counters.read()
    }

    /// Reads and checks a call's arguments without running it, so that a call that cannot run is refused before a
    /// person is asked. Such a refusal counts as a call.
    ///
    /// # Errors
    ///
    /// When there is no such tool, or the arguments do not fit its schema.
    pub fn check(&self, name: &str, arguments: &str) -> Result<Value, Error> {
        let checked = self.checked(name, arguments).map(|(_, arguments)| arguments);
        if let Err(error) = &checked {
            self.counters.count(Some(error), false);
        }
        checked
    }

    fn checked(&self, name: &str, arguments: &str) -> Result<(Arc<dyn Tool>, Value), Error> {
        let Some(tool) = self.find(name) else {
            return Err(Error::Unknown { name: name.to_owned(), known: self.known() });
        };
        let arguments = parse(arguments)?;
        if let Some(schema) = self.schemas.of(tool.spec()) {
            schema.check(&arguments)?;
        }
        Ok((tool, arguments))
    }

    /// Runs one call of a model within the limits, and always has an answer for the model.
    ///
    /// `arguments` is the model's text. An empty one counts as an empty object: models write that for tools
    /// without parameters. Dropping the future drops the call.
    pub async fn run(&self, name: &str, call_id: &str, idempotency_key: &str, arguments: &str) -> Outcome {
        let (_running, begun) = (metrics::TOOL_CALLS_NOW.hold(), Instant::now());
        let outcome = match self.try_run(name, call_id, idempotency_key, arguments).await {
            Ok(result) => {
                let (content, truncated) = truncate(result, self.max_result_bytes);
                Outcome { content, error: None, truncated }
            }
            Err(mut error) => {
                let cut = error.cut(MAX_ERROR_BYTES);
                let (content, truncated) = truncate(error.to_string(), MAX_ERROR_BYTES);
                Outcome { content, error: Some(error), truncated: cut || truncated }
            }
        };
        self.counters.count(outcome.error.as_ref(), outcome.truncated);
        metrics::TOOL_LATENCY.observe(begun.elapsed());
        outcome
    }

    async fn try_run(&self, name: &str, call_id: &str, key: &str, arguments: &str) -> Result<String, Error> {
        let (tool, arguments) = self.checked(name, arguments)?;
        let invocation =
            Invocation { call_id: call_id.to_owned(), idempotency_key: key.to_owned(), arguments };
        // A tool keeps no state that we would look at after its panic, so nothing broken can be observed.
        let call = AssertUnwindSafe(async { tool.call(invocation).await }).catch_unwind();
        let timeout = tool.timeout().unwrap_or(self.timeout);
        match tokio::time::timeout(timeout, call).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(Error::Panicked { message: panic_text(panic.as_ref()) }),
            Err(_elapsed) => {
                let limit_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
                Err(Error::TimedOut { limit_ms })
            }
        }
    }

    fn known(&self) -> String {
        let groups = self.sources.iter().map(|source| format!("{}*", source.prefix()));
        let names: Vec<String> = self.names().map(str::to_owned).chain(groups).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }
}

/// Reads a model's arguments.
fn parse(arguments: &str) -> Result<Value, Error> {
    let whole = |message: String| Error::Arguments { path: ".".to_owned(), message };
    if arguments.len() > MAX_ARGUMENTS_BYTES {
        return Err(whole(format!(
            "{} bytes are more than the limit of {MAX_ARGUMENTS_BYTES}",
            arguments.len()
        )));
    }
    if arguments.trim().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let value: Value = serde_json::from_str(arguments).map_err(|error| whole(format!("no JSON: {error}")))?;
    if value.is_object() { Ok(value) } else { Err(whole("not a JSON object".to_owned())) }
}

/// What a panic said.
fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
