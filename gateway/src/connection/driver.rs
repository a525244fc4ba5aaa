//! The loop of one connection, the same for every transport and dialect: turn, produce, wait, hear, close. One task, small while nothing
//! happens.

use std::time::Duration;

use axum::extract::ws::Message as Frame;
use futures_util::FutureExt;
use runbus::metrics::{self as counted, Close, gateway as metrics};
use tokio::time::Instant;

use super::alarm::Alarm;
use super::dialect::{Dialect, End, Farewell};
use super::ends::{self, Ends};
use super::link::Link;
use super::outbound::Outbound;
use super::slow::Slow;
use super::subscription::Next;
use super::transport::{Heard, Transport};
use crate::limits;
use crate::pressure::Pace;
use crate::protocol::close;

/// The first event for a waiting client.
enum Event {
    End(ends::End),
    Alarm,
    News(Result<(), End>),
    Heard(Heard),
    Woken,
}

/// One client.
pub(crate) struct Driver<T, D> {
    transport: T,
    dialect: D,
    link: Link,
    pace: Pace,
    heard: Instant,
    ping_at: Instant,
    alarm: Alarm,
    ends: Ends,
    /// Set when the gateway drains.
    leaves_at: Option<Instant>,
    _counted: counted::Held,
}

/// Serves a client until it or the gateway ends.
///
/// No `async fn`: its future would hold the arguments twice, as arguments and as the client.
pub fn serve<T: Transport, D: Dialect>(
    transport: T,
    dialect: D,
    link: Link,
) -> impl Future<Output = ()> + Send {
    let mut driver = Driver::new(transport, dialect, link);
    async move {
        let end = driver.run().await;
        Box::pin(driver.close(end)).await;
        let dialect = driver.into_dialect();
        Box::pin(dialect.finish()).await;
    }
}

impl<T: Transport, D: Dialect> Driver<T, D> {
    pub(crate) fn new(transport: T, dialect: D, link: Link) -> Self {
        let now = Instant::now();
        let ping_at = now + link.shared.config.ping_interval();
        Self {
            alarm: Alarm::new(ping_at),
            ends: Ends::new(&link.shared.drain, link.gate.revoked()),
            transport,
            dialect,
            link,
            pace: Pace::new(),
            heard: now,
            ping_at,
            leaves_at: None,
            _counted: metrics::CONNECTIONS.of(T::KIND).hold(),
        }
    }

    /// The dialect alone: its connection is given back.
    pub(crate) fn into_dialect(self) -> D {
        self.dialect
    }

    /// Serves the client; why that ends.
    pub(crate) async fn run(&mut self) -> End {
        if let Err(end) = Box::pin(self.begin()).await {
            return end;
        }
        loop {
            if let Err(end) = self.turn().await {
                return end;
            }
        }
    }

    async fn begin(&mut self) -> Result<(), End> {
        let mut out = self.answers();
        self.dialect.greet(&self.link, &mut out);
        self.reply(out).await?;
        let mut out = self.answers();
        let begun = self.dialect.begin(&self.link, &mut out).await;
        self.reply(out).await?;
        begun
    }

    /// Ends the connection, and counts why.
    async fn close(&mut self, end: End) {
        let (cause, farewell) = match end {
            End::Gone | End::Done => return self.transport.close(&self.link.shared, None).await,
            End::Close(reason) => (reason.0, self.dialect.farewell(reason)),
            End::Own(reason) => (self.dialect.cause(reason.0), Farewell::with(reason)),
        };
        if T::HEARS {
            metrics::CLOSES.of(Close::of(cause)).inc();
        }
        if let Some(message) = farewell.message {
            let transport = &mut self.transport;
            let last = async move {
                transport.feed(message).await?;
                transport.flush().await
            };
            // A client that takes nothing is not kept for that.
            let _ = tokio::time::timeout(limits::CLOSE_TIMEOUT, last).await;
        }
        self.transport.close(&self.link.shared, farewell.reason).await;
    }

