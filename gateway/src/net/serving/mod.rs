//! Serves HTTP/1.1 on accepted connections, with buffers of a stated size.
//!
//! `axum::serve` leaves hyper's buffers as they are: up to 400 KiB are prepared for an event stream that nobody reads.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::http::header::{CONNECTION, HOST};
use axum::http::{HeaderValue, Request, Response, Version};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use runbus::metrics::{Cut, gateway as metrics};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::limits;
use crate::net::body_drain;
use crate::net::shared_socket::SharedSocket;
use crate::net::sockets::acceptor::Acceptor;
use crate::net::sockets::{Exchange, Peer, Permit, Socket, proxied};
use crate::net::tls::{Stream, Tls};

/// The address that a connection came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reached(pub(crate) IpAddr);

/// The shared state of all connections of a listener.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) router: Router,
    pub(crate) tls: Option<Tls>,
    /// Whether connections of proxies begin with a header of the PROXY protocol.
    pub(crate) proxy_protocol: bool,
    /// How long a client may take nothing although there is something to write.
    pub(crate) patience: Duration,
    /// Ends connections behind the answers that they are at.
    pub(crate) stop: CancellationToken,
    /// Cuts them.
    pub(crate) hard: CancellationToken,
}

impl Serving {
    /// Accepts and serves until it is stopped. Ends when all connections have.
    pub(crate) async fn run(self, mut acceptor: Acceptor) {
        let connections = TaskTracker::new();
        let serving = Arc::new(self);
        loop {
            let (stream, permit) = tokio::select! {
                accepted = acceptor.accept() => accepted,
                () = serving.stop.cancelled() => break,
                () = serving.hard.cancelled() => break,
            };
            connections.spawn(connection(serving.clone(), stream, permit));
        }
        drop(acceptor);
        connections.close();
        connections.wait().await;
    }

    /// The place of a connection's client: of a proxy's connection the header of the PROXY protocol names it. `None`: there is no such
    /// header, or the socket must go.
    async fn behind(&self, stream: &mut TcpStream, permit: Permit) -> Option<Permit> {
        if !self.proxy_protocol || !permit.is_of_proxy() {
            return Some(permit);
        }
        let opening = tokio::select! {
            client = Box::pin(proxied::client(stream)) => client,
            () = permit.peer().evicted() => return None,
            () = self.stop.cancelled() => return None,
            () = self.hard.cancelled() => return None,
        };
        match opening {
            Ok(Some(client)) => Some(permit.behind(client)),
            Ok(None) => Some(permit),
            Err(error) => {
                metrics::SOCKETS_CUT.of(Cut::Handshake).inc();
                let proxy = permit.peer().address();
                tracing::debug!(%error, %proxy, "a connection does not begin with a header of the PROXY protocol");
                None
            }
        }
    }

    /// The stream itself, or what a handshake makes of it, and what is spoken over it; `None`: the handshake failed, or the socket must
    /// go.
    async fn stream(&self, stream: TcpStream, peer: &Peer) -> Option<(Stream, Version)> {
        let opening = async {
            let Some(tls) = &self.tls else {
                let version = preface::version(&stream).await?;
                return Some((Stream::Plain(Arc::new(SharedSocket::new(stream))), version));
            };
            let done = tls.accept(stream).await;
            if done.is_none() {
                metrics::SOCKETS_CUT.of(Cut::Handshake).inc();
            }
            let stream = done?;
            let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            Some((Stream::Tls(stream), if is_h2 { Version::HTTP_2 } else { Version::HTTP_11 }))
        };
        tokio::select! {
            done = opening => done,
            () = peer.evicted() => None,
            () = self.stop.cancelled() => None,
            () = self.hard.cancelled() => None,
        }
    }
}

