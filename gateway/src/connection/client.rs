//! The loop of one client: one task, small while nothing happens.

use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message as Frame, Utf8Bytes, WebSocket};
use futures_util::SinkExt;
use runbus::bus::Bus;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::join;
use super::outbound::Outbound;
use super::subscription::Subscription;
use crate::config::Config;
use crate::hub::Hubs;
use crate::protocol::client::{Invalid, Message, Subscribe};
use crate::protocol::{close, server};

/// What all clients share.
#[derive(Debug)]
pub struct Shared {
    /// How the gateway serves.
    pub config: Config,
    /// The bus.
    pub bus: Bus,
    /// Who watches what.
    pub hubs: Hubs,
    /// Reads of history at the same time.
    pub history_reads: Semaphore,
    /// Take no new clients, tell those that are here to go.
    pub drain: CancellationToken,
}

/// Why a client's connection ended.
enum End {
    /// The client went away.
    Gone,
    /// The gateway closes it.
    Close(u16, &'static str),
}

struct Client {
    socket: WebSocket,
    shared: Arc<Shared>,
    subscriptions: Vec<Subscription>,
    wake: Arc<Notify>,
    heard: Instant,
    ping_at: Instant,
}

/// Serves a client until it or the gateway ends.
pub async fn serve(socket: WebSocket, shared: Arc<Shared>) {
    let now = Instant::now();
    let ping_at = now + shared.config.ping_interval();
    let mut client =
        Client { socket, shared, subscriptions: Vec::new(), wake: Arc::default(), heard: now, ping_at };
    let end = client.run().await;
    if matches!(end, End::Gone) {
        // Completes the closing handshake if the client began it.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), client.socket.close()).await;
    }
    if let End::Close(code, reason) = end {
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        // A client that is gone or stuck needs no goodbye.
        let _ = tokio::time::timeout(
            client.shared.config.write_timeout().min(std::time::Duration::from_secs(2)),
            client.socket.send(Frame::Close(Some(frame))),
        )
        .await;
    }
}

impl Client {
    async fn run(&mut self) -> End {
        if let Err(end) = self.write(vec![server::hello(&self.shared.config).into()]).await {
            return end;
        }
        loop {
            match self.turn().await {
                Ok(()) => {}
                Err(end) => return end,
            }
        }
    }

    /// Sends what is there, or waits for something.
    async fn turn(&mut self) -> Result<(), End> {
        if self.subscriptions.is_empty() || !self.produce().await? {
            return self.wait().await;
        }
        if self.shared.drain.is_cancelled() {
            return Err(self.drained().await);
        }
        // Much to send must not keep the client from being heard.
        let heard = futures_util::FutureExt::now_or_never(self.socket.recv());
        match heard {
            Some(frame) => self.hear(frame).await,
            None => self.mind_time().await,
        }
    }

    /// Sends what the subscriptions have; `true` when more may be there.
    async fn produce(&mut self) -> Result<bool, End> {
        let mut out = Outbound::new(self.shared.config.client_buffer_bytes);
        let mut more = false;
        for subscription in &mut self.subscriptions {
            match Box::pin(subscription.produce(&self.shared, &mut out)).await {
                Ok(rest) => more |= rest,
                Err(error) => {
                    tracing::error!(%error, "a client is closed: the log refuses");
                    return Err(End::Close(close::UNAVAILABLE, "the log refuses"));
                }
            }
        }
        // Fair to all: the next turn begins with another subscription.
        if self.subscriptions.len() > 1 {
            self.subscriptions.rotate_left(1);
        }
        self.write(out.take()).await?;
        Ok(more)
    }

