//! Tools that the runtime carries out itself, by parking the call: a question to a person, a sub-agent.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::function::parameters;
use super::{Error, Invocation, Kind, Schema, Spec, SubagentSpec, Tool};

/// The arguments of [`ask_human`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Question {
    /// The question to the person, in full sentences: the person does not see this conversation.
    pub prompt: String,
    /// Answers to choose from; leave it out for a free answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<String>>,
}

/// The arguments of a [`subagent`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    /// The task of the agent, with everything that it must know: it does not see this conversation.
    pub input: String,
}

/// A tool that only describes itself: the runtime carries out its calls.
#[derive(Debug)]
struct Parked {
    spec: Spec,
    kind: Kind,
    schema: Option<Arc<Schema>>,
}

/// Of every sub-agent: a run has as many as its nodes, and each has the same.
static TASK: LazyLock<Option<Arc<Schema>>> =
    LazyLock::new(|| Schema::compile(&parameters::<Task>()).ok().map(Arc::new));

#[async_trait]
impl Tool for Parked {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn kind(&self) -> Kind {
        self.kind.clone()
    }

    fn schema(&self) -> Option<Arc<Schema>> {
        self.schema.clone()
    }

    async fn call(&self, _: Invocation) -> Result<String, Error> {
        Err(Error::failed("this tool is carried out by a session, not by itself"))
    }
}

/// The tool `ask_human`: asks a person and waits for the answer. Its arguments are a [`Question`].
pub fn ask_human() -> impl Tool + 'static {
    let spec = Spec {
        name: "ask_human".into(),
        description:
            "Asks a person and waits for the answer, which may take long. Only for what you cannot find out \
                      or decide yourself."
                .into(),
        parameters: parameters::<Question>(),
    };
    Parked { spec, kind: Kind::AskHuman, schema: None }
}

/// A tool that gives a [`Task`] to another agent, `definition`, and answers with its result. `ephemeral`: see
/// [`SubagentSpec::ephemeral`].
pub fn subagent(
    name: impl Into<String>,
    description: impl Into<String>,
    definition: impl Into<String>,
    ephemeral: bool,
) -> impl Tool + 'static {
    let spec = Spec { name: name.into(), description: description.into(), parameters: parameters::<Task>() };
    let kind = Kind::Subagent(SubagentSpec { definition: definition.into(), ephemeral });
    Parked { spec, kind, schema: TASK.clone() }
}
