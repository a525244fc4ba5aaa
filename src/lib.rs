//! Runbus: the durable event bus for AI-agent executions.
//!
//! # Layout
//! Lowest layer first; a module uses only those above it in this list.
//! - [`limits`], [`id`], [`time`], [`tls`]: every limit, identities, points in time, the TLS provider
//! - [`config`]: how configuration is layered, checked and documented; each component owns its section
//! - [`lifecycle`]: how a process ends
//! - [`event`]: the envelope and the catalogue of typed events
//! - [`subject`]: where things live: topics, keys, scopes, shards
//! - [`log`], [`queue`], [`store`]: the three ports
//! - [`telemetry`]: diagnostics to stderr, spans to OpenTelemetry, W3C trace context
//! - [`adapters`]: embedded, NATS, Redis
//! - [`writer`]: an execution's owner writes numbered, fenced frames
//! - [`bus`]: publish, subscribe, history, statistics, wait
//! - [`execution`]: a pure fold of events into what is known of a run
//! - [`control`]: commands to sessions, questions about executions

pub mod adapters;
pub mod bus;
pub mod config;
pub mod control;
pub mod event;
pub mod execution;
pub mod id;
pub mod lifecycle;
pub mod limits;
pub mod log;
pub mod queue;
pub mod store;
pub mod subject;
pub mod telemetry;
pub mod time;
pub mod tls;
pub mod writer;
