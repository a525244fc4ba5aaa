//! Custom events of producers.

/// Any object.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Custom(pub serde_json::Map<String, serde_json::Value>);
