//! The input of an execution on the command line: a positional text, or `--input`.

use runbus::json;
use serde_json::Value;

use crate::exit::Error;

/// An input. Both ways mean the same; only one of them may be given.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Input {
    /// The input: JSON, or text.
    #[arg(value_name = "INPUT")]
    text: Option<String>,
    /// The input, for programs: a text that begins with `-` needs no `--` before it.
    #[arg(long = "input", value_name = "INPUT", conflicts_with = "text", allow_hyphen_values = true)]
    named: Option<String>,
}

impl Input {
    /// The input, if it was given.
    pub(super) fn given(self) -> Option<String> {
        self.text.or(self.named)
    }

    /// The input as a value.
    ///
    /// # Errors
    /// As for [`value`].
    pub(super) fn or(self, default: &str) -> Result<Value, Error> {
        value(&self.given().unwrap_or_else(|| default.to_owned()))
    }
}

/// Text that is JSON is taken as JSON, other text as a string.
///
/// # Errors
/// [`Error::Data`]: it is JSON that nobody could read.
pub(super) fn value(text: &str) -> Result<Value, Error> {
    match json::from_str(text) {
        Ok(value) => Ok(value),
        Err(json::Error::Parse(_)) => Ok(Value::String(text.into())),
        Err(json::Error::Fault(fault)) => Err(Error::Data(format!("input: {fault}"))),
    }
}
