//! The port to a language model, and everything that speaks through it.
//!
//! [`Model`] takes a [`Request`] and answers with a stream of [`Delta`]s that ends in one [`Turn`] or one
//! [`Fault`]. [`OpenAi`] is the client for every OpenAI-compatible service; [`Scripted`] needs no service.

mod abilities;
mod accumulate;
mod answer;
mod calls;
mod choices;
mod chunk;
mod estimate;
mod fault;
pub mod limits;
mod observed;
mod openai;
mod port;
mod provider;
mod provider_error;
mod request;
mod script;
mod scripted;
mod sse;
mod surrogates;
mod verdict;
mod wire;

pub use abilities::{Images, Structured};
pub use accumulate::Accumulator;
pub use fault::Fault;
pub use observed::Observed;
pub use openai::{Config, OpenAi};
pub use port::{Delta, Model, TurnStream};
pub use provider::Provider;
pub use provider_error::ProviderError;
pub use request::{Hint, Options, Request, ResponseFormat};
pub use runbus::session::{Message, ToolCall, Turn, Usage};
pub use script::{Answer, Script, ScriptFault, ScriptedCall};
pub use scripted::Scripted;
pub use sse::{Event, Parser};
