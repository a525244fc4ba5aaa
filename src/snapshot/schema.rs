//! The JSON Schema of snapshots, generated from the types.

use serde_json::Value;

use super::Snapshot;
use crate::schema::optional_is_absent;

/// The schema of a snapshot (JSON Schema draft 2020-12).
#[must_use]
pub fn schema() -> Value {
    let generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Snapshot>();
    schema.insert("title".into(), "Runbus snapshot of an execution".into());
    let mut schema = schema.to_value();
    optional_is_absent(&mut schema);
    schema
}
