//! Validation of a section by itself.

use schemars::JsonSchema;
use serde::Serialize;

use super::address::without_credentials;
use super::check::{Found, examine};
use super::schema;

/// One value that a section refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value}: expected {expected}")]
pub struct Invalid {
    /// The key within the section, then with the section's name before it.
    pub key: String,
    /// The value, as text. Never a secret.
    pub value: String,
    /// The accepted values.
    pub expected: String,
}

impl Invalid {
    /// A refusal. Credentials in an address are hidden.
    pub fn new(key: impl Into<String>, value: impl ToString, expected: impl Into<String>) -> Self {
        Self { key: key.into(), value: without_credentials(&value.to_string()), expected: expected.into() }
    }

    /// The same, seen from the table that holds the section under `name`.
    #[must_use]
    pub fn within(mut self, name: &str) -> Self {
        self.key = format!("{name}.{}", self.key);
        self
    }
}

/// Rules beyond a key's type and range: contradictions between keys, texts that must parse.
pub trait Validate {
    /// Checks them.
    ///
    /// # Errors
    /// The first value that is refused.
    fn validate(&self) -> Result<(), Invalid>;
}

/// Checks a section that code has built: ranges from its schema, then its own rules.
///
/// # Errors
/// The first value that is refused.
pub fn check<T: Validate + Serialize + JsonSchema>(section: &T) -> Result<(), Invalid> {
    // A struct of plain values always serializes; if one did not, its own rules still apply.
    let value = serde_json::to_value(section).unwrap_or_default();
    let mut found = Vec::new();
    examine(&schema::of::<T>(), &value, "", &mut found);
    if let Some(Found { key, value, expected }) = found.into_iter().next() {
        return Err(Invalid { key, value: value.unwrap_or_default(), expected });
    }
    section.validate()
}
