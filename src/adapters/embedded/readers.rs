//! A few read connections; reads run on blocking threads, never on the runtime's.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::Semaphore;

/// Why a read did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Failure {
    /// Again may help.
    #[error("{0}")]
    Retry(String),
    /// It will not succeed later either.
    #[error("{0}")]
    Refused(String),
}

impl From<&rusqlite::Error> for Failure {
    fn from(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::PermissionDenied) => {
                Self::Refused(error.to_string())
            }
            _ => Self::Retry(error.to_string()),
        }
    }
}

/// The pool.
#[derive(Debug, Clone)]
pub(super) struct Readers {
    free: Arc<Mutex<Vec<Connection>>>,
    room: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        let room = Arc::new(Semaphore::new(connections.len()));
        Self { free: Arc::new(Mutex::new(connections)), room }
    }

    /// Reads with a connection of its own. It sees everything that was acknowledged before the call.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let room = self.room.clone().acquire_owned().await;
        let free = self.free.clone();
        let lock = |free: &Mutex<Vec<Connection>>, back: Option<Connection>| {
            let mut free = free.lock().unwrap_or_else(PoisonError::into_inner);
            match back {
                Some(connection) => {
                    free.push(connection);
                    None
                }
                None => free.pop(),
            }
        };
        let outcome = tokio::task::spawn_blocking(move || {
            let _room = room;
            let connection =
                lock(&free, None).ok_or_else(|| Failure::Refused("no read connection is left".into()))?;
            let outcome = work(&connection).map_err(|error| Failure::from(&error));
            lock(&free, Some(connection));
            outcome
        });
        outcome.await.unwrap_or_else(|error| Err(Failure::Retry(error.to_string())))
    }
}
