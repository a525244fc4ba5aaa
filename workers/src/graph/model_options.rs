//! The checks of a model's options.

use super::limits::{MAX_FALLBACKS, MAX_MODEL_NAME_BYTES, MAX_STOPS, MAX_TOOL_NAME_BYTES};
use super::spec::ModelOptions;
use super::validate::{Fault, fault};

/// Fields of a request that only Runbus writes.
const OWN_FIELDS: [&str; 3] = ["model", "messages", "stream"];

/// Checks the options at `path`.
pub(super) fn check(path: &str, options: &ModelOptions) -> Result<(), Fault> {
    let at = |key: &str| format!("{path}.{key}");
    if let Some(value) = options.temperature.filter(|value| !(0.0..=2.0).contains(value)) {
        return fault(at("temperature"), format!("{value} is not within 0..=2"));
    }
    if let Some(value) = options.top_p.filter(|value| !(*value > 0.0 && *value <= 1.0)) {
        return fault(at("top_p"), format!("{value} is not above 0 and at most 1"));
    }
    if options.max_tokens == Some(0) {
        return fault(at("max_tokens"), "must be at least 1");
    }
    if let Some(name) = &options.name {
        model_name(&at("name"), name)?;
    }
    if options.fallbacks.len() > MAX_FALLBACKS {
        return fault(at("fallbacks"), format!("at most {MAX_FALLBACKS} are allowed"));
    }
    for (n, name) in options.fallbacks.iter().enumerate() {
        model_name(&at(&format!("fallbacks[{n}]")), name)?;
    }
    if options.stop.len() > MAX_STOPS || options.stop.iter().any(String::is_empty) {
        return fault(at("stop"), format!("at most {MAX_STOPS} texts, none of them empty, are allowed"));
    }
    word(&at("reasoning_effort"), options.reasoning_effort.as_deref())?;
    word(&at("tool_choice"), options.tool_choice.as_deref())?;
    match OWN_FIELDS.into_iter().find(|field| options.extra_body.contains_key(*field)) {
        Some(field) => fault(at(&format!("extra_body.{field}")), "Runbus writes this field itself"),
        None => Ok(()),
    }
}

fn model_name(path: &str, name: &str) -> Result<(), Fault> {
    if name.is_empty() || name.len() > MAX_MODEL_NAME_BYTES || name.chars().any(char::is_control) {
        return fault(
            path,
            format!("a model's name has 1 to {MAX_MODEL_NAME_BYTES} bytes, none of them a control character"),
        );
    }
    Ok(())
}

/// A word, or a tool's name.
fn word(path: &str, word: Option<&str>) -> Result<(), Fault> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    match word {
        Some(word) if word.is_empty() || word.len() > MAX_TOOL_NAME_BYTES || !word.bytes().all(plain) => {
            fault(
                path,
                format!("{word:?} is no word of 1 to {MAX_TOOL_NAME_BYTES} of a-z, A-Z, 0-9, _ and -"),
            )
        }
        _ => Ok(()),
    }
}
