//! Metrics: named in one place (`catalogue`), counted by plain atomics, read as `OpenMetrics` text.
//!
//! The lowest layer but limits and time, so that everything may count. There is one set for the process: a gateway and a
//! worker in one process (`runbus dev`) have different names. Counting is an atomic addition at a fixed address: no lock, no
//! look-up of labels, no allocation. Labels are enumerations that are written down in the catalogue, so that the number of
//! series is known; ids are never labels.

pub mod catalogue;
mod family;
mod held;
mod kind;
mod label;
mod page;
mod process;
mod text;

pub use catalogue::{gateway, log, nats, process as of_process, redis, worker};
pub use family::{CounterBy, GaugeBy, HistogramBy};
pub use held::{Amount, Held};
pub use kind::{BOUNDS, Counter, Gauge, Histogram, Seconds};
pub use label::{
    Answer, Auth, Close, Crowd, Cut, Failed, Lane, Ok, Rank, SocketState, Tokens, ToolOutcome,
    Transport, Webhook,
};
pub use page::page;
pub use text::{CONTENT_TYPE, text};
