//! The port itself: one method that turns a request into a stream of deltas.

use std::fmt::Debug;
use std::pin::Pin;

use async_trait::async_trait;
use futures_util::Stream;

use super::{CallDelta, Fault, Provider, Request, Retry, Turn};

/// A piece of a model's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta {
    /// The next piece of the answer's text; never empty.
    Text(String),
    /// The next piece of the model's reasoning; never empty.
    Reasoning(String),
    /// The next piece of a call that the model writes.
    Call(CallDelta),
    /// The whole answer. It is the last item; its text and reasoning are the concatenated deltas.
    Completed(Box<Turn>),
}

/// The deltas of one turn. It MUST end with exactly one of [`Delta::Completed`] or an error.
///
/// Its reader drives it: an unpolled stream reads nothing from the provider, so that nothing queues up.
/// Dropping it ends the request at once.
pub type TurnStream = Pin<Box<dyn Stream<Item = Result<Delta, Fault>> + Send>>;

/// A language model behind any interface.
///
/// An implementation MUST NOT retry by itself: the caller journals every attempt and tells its readers when
/// streamed text is superseded.
#[async_trait]
pub trait Model: Send + Sync + Debug {
    /// The provider, for traces.
    fn provider(&self) -> Provider {
        Provider::unknown()
    }

    /// The provider that answers a request, for traces.
    fn provider_of(&self, _request: &Request) -> Provider {
        self.provider()
    }

    /// How often a call is tried, for requests that name `model`.
    fn retry(&self, _model: Option<&str>) -> Retry {
        Retry::default()
    }

    /// Starts one turn.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the provider refuses the request or cannot be reached. A fault after that is an
    /// item of the stream.
    async fn stream(&self, request: Request) -> Result<TurnStream, Fault>;
}
