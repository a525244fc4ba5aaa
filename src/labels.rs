//! Labels: a small map that whoever starts an execution gives it, so that lists can be filtered by it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits;

/// Labels of an execution. An event may carry anything: [`Labels::check`] says whether somebody may hand it in,
/// [`Labels::sound`] what of it is used.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(pub BTreeMap<String, String>);

/// Why labels are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// There are too many.
    #[error("has {0} labels, the limit is {max}", max = limits::LABELS)]
    TooMany(usize),
    /// A key is none.
    #[error(
        "the key {0:?} must have 1 to {max} of the characters A-Z a-z 0-9 . _ / - and begin with a letter or digit",
        max = limits::LABEL_KEY_BYTES
    )]
    Key(String),
    /// A value is too long, or has control characters.
    #[error(
        "the value of {0:?} must have at most {max} bytes and no control characters",
        max = limits::LABEL_VALUE_BYTES
    )]
    Value(String),
    /// A text is no label.
    #[error("{0:?} is no label: key=value is needed")]
    NoValue(String),
}

fn is_key(key: &str) -> bool {
    key.len() <= limits::LABEL_KEY_BYTES
        && key.starts_with(|c: char| c.is_ascii_alphanumeric())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '-'))
}

fn is_value(value: &str) -> bool {
    value.len() <= limits::LABEL_VALUE_BYTES && !value.chars().any(char::is_control)
}

/// The beginning of a key that is wrong: the rest says no more.
fn shown(key: &str) -> String {
    key.chars().take(limits::LABEL_KEY_BYTES + 1).collect()
}

impl Labels {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether somebody may hand them in.
    ///
    /// # Errors
    /// See [`Invalid`].
    pub fn check(&self) -> Result<(), Invalid> {
        if self.0.len() > limits::LABELS {
            return Err(Invalid::TooMany(self.0.len()));
        }
        self.0.iter().try_for_each(|(key, value)| check(key, value))
    }

    /// Those that somebody could have handed in, as many as there may be.
    #[must_use]
    pub fn sound(&self) -> Self {
        let sound = self.0.iter().filter(|(key, value)| check(key, value).is_ok()).take(limits::LABELS);
        Self(sound.map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

fn check(key: &str, value: &str) -> Result<(), Invalid> {
    match () {
        () if !is_key(key) => Err(Invalid::Key(shown(key))),
        () if !is_value(value) => Err(Invalid::Value(key.to_owned())),
        () => Ok(()),
    }
}

/// One label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

impl FromStr for Label {
    type Err = Invalid;

    /// From `key=value`.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (key, value) = text.split_once('=').ok_or_else(|| Invalid::NoValue(shown(text)))?;
        check(key, value)?;
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

impl FromIterator<Label> for Labels {
    fn from_iter<I: IntoIterator<Item = Label>>(labels: I) -> Self {
        Self(labels.into_iter().map(|Label { key, value }| (key, value)).collect())
    }
}

impl schemars::JsonSchema for Labels {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Labels".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "maxProperties": limits::LABELS,
            "propertyNames": { "pattern": "^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$" },
            "additionalProperties": {
                "type": "string", "maxLength": limits::LABEL_VALUE_BYTES, "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$",
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_sound_is_accepted(map in proptest::collection::btree_map("\\PC{0,3}|[a-z]{60,70}", "\\PC{0,4}|x{120,140}|\n", 0..20)) {
            let labels = Labels(map);
            let sound = labels.sound();
            prop_assert!(sound.check().is_ok());
            prop_assert_eq!(labels.check().is_ok(), sound == labels);
        }

        #[test]
        fn a_label_is_read_as_it_is_written(text in "[a-z./=]{0,6}=?\\PC{0,6}") {
            if let Ok(label) = text.parse::<Label>() {
                prop_assert_eq!(label.to_string(), text);
            }
        }
    }

    #[test]
    fn faults_say_what_is_wrong() {
        for (text, says) in [("x", "key=value"), ("=x", "A-Z"), ("ä=x", "A-Z"), ("a=\n", "control")] {
            let fault = text.parse::<Label>().unwrap_err().to_string();
            assert!(fault.contains(says), "{text}: {fault}");
        }
        let many = Labels((0..17).map(|n| (format!("k{n}"), String::new())).collect());
        assert_eq!(many.check(), Err(Invalid::TooMany(17)));
        let long = Labels([("k".repeat(1000), String::new())].into());
        assert!(long.check().unwrap_err().to_string().len() < 300);
    }
}
