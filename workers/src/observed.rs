//! A model that counts and traces its calls, over any provider.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use async_trait::async_trait;
use futures_util::Stream;
use runbus::metrics::{Answer, Held, Tokens, worker as metrics};
use tracing::{Instrument, Span};

use crate::model::{Delta, Fault, Model, Provider, Request, Retry, Turn, TurnStream, estimate};
use crate::spans;

/// Counts and traces what goes through it.
#[derive(Debug)]
pub struct Observed(Arc<dyn Model>);

impl Observed {
    /// Counts and traces the calls of `model`.
    #[must_use]
    pub fn new(model: Arc<dyn Model>) -> Self {
        Self(model)
    }
}

#[async_trait]
impl Model for Observed {
    fn provider(&self) -> Provider {
        self.0.provider()
    }

    fn provider_of(&self, request: &Request) -> Provider {
        self.0.provider_of(request)
    }

    fn retry(&self, model: Option<&str>) -> Retry {
        self.0.retry(model)
    }

    async fn stream(&self, request: Request) -> Result<TurnStream, Fault> {
        let mut call =
            Call::begin(spans::chat(&self.0.provider_of(&request), &request), estimate::prompt(&request));
        match self.0.stream(request).instrument(call.span.clone()).await {
            Ok(deltas) => Ok(Box::pin(Watched { deltas, call })),
            Err(fault) => {
                call.failed(&fault);
                Err(fault)
            }
        }
    }
}

/// One call, from its beginning to its answer, its fault, or the moment that nobody wants it any more.
struct Call {
    span: Span,
    begun: Instant,
    has_spoken: bool,
    outcome: Answer,
    /// An estimate, for providers that do not count.
    prompt_tokens: u64,
    _running: Held,
}

impl Call {
    fn begin(span: Span, prompt_tokens: u64) -> Self {
        let _running = metrics::MODEL_CALLS_NOW.hold();
        let (begun, outcome) = (Instant::now(), Answer::Dropped);
        Self { span, begun, has_spoken: false, outcome, prompt_tokens, _running }
    }

    fn spoke(&mut self) {
        if !self.has_spoken {
            self.has_spoken = true;
            metrics::FIRST_TOKEN.observe(self.begun.elapsed());
        }
    }

    fn answered(&mut self, turn: &mut Turn) {
        self.outcome = Answer::Ok;
        turn.usage = turn.usage.filter(|usage| usage.total_tokens > 0);
        if turn.usage.is_none() {
            turn.usage = Some(estimate::usage(self.prompt_tokens, turn));
        }
        spans::answered(&self.span, turn);
        let Some(usage) = &turn.usage else { return };
        metrics::TOKENS.of(Tokens::Input).add(usage.prompt_tokens);
        metrics::TOKENS.of(Tokens::Output).add(usage.completion_tokens);
        metrics::TOKENS.of(Tokens::Cached).add(usage.cached_tokens.unwrap_or_default());
        metrics::TOKENS.of(Tokens::Reasoning).add(usage.reasoning_tokens.unwrap_or_default());
    }

    fn failed(&mut self, fault: &Fault) {
        self.outcome = match fault {
            Fault::Refused(_) => Answer::Refused,
            Fault::RateLimited(_) => Answer::RateLimited,
            Fault::InvalidToolCall(_) => Answer::InvalidToolCall,
            Fault::Connection { .. } | Fault::ClosedEarly => Answer::Connection,
            Fault::Stalled { .. } => Answer::Stalled,
            Fault::MidStream(_)
            | Fault::Garbage { .. }
            | Fault::TooLarge { .. }
            | Fault::Filtered { .. }
            | Fault::Declined { .. }
            | Fault::Empty { .. }
            | Fault::Unsendable { .. }
            | Fault::UnsupportedPart { .. } => Answer::Error,
        };
        spans::faulted(&self.span, fault);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        metrics::MODEL_CALLS.of(self.outcome).inc();
        if self.outcome != Answer::Dropped {
            metrics::MODEL_LATENCY.observe(self.begun.elapsed());
        }
    }
}

struct Watched {
    deltas: TurnStream,
    call: Call,
}

impl Stream for Watched {
    type Item = Result<Delta, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { deltas, call } = &mut *self;
        let mut polled = call.span.in_scope(|| deltas.as_mut().poll_next(context));
        match &mut polled {
            Poll::Ready(Some(Ok(Delta::Completed(turn)))) => {
                // An answer that only calls tools has no piece before its end.
                call.spoke();
                call.answered(turn);
            }
            Poll::Ready(Some(Ok(Delta::Text(_) | Delta::Reasoning(_) | Delta::Call(_)))) => call.spoke(),
            Poll::Ready(Some(Err(fault))) => call.failed(fault),
            // The deltas ended without an answer.
            Poll::Ready(None) if call.outcome == Answer::Dropped => call.failed(&Fault::ClosedEarly),
            Poll::Ready(None) | Poll::Pending => {}
        }
        polled
    }
}
