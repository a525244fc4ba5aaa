//! Work that this worker cannot run: left to another one, or seen to wait.

use std::time::Duration;

use runbus::control::Control;
use runbus::event::Source;
use runbus::event::family::execution::Waiting;
use runbus::id::{EventId, SessionId};
use runbus::session::command::WakeUp;
use runbus::session::inbox::{self, UpTo};
use runbus::session::journal::{Error, Journal};

use crate::session::actor::Dependencies;
use crate::session::placement::{self, Lack};

/// The longest wait before work is looked at again that another worker can run.
const ELSEWHERE: Duration = Duration::from_millis(250);
/// The same of work that nobody can run.
const NOWHERE: Duration = Duration::from_secs(1);
/// By how much these waits grow at most.
const GROWTH: u32 = 5;

/// The missing part of this worker for an announced execution, found without claiming its session.
pub(super) async fn lack(dependencies: &Dependencies, wake: &WakeUp) -> Result<Option<Lack>, Error> {
    let here = |name: &String| dependencies.definitions.get(name).is_some();
    if wake.definition.as_ref().is_none_or(here) {
        return Ok(None);
    }
    let session = &wake.session_id;
    let journal =
        Journal::load(dependencies.log.clone(), dependencies.clock.clone(), session.clone()).await?;
    let commands = inbox::read(&dependencies.log, session, journal.state.inbox, UpTo::Acknowledged).await?;
    Ok(placement::of_session(&journal.state, &commands, &dependencies.definitions, &dependencies.registry))
}

/// How long to wait before the work is looked at again. When nobody can run it, its execution says so.
pub(super) async fn wait(
    control: &Control,
    dependencies: &Dependencies,
    session: &SessionId,
    lack: &Lack,
    deliveries: u32,
) -> Duration {
    let growth = deliveries.clamp(1, GROWTH);
    if is_elsewhere(control, dependencies, lack).await {
        // At random, so that workers do not take turns with it.
        let part = uuid::Uuid::new_v4().as_fields().0 % 1000;
        return ELSEWHERE * growth * part / 1000;
    }
    tracing::warn!(%session, waits_for = lack.message(), "work waits: no worker can run it");
    if let Err(error) = say(control, dependencies, session, lack).await {
        tracing::warn!(%session, %error, "a wake-up could not be announced");
    }
    NOWHERE * growth
}

/// Whether another worker reports the missing part.
async fn is_elsewhere(control: &Control, dependencies: &Dependencies, lack: &Lack) -> bool {
    let workers = control.workers().await.unwrap_or_default();
    let wanted = lack.tool.as_deref();
    workers.iter().filter(|other| other.worker != dependencies.worker).any(|other| match wanted {
        None => other.definitions.contains(&lack.start.definition),
        Some(tool) => match runbus::pattern::Pattern::new(tool) {
            Ok(pattern) => other.tools.iter().any(|name| pattern.matches(name)),
            Err(_) => false,
        },
    })
}

/// Writes what the execution waits for into its log: once for each thing.
async fn say(
    control: &Control,
    dependencies: &Dependencies,
    session: &SessionId,
    lack: &Lack,
) -> Result<(), runbus::control::Error> {
    let start = &lack.start;
    let known = control.own(&start.execution_id).await?;
    let waits_for = lack.message();
    let says_it = |known: &runbus::execution::Execution| {
        known.status.is_terminal() || known.waits_for.as_ref() == Some(&waits_for)
    };
    if known.as_ref().is_some_and(says_it) {
        return Ok(());
    }
    let events = known.map_or(0, |known| known.events);
    let source = Source {
        session_id: Some(session.clone()),
        correlation_id: start.correlation_id.clone(),
        ..Source::execution(start.stream_id.clone(), start.execution_id.clone(), dependencies.clock.clone())
    };
    let id = EventId::derived(&format!("{}/waiting/{events}/{waits_for}", start.execution_id));
    let definition = Some(start.definition.clone());
    let waiting = Waiting { waits_for, definition, tool: lack.tool.clone() };
    control.bus().record(source.event_with_id(id, waiting)).await?;
    Ok(())
}
