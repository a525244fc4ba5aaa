//! Each code with which an execution fails has its line in the table of errors.

use std::collections::BTreeSet;

const DOCS: &str = include_str!("../../../docs/errors.md");

/// Where executions end.
const SOURCES: [&str; 4] = [
    include_str!("../../src/session/step.rs"),
    include_str!("../../src/definition.rs"),
    include_str!("../../src/pool/worker.rs"),
    include_str!("../../../src/session/commands.rs"),
];

/// The words behind `begin`, up to the next quote.
fn behind<'a>(text: &'a str, begin: &'a str) -> impl Iterator<Item = &'a str> {
    let code = |text: &'a str| text.trim_start().strip_prefix('"')?.split('"').next();
    text.split(begin).skip(1).filter_map(code)
}

#[test]
fn each_code_of_a_failed_execution_is_documented() {
    let mut codes = BTreeSet::from(["iterations_exhausted", "no_route", "too_large", "unrecordable"]);
    for source in SOURCES {
        for begin in ["failed(", "Outcome::failed(", "\"code\":"] {
            codes.extend(behind(source, begin));
        }
    }
    for known in ["node_failed", "budget_exceeded", "dead_letter", "nothing_to_resume", "queue_full"] {
        assert!(codes.contains(known), "{known} is not found in {codes:?}");
    }
    let begin = DOCS.find("## `execution_failed`").unwrap();
    let table = &DOCS[begin..begin + DOCS[begin..].find("An event that would be larger").unwrap()];
    let missing: Vec<_> = codes.iter().filter(|code| !table.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "docs/errors.md has no line for {missing:?}");
}
