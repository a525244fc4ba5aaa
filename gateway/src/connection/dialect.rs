//! A dialect: the protocol that a client speaks, as the loop of its connection sees it. It has no part in bounds, metrics, credentials,
//! drain and time: the loop treats all dialects alike.

use axum::extract::ws::Message as Frame;
use tokio::time::Instant;

use super::gate::CloseReason;
use super::link::Link;
use super::outbound::Outbound;
use super::subscription::Next;
use crate::auth::Refusal;
use crate::protocol::Encoding;

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The client went away.
    Gone,
    /// Everything was sent.
    Done,
    /// The gateway closes it, for a cause that every dialect has: the native close code, and the reason.
    Close(CloseReason),
    /// The dialect closes it, with a code of its own.
    Own(CloseReason),
}

/// How a dialect says that the gateway closes the connection.
#[derive(Debug, Default)]
pub struct Farewell {
    /// A last message.
    pub message: Option<Frame>,
    /// The close code and reason; `None`: the connection ends without.
    pub reason: Option<CloseReason>,
}

impl Farewell {
    /// A close code and its reason.
    #[must_use]
    pub const fn with(reason: CloseReason) -> Self {
        Self { message: None, reason: Some(reason) }
    }
}

/// A protocol. Messages go into the `out` that the loop writes afterwards, also where an end follows them.
pub trait Dialect: Send {
    /// How messages are written.
    fn encoding(&self) -> Encoding {
        Encoding::Json
    }

    /// Adds the first messages.
    fn greet(&mut self, _link: &Link, _out: &mut Outbound) {}

    /// The work before the first events. Its messages follow those of [`Dialect::greet`].
    fn begin(&mut self, _link: &Link, _out: &mut Outbound) -> impl Future<Output = Result<(), End>> + Send {
        std::future::ready(Ok(()))
    }

    /// Whether there is nothing that could have news.
    fn is_quiet(&self) -> bool {
        false
    }

    /// Adds what is new until `out` is full; says when to look for more.
    fn produce(&mut self, link: &Link, out: &mut Outbound) -> impl Future<Output = Result<Next, End>> + Send;

    /// The client has taken everything that was produced.
    fn written(&mut self);

    /// Waits for news that no subscription has, such as answers of commands. May be dropped and called again at any time.
    fn news(&mut self, _out: &mut Outbound) -> impl Future<Output = Result<(), End>> + Send {
        std::future::pending()
    }

    /// A message of the client, within its limits.
    fn hear(
        &mut self,
        _link: &mut Link,
        _frame: Frame,
        _out: &mut Outbound,
    ) -> impl Future<Output = Result<(), End>> + Send {
        std::future::ready(Ok(()))
    }

    /// A message of the client was one too many and is dropped.
    fn refuse(&mut self, _refusal: &Refusal, _out: &mut Outbound) {}

    /// A moment, and the end that comes then.
    fn deadline(&self) -> Option<(Instant, End)> {
        None
    }

    /// Whether others may write to the client while it waits, once everything is flushed.
    fn may_lend(&self) -> bool {
        false
    }

    /// Lets others write.
    fn lend(&mut self) {}

    /// Others write no more; how many bytes they could not write.
    fn take_back(&mut self) -> usize {
        0
    }

    /// The native close code with the cause of one of its own.
    fn cause(&self, own: u16) -> u16 {
        own
    }

    /// How it says that the gateway closes the connection, given as the native close code and reason.
    fn farewell(&self, close: CloseReason) -> Farewell;

    /// The connection has ended: lets commands that were begun become durable.
    fn finish(self) -> impl Future<Output = ()> + Send
    where
        Self: Sized,
    {
        std::future::ready(())
    }
}
