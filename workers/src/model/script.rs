//! The scripted model's answers and their conditions.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Hint;
use crate::yaml;

/// The scripts that come with the binary, for the definitions that do: their nodes have different names.
const BUILT_IN: [&str; 3] = [
    include_str!("../../../examples/council-script.yaml"),
    include_str!("../../../examples/support-triage-script.yaml"),
    include_str!("../../../examples/research-script.yaml"),
];

/// The most bytes of a script.
const MAX_SCRIPT_BYTES: usize = 1024 * 1024;

/// The answers of the scripted model. The first one that fits is taken.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The answers, most particular first.
    pub answers: Vec<Answer>,
}

/// One answer of a script.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// For which node or agent.
    pub node: String,
    /// In which iteration; in every one when absent.
    #[serde(default)]
    pub iteration: Option<u32>,
    /// In which round; in every one when absent.
    #[serde(default)]
    pub round: Option<u32>,
    /// The reasoning before the answer.
    #[serde(default)]
    pub reasoning: String,
    /// The text of the answer.
    #[serde(default)]
    pub text: String,
    /// The calls of the answer.
    #[serde(default)]
    pub tool_calls: Vec<ScriptedCall>,
}

/// A tool call of a script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedCall {
    /// The tool.
    pub name: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Value,
}

/// Why a script was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the script is invalid: {path}: {message}")]
pub struct ScriptFault {
    /// The key at which the fault is.
    pub path: String,
    /// The fault, with line and column.
    pub message: String,
}

impl Script {
    /// Reads a script from YAML or JSON.
    ///
    /// # Errors
    ///
    /// When it is too large or not of this shape.
    pub fn parse(text: &str) -> Result<Self, ScriptFault> {
        if text.len() > MAX_SCRIPT_BYTES {
            let message = format!("{} bytes are more than the limit of {MAX_SCRIPT_BYTES}", text.len());
            return Err(ScriptFault { path: ".".to_owned(), message });
        }
        yaml::read(text).map_err(|yaml::Fault { path, message }| ScriptFault { path, message })
    }

    /// The answers for the definitions that come with the binary.
    pub fn built_in() -> Self {
        let parse = |text| Self::parse(text).expect("a test reads every one of them").answers;
        Self { answers: BUILT_IN.into_iter().flat_map(parse).collect() }
    }

    /// The answer for a turn, if the script has one.
    pub fn find(&self, hint: &Hint) -> Option<&Answer> {
        self.answers.iter().find(|answer| {
            answer.node == hint.node
                && answer.iteration.is_none_or(|iteration| iteration == hint.iteration)
                && answer.round.is_none_or(|round| round == hint.round)
        })
    }
}
