//! Installing the subscriber of the process.

use std::fmt;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt as lines, reload};

use super::config::{Config, Format};
use crate::config::{Invalid, check};
use crate::tls;
use crate::visible::Lines;

/// Whether spans may hold content; set once, when telemetry starts.
static CAPTURES_CONTENT: AtomicBool = AtomicBool::new(false);

/// The filter of lines, for [`set_filter`].
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Replaces the filter of lines; that of exported spans stays. Nothing before [`init`].
///
/// # Errors
/// The filter is not valid.
pub fn set_filter(filter: &str) -> Result<(), Invalid> {
    let filter = super::config::filter(filter)?;
    if let Some(handle) = FILTER.get()
        && let Err(error) = handle.reload(filter)
    {
        tracing::warn!(%error, "the log filter stays as it was");
    }
    Ok(())
}

/// Whether spans may hold the inputs and outputs of models and tools (`telemetry.capture_content`).
#[must_use]
pub fn captures_content() -> bool {
    CAPTURES_CONTENT.load(Ordering::Relaxed)
}

/// The name of the tracer of all spans.
const TRACER: &str = "runbus";

/// Crates that an export runs through.
const EXPORT: &[&str] =
    &["h2", "hyper", "hyper_util", "reqwest", "rustls", "opentelemetry", "opentelemetry_sdk"];

/// Crates whose every line was written here: credentials are a [`crate::config::Secret`] in them.
const OWN: &[&str] = &["runbus", "runbus_gateway", "runbus_workers", "runbus_bench"];

/// Crates that log all data of the peer for each connection, or a line for each attempt to connect: only their warnings count. Runbus
/// reports the state of its connections itself.
const TALKATIVE: &[&str] = &["rmcp", "async_nats"];

/// Why telemetry did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The section is not valid.
    #[error("telemetry.{0}")]
    Invalid(#[from] Invalid),
    /// The exporter could not be built.
    #[error("the trace exporter cannot be built: {0}")]
    Exporter(String),
    /// Somebody has installed a subscriber.
    #[error("another tracing subscriber is installed already: install one only")]
    Installed,
}

/// Keeps telemetry running. Dropping it sends what is buffered, within the configured time; it blocks its thread for as
/// long, so it is dropped at the very end, outside the async runtime.
#[must_use = "dropping it ends telemetry"]
pub struct Guard {
    provider: Option<SdkTracerProvider>,
    timeout: Duration,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("exports", &self.provider.is_some()).finish_non_exhaustive()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(provider) = self.provider.take()
            && let Err(error) = provider.shutdown_with_timeout(self.timeout)
        {
            tracing::warn!(%error, "the last spans were not exported");
        }
    }
}

/// Starts telemetry for the process: lines to stderr, and spans to the collector if one is configured.
///
/// A collector that does not answer never stops or slows the process: spans are dropped when its buffer is full.
///
/// # Errors
/// See [`Error`].
pub fn init(config: &Config) -> Result<Guard, Error> {
    check(config)?;
    CAPTURES_CONTENT.store(config.capture_content, Ordering::Relaxed);
    let provider = config.otlp_endpoint.as_deref().map(|endpoint| provider(config, endpoint)).transpose()?;
    let spans = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(TRACER))
            // Where a line of code stands and which thread ran it says nothing to those who read traces.
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            // Diagnostic lines stay out: they may contain text of a provider or a tool.
            .with_filter(exported(&config.filter).and(filter_fn(|what| what.is_span() && is_safe(what))))
    });
    let (filter, handle) = reload::Layer::new(EnvFilter::new(&config.filter));
    tracing_subscriber::registry()
        .with(output(config.format).with_filter(filter.and(filter_fn(is_safe))))
        .with(spans)
        .try_init()
        .map_err(|_installed| Error::Installed)?;
    // The first one is the only one: a second subscriber was refused above.
    let _ = FILTER.set(handle);
    Ok(Guard { provider, timeout: Duration::from_millis(config.otlp_timeout_ms) })
}

/// Whether the target of a trace is known to contain no credential. Other crates trace whole requests, with their
/// headers: of them nothing below `info` is taken, for any configured filter.
pub(super) fn is_safe(what: &Metadata<'_>) -> bool {
    let target = what.target();
    let is_own = OWN
        .iter()
        .any(|name| target.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")));
    let is_talkative = TALKATIVE.iter().any(|name| target.starts_with(name));
    let most = if is_talkative { Level::WARN } else { Level::INFO };
    is_own || *what.level() <= most
}

/// The filter of exported spans: without those of the export itself, which would never end.
fn exported(filter: &str) -> EnvFilter {
    EXPORT.iter().fold(EnvFilter::new(filter), |filter, target| match format!("{target}=off").parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_constant_text) => filter,
    })
}

fn output<S>(format: Format) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    // Each line goes through one writer that escapes: no field can begin another line, or move a terminal's cursor. Colours
    // could not be distinguished from those of external text.
    match format {
        Format::Text => lines::layer().with_ansi(false).with_writer(|| Lines::of_text(stderr())).boxed(),
        Format::Json => lines::layer().json().with_writer(|| Lines::of_json(stderr())).boxed(),
    }
}

#[expect(clippy::disallowed_methods, reason = "the caller escapes the logged text")]
fn stderr() -> io::Stderr {
    io::stderr()
}

/// A tracer provider that exports in batches from a thread of its own.
pub(super) fn provider(config: &Config, endpoint: &str) -> Result<SdkTracerProvider, Error> {
    tls::install();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(Duration::from_millis(config.otlp_timeout_ms))
        .build()
        .map_err(|error| Error::Exporter(error.to_string()))?;
    let resource = Resource::builder().with_service_name(config.service_name.clone()).build();
    let share = f64::from(config.otlp_sampled_per_mille) / 1000.0;
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share)));
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler)
        .with_resource(resource)
        .build())
}
