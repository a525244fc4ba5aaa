//! The body of an answer, bit by bit, from a service or from a recording.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;

use super::Fault;
use super::http::{connection, stalled};
use super::recorded::{Played, Tape};

/// The rest of a body. Dropping it closes the connection.
#[derive(Debug)]
pub(super) struct Source {
    rest: Rest,
    /// Where it is written down.
    tape: Option<Tape>,
}

#[derive(Debug)]
enum Rest {
    Service(Box<Response>),
    Played { body: Option<Bytes>, broken: bool },
}

impl Source {
    /// The body of a service's answer.
    pub(super) fn service(response: Response, tape: Option<Tape>) -> Self {
        Self { rest: Rest::Service(Box::new(response)), tape }
    }

    /// A recorded body.
    pub(super) fn replayed(played: Played) -> Self {
        Self { rest: Rest::Played { body: Some(played.body), broken: played.broken }, tape: None }
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// [`Fault::Connection`].
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        match &mut self.rest {
            Rest::Service(response) => {
                let bytes = response.chunk().await.map_err(|error| connection(&error))?;
                if let (Some(tape), Some(bytes)) = (&mut self.tape, &bytes) {
                    tape.push(bytes);
                }
                Ok(bytes)
            }
            Rest::Played { body, broken } => match body.take() {
                Some(bytes) => Ok(Some(bytes)),
                None if *broken => {
                    Err(Fault::Connection { message: "it broke here when it was recorded".to_owned() })
                }
                None => Ok(None),
            },
        }
    }

    /// Reads the rest, at most `limit` bytes, as long as it comes; also whether there was more.
    ///
    /// # Errors
    /// [`Fault::Connection`], [`Fault::Stalled`].
    pub(super) async fn read(&mut self, limit: usize, patience: Duration) -> Result<(Vec<u8>, bool), Fault> {
        let mut body = Vec::new();
        loop {
            let next = tokio::time::timeout(patience, self.chunk()).await;
            let Some(bytes) = next.unwrap_or_else(|_elapsed| Err(stalled(patience)))? else {
                return Ok((body, false));
            };
            let room = limit - body.len();
            body.extend_from_slice(&bytes[..bytes.len().min(room)]);
            if bytes.len() > room {
                return Ok((body, true));
            }
        }
    }

    /// Nobody reads on: writes down what came, and whether the connection broke.
    pub(super) async fn end(&mut self, broken: bool) {
        if let Some(tape) = self.tape.take() {
            tape.end(broken).await;
        }
    }
}
