//! How much one principal uses: connections, messages and bytes, each bounded.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use super::config::Limits;
use super::refusal::Refusal;
use crate::limits;

/// What one principal uses.
#[derive(Debug)]
pub struct Account {
    connections: AtomicU32,
    max_connections: u32,
    messages: DefaultDirectRateLimiter,
    bytes: DefaultDirectRateLimiter,
    clock: DefaultClock,
}

/// A connection that counts, until it is dropped.
#[derive(Debug)]
pub struct Connection(Arc<Account>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::AcqRel);
    }
}

fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

impl Account {
    /// Nothing is used yet. `largest`: the largest message or body, which must be possible.
    #[must_use]
    pub fn new(limits: &Limits, largest: usize) -> Self {
        let largest = u32::try_from(largest).unwrap_or(u32::MAX);
        let messages = Quota::per_second(at_least_one(limits.messages_per_s))
            .allow_burst(at_least_one(limits.burst_messages));
        let per_second = limits.inbound_bytes_per_s;
        let bytes = Quota::per_second(at_least_one(per_second))
            .allow_burst(at_least_one(per_second.saturating_add(largest)));
        Self {
            connections: AtomicU32::new(0),
            max_connections: limits.max_connections,
            messages: RateLimiter::direct(messages),
            bytes: RateLimiter::direct(bytes),
            clock: DefaultClock::default(),
        }
    }

    /// Takes a message of so many bytes.
    ///
    /// # Errors
    /// [`Refusal::Rate`].
    pub fn message(&self, bytes: usize) -> Result<(), Refusal> {
        let now = self.clock.now();
        self.messages.check().map_err(|until| Refusal::Rate(until.wait_time_from(now)))?;
        let Some(bytes) = NonZeroU32::new(u32::try_from(bytes).unwrap_or(u32::MAX)) else { return Ok(()) };
        match self.bytes.check_n(bytes) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(Refusal::Rate(until.wait_time_from(now))),
            // More than can ever be there at once.
            Err(_) => Err(Refusal::Rate(std::time::Duration::from_secs(1))),
        }
    }

    /// Takes a connection.
    ///
    /// # Errors
    /// [`Refusal::Connections`].
    pub fn connect(self: &Arc<Self>) -> Result<Connection, Refusal> {
        let more = |used: u32| (used < self.max_connections).then_some(used + 1);
        match self.connections.fetch_update(Ordering::AcqRel, Ordering::Acquire, more) {
            Ok(_) => Ok(Connection(self.clone())),
            Err(_) => Err(Refusal::Connections),
        }
    }
}

/// The accounts of all principals that were here lately.
#[derive(Debug)]
pub struct Accounts {
    limits: Limits,
    largest: usize,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    accounts: HashMap<Arc<str>, Used>,
    /// How many there may be before idle ones are looked for.
    sweep_at: usize,
}

#[derive(Debug)]
struct Used {
    account: Arc<Account>,
    at: tokio::time::Instant,
}

impl Accounts {
    /// None yet.
    #[must_use]
    pub fn new(limits: Limits, largest: usize) -> Self {
        let known = Known { accounts: HashMap::new(), sweep_at: limits::ACCOUNTS_SWEEP };
        Self { limits, largest, known: Mutex::new(known) }
    }

    /// The account of a subject.
    pub fn of(&self, subject: &Arc<str>) -> Arc<Account> {
        let now = tokio::time::Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.accounts.len() >= known.sweep_at {
            // One that was not used for longer than its rates look back is as good as a new one.
            known.accounts.retain(|_, used| {
                Arc::strong_count(&used.account) > 1 || now.duration_since(used.at) < limits::ACCOUNT_KEPT
            });
            known.sweep_at = (known.accounts.len() * 2).max(limits::ACCOUNTS_SWEEP);
        }
        let new = || Used { account: Arc::new(Account::new(&self.limits, self.largest)), at: now };
        let used = known.accounts.entry(subject.clone()).or_insert_with(new);
        used.at = now;
        used.account.clone()
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
        let account = Arc::new(Account::new(&limits, 1000));
        let one = account.connect().unwrap();
        let _two = account.connect().unwrap();
        assert_eq!(account.connect().unwrap_err(), Refusal::Connections);
        drop(one);
        account.connect().unwrap();
        account.message(1000).unwrap();
        account.message(1000).unwrap();
        assert!(matches!(account.message(1000), Err(Refusal::Rate(wait)) if !wait.is_zero()));
        assert!(matches!(account.message(1), Err(Refusal::Rate(_))));
        let other = Account::new(&Limits::default(), 1000);
        assert!(matches!(other.message(usize::MAX), Err(Refusal::Rate(_))));
    }
}
