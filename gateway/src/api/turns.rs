//! Places for clients, and turns at what requests share: each waits its turn, or is refused.

use runbus::bus::history::{Page, Query};
use tokio::sync::{OwnedSemaphorePermit, SemaphorePermit};

use super::error::Failure;
use crate::app::App;
use crate::auth::account::{Account, Turn};
use crate::hub::Entry;
use crate::ledger::{Table, Taken};
use crate::limits;
use crate::net::sockets::Peer;
use crate::protocol::Text;

impl App {
    /// A place for a client that stays, given back when it is dropped. `peer`: its socket, if it has one.
    ///
    /// # Errors
    /// The gateway drains or is full, or the client's address has its share.
    pub fn place(&self, peer: Option<&Peer>) -> Result<OwnedSemaphorePermit, Failure> {
        self.takes_clients()?;
        Ok(self.shared.place(peer)?)
    }

    /// Whether new clients may stay.
    ///
    /// # Errors
    /// The gateway drains.
    pub fn takes_clients(&self) -> Result<(), Failure> {
        if self.shared.drain.is_cancelled() {
            return Err(Failure::unavailable("this gateway drains"));
        }
        Ok(())
    }

    /// A turn to fold a session, with the bytes that it takes.
    ///
    /// # Errors
    /// There is no room for it.
    pub async fn folding<'a>(&'a self, account: &'a Account) -> Result<Folding<'a>, Failure> {
        let (ledger, usage) = (&self.shared.ledger, account.usage());
        let bytes = 2 * ledger.page_bytes();
        let held = ledger.take_within(usage, Table::Bytes, bytes, limits::ROOM_PATIENCE).await?;
        // The semaphores are never closed.
        let (own, permit) = (account.reading().await, self.shared.history_reads.acquire().await.ok());
        Ok(Folding { _held: held, _own: own, _permit: permit })
    }

    /// A page of history, when it is this request's turn, with the bytes that it holds.
    ///
    /// # Errors
    /// There is no room for it, or the log does not answer.
    pub async fn history(&self, account: &Account, query: &Query) -> Result<(Page<Text>, Taken), Failure> {
        let ledger = &self.shared.ledger;
        let query = &Query { bytes: query.bytes.min(ledger.page_bytes()), ..query.clone() };
        // The log's bytes, and the answer made of them.
        let cost = 2 * query.bytes;
        let mut held = ledger.take_within(account.usage(), Table::Bytes, cost, limits::ROOM_PATIENCE).await?;
        let page = {
            // The semaphores are never closed.
            let _own = account.reading().await;
            let _permit = self.shared.history_reads.acquire().await;
            let _counted = runbus::metrics::gateway::HISTORY_READS.hold();
            self.shared.bus.history_as(query, |found| Entry::found(found, &query.filter)).await?
        };
        held.set(page.events.iter().map(Text::bytes).sum());
        Ok((page, held))
    }
}

/// A turn to fold a session.
#[derive(Debug)]
pub struct Folding<'a> {
    _held: Taken,
    _own: Turn<'a>,
    _permit: Option<SemaphorePermit<'a>>,
}
