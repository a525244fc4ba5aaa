//! How much one principal uses: connections, messages and bytes, each bounded.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::config::Limits;
use super::principal::{Kind, Principal};
use super::refusal::Refusal;
use crate::ledger::TableUsage;
use crate::limits;

/// The usage of one principal, or of one of its stream tokens; the usage of a token counts for its principal too.
#[derive(Debug)]
pub struct Account {
    principal: Option<Arc<Self>>,
    connections: AtomicU32,
    max_connections: u32,
    messages: DefaultDirectRateLimiter,
    bytes: DefaultDirectRateLimiter,
    clock: DefaultClock,
    usage: Arc<TableUsage>,
    reads: Reads,
    /// Of a principal: its stream tokens that were here lately.
    tokens: Mutex<Known>,
}

/// A connection that counts, until it is dropped.
#[derive(Debug)]
pub struct Connection(Arc<Account>);

impl Connection {
    /// The same connection, counted for another account. Of one principal's accounts it does not count twice meanwhile.
    ///
    /// # Errors
    /// [`Refusal::Connections`].
    pub fn moved(mut self, to: &Arc<Account>) -> Result<Self, Refusal> {
        if Arc::ptr_eq(&self.0, to) {
            return Ok(self);
        }
        if !Arc::ptr_eq(self.0.root(), to.root()) {
            return to.connect();
        }
        if to.principal.is_some() {
            to.count()?;
        }
        if self.0.principal.is_some() {
            self.0.connections.fetch_sub(1, Ordering::AcqRel);
        }
        self.0 = to.clone();
        Ok(self)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.part();
    }
}

fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

impl Account {
    /// Of a principal; nothing is used yet. `largest`: the largest message or body, which must be possible.
    #[must_use]
    pub fn new(limits: &Limits, largest: usize, reads: usize) -> Self {
        // Others find as many places again.
        Self::with(limits, largest, Reads::new((reads / 2).max(1)), TableUsage::of_principal(), None)
    }

    /// Of everybody, where nobody is asked: without limits of its own.
    #[must_use]
    pub fn everyone(reads: usize) -> Self {
        let most = 1_000_000_000;
        let limits = Limits {
            max_connections: most,
            messages_per_s: most,
            burst_messages: most,
            inbound_bytes_per_s: most,
            ..Limits::default()
        };
        Self::with(&limits, usize::MAX, Reads::new(reads), TableUsage::of_everyone(), None)
    }

    fn of_token(principal: &Arc<Self>, limits: &Limits, largest: usize, reads: usize) -> Self {
        let share = |number: u32| (number / limits.token_share.max(1)).max(1);
        let limits = Limits {
            max_connections: share(limits.max_connections),
            messages_per_s: share(limits.messages_per_s),
            burst_messages: share(limits.burst_messages),
            inbound_bytes_per_s: share(limits.inbound_bytes_per_s),
            ..limits.clone()
        };
        let reads = Reads::new((reads / 2 / limits.token_share.max(1) as usize).max(1));
        let usage = TableUsage::of_token(principal.usage.clone());
        Self::with(&limits, largest, reads, usage, Some(principal.clone()))
    }

    fn with(
        limits: &Limits,
        largest: usize,
        reads: Reads,
        usage: Arc<TableUsage>,
        principal: Option<Arc<Self>>,
    ) -> Self {
        let largest = u32::try_from(largest).unwrap_or(u32::MAX);
        let messages = Quota::per_second(at_least_one(limits.messages_per_s))
            .allow_burst(at_least_one(limits.burst_messages));
        let per_second = limits.inbound_bytes_per_s;
        let bytes = Quota::per_second(at_least_one(per_second))
            .allow_burst(at_least_one(per_second.saturating_add(largest)));
        Self {
            principal,
            connections: AtomicU32::new(0),
            max_connections: limits.max_connections,
            messages: RateLimiter::direct(messages),
            bytes: RateLimiter::direct(bytes),
            clock: DefaultClock::default(),
            usage,
            reads,
            tokens: Mutex::new(Known::new(limits::TOKENS_SWEEP)),
        }
    }

    /// Its share of the tables that all clients share.
    #[must_use]
    pub const fn usage(&self) -> &Arc<TableUsage> {
        &self.usage
    }

