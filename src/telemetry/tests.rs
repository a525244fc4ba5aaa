//! Trace context there and back, and an export over HTTP to a sink.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::sync::mpsc;
use tracing::info_span;
use tracing_subscriber::layer::SubscriberExt as _;

use super::{Config, current_trace, follow, init, link};
use crate::config::{Validate as _, check};
use crate::log::Trace;

fn traced(provider: &SdkTracerProvider) -> impl tracing::Subscriber + Send + Sync {
    tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(provider.tracer("test")))
}

fn trace(parent: &str) -> Trace {
    Trace { parent: parent.into(), state: Some("a=b".into()) }
}

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[test]
fn a_trace_continues_through_a_frame() {
    let provider = SdkTracerProvider::builder().build();
    tracing::subscriber::with_default(traced(&provider), || {
        assert_eq!(current_trace(), None);
        let span = info_span!("work");
        assert!(follow(&span, &trace(PARENT)));
        let own = span.in_scope(current_trace).unwrap();
        assert_eq!(own.parent[..36], PARENT[..36]);
        assert_ne!(own.parent, PARENT);
        assert_eq!(own.state.as_deref(), Some("a=b"));

        let linked = info_span!("batch");
        link(&linked, &trace(PARENT));
        assert_ne!(linked.in_scope(current_trace).unwrap().parent[..36], PARENT[..36]);
    });
}

#[test]
fn without_tracing_there_is_no_context() {
    tracing::subscriber::with_default(tracing_subscriber::registry(), || {
        assert_eq!(info_span!("work").in_scope(current_trace), None);
    });
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_context_or_none(parent in ".{0,60}|00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", state in ".{0,20}") {
        let provider = SdkTracerProvider::builder().build();
        tracing::subscriber::with_default(traced(&provider), || {
            let span = info_span!("work");
            let outer = Trace { parent, state: Some(state) };
            follow(&span, &outer);
            link(&span, &outer);
            assert!(span.in_scope(current_trace).is_some());
        });
    }
}

#[test]
fn the_section_is_checked() {
    assert!(check(&Config::default()).is_ok());
    let config = Config { filter: "a=b=c".into(), ..Config::default() };
    assert_eq!(config.validate().unwrap_err().key, "filter");
    let config = Config { otlp_endpoint: Some("localhost:4318".into()), ..Config::default() };
    assert_eq!(config.validate().unwrap_err().key, "otlp_endpoint");
    let config = Config { otlp_timeout_ms: 1, ..Config::default() };
    assert_eq!(check(&config).unwrap_err().key, "otlp_timeout_ms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guard_flushes_spans_over_http() {
    let (sender, mut bodies) = mpsc::channel::<Bytes>(16);
    let sink = |State(sender): State<Arc<mpsc::Sender<Bytes>>>, body: Bytes| async move {
        let _ = sender.send(body).await;
    };
    let router =
        axum::Router::new().route("/v1/traces", axum::routing::post(sink)).with_state(Arc::new(sender));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });

    // The only test that installs a subscriber for the whole process.
    let config = Config {
        otlp_endpoint: Some(endpoint),
        service_name: "sink-test".into(),
        filter: "off,runbus::telemetry=info".into(),
        ..Config::default()
    };
    let guard = init(&config).unwrap();
    info_span!("exported_span").in_scope(|| tracing::debug!("not shown"));
    assert!(init(&config).is_err());
    tokio::task::spawn_blocking(move || drop(guard)).await.unwrap();
    let body = tokio::time::timeout(Duration::from_secs(30), bodies.recv()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&body);
    assert!(text.contains("exported_span") && text.contains("sink-test"), "{text}");
}
