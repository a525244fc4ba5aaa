//! Whether a turn is an answer: it ends well only by a reason that says so, and with content.

use serde_json::Value;
use uuid::Uuid;

use super::{Fault, ProviderError, Turn};

/// Length of an id that Runbus makes: Mistral takes exactly so many letters and digits, others take more.
const ID_CHARS: usize = 9;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The turn, if it is an answer.
///
/// # Errors
/// [`Fault::Filtered`], [`Fault::Declined`], [`Fault::InvalidToolCall`] or [`Fault::Empty`].
pub(super) fn judge(turn: Turn) -> Result<Turn, Fault> {
    let reason = turn.finish_reason.as_deref().unwrap_or_default().to_ascii_lowercase();
    let has_text = !turn.text.trim().is_empty();
    if matches!(
        reason.as_str(),
        "content_filter"
            | "safety"
            | "prohibited_content"
            | "recitation"
            | "blocklist"
            | "spii"
            | "image_safety"
            | "refusal"
    ) {
        return Err(Fault::Filtered { reason, text: turn.text });
    }
    if matches!(reason.as_str(), "malformed_function_call" | "unexpected_tool_call")
        && turn.tool_calls.is_empty()
    {
        let message = format!("the model's call is malformed ({reason})");
        let failed_generation = has_text.then_some(turn.text);
        let error = ProviderError { message, failed_generation, ..ProviderError::default() };
        return Err(Fault::InvalidToolCall(Box::new(error)));
    }
    if has_text || !turn.tool_calls.is_empty() {
        return Ok(turn);
    }
    match turn.extra.get("refusal").and_then(Value::as_str) {
        Some(refusal) if !refusal.trim().is_empty() => Err(Fault::Declined { refusal: refusal.to_owned() }),
        // A limit that cuts an answer before its first word is seen as such.
        _ if turn.is_cut_off() => Ok(turn),
        _ => Err(Fault::Empty { reason: turn.finish_reason.unwrap_or_else(|| "none".into()) }),
    }
}

/// An id for a call that has none of its own.
pub(super) fn call_id() -> String {
    let mut random = Uuid::new_v4().as_u128();
    let digits = std::iter::from_fn(|| {
        let digit = usize::try_from(random % 62).ok().and_then(|place| DIGITS.get(place));
        random /= 62;
        digit.map(|digit| char::from(*digit))
    });
    digits.take(ID_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn turn(text: &str, reason: &str) -> Turn {
        Turn { text: text.into(), finish_reason: Some(reason.into()), ..Turn::default() }
    }

    #[test]
    fn only_a_turn_with_content_and_a_good_reason_is_an_answer() {
        assert!(judge(turn("a", "stop")).is_ok() && judge(turn("a", "length")).is_ok());
        assert!(judge(turn("", "length")).is_ok());
        for (text, reason, code) in [
            ("", "stop", "empty_answer"),
            (" \n", "stop", "empty_answer"),
            ("half", "content_filter", "content_filter"),
            ("half", "SAFETY", "content_filter"),
            ("", "MALFORMED_FUNCTION_CALL", "invalid_tool_call"),
        ] {
            assert_eq!(judge(turn(text, reason)).unwrap_err().code(), code, "{text:?} {reason}");
        }
        let mut declined = turn("", "stop");
        declined.extra.insert("refusal".into(), json!("I cannot do that."));
        let fault = judge(declined).unwrap_err();
        assert!(fault.to_string().contains("I cannot do that.") && !fault.is_retryable());
        assert!(Fault::Empty { reason: "stop".into() }.is_retryable());
    }

    #[test]
    fn ids_fit_the_strictest_provider() {
        let id = call_id();
        assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        assert_ne!(id, call_id());
    }
}