    /// Sends ready messages, or waits for something.
    async fn turn(&mut self) -> Result<(), End> {
        if self.leaves_at.is_some_and(|leaves_at| leaves_at <= Instant::now()) {
            return Err(End::Close((close::DRAINING, "draining: connect again with the last cursor")));
        }
        let next = if self.dialect.is_quiet() { Next::Woken } else { self.produce().await? };
        match next {
            Next::Now => {}
            Next::At(then) => return self.wait(Some(then)).await,
            Next::Woken | Next::Never => return self.wait(None).await,
        }
        // Much to send must not keep the client from being heard, nor its commands from being answered, nor an end from coming.
        if let Some(end) = self.ends.next().now_or_never() {
            self.mind_end(end)?;
        }
        {
            let mut out = self.answers();
            if let Some(news) = self.dialect.news(&mut out).now_or_never() {
                Box::pin(self.reply(out)).await?;
                news?;
            }
        }
        if let Some(heard) = self.transport.hear().now_or_never() {
            self.receive(heard).await?;
        }
        self.mind_time().await
    }

    /// Sends what is new; says when to look for more.
    async fn produce(&mut self) -> Result<Next, End> {
        // The block ends what the future would hold while it writes.
        let (found, held, bytes, frames) = {
            let mut held = self.pace.budget(&self.link.shared.pressure, self.link.gate.account().usage());
            let mut out = Outbound::new(self.dialect.encoding(), held.bytes());
            let found = self.dialect.produce(&self.link, &mut out).await;
            let bytes = out.bytes();
            held.set(bytes);
            (found, held, bytes, out.take())
        };
        let took = self.write(frames).await?;
        drop(held);
        self.pace.wrote(bytes, took, self.link.shared.config.client_buffer_bytes);
        self.dialect.written();
        found
    }

    /// Room for answers: they have no budget.
    fn answers(&self) -> Outbound {
        Outbound::new(self.dialect.encoding(), usize::MAX)
    }

    async fn reply(&mut self, out: Outbound) -> Result<(), End> {
        if out.bytes() == 0 {
            return Ok(());
        }
        let _held = self.link.shared.pressure.hold(self.link.gate.account().usage(), out.bytes());
        self.write(out.take()).await.map(|_took| ())
    }

    /// Writes; says how long the client let it wait. Its bytes are held for as long.
    async fn write(&mut self, frames: Vec<Frame>) -> Result<Duration, End> {
        if frames.is_empty() {
            return Ok(Duration::ZERO);
        }
        let mut slow = Slow::new(&self.link);
        // Each message has its time: a client that takes them one by one is slow, not stuck.
        for frame in frames {
            slow.patiently(self.transport.feed(frame)).await?;
        }
        slow.patiently(self.transport.flush()).await?;
        if !T::HEARS {
            // The client knows that the connection stands.
            self.ping_at = Instant::now() + self.link.shared.config.ping_interval();
        }
        Ok(slow.waited())
    }

    /// When the client has given no sign of life for too long; `None`: it cannot give any.
    fn idle_at(&self) -> Option<Instant> {
        T::HEARS.then(|| self.heard + self.link.shared.config.idle_timeout())
    }

    /// Waits for something to send or to hear, until `then` at most.
    async fn wait(&mut self, then: Option<Instant>) -> Result<(), End> {
        let own = self.dialect.deadline().map(|(then, _)| then);
        let deadline = [then, self.leaves_at, self.link.gate.until(), self.idle_at(), own]
            .into_iter()
            .flatten()
            .fold(self.ping_at, Instant::min);
        self.alarm.ring_by(deadline);
        let is_lent = self.lend();
        let mut out = self.answers();
        let event = tokio::select! {
            // There may always be something to send: the others come first.
            biased;
            end = self.ends.next() => Event::End(end),
            () = &mut self.alarm => Event::Alarm,
            news = self.dialect.news(&mut out) => Event::News(news),
            heard = self.transport.hear() => Event::Heard(heard),
            () = self.link.wake.notified() => Event::Woken,
        };
        let rest = if is_lent { self.dialect.take_back() } else { 0 };
        if rest > 0 {
            Box::pin(self.write_rest(rest)).await?;
        }
        match event {
            Event::End(end) => self.mind_end(end),
            Event::Alarm => self.mind_time().await,
            Event::News(news) => {
                Box::pin(self.reply(out)).await?;
                news
            }
            Event::Heard(heard) => self.receive(heard).await,
            Event::Woken => Ok(()),
        }
    }

