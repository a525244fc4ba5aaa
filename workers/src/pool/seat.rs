//! One seat a session: a lease and a claim do not tell a worker's own tasks apart.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use runbus::id::SessionId;

/// The sessions that tasks of this worker are at.
#[derive(Debug, Default)]
pub(super) struct Seats(Mutex<HashSet<SessionId>>);

/// A session that one task is at, for as long as this lives.
#[derive(Debug)]
pub(super) struct Seat<'a> {
    seats: &'a Seats,
    session: SessionId,
}

impl Seats {
    /// Takes a session's seat; `None`: another task has it.
    pub(super) fn take(&self, session: &SessionId) -> Option<Seat<'_>> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Lazily: a seat that is dropped is given up.
        taken.insert(session.clone()).then(|| Seat { seats: self, session: session.clone() })
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.seats.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_taken_once_until_it_is_left() {
        let (seats, session) = (Seats::default(), SessionId::new("s").unwrap());
        let seat = seats.take(&session);
        assert!(seat.is_some());
        assert!(seats.take(&session).is_none());
        assert!(seats.take(&SessionId::new("other").unwrap()).is_some());
        drop(seat);
        assert!(seats.take(&session).is_some());
    }
}
