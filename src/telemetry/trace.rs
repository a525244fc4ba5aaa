//! W3C trace context between spans and frames.

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::log::Trace;

const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";

/// The trace context of the current span, to be carried by a frame; `None` outside a traced span.
#[must_use]
pub fn current_trace() -> Option<Trace> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    let parent = carrier.remove(PARENT)?;
    Some(Trace { parent, state: carrier.remove(STATE).filter(|state| !state.is_empty()) })
}

fn extract(trace: &Trace) -> Option<opentelemetry::Context> {
    let mut carrier = HashMap::from([(PARENT.to_owned(), trace.parent.clone())]);
    if let Some(state) = &trace.state {
        carrier.insert(STATE.to_owned(), state.clone());
    }
    // Onto an empty context: the current one must not stand in for a malformed header.
    let context =
        TraceContextPropagator::new().extract_with_context(&opentelemetry::Context::new(), &carrier);
    context.span().span_context().is_valid().then_some(context)
}

/// Makes `span` a child of a trace context from elsewhere, before it is entered: work that one frame caused.
///
/// Returns whether it could: not when the context is malformed or nothing is traced.
pub fn follow(span: &Span, trace: &Trace) -> bool {
    extract(trace).is_some_and(|context| span.set_parent(context).is_ok())
}

/// Links `span` to a trace context from elsewhere: work that several frames caused. Does nothing when it is malformed.
pub fn link(span: &Span, trace: &Trace) {
    if let Some(context) = extract(trace) {
        span.add_link(context.span().span_context().clone());
    }
}
