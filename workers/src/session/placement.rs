//! The part that a worker lacks to run an execution: then it leaves the execution to another one.

use runbus::session::command::{Action, Start};
use runbus::session::entry::Fact;
use runbus::session::run::Run;
use runbus::session::state::State;

use crate::definition::Definitions;
use crate::tool::Registry;

/// A missing part of a worker.
#[derive(Debug, Clone, PartialEq)]
pub struct Lack {
    /// Of which execution.
    pub start: Box<Start>,
    /// The tool that its definition names and the worker does not have; `None`: the worker does not have the definition.
    pub tool: Option<String>,
}

impl Lack {
    /// The missing part that the execution waits for, in words.
    #[must_use]
    pub fn message(&self) -> String {
        let definition = &self.start.definition;
        match &self.tool {
            None => format!("a worker that has the definition {definition:?} in worker.definitions"),
            Some(tool) => {
                format!("a worker that has the tool {tool:?}, which the definition {definition:?} names")
            }
        }
    }

    fn definition(start: &Start) -> Self {
        Self { start: Box::new(start.clone()), tool: None }
    }
}

/// The missing part of a worker for an execution that is under way.
#[must_use]
pub fn of_run(run: &Run, definitions: &Definitions, registry: &Registry) -> Option<Lack> {
    let Some(plan) = definitions.of(run) else { return Some(Lack::definition(&run.start)) };
    // Its own definitions were checked, and their faults reported; one that a journal keeps may be of another worker.
    if definitions.get(&run.start.definition).is_some_and(|own| std::sync::Arc::ptr_eq(own, &plan)) {
        return None;
    }
    let tool = plan.missing_tool(registry)?;
    Some(Lack { start: Box::new(run.start.clone()), tool: Some(tool) })
}

/// The missing part of a worker for an execution that has not begun.
#[must_use]
pub fn of_start(start: &Start, definitions: &Definitions) -> Option<Lack> {
    definitions.get(&start.definition).is_none().then(|| Lack::definition(start))
}

/// The missing part of a worker for the next step of a session without owner; `commands` are those that wait in its inbox. Commands
/// other than starts need no definition: any worker takes them.
#[must_use]
pub fn of_session(
    state: &State,
    commands: &[Fact],
    definitions: &Definitions,
    registry: &Registry,
) -> Option<Lack> {
    let mut starts = Vec::new();
    for fact in commands {
        match fact {
            Fact::CommandTaken { command: Some(command), .. } => match &command.action {
                Action::Start(start) => starts.push(start),
                _ => return None,
            },
            _ => return None,
        }
    }
    if state.owner.is_some() || !state.notices.is_empty() {
        return None;
    }
    if let Some(run) = state.running() {
        // A start may interrupt it.
        return if starts.is_empty() { of_run(run, definitions, registry) } else { None };
    }
    let next = state.queue.front().or_else(|| starts.first().map(|start| start.as_ref()))?;
    of_start(next, definitions)
}
