//! The port to a language model, and everything that speaks through it.
//!
//! [`Model`] takes a [`Request`] and answers with a stream of [`Delta`]s that ends in one [`Turn`] or one
//! [`Fault`]. [`OpenAi`] is the client for every OpenAI-compatible service; [`Scripted`] needs no service. [`Providers`] are several of
//! them by name.

mod abilities;
mod accumulate;
mod answer;
mod anthropic;
mod calls;
mod choices;
mod chunk;
pub(crate) mod estimate;
mod fault;
mod fuzzed;
mod gemini;
mod history;
mod http;
mod kind;
pub mod limits;
mod needed;
mod openai;
mod parts;
mod port;
pub mod presets;
mod provider;
mod provider_error;
mod providers;
pub mod quirks;
pub mod recorded;
mod request;
mod responses;
mod retry;
mod retry_after;
mod script;
mod scripted;
mod source;
mod sse;
mod structured;
mod surrogates;
mod think;
mod verdict;
mod wire_schema;
mod written;

pub use abilities::{Images, Structured};
pub use accumulate::Accumulator;
pub use fault::Fault;
pub use fuzzed::fuzz;
pub use http::{Endpoint, Timeouts};
pub use kind::{Kind, Setup};
pub use openai::{Config, OpenAi};
pub use port::{Delta, Model, TurnStream};
pub use provider::Provider;
pub use provider_error::ProviderError;
pub use providers::{Entry, Providers};
pub use request::{Hint, Options, Request, ResponseFormat, ToolChoice};
pub use retry::Retry;
pub use runbus::session::{Message, ToolCall, Turn, Usage};
pub use script::{Answer, Script, ScriptFault, ScriptedCall};
pub use scripted::Scripted;
pub use sse::{Event, Parser};
pub use think::ThinkTags;
pub use written::CallDelta;
