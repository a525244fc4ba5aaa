//! Event types and their classes.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::catalogue::catalogue;

/// The treatment of an event under pressure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Never dropped, never merged.
    Critical,
    /// Consecutive ones of one node may be merged for a slow reader, never lost.
    Coalescible,
    /// May be dropped; every drop is counted. Only what its producer marks so.
    Droppable,
}

/// Longest event type, in bytes.
const KIND_BYTES: usize = 64;

/// The text is no event type: it must be snake_case ASCII of 1 to 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is no event type: 1 to 64 characters a-z, 0-9 and _ are needed, beginning with a letter")]
pub struct Invalid;

macro_rules! kinds {
    ($($wire:ident => $variant:ident($payload:ty), $class:ident;)*) => {
        /// An event's type. Types that are not in the catalogue are kept as they are.
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind {
            $(#[doc = concat!("`", stringify!($wire), "`")] $variant,)*
            /// A type that is not in the catalogue.
            Other(Arc<str>),
        }

        impl Kind {
            /// Every type of the catalogue.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The type on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => stringify!($wire),)*
                    Self::Other(text) => text,
                }
            }

            /// The class of the type: the treatment of its events under pressure. Unknown types are critical.
            #[must_use]
            pub const fn class(&self) -> Class {
                match self {
                    $(Self::$variant => Class::$class,)*
                    Self::Other(_) => Class::Critical,
                }
            }
        }

        impl FromStr for Kind {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> {
                Ok(match text {
                    $(stringify!($wire) => Self::$variant,)*
                    other if is_snake_case(other) => Self::Other(Arc::from(other)),
                    _ => return Err(Invalid),
                })
            }
        }
    };
}
catalogue!(kinds);

fn is_snake_case(text: &str) -> bool {
    text.len() <= KIND_BYTES
        && text.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

impl Kind {
    /// Whether the event ends its execution.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        matches!(self, Self::ExecutionCompleted | Self::ExecutionFailed | Self::ExecutionCancelled)
    }

    /// Whether events of this type tell how an execution goes. Of what Runbus runs only Runbus does that; the others are notes, which
    /// anybody may add.
    #[must_use]
    pub const fn tells(&self) -> bool {
        !matches!(
            self,
            Self::StateChanged
                | Self::StateConflict
                | Self::StreamStarted
                | Self::StreamStopped
                | Self::Custom
                | Self::Other(_)
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize(deserializer, str::parse)
    }
}

impl schemars::JsonSchema for Kind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EventType".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_round_trips_and_unknown_ones_are_kept() {
        for kind in Kind::ALL {
            assert_eq!(&kind.as_str().parse::<Kind>().unwrap(), kind);
        }
        let other: Kind = "judge_verdict".parse().unwrap();
        assert_eq!(other.as_str(), "judge_verdict");
        assert_eq!(other.class(), Class::Critical);
        for bad in ["", "Judge", "a-b", "1a", "_a", &"a".repeat(65)] {
            assert_eq!(bad.parse::<Kind>(), Err(Invalid), "{bad}");
        }
    }
}
