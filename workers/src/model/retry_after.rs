//! How long a service asks to wait, as its headers say.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::limits::MAX_RETRY_AFTER_SECONDS;

/// `retry-after-ms` (OpenAI), else `retry-after` in seconds or as a date, else the time until its limit of requests begins anew.
pub(super) fn of(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let number = |name: &str| text(name)?.parse::<f64>().ok();
    let date = || {
        let date = jiff::fmt::rfc2822::parse(text(RETRY_AFTER.as_str())?).ok()?;
        Some(date.timestamp().duration_since(jiff::Timestamp::now()).as_secs_f64())
    };
    let reset = || {
        let used_up = number("x-ratelimit-remaining-requests") == Some(0.0);
        let text = text("x-ratelimit-reset-requests").filter(|_| used_up)?;
        Some(text.parse::<jiff::SignedDuration>().ok()?.as_secs_f64())
    };
    let seconds = number("retry-after-ms")
        .map(|ms| ms / 1000.0)
        .or_else(|| number(RETRY_AFTER.as_str()))
        .or_else(date)
        .or_else(reset)?;
    #[expect(clippy::cast_precision_loss, reason = "the limit is small")]
    let limit = MAX_RETRY_AFTER_SECONDS as f64;
    Duration::try_from_secs_f64(seconds.clamp(0.0, limit)).ok()
}
