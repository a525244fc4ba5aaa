//! Tests of the whole, against real servers: the same cases on every backend.
#![expect(unreachable_pub, reason = "modules of one test binary")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests have no configuration but the environment")]

mod addresses;
mod api;
mod auth;
mod authority;
mod backends;
mod bus;
mod client;
mod clients;
mod contracts;
mod council;
mod crash;
mod damaged;
mod dialects;
mod direct;
mod dropin;
mod examples;
mod failpoints;
mod fairness;
mod faults;
mod file_size;
mod follow;
mod gateway;
mod hostile_json;
mod hosts;
mod limits;
mod lists;
mod mcp_servers;
mod openapi;
mod operation;
mod pages;
mod presence;
mod proxies;
mod publish;
mod races;
mod receiver;
mod recordings;
mod rolling;
mod runtime;
mod scale_out;
mod schemas;
mod slow;
mod snapshots;
mod sockets;
mod sse;
mod stream;
mod telemetry;
mod trimmed;
mod unchanged;
mod vectors;
mod webhooks;
mod wire;
mod writer;
