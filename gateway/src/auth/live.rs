//! The live connections, so that revocation finds them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::principal::Principal;

/// The connections of a gateway.
#[derive(Debug, Default)]
pub struct Live {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    next: u64,
    by_number: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    principal: Arc<Principal>,
    revoked: CancellationToken,
}

/// A connection's place among them, given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    live: Arc<Live>,
    number: u64,
    revoked: CancellationToken,
}

impl Live {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a connection.
    #[must_use]
    pub fn enter(self: &Arc<Self>, principal: Arc<Principal>) -> Place {
        let revoked = CancellationToken::new();
        let mut entries = self.lock();
        let number = entries.next;
        entries.next += 1;
        entries.by_number.insert(number, Entry { principal, revoked: revoked.clone() });
        Place { live: self.clone(), number, revoked }
    }

    /// Ends the connections whose principals are meant.
    pub fn end(&self, is_meant: impl Fn(&Principal) -> bool) {
        let entries = self.lock();
        let meant: Vec<CancellationToken> = entries
            .by_number
            .values()
            .filter(|entry| is_meant(&entry.principal))
            .map(|entry| entry.revoked.clone())
            .collect();
        drop(entries);
        meant.iter().for_each(CancellationToken::cancel);
    }
}

impl Place {
    /// Cancelled when the credential is revoked.
    #[must_use]
    pub const fn revoked(&self) -> &CancellationToken {
        &self.revoked
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.live.lock().by_number.remove(&self.number);
    }
}
