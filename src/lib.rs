//! Runbus: the durable event bus for AI-agent executions.
//!
//! # Layout
//! Lowest layer first; a module uses only those above it in this list.
//! - [`error_code`]: every code of an error, with its HTTP status, close code, metric label and exit code
//! - [`limits`], `text`, [`id`], [`pattern`], [`blocking`], [`time`], [`tls`]: every limit, texts read in place, identities, patterns of tool names, work off the runtime, points in time, the TLS provider
//! - [`json`]: the one way from JSON text to values: size, depth and reserved keys are checked before anything is parsed
//! - [`metrics`]: every metric, named once; counting is an atomic addition
//! - [`config`]: how configuration is layered, checked and documented; each component owns its section
//! - [`lifecycle`]: how a process ends
//! - [`schema`]: what JSON Schemas that are made from types share
//! - [`event`]: the envelope and the catalogue of typed events
//! - [`subject`]: where things live: topics, keys, scopes, shards
//! - [`log`], [`queue`], [`store`]: the three ports
//! - [`telemetry`]: diagnostics to stderr, spans to OpenTelemetry, W3C trace context
//! - [`adapters`]: embedded, NATS, Redis
//! - [`writer`]: an execution's owner writes numbered, fenced frames
//! - [`bus`]: publish, subscribe, history, statistics, wait
//! - [`execution`]: a pure fold of events into the state of a run
//! - [`snapshot`]: a pure fold of events into the view of a client that joins in mid-stream
//! - [`session`]: journal and inbox of a session, and the pure fold of both
//! - [`control`]: commands to sessions, questions about executions
//! - [`monitor`]: a pure fold of events and reports into the view of an agent
//!
//! # Example
//! One process, nothing installed: publish an event, and read it.
//! ```
//! use runbus::adapters::embedded::{Config, Embedded};
//! use runbus::bus::{Bus, Delivery, Filter};
//! use runbus::event::{Source, family::client::OutputDelta};
//! use runbus::id::{ExecutionId, StreamId};
//! use runbus::log::Since;
//! use runbus::time::Clock;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let config = Config { data_dir: folder.path().into(), ..Config::default() };
//! let backend = Embedded::open(&config, Clock::System)?;
//! let bus = Bus::new(backend.log, backend.store);
//!
//! let run = ExecutionId::new("run-1")?;
//! let source = Source::execution(StreamId::new("greeter")?, run.clone(), Clock::System);
//! bus.emitter(source).client_output_delta(OutputDelta { content: "hello".into(), snapshot: None }).await?;
//!
//! let mut reader = bus.read(Filter::execution(run), Since::All).await?;
//! let Delivery::Event(found) = reader.next().await? else { unreachable!() };
//! assert_eq!(found.event.data.get(), r#"{"content":"hello"}"#);
//! println!("go on behind it with {}", found.cursor);
//! # Ok(())
//! # }
//! ```
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read JSON that they wrote themselves"))]

pub mod adapters;
pub mod blocking;
pub mod bus;
pub mod config;
pub mod control;
pub mod directory;
pub mod error_code;
pub mod event;
pub mod execution;
pub mod id;
pub mod json;
pub mod json_schema;
pub mod labels;
pub mod lifecycle;
pub mod limits;
pub mod log;
pub mod metrics;
pub mod monitor;
pub mod pattern;
pub mod queue;
pub mod schema;
pub mod session;
pub mod snapshot;
pub mod store;
pub mod subject;
pub mod telemetry;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;
mod text;
pub mod time;
pub mod tls;
pub mod truncate;
pub mod visible;
pub mod writer;

pub use error_code::ErrorCode;
