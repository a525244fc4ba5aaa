//! Points in time and the clock that makes them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time: microseconds since 1970-01-01T00:00:00Z; RFC 3339 UTC with six digits on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

/// The text is no RFC 3339 timestamp with an offset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is no RFC 3339 timestamp with an offset: {0}")]
pub struct Error(String);

impl Timestamp {
    /// From microseconds since the epoch, clamped to the years that RFC 3339 can write (0000 to 9999).
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(-62_167_219_200_000_000, 253_402_207_199_999_999))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Time from `earlier` to this; zero when it is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> std::time::Duration {
        std::time::Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = jiff::Timestamp::from_microsecond(self.0).map_err(|_out_of_range| fmt::Error)?;
        write!(f, "{time:.6}")
    }
}

impl FromStr for Timestamp {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let time: jiff::Timestamp = text.parse().map_err(|error: jiff::Error| Error(error.to_string()))?;
        Ok(Self::from_micros(time.as_microsecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize(deserializer, str::parse)
    }
}

impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// Where the time comes from: the system, or a test.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that moves only when a test moves it; microseconds since the epoch.
    Manual(Arc<AtomicI64>),
    /// The machine's clock, set forward or back by a test; microseconds beside the machine's.
    Shifted(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands still.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(time.micros())))
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::from_micros(jiff::Timestamp::now().as_microsecond()),
            Self::Manual(micros) => Timestamp::from_micros(micros.load(Ordering::Relaxed)),
            Self::Shifted(by) => {
                let now = jiff::Timestamp::now().as_microsecond();
                Timestamp::from_micros(now.saturating_add(by.load(Ordering::Relaxed)))
            }
        }
    }
}

/// A random-looking part of one, from 0 to below 1, so that many who wait do not act at once.
#[must_use]
pub(crate) fn fraction() -> f64 {
    let dice = uuid::Uuid::now_v7().as_u128() & 0xffff;
    u16::try_from(dice).map_or(0.0, |dice| f64::from(dice) / 65536.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_and_utc() {
        let time: Timestamp = "2026-11-21T10:00:00.5+01:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-11-21T09:00:00.500000Z");
        assert!("2026-11-21 10:00".parse::<Timestamp>().is_err());
    }

    proptest::proptest! {
        #[test]
        fn text_round_trips(micros in -62_167_219_200_000_000_i64..253_402_207_199_999_999) {
            let time = Timestamp::from_micros(micros);
            proptest::prop_assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
        }
    }
}
