//! Connecting to a task starts it, once.

use runbus::bus::Filter;
use runbus::control::{self, Control, StartRequest};
use runbus::execution::Execution;
use runbus::id::ExecutionId;
use serde_json::{Value, json};

use crate::api::error::Failure;
use crate::api::parameters;
use crate::auth::permit::{self, Denied};
use crate::auth::{Principal, Refusal};
use crate::config::dropin::Config;

/// The parameters in a client's address.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The agent or graph that the task is for.
    pub agent: Option<String>,
    /// The input.
    pub input: Option<String>,
}

/// Why a task is not followed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing would run it.
    #[error("no agent is available")]
    NoAgent,
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
}

impl From<control::Error> for Error {
    fn from(error: control::Error) -> Self {
        Self::Denied(error.into())
    }
}

impl Asked {
    /// Reads a query. Unknown parameters are ignored, as the replaced server did.
    ///
    /// # Errors
    /// A parameter is there twice.
    pub fn read(query: &str) -> Result<Self, Failure> {
        let mut asked = Self::default();
        for (key, value) in parameters::pairs(query)? {
            match key.as_str() {
                "agent" if !value.is_empty() => asked.agent = Some(value),
                "input" => asked.input = Some(value),
                _ => {}
            }
        }
        Ok(asked)
    }

    fn request(self, config: &Config, task: &ExecutionId) -> Option<StartRequest> {
        let agent = self.agent.unwrap_or_else(|| config.task_agent.clone());
        let input = self.input.map_or_else(|| json!({ "task_id": task }), Value::String);
        let request = StartRequest { execution_id: Some(task.clone()), ..StartRequest::new(agent, input) };
        Some(request).filter(|request| !request.definition.is_empty())
    }
}

/// Starts a task that does not exist. Gives its client's filter, its state before, and whether Runbus runs it.
///
/// External events are followed only in the stream that the task would have: elsewhere anybody may have used its id.
///
/// # Errors
/// See [`Error`].
pub async fn begin(
    control: &Control,
    config: &Config,
    by: &Principal,
    task: &ExecutionId,
    asked: Asked,
) -> Result<(Filter, Option<Execution>, bool), Error> {
    let request = asked.request(config, task);
    let is_it = |known: &Execution| {
        let stream = request.as_ref().map(|request| request.definition.as_str());
        !known.external || stream.is_none_or(|stream| stream == known.stream_id.as_str())
    };
    let known = control.status(task).await?.filter(is_it);
    let own = known.as_ref().is_none_or(|known| !known.external);
    let stream = match &known {
        Some(known) => known.stream_id.clone(),
        None => {
            let request = request.ok_or(Error::NoAgent)?;
            permit::start(control, by, &request).await?;
            if !is_known(control, &request.definition).await {
                return Err(Error::NoAgent);
            }
            control.start_as(request, by.name()).await?.stream_id
        }
    };
    // Two streams may use one execution id: a caller with read access to one of them reads that one.
    let filters = [Filter::execution(task.clone()), Filter::execution_of(stream, task.clone())];
    let readable = filters.into_iter().find(|filter| by.may_read(filter));
    Ok((readable.ok_or(Denied::Refusal(Refusal::Forbidden))?, known, own))
}

/// Whether somebody would run it. While there is no worker nobody can tell, and the task waits for one.
async fn is_known(control: &Control, definition: &str) -> bool {
    match control.workers().await {
        Ok(workers) => {
            let mut definitions = workers.iter().flat_map(|worker| &worker.definitions);
            workers.is_empty() || definitions.any(|known| known == definition)
        }
        Err(error) => {
            tracing::warn!(%error, "the list of workers cannot be read");
            true
        }
    }
}
