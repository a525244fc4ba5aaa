//! Metrics and traces of real processes: a gateway and a worker, a collector that stands in for OpenTelemetry's.

mod collector;
mod metrics;
pub mod process;
mod secrets;
mod traces;