    /// Lets others write while the client waits, if the dialect has somebody for that and nothing is half written.
    fn lend(&mut self) -> bool {
        // The library's own answers, such as pongs, may not be out yet.
        if !self.dialect.may_lend() || !matches!(self.transport.flush().now_or_never(), Some(Ok(()))) {
            return false;
        }
        self.dialect.lend();
        true
    }

    /// Writes what the others could not: so many bytes.
    async fn write_rest(&mut self, rest: usize) -> Result<(), End> {
        let _held = self.link.shared.pressure.hold(self.link.gate.account().usage(), rest);
        let mut slow = Slow::new(&self.link);
        slow.patiently(self.transport.flush()).await?;
        // It is no fast one.
        self.pace.wrote(0, slow.waited(), self.link.shared.config.client_buffer_bytes);
        Ok(())
    }

    fn mind_end(&mut self, end: ends::End) -> Result<(), End> {
        match end {
            ends::End::Drains => {
                let shared = &self.link.shared;
                let moment = || if T::STAYS { shared.drain_moment() } else { Instant::now() };
                self.leaves_at.get_or_insert_with(moment);
                Ok(())
            }
            // A right that was renewed meanwhile has ends of its own.
            ends::End::Revoked => match self.link.gate.must_go() {
                Some(reason) => Err(End::Close(reason)),
                None => Ok(()),
            },
        }
    }

    async fn mind_time(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if self.link.gate.until().is_some_and(|until| until <= now)
            && let Some(reason) = self.link.gate.must_go()
        {
            return Err(End::Close(reason));
        }
        if let Some((_, end)) = self.dialect.deadline().filter(|(then, _)| *then <= now) {
            return Err(end);
        }
        if self.idle_at().is_some_and(|then| then <= now) {
            return Err(End::Close((close::IDLE, "no sign of life")));
        }
        if now < self.ping_at {
            return Ok(());
        }
        self.ping_at = now + self.link.shared.config.ping_interval();
        let mut slow = Slow::new(&self.link);
        Box::pin(slow.patiently(self.transport.ping())).await
    }

    async fn receive(&mut self, heard: Heard) -> Result<(), End> {
        self.heard = Instant::now();
        match heard {
            Heard::Message(frame) => Box::pin(self.hear(frame)).await,
            Heard::Sign => Ok(()),
            Heard::Broken => Err(End::Close((close::PROTOCOL, "broken or too large message"))),
            Heard::Gone => Err(End::Gone),
        }
    }

    async fn hear(&mut self, frame: Frame) -> Result<(), End> {
        let mut out = self.answers();
        let done = match self.link.gate.message(size(&frame)) {
            Ok(Ok(())) => self.dialect.hear(&mut self.link, frame, &mut out).await,
            Ok(Err(refusal)) => {
                self.dialect.refuse(&refusal, &mut out);
                Ok(())
            }
            Err(reason) => Err(End::Close(reason)),
        };
        if std::mem::take(&mut self.link.is_renewed) {
            self.ends = Ends::new(&self.link.shared.drain, self.link.gate.revoked());
        }
        self.reply(out).await?;
        done
    }
}

/// The bytes of a message.
pub(crate) fn size(frame: &Frame) -> usize {
    match frame {
        Frame::Text(text) => text.len(),
        Frame::Binary(bytes) | Frame::Ping(bytes) | Frame::Pong(bytes) => bytes.len(),
        Frame::Close(_) => 0,
    }
}
