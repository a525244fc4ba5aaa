//! Serves HTTP/1.1 on accepted connections, with buffers of a stated size.
//!
//! `axum::serve` leaves hyper's buffers as they are: up to 400 KiB are prepared for an event stream that nobody reads.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request};
use axum::serve::Listener;
use futures_util::future::{BoxFuture, Either};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bodies::{self, Body};
use crate::limits;
use crate::line::Line;
use crate::listener::{Patient, Socket};

/// Accepts and serves until `stop`; then ends connections behind the answers that they are at. Ends when all have; `hard` cuts.
pub(crate) async fn serve(
    mut listener: Patient,
    router: Router,
    stop: CancellationToken,
    hard: CancellationToken,
) {
    let connections = TaskTracker::new();
    let ends = Arc::new((stop, hard));
    loop {
        let socket = tokio::select! {
            (socket, _address) = listener.accept() => socket,
            () = ends.0.cancelled() => break,
            () = ends.1.cancelled() => break,
        };
        connections.spawn(connection(socket, router.clone(), ends.clone()));
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn connection(socket: Socket, router: Router, ends: Arc<(CancellationToken, CancellationToken)>) {
    let service = Lines { line: socket.line(), router: TowerToHyperService::new(router) };
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::REQUEST_PATIENCE)
        .max_buf_size(limits::HTTP_BUFFER_BYTES)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut serving = pin!(serving);
    let outcome = tokio::select! {
        outcome = serving.as_mut() => outcome,
        () = ends.1.cancelled() => return,
        () = ends.0.cancelled() => {
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                outcome = serving => outcome,
                () = ends.1.cancelled() => return,
            }
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended");
    }
}

/// Requests know the connection that they came over, if it is a plain one.
struct Lines {
    line: Option<Arc<Line>>,
    router: TowerToHyperService<Router>,
}

type Answer = axum::response::Response;
type Routed = <TowerToHyperService<Router> as Service<Request<Body<Incoming>>>>::Future;

impl Service<Request<Incoming>> for Lines {
    type Response = Answer;
    type Error = Infallible;
    type Future = Either<Routed, BoxFuture<'static, Result<Answer, Infallible>>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let (mut request, left) = bodies::watch(request);
        if let Some(line) = &self.line {
            request.extensions_mut().insert(line.clone());
        }
        let answering = self.router.call(request);
        let Some(left) = left else { return Either::Left(answering) };
        Either::Right(Box::pin(async move {
            let mut answer = answering.await?;
            if !left.finish().await {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(answer)
        }))
    }
}
