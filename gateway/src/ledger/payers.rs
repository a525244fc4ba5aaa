//! The payers of shared resources: always one of the users, so that nobody pays for a resource of others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{TableUsage, Taken};

/// Those who use something shared.
#[derive(Debug)]
pub struct Payers {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    paid: Taken,
    /// With how often each of them uses it; by the address of the usage, which is kept while it is in here.
    users: HashMap<usize, (Arc<TableUsage>, usize)>,
}

fn key(usage: &Arc<TableUsage>) -> usize {
    Arc::as_ptr(usage).addr()
}

impl Payers {
    /// Of what was just taken.
    #[must_use]
    pub fn new(paid: Taken) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { paid, users: HashMap::new() }) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody uses it, until the member is dropped.
    #[must_use]
    pub fn join(self: &Arc<Self>, usage: &Arc<TableUsage>) -> Member {
        let mut state = self.state();
        state.users.entry(key(usage)).or_insert_with(|| (usage.clone(), 0)).1 += 1;
        // The former payer has left, and the resource was kept for returning clients.
        if !state.users.contains_key(&key(state.paid.usage())) {
            state.paid.transfer(usage);
        }
        drop(state);
        Member { payers: self.clone(), usage: usage.clone() }
    }

    fn leave(&self, usage: &Arc<TableUsage>) {
        let mut state = self.state();
        let State { paid, users } = &mut *state;
        if let Some((_, times)) = users.get_mut(&key(usage)) {
            *times -= 1;
            if *times > 0 {
                return;
            }
            users.remove(&key(usage));
        }
        if key(paid.usage()) == key(usage)
            && let Some((next, _)) = users.values().next()
        {
            paid.transfer(next);
        }
    }
}

/// Somebody uses it.
#[derive(Debug)]
pub struct Member {
    payers: Arc<Payers>,
    usage: Arc<TableUsage>,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.payers.leave(&self.usage);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Ledger, Table};

    #[test]
    fn one_of_its_users_pays() {
        let ledger = Ledger::new(|_| 10, 4);
        let (one, two) = (TableUsage::of_principal(), TableUsage::of_principal());
        let held = || (one.held(Table::Hubs), two.held(Table::Hubs), ledger.held(Table::Hubs));
        let payers = Payers::new(ledger.take(&one, Table::Hubs, 1).unwrap());
        let (first, again, second) = (payers.join(&one), payers.join(&one), payers.join(&two));
        assert_eq!(held(), (1, 0, 1));
        drop(first);
        assert_eq!(held(), (1, 0, 1), "it uses it once more");
        drop(again);
        assert_eq!(held(), (0, 1, 1), "a remaining user pays");
        drop(second);
        assert_eq!(held(), (0, 1, 1), "until it ends, for those who come back");
        let back = payers.join(&one);
        assert_eq!(held(), (1, 0, 1));
        drop((back, payers));
        assert_eq!(held(), (0, 0, 0));
    }
}
