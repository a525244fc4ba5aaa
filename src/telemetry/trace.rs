//! W3C trace context between spans and frames.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::limits;
use crate::log::Trace;

/// The header that names the trace.
pub const TRACEPARENT: &str = "traceparent";
/// The header for additions of tracing systems.
pub const TRACESTATE: &str = "tracestate";

tokio::task_local! {
    /// The trace that a task's work belongs to, when this process exports no spans of its own.
    static PASSED: Option<Arc<Trace>>;
}

/// Does `work` for somebody's trace: a process that exports no spans passes it on unchanged.
pub fn passing<F: Future>(trace: Option<Arc<Trace>>, work: F) -> impl Future<Output = F::Output> {
    PASSED.scope(trace, work)
}

/// The trace context of the current span, to be carried by a frame. Where nothing is traced: that of [`passing`].
#[must_use]
pub fn current_trace() -> Option<Trace> {
    let context = Span::current().context();
    if context.span().span_context().is_valid() {
        let mut carrier = HashMap::new();
        TraceContextPropagator::new().inject_context(&context, &mut carrier);
        let parent = carrier.remove(TRACEPARENT)?;
        return Some(Trace { parent, state: carrier.remove(TRACESTATE).filter(|state| !state.is_empty()) });
    }
    PASSED.try_with(|passed| passed.as_deref().cloned()).ok().flatten()
}

/// The trace context of two headers; `None`: they hold none. A state that is too long is left out, as W3C allows.
#[must_use]
pub fn read(parent: Option<&str>, state: Option<&str>) -> Option<Trace> {
    let fits = |state: &&str| !state.is_empty() && state.len() <= limits::TRACESTATE_BYTES;
    let trace = Trace { parent: parent?.to_owned(), state: state.filter(fits).map(str::to_owned) };
    extract(&trace).is_some().then_some(trace)
}

fn extract(trace: &Trace) -> Option<opentelemetry::Context> {
    let mut carrier = HashMap::from([(TRACEPARENT.to_owned(), trace.parent.clone())]);
    if let Some(state) = &trace.state {
        carrier.insert(TRACESTATE.to_owned(), state.clone());
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