async fn connection(shared: Arc<Serving>, mut stream: TcpStream, permit: Permit) {
    let Some(permit) = shared.behind(&mut stream, permit).await else { return };
    // In memory of its own: a connection needs it for a moment.
    let Some((stream, version)) = Box::pin(shared.stream(stream, permit.peer())).await else { return };
    let socket = Socket::new(stream, permit, shared.patience);
    let peer = socket.peer().clone();
    let router = TowerToHyperService::new(shared.router.clone());
    if version == Version::HTTP_2 {
        let service = Requests { shared_socket: None, peer: peer.clone(), router };
        let serving = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits::STREAMS)
            .max_header_list_size(limits::HEADERS_BYTES)
            .max_send_buf_size(limits::HTTP_BUFFER_BYTES)
            .keep_alive_interval(limits::STREAMS_PING)
            .keep_alive_timeout(limits::STREAMS_PING)
            .serve_connection(TokioIo::new(socket.multiplexed()), service);
        // Few connections are of this kind, and all others would have room for its state.
        return Box::pin(drive(shared, serving, peer, |serving| serving.graceful_shutdown())).await;
    }
    let service = Requests { shared_socket: socket.shared_socket(), peer: peer.clone(), router };
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::REQUEST_PATIENCE)
        .max_buf_size(limits::HTTP_BUFFER_BYTES)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    drive(shared, serving, peer, |serving| serving.graceful_shutdown()).await;
}

/// Serves a connection until it ends, must go, or is told to: then behind the answers that it is at.
async fn drive<C: Future<Output = hyper::Result<()>>>(
    shared: Arc<Serving>,
    serving: C,
    peer: Peer,
    shut: impl FnOnce(Pin<&mut C>),
) {
    let mut serving = pin!(serving);
    let outcome = tokio::select! {
        outcome = serving.as_mut() => outcome,
        () = peer.evicted() => return,
        () = shared.hard.cancelled() => return,
        () = shared.stop.cancelled() => {
            shut(serving.as_mut());
            tokio::select! {
                outcome = serving => outcome,
                () = peer.evicted() => return,
                () = shared.hard.cancelled() => return,
            }
        }
    };
    if let Err(error) = outcome {
        if error.is_timeout() {
            metrics::SOCKETS_CUT.of(Cut::Idle).inc();
        }
        let client = peer.address();
        tracing::debug!(%error, %client, "a connection ended");
    }
}

/// Requests know the connection that they came over, and the plain connection beneath it if there is one.
struct Requests {
    shared_socket: Option<Arc<SharedSocket>>,
    peer: Peer,
    router: TowerToHyperService<Router>,
}

type Answer = Response<Answering>;

impl Service<Request<Incoming>> for Requests {
    type Response = Answer;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Answer, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let exchange = self.peer.exchange();
        let (mut request, left) = body_drain::watch(request);
        let is_h2 = request.version() == Version::HTTP_2;
        // HTTP/2 has the host in the target: whoever asks for it finds it where HTTP/1.1 has it.
        if is_h2
            && !request.headers().contains_key(HOST)
            && let Some(host) = request.uri().authority().and_then(|host| host.as_str().parse().ok())
        {
            request.headers_mut().insert(HOST, host);
        }
        if let Some(shared_socket) = &self.shared_socket {
            request.extensions_mut().insert(shared_socket.clone());
        }
        if let Some(reached) = self.peer.reached() {
            request.extensions_mut().insert(Reached(reached));
        }
        let peer = self.peer.of_request(request.headers());
        request.extensions_mut().insert(peer);
        let answering = self.router.call(request);
        Box::pin(async move {
            let mut answer = answering.await?;
            if let Some(left) = left
                && !left.finish().await
                && !is_h2
            {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(answer.map(|body| Answering { body, _exchange: exchange }))
        })
    }
}

/// The body of an answer: its request is over when it is dropped.
pub(crate) struct Answering {
    body: axum::body::Body,
    _exchange: Exchange,
}

impl hyper::body::Body for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

mod preface;
#[cfg(test)]
mod tests;