    async fn write(&mut self, messages: Vec<Utf8Bytes>) -> Result<(), End> {
        if messages.is_empty() {
            return Ok(());
        }
        let socket = &mut self.socket;
        let writing = async {
            for message in messages {
                socket.feed(Frame::Text(message)).await?;
            }
            socket.flush().await
        };
        match tokio::time::timeout(self.shared.config.write_timeout(), writing).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_gone)) => Err(End::Gone),
            Err(_elapsed) => Err(End::Close(close::TOO_SLOW, "too slow: resume with the last cursor")),
        }
    }

    async fn wait(&mut self) -> Result<(), End> {
        let deadline = self.ping_at.min(self.heard + self.shared.config.idle_timeout());
        tokio::select! {
            frame = self.socket.recv() => self.hear(frame).await,
            () = self.wake.notified() => Ok(()),
            () = tokio::time::sleep_until(deadline) => self.mind_time().await,
            () = self.shared.drain.cancelled() => Err(self.drained().await),
        }
    }

    /// Waits for this client's share of the drain window, so that not all come back at once.
    async fn drained(&mut self) -> End {
        let window = self.shared.config.drain_window();
        let share = f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX);
        tokio::time::sleep(window.mul_f64(share)).await;
        End::Close(close::DRAINING, "draining: connect again with the last cursor")
    }

    async fn mind_time(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if now >= self.heard + self.shared.config.idle_timeout() {
            return Err(End::Close(close::IDLE, "no sign of life"));
        }
        if now < self.ping_at {
            return Ok(());
        }
        self.ping_at = now + self.shared.config.ping_interval();
        let ping = self.socket.send(Frame::Ping(bytes::Bytes::new()));
        match tokio::time::timeout(self.shared.config.write_timeout(), ping).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_gone)) => Err(End::Gone),
            Err(_elapsed) => Err(End::Close(close::TOO_SLOW, "too slow: resume with the last cursor")),
        }
    }

    async fn hear(&mut self, frame: Option<Result<Frame, axum::Error>>) -> Result<(), End> {
        self.heard = Instant::now();
        match frame {
            Some(Ok(Frame::Text(text))) => Box::pin(self.obey(text)).await,
            Some(Ok(Frame::Binary(_))) => {
                Err(End::Close(close::PROTOCOL, "this protocol has text messages only"))
            }
            Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => Ok(()),
            Some(Err(error)) => {
                tracing::debug!(%error, "a client's connection broke");
                Err(End::Close(close::PROTOCOL, "broken or too large message"))
            }
            Some(Ok(Frame::Close(_))) | None => Err(End::Gone),
        }
    }

    async fn obey(&mut self, text: Utf8Bytes) -> Result<(), End> {
        let answer = match Message::decode(&text) {
            Ok(Message::Ping { nonce }) => vec![server::pong(nonce.as_deref())],
            Ok(Message::Unsubscribe { id }) => {
                let before = self.subscriptions.len();
                self.subscriptions.retain(|subscription| subscription.id != id);
                if self.subscriptions.len() < before {
                    vec![server::unsubscribed(&id)]
                } else {
                    vec![server::error("not_found", "there is no such subscription", Some("id"), Some(&id))]
                }
            }
            Ok(Message::Subscribe(subscribe)) => self.subscribe(subscribe).await,
            Err(invalid) => {
                let (path, id) = match &invalid {
                    Invalid::Field { path, id, .. } => (Some(path.as_str()), id.as_deref()),
                    _ => (None, None),
                };
                vec![server::error(invalid.code(), &invalid.to_string(), path, id)]
            }
        };
        self.write(answer.into_iter().map(Utf8Bytes::from).collect()).await
    }

    async fn subscribe(&mut self, subscribe: Subscribe) -> Vec<String> {
        let id = Some(subscribe.id.as_str());
        if self.subscriptions.iter().any(|subscription| subscription.id == subscribe.id) {
            return vec![server::error("conflict", "this subscription is there already", Some("id"), id)];
        }
        let limit = self.shared.config.max_subscriptions;
        if self.subscriptions.len() >= limit {
            let message = format!("{limit} subscriptions are there already");
            return vec![server::error("limit_exceeded", &message, None, id)];
        }
        match join::join(&self.shared, &subscribe, &self.wake).await {
            Ok(joined) => {
                let mut answer = vec![server::subscribed(&subscribe.id, joined.cursor.as_ref())];
                if let Some(gap) = &joined.gap {
                    answer.push(server::about("gap", &subscribe.id, &server::gap_fields(gap)));
                }
                self.subscriptions.push(Subscription::new(
                    subscribe.id,
                    subscribe.filter,
                    joined.source,
                    joined.cursor.unwrap_or_default(),
                    self.wake.clone(),
                ));
                answer
            }
            Err(error) => vec![server::error(error.code(), &error.to_string(), None, id)],
        }
    }
}