    /// Its turn to read history, before it waits with others for the gateway's.
    pub async fn reading(&self) -> Turn<'_> {
        let of_principal = match &self.principal {
            Some(principal) => principal.reads.history.acquire().await.ok(),
            None => None,
        };
        Turn { _own: self.reads.history.acquire().await.ok(), _of_principal: of_principal }
    }

    /// The same for reads of slow clients.
    pub async fn reading_slowly(&self) -> Turn<'_> {
        let of_principal = match &self.principal {
            Some(principal) => principal.reads.slow.acquire().await.ok(),
            None => None,
        };
        Turn { _own: self.reads.slow.acquire().await.ok(), _of_principal: of_principal }
    }

    /// Takes a message of so many bytes.
    ///
    /// # Errors
    /// [`Refusal::Rate`].
    pub fn message(&self, bytes: usize) -> Result<(), Refusal> {
        let now = self.clock.now();
        self.messages.check().map_err(|until| Refusal::Rate(until.wait_time_from(now)))?;
        if let Some(bytes) = NonZeroU32::new(u32::try_from(bytes).unwrap_or(u32::MAX)) {
            match self.bytes.check_n(bytes) {
                Ok(Ok(())) => {}
                Ok(Err(until)) => return Err(Refusal::Rate(until.wait_time_from(now))),
                // More than can ever be there at once.
                Err(_) => return Err(Refusal::Rate(std::time::Duration::from_secs(1))),
            }
        }
        self.principal.as_ref().map_or(Ok(()), |principal| principal.message(bytes))
    }

    /// Takes a connection.
    ///
    /// # Errors
    /// [`Refusal::Connections`].
    pub fn connect(self: &Arc<Self>) -> Result<Connection, Refusal> {
        self.enter()?;
        Ok(Connection(self.clone()))
    }

    fn root(self: &Arc<Self>) -> &Arc<Self> {
        self.principal.as_ref().unwrap_or(self)
    }

    /// Counts one more here, and nowhere else.
    fn count(&self) -> Result<(), Refusal> {
        let more = |used: u32| (used < self.max_connections).then_some(used + 1);
        let counted = self.connections.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        counted.map(|_| ()).map_err(|_| Refusal::Connections)
    }

    fn enter(&self) -> Result<(), Refusal> {
        self.count()?;
        let entered = self.principal.as_ref().map_or(Ok(()), |principal| principal.enter());
        entered.inspect_err(|_| {
            self.connections.fetch_sub(1, Ordering::AcqRel);
        })
    }

    fn part(&self) {
        self.connections.fetch_sub(1, Ordering::AcqRel);
        if let Some(principal) = &self.principal {
            principal.part();
        }
    }
}

/// Reads of history that one account has at the same time. Without them the queue for the gateway's would be one account's.
#[derive(Debug)]
struct Reads {
    history: Semaphore,
    slow: Semaphore,
}

impl Reads {
    fn new(history: usize) -> Self {
        let slow = (history / limits::SLOW_READS_SHARE).max(1);
        Self { history: Semaphore::new(history.min(Semaphore::MAX_PERMITS)), slow: Semaphore::new(slow) }
    }
}

/// An account's turn to read.
#[derive(Debug)]
pub struct Turn<'a> {
    _own: Option<SemaphorePermit<'a>>,
    _of_principal: Option<SemaphorePermit<'a>>,
}

/// The accounts of all principals that were here lately.
#[derive(Debug)]
pub struct Accounts {
    limits: Limits,
    largest: usize,
    /// Reads of history that all may do at the same time.
    reads: usize,
    everyone: Arc<Account>,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    accounts: HashMap<Arc<str>, Used>,
    /// How many there may be before idle ones are looked for.
    sweep_at: usize,
    least_sweep: usize,
}

#[derive(Debug)]
struct Used {
    account: Arc<Account>,
    at: tokio::time::Instant,
}

impl Known {
    fn new(sweep: usize) -> Self {
        Self { accounts: HashMap::new(), sweep_at: sweep, least_sweep: sweep }
    }

    fn of(&mut self, name: &Arc<str>, new: impl FnOnce() -> Account) -> Arc<Account> {
        let now = tokio::time::Instant::now();
        if self.accounts.len() >= self.sweep_at {
            // One that was not used for longer than its rates look back is as good as a new one.
            self.accounts.retain(|_, used| {
                Arc::strong_count(&used.account) > 1 || now.duration_since(used.at) < limits::ACCOUNT_KEPT
            });
            self.sweep_at = (self.accounts.len() * 2).max(self.least_sweep);
        }
        let used =
            self.accounts.entry(name.clone()).or_insert_with(|| Used { account: Arc::new(new()), at: now });
        used.at = now;
        used.account.clone()
    }
}

impl Accounts {
    /// None yet.
    #[must_use]
    pub fn new(limits: Limits, largest: usize, reads: usize) -> Self {
        let known = Mutex::new(Known::new(limits::ACCOUNTS_SWEEP));
        Self { everyone: Arc::new(Account::everyone(reads)), limits, largest, reads, known }
    }

