//! The spans of this crate, each made in one place: its name, kind and attributes.

use tracing::Span;

/// A command on its way to a session: until it is durable and its worker is woken.
#[must_use]
pub fn publish(command: &'static str) -> Span {
    tracing::info_span!(
        "publish",
        otel.kind = "producer",
        messaging.system = "runbus",
        messaging.operation.name = "publish",
        "messaging.operation.type" = "send",
        messaging.destination.name = "inbox",
        runbus.command = command,
    )
}

/// The fields that [`fail`] fills in belong to every span that can fail.
pub const ERROR_TYPE: &str = "error.type";

/// The operation of a span failed: `kind` is a code from a small set, `message` is for people.
pub fn fail(span: &Span, kind: &str, message: &str) {
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    span.set_attribute(ERROR_TYPE, kind.to_owned());
    span.set_status(opentelemetry::trace::Status::error(message.to_owned()));
}

/// Adds an attribute that is known only later, or only sometimes.
pub fn note(span: &Span, name: &'static str, value: impl Into<opentelemetry::Value>) {
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    span.set_attribute(name, value);
}

/// Adds a list of texts.
pub fn note_list(span: &Span, name: &'static str, values: Vec<String>) {
    let values = values.into_iter().map(opentelemetry::StringValue::from).collect();
    note(span, name, opentelemetry::Value::Array(opentelemetry::Array::String(values)));
}
