//! The tools of a model: one [`Tool`] is one small function with a JSON Schema.
//!
//! ```
//! use runbus_workers::tool::{Error, Function, Registry};
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Add {
//!     a: i64,
//!     b: i64,
//! }
//!
//! let add = Function::new("add", "adds two numbers", async |sum: Add| -> Result<i64, Error> { Ok(sum.a + sum.b) })
//!     .safe_to_repeat();
//! let tools = Registry::new().with(add)?;
//! assert_eq!(tools.names().collect::<Vec<_>>(), ["add"]);
//! # Ok::<(), runbus_workers::tool::RegistryFault>(())
//! ```

mod beside;
mod blocking;
mod calculator;
mod clock;
mod error;
pub mod fetch;
mod function;
mod kind;
pub mod limits;
mod outcome;
mod parked;
mod permit;
mod port;
mod registry;
mod scope;
mod source;
mod stats;

pub use beside::Progress;
pub use calculator::calculator;
pub use clock::clock;
pub use error::{Error, RegistryFault};
pub use function::{Function, IntoText};
pub use kind::{Approval, Kind, SubagentSpec};
pub use outcome::Outcome;
pub use parked::{Question, Task, ask_human, subagent};
pub use permit::{Permit, Refusal};
pub use port::{Invocation, Spec, Tool};
pub use registry::Registry;
pub(crate) use registry::list;
pub use runbus::json_schema::Schema;
pub use runbus::truncate::truncate;
pub use scope::{Need, Scope};
pub use source::{Listing, Source};
pub use stats::Stats;

/// Runs the examples of the page.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/tools.md")]
struct Page;
