//! The payload of each type of the catalogue, typed.

use serde::Serialize;
use serde_json::value::RawValue;

use super::catalogue::catalogue;
use super::family::{client, custom, execution, goal, model, node, session, state, stream, tool, webhook};
use super::kind::Kind;
use crate::json;

/// A payload does not have the fields that its type says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("data{path}: {message}", path = if path == "." { String::new() } else { format!(".{path}") })]
pub struct Mismatch {
    /// Where, below `data`.
    pub path: String,
    /// The fault at that path.
    pub message: String,
}

fn typed<'de, T: serde::Deserialize<'de>>(data: &'de RawValue) -> Result<T, Mismatch> {
    json::read(data.get()).map_err(|fault| Mismatch { path: fault.path, message: fault.error.to_string() })
}

macro_rules! payloads {
    ($($wire:ident => $variant:ident($payload:ty), $class:ident;)*) => {
        /// A typed payload.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Payload {
            $(#[doc = concat!("Of `", stringify!($wire), "`")] $variant($payload),)*
            /// Of a type that is not in the catalogue: as it came.
            Other(Kind, serde_json::Value),
        }

        impl Payload {
            /// Its event type.
            #[must_use]
            pub fn kind(&self) -> Kind {
                match self {
                    $(Self::$variant(_) => Kind::$variant,)*
                    Self::Other(kind, _) => kind.clone(),
                }
            }

            /// Reads the payload of an event of type `kind`.
            ///
            /// # Errors
            /// A field is missing or has the wrong type; the error says which.
            pub fn read(kind: &Kind, data: &RawValue) -> Result<Self, Mismatch> {
                Ok(match kind {
                    $(Kind::$variant => Self::$variant(typed(data)?),)*
                    Kind::Other(_) => Self::Other(kind.clone(), typed(data)?),
                })
            }

            /// The payload as JSON text.
            ///
            /// # Errors
            /// It cannot be written as JSON: a map with keys that are no text, or a float that is no number.
            pub fn write(&self) -> Result<Box<RawValue>, serde_json::Error> {
                fn raw(value: &impl Serialize) -> Result<Box<RawValue>, serde_json::Error> {
                    serde_json::value::to_raw_value(value)
                }
                match self {
                    $(Self::$variant(payload) => raw(payload),)*
                    Self::Other(_, value) => raw(value),
                }
            }
        }

        $(impl From<$payload> for Payload {
            fn from(payload: $payload) -> Self {
                Self::$variant(payload)
            }
        })*

        /// The objects of all payloads, by event type. The types that their fields use are with the generator.
        pub(super) fn objects(generator: &mut schemars::SchemaGenerator) -> Vec<(&'static str, super::Class, schemars::Schema)> {
            vec![$((stringify!($wire), super::Class::$class, <$payload as schemars::JsonSchema>::json_schema(generator)),)*]
        }

        /// JSON Schemas of all payloads, by event type.
        pub(super) fn schemas(generator: &mut schemars::SchemaGenerator) -> Vec<(&'static str, super::Class, schemars::Schema)> {
            vec![$((stringify!($wire), super::Class::$class, generator.subschema_for::<$payload>()),)*]
        }
    };
}
catalogue!(payloads);
