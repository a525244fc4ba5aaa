//! The dependencies and the outcome of an effect.

use std::sync::Arc;
use std::time::Duration;

use runbus::control::Control;
use runbus::event::Source;
use runbus::event::family::node::Stalled;
use runbus::id::{NodeId, SessionId};
use runbus::session::entry::Fact;
use runbus::session::state::State;

use crate::definition::{Plan, Scopes};
use crate::model::Model;
use crate::session::actor::Error;
use crate::session::events::{Deltas, delta_source};

/// The dependencies of an effect. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    /// The session.
    pub session: SessionId,
    /// The plan of its execution.
    pub plan: Arc<Plan>,
    /// The tools of each node of its execution, with their guards.
    pub scopes: Arc<Scopes>,
    /// The model.
    pub model: Arc<dyn Model>,
    /// Commands to other sessions.
    pub control: Control,
    /// Events that project no entry.
    pub deltas: Deltas,
}

/// How an effect ended.
#[derive(Debug)]
pub enum Done {
    /// With facts to record.
    Facts(Vec<Fact>),
    /// With a command to this session.
    Commanded,
    /// It cannot go on: the session has to be taken up again.
    Failed(Error),
}

impl Done {
    /// One fact.
    #[must_use]
    pub fn fact(fact: Fact) -> Self {
        Self::Facts(vec![fact])
    }
}

impl Context {
    /// The source of a node's events that project no entry.
    #[must_use]
    pub fn source(&self, state: &State, node: &NodeId) -> Option<Source> {
        state.running().map(|run| delta_source(&self.session, run, node))
    }

    /// Waits for `work`; says `node_stalled` each time that it shows no progress for the time that the definition names.
    ///
    /// # Errors
    /// The event cannot be written.
    pub async fn watched<T>(
        &self,
        source: &Source,
        what: &str,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let Some(patience) = source.node_id.as_ref().and_then(|node| self.plan.stall_after(node)) else {
            return Ok(work.await);
        };
        tokio::pin!(work);
        let mut waited = Duration::ZERO;
        loop {
            match tokio::time::timeout(patience, &mut work).await {
                Ok(outcome) => return Ok(outcome),
                Err(_elapsed) => {
                    waited += patience;
                    let reason = format!("{what}: no progress for {} ms", waited.as_millis());
                    drop(self.deltas.write(&source.node_stalled(Stalled { reason })).await?);
                }
            }
        }
    }
}
