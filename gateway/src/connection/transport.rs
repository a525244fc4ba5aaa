//! A transport: the way between the loop and its client.

use axum::extract::ws::Message as Frame;
use runbus::metrics;

use super::gate::CloseReason;
use crate::app::Shared;

/// Something from the client.
#[derive(Debug)]
pub enum Heard {
    /// A message.
    Message(Frame),
    /// A sign of life and nothing else.
    Sign,
    /// Bytes that are no message of this transport.
    Broken,
    /// It went away.
    Gone,
}

/// The client is gone.
#[derive(Debug, Clone, Copy)]
pub struct Gone;

/// The way to one client, and back if there is one. Every future may be dropped and asked for again.
pub trait Transport: Send {
    /// Its name in metrics.
    const KIND: metrics::Transport;
    /// Whether the client can be heard: it must give signs of life then, and is closed with a code.
    const HEARS: bool;
    /// Whether the client stays until its moment of the drain window comes.
    const STAYS: bool;

    /// The next thing from the client; never comes where nothing can.
    fn hear(&mut self) -> impl Future<Output = Heard> + Send {
        std::future::pending()
    }

    /// Takes a message, which goes out at the latest with the next [`Transport::flush`].
    fn feed(&mut self, frame: Frame) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Waits until the client has taken everything.
    fn flush(&mut self) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Asks for a sign of life, or gives one.
    fn ping(&mut self) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Ends the connection; `reason`: the close code that the client sees.
    fn close(&mut self, shared: &Shared, reason: Option<CloseReason>) -> impl Future<Output = ()> + Send;
}
