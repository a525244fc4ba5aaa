//! The order of modules: imports point one way. `docs/ARCHITECTURE.md` states the order; this test reads it, and every `use` and path.
#![expect(unreachable_pub, reason = "modules of one test binary")]
#![expect(clippy::panic, reason = "a test says by panicking")]

mod imports;
mod order;
mod source;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use imports::Import;
use order::Order;

/// The folders of crates, and whether `docs/ARCHITECTURE.md` states an order of their modules.
const CRATES: [(&str, bool); 6] = [
    ("src/", true),
    ("workers/src/", true),
    ("gateway/src/", true),
    ("cli/src/", true),
    ("benches/src/", false),
    ("fuzz/src/", false),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn no_modules_of_a_crate_import_each_other() {
    let architecture = read(&root().join("docs/ARCHITECTURE.md"));
    let mut faults = Vec::new();
    for (folder, is_stated) in CRATES {
        let allowed = if is_stated { Order::of(&architecture, folder) } else { Order::default() };
        let imports: Vec<Import> = imports::of(&root().join(folder))
            .into_iter()
            .filter(|import| !allowed.is_one_layer(&import.from, &import.to))
            .collect();
        faults.extend(order::cycles(&imports).into_iter().map(|cycle| format!("{folder}: {cycle}")));
    }
    assert!(faults.is_empty(), "modules import each other:\n{}", faults.join("\n"));
}

#[test]
fn modules_import_only_from_those_before_them() {
    let architecture = read(&root().join("docs/ARCHITECTURE.md"));
    let mut faults = Vec::new();
    for (folder, _) in CRATES.into_iter().filter(|(_, is_stated)| *is_stated) {
        let order = Order::of(&architecture, folder);
        let against: BTreeSet<String> = imports::of(&root().join(folder))
            .iter()
            .filter(|import| order.is_against(import))
            .map(|import| format!("{}: {} imports {}", import.file, import.from, import.to))
            .collect();
        faults.extend(against);
    }
    assert!(faults.is_empty(), "against the order in docs/ARCHITECTURE.md:\n{}", faults.join("\n"));
}

#[test]
fn the_order_names_each_module_once() {
    let architecture = read(&root().join("docs/ARCHITECTURE.md"));
    for (folder, _) in CRATES.into_iter().filter(|(_, is_stated)| *is_stated) {
        let stated = Order::of(&architecture, folder).modules();
        let once: BTreeSet<String> = stated.iter().cloned().collect();
        assert_eq!(stated.len(), once.len(), "{folder}: a module has two places: {stated:?}");
        assert_eq!(
            once,
            imports::modules(&root().join(folder)),
            "{folder}: docs/ARCHITECTURE.md and the code differ"
        );
    }
}
