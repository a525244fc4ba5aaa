//! The built-in tool `clock`: the current time.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Function, Tool};

/// `clock` takes nothing.
#[derive(Deserialize, JsonSchema)]
struct NoArguments {}

/// The tool `clock`. `now` gives the current time as RFC 3339 text in UTC.
pub fn clock(now: impl Fn() -> String + Send + Sync + 'static) -> impl Tool + 'static {
    let function = move |_: NoArguments| {
        let time = now();
        async move { Ok(time) }
    };
    Function::new("clock", "The current date and time in UTC, as RFC 3339 text.", function).safe_to_repeat()
}
