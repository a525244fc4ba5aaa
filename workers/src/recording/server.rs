//! The server that answers as the recorded provider did.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::body::{Guard, pieces};
use super::{Chunking, Interaction, Mode, Recording};

/// The most requests that are remembered.
const MAX_RECEIVED: usize = 10_000;

/// The most bytes of a request.
const MAX_REQUEST_BYTES: usize = 64 * 1024 * 1024;

/// How a server answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// In which pieces it answers.
    pub chunking: Chunking,
    /// Which request gets which interaction.
    pub matching: Matching,
    /// Whether a conversation begins anew after the last interaction, instead of getting a 410.
    pub repeat: bool,
}

/// Which request of a conversation gets which interaction. The first paragraph of the first user message identifies a conversation:
/// clients add further words to that message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Matching {
    /// The n-th request gets the n-th interaction; one that a [`Mode`] broke does not count.
    #[default]
    Order,
    /// A request with n assistant messages gets interaction n: a repeated request gets the same answer.
    Depth,
}

/// A request that the server got.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// Its JSON body; `null` when it was none.
    pub body: Value,
    /// Its `authorization` header.
    pub authorization: Option<String>,
    /// The place of the interaction that answered it, if one did.
    pub interaction: Option<usize>,
    /// The injected fault.
    pub mode: Mode,
}

/// A running server. Dropping it stops it and breaks its connections.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    recording: Recording,
    options: Options,
    state: Mutex<Current>,
    /// The number of requests so far.
    count: watch::Sender<usize>,
    /// The number of answers that their reader did not read to the end.
    aborted: Arc<watch::Sender<usize>>,
}

#[derive(Debug, Default)]
struct Current {
    /// The faults of the next requests, in order.
    modes: VecDeque<Mode>,
    /// How many requests of each conversation were answered.
    answered: HashMap<String, usize>,
    received: VecDeque<Received>,
}

impl Server {
    /// Starts to serve `recording` at any path that ends in `/chat/completions`.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn start(recording: Recording, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            recording,
            options,
            state: Mutex::default(),
            count: watch::Sender::new(0),
            aborted: Arc::new(watch::Sender::new(0)),
        });
        let router = Router::new()
            .route("/chat/completions", post(answer))
            .route("/{*prefix}", post(answer))
            .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            // It ends with its task only.
            axum::serve(listener, router).await.ok();
        });
        Ok(Self { address, shared, task })
    }

    /// The address for a client's configuration, in front of `/chat/completions`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Lets something go wrong with the next requests, one mode for each; later ones get what was recorded.
    pub fn fail_next(&self, modes: impl IntoIterator<Item = Mode>) {
        self.shared.current().modes.extend(modes);
    }

    /// The requests so far, oldest first; the last 10,000 at most.
    pub fn received(&self) -> Vec<Received> {
        self.shared.current().received.iter().cloned().collect()
    }

    /// Waits until that many requests have come.
    pub async fn wait_received(&self, count: usize) {
        self.shared.count.subscribe().wait_for(|now| *now >= count).await.ok();
    }

    /// Waits until that many answers were dropped by their reader before the end.
    pub async fn wait_aborted(&self, count: usize) {
        self.shared.aborted.subscribe().wait_for(|now| *now >= count).await.ok();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn current(&self) -> MutexGuard<'_, Current> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a request and finds what answers it.
    fn receive(&self, headers: &HeaderMap, body: Value) -> (Option<&Interaction>, Mode) {
        let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
        let of_role = |role: &'static str| messages.iter().filter(move |message| message["role"] == role);
        let conversation = of_role("user").next().map(|message| match message["content"].as_str() {
            Some(text) => text.split("\n\n").next().unwrap_or_default().to_owned(),
            None => message["content"].to_string(),
        });
        let depth = of_role("assistant").count();

        let mut current = self.current();
        let mode = current.modes.pop_front().unwrap_or_default();
        let answered = current.answered.entry(conversation.unwrap_or_default()).or_default();
        let mut place = if self.options.matching == Matching::Order { *answered } else { depth };
        if mode == Mode::AsRecorded {
            *answered += 1;
        }
        if self.options.repeat {
            place %= self.recording.interactions.len().max(1);
        }
        let interaction = self.recording.interactions.get(place);
        let authorization =
            headers.get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned);
        if current.received.len() == MAX_RECEIVED {
            current.received.pop_front();
        }
        let received =
            Received { body, authorization, interaction: interaction.map(|_| place), mode: mode.clone() };
        current.received.push_back(received);
        drop(current);
        self.count.send_modify(|count| *count += 1);
        (interaction, mode)
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let body = runbus::json::from_slice(&body).unwrap_or(Value::Null);
    let (interaction, mode) = shared.receive(&headers, body);
    if let Mode::Refuse { status, body, retry_after } = mode {
        return respond(status, "application/json", retry_after, Body::from(body));
    }
    let Some(Interaction { status, content_type, body, .. }) = interaction else {
        let error =
            json!({"error": {"message": "the recording has no further interaction", "code": "exhausted"}});
        return respond(410, "application/json", None, Body::from(error.to_string()));
    };
    let guard = Guard::new(Arc::clone(&shared.aborted));
    let stream = pieces(body, shared.options.chunking, &mode, guard);
    respond(*status, content_type, None, Body::from_stream(stream))
}

fn respond(status: u16, content_type: &str, retry_after: Option<u64>, body: Body) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut builder = Response::builder().status(status).header("content-type", content_type);
    if let Some(seconds) = retry_after {
        builder = builder.header("retry-after", seconds.to_string());
    }
    builder.body(body).unwrap_or_default()
}
