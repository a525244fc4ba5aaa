//! How long to wait before the next try.

use std::time::Duration;

use jiff::fmt::rfc2822;
use runbus::time::Timestamp;

use super::config::Endpoint;

/// The wait behind try `attempt` (from 1): exponential, half of it at random so that many events do not return together,
/// not shorter than the receiver asks for, never longer than `retry_max_ms`.
pub(super) fn backoff(endpoint: &Endpoint, attempt: u32, asked: Option<Duration>) -> Duration {
    let longest = Duration::from_millis(endpoint.retry_max_ms);
    let doublings = attempt.saturating_sub(1).min(24);
    let base = Duration::from_millis(endpoint.retry_min_ms).saturating_mul(1 << doublings).min(longest);
    let random = uuid::Uuid::new_v4().as_fields().0 % 1000;
    (base / 2 + base / 2 * random / 1000).max(asked.unwrap_or_default()).min(longest)
}

/// The pause that `Retry-After` asks for: seconds, or a date (RFC 9110, section 10.2.3).
pub(super) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_micros(date.as_microsecond()).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let endpoint = Endpoint { retry_min_ms: 1000, retry_max_ms: 60_000, ..Endpoint::default() };
        for (attempt, base) in [(1, 1), (2, 2), (4, 8), (7, 60), (100, 60), (u32::MAX, 60)] {
            let base = Duration::from_secs(base);
            let wait = backoff(&endpoint, attempt, None);
            assert!(wait >= base / 2 && wait <= base, "{attempt}: {wait:?}");
        }
        assert_eq!(backoff(&endpoint, 1, Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert_eq!(backoff(&endpoint, 1, Some(Duration::from_secs(7000))), Duration::from_secs(60));
    }

    #[test]
    fn both_forms_of_retry_after_are_read() {
        let now: Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(37)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:48:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("-1", now), None);
    }
}
