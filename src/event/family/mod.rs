//! Payloads, one file a family. Unknown fields of a payload survive: the envelope keeps `data` as it came.

pub mod client;
pub mod custom;
pub mod execution;
pub mod goal;
pub mod model;
pub mod node;
pub mod session;
pub mod state;
pub mod stream;
pub mod tool;
pub mod webhook;

/// Declares payload structs: serde, JSON Schema, `Default` where every field has one.
macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* })*) => {$(
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        $(#[$doc])*
        pub struct $name {
            $($(#[$fdoc])* pub $field: $type,)*
        }
    )*};
}
pub(crate) use payloads;
