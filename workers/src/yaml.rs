//! Reading YAML or JSON into a type, with the path of each fault.
//!
//! The text is read twice: first into nothing but a value that never honours the JSON parser's private keys and is nested no
//! deeper than a client's limit, then into its type.

use runbus::json;
use serde::de::DeserializeOwned;

use crate::zeros::{self, Zeros};

/// A fault, with its place.
pub(crate) struct Fault {
    /// The key, as in `nodes.critic_agent.tools[1]`; `.` for the whole.
    pub(crate) path: String,
    /// The fault, with line and column.
    pub(crate) message: String,
}

/// Reads the only document of `text`.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    let mut path = ".".to_owned();
    // As in YAML 1.2: a bare `yes`, `no` or `on` is a text, and may name a node.
    let options = serde_saphyr::options! { strict_booleans: true };
    let mut track = serde_path_to_error::Track::new();
    let mut tree = serde_json::Value::Null;
    let looked =
        serde_saphyr::with_deserializer_from_str_with_options(text, options.clone(), |deserializer| {
            let located = serde_path_to_error::Deserializer::new(deserializer, &mut track);
            tree = json::tree::deserialize(located, runbus::limits::EDGE_DEPTH)?;
            Ok(())
        });
    if let Err(error) = looked.map(drop) {
        path = track.path().to_string();
        return Err(Fault { path, message: error.without_snippet().to_string() });
    }
    let mut found = None;
    // The pass below refuses the same texts, with a better message.
    let _ = serde_saphyr::with_deserializer_from_str_with_options(text, options.clone(), |deserializer| {
        zeros::take(deserializer, &tree, &mut found)
    });
    if let Some(Zeros { path, text }) = found {
        let message = format!("`{text}` would lose its leading zeros as a number: write it in quotes");
        return Err(Fault { path, message });
    }
    let read = serde_saphyr::with_deserializer_from_str_with_options(text, options, |deserializer| {
        #[expect(clippy::disallowed_methods, reason = "no JSON text, and looked at before")]
        serde_path_to_error::deserialize(deserializer).map_err(|error| {
            path = error.path().to_string();
            error.into_inner()
        })
    });
    read.map_err(|error| Fault { path, message: error.without_snippet().to_string() })
}