    /// The account of a principal; of a stream token, one of its own inside of its principal's.
    #[must_use]
    pub fn of(&self, principal: &Principal) -> Arc<Account> {
        if principal.kind == Kind::Everyone {
            return self.everyone.clone();
        }
        let account = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.of(&principal.subject, || Account::new(&self.limits, self.largest, self.reads))
        };
        match &principal.token_id {
            Some(token) if principal.kind == Kind::StreamToken => {
                let mut tokens = account.tokens.lock().unwrap_or_else(PoisonError::into_inner);
                tokens.of(token, || Account::of_token(&account, &self.limits, self.largest, self.reads))
            }
            _ => account,
        }
    }

    /// The account of those who have not said who they are yet: everyone's.
    #[must_use]
    pub const fn everyone(&self) -> &Arc<Account> {
        &self.everyone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_bytes_and_connections_are_bounded() {
        let limits = Limits {
            max_connections: 2,
            messages_per_s: 1,
            burst_messages: 3,
            inbound_bytes_per_s: 1024,
            ..Limits::default()
        };
        let account = Arc::new(Account::new(&limits, 1000, 64));
        let one = account.connect().unwrap();
        let _two = account.connect().unwrap();
        assert_eq!(account.connect().unwrap_err(), Refusal::Connections);
        drop(one);
        account.connect().unwrap();
        account.message(1000).unwrap();
        account.message(1000).unwrap();
        assert!(matches!(account.message(1000), Err(Refusal::Rate(wait)) if !wait.is_zero()));
        assert!(matches!(account.message(1), Err(Refusal::Rate(_))));
        let other = Account::new(&Limits::default(), 1000, 64);
        assert!(matches!(other.message(usize::MAX), Err(Refusal::Rate(_))));
    }

    fn token(of: &str, id: &str) -> Principal {
        Principal {
            kind: Kind::StreamToken,
            subject: of.into(),
            token_id: Some(id.into()),
            ..Principal::everyone()
        }
    }

    #[test]
    fn a_token_uses_a_share_of_its_keys() {
        let limits = Limits { max_connections: 8, messages_per_s: 8, burst_messages: 8, ..Limits::default() };
        let accounts = Accounts::new(limits, 1000, 64);
        let (one, two) = (accounts.of(&token("k", "1")), accounts.of(&token("k", "2")));
        let key = accounts.of(&Principal { kind: Kind::ApiKey, ..token("k", "key/k") });
        assert!(Arc::ptr_eq(&one, &accounts.of(&token("k", "1"))));
        let held = [one.connect().unwrap(), one.connect().unwrap()];
        assert_eq!(one.connect().unwrap_err(), Refusal::Connections, "a quarter of them");
        let others: Vec<Connection> = (0..6).map(|_| key.connect().unwrap()).collect();
        assert_eq!(two.connect().unwrap_err(), Refusal::Connections, "the key has as many as it may have");
        assert_eq!(key.connect().unwrap_err(), Refusal::Connections);
        let [first, second] = held;
        drop(second);
        let moved = first.moved(&two).unwrap();
        assert_eq!(one.connections.load(Ordering::Relaxed), 0, "it is the other's now");
        drop(moved);
        two.connect().unwrap();
        drop(others);
        assert_eq!(
            (key.connections.load(Ordering::Relaxed), one.connections.load(Ordering::Relaxed)),
            (0, 0)
        );
        one.message(1).unwrap();
        one.message(1).unwrap();
        assert!(matches!(one.message(1), Err(Refusal::Rate(_))));
        two.message(1).unwrap();
        (0..5).for_each(|_| key.message(1).unwrap());
        assert!(matches!(two.message(1), Err(Refusal::Rate(_))), "the key has sent as much as it may");
    }

    #[tokio::test]
    async fn one_account_does_not_fill_the_queue_of_readers() {
        let accounts = Accounts::new(Limits::default(), 1000, 8);
        let key = accounts.of(&Principal { kind: Kind::ApiKey, ..token("k", "key/k") });
        let one = accounts.of(&token("k", "1"));
        let first = one.reading().await;
        assert!(futures_util::FutureExt::now_or_never(one.reading()).is_none(), "a quarter of half of them");
        let more = [key.reading().await, key.reading().await, key.reading().await];
        assert!(futures_util::FutureExt::now_or_never(key.reading()).is_none(), "half of them");
        drop((first, more));
        let _again = key.reading().await;
    }
}
