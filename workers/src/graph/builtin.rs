//! The definitions that come with the binary.

use super::Definition;

/// Name of the file and text of every definition that comes with the binary.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("council.yaml", include_str!("../../../examples/council.yaml")),
    ("assistant.yaml", include_str!("../../../examples/assistant.yaml")),
    ("support-triage.yaml", include_str!("../../../examples/support-triage.yaml")),
    ("research.yaml", include_str!("../../../examples/research.yaml")),
];

/// The definitions that come with the binary.
pub fn built_in() -> Vec<Definition> {
    let parse = |(name, text)| Definition::parse(name, text).expect("a test reads every one of them");
    BUILT_IN.into_iter().map(parse).collect()
}
