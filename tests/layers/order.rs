//! The stated order of a crate's modules, and the imports that break it.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::Import;

/// The modules of a crate, lowest first.
#[derive(Debug, Default)]
pub struct Order {
    /// Each place holds one module, or those of one layer.
    places: Vec<Vec<String>>,
}

impl Order {
    /// The order that a document states for the crate in `folder`: the table behind the crate's paragraph.
    pub fn of(document: &str, folder: &str) -> Self {
        let heading = format!("(`{folder}`)");
        let mut lines =
            document.lines().skip_while(|line| !(line.starts_with("**") && line.contains(&heading)));
        assert!(lines.next().is_some(), "no paragraph begins with the crate in {folder}");
        let table = lines.skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
        let mut places = Vec::new();
        for line in table {
            let cell = line.split('|').nth(1).unwrap_or("");
            let modules: Vec<String> = cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            if cell.contains("one layer") {
                places.push(modules);
            } else {
                places.extend(modules.into_iter().map(|module| vec![module]));
            }
        }
        Self { places }
    }

    /// All modules.
    pub fn modules(&self) -> Vec<String> {
        self.places.concat()
    }

    fn place(&self, module: &str) -> Option<usize> {
        self.places.iter().position(|place| place.iter().any(|known| known == module))
    }

    /// Whether two modules may import each other.
    pub fn is_one_layer(&self, one: &str, other: &str) -> bool {
        self.place(one).is_some_and(|place| self.place(other) == Some(place))
    }

    /// Whether the imported module does not stand before the importing one.
    pub fn is_against(&self, import: &Import) -> bool {
        let (from, to) = (self.place(&import.from), self.place(&import.to));
        from.zip(to).is_none_or(|(from, to)| to > from)
    }
}

/// The cycles of imports: each as the modules that reach each other, with one import of each pair.
pub fn cycles(imports: &[Import]) -> Vec<String> {
    let mut direct: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for import in imports {
        direct.entry(&import.from).or_default().insert(&import.to);
    }
    let reach = |from: &str| {
        let (mut found, mut open): (BTreeSet<String>, Vec<&str>) = (BTreeSet::new(), vec![from]);
        while let Some(module) = open.pop() {
            for next in direct.get(module).into_iter().flatten() {
                if found.insert((*next).to_owned()) {
                    open.push(next);
                }
            }
        }
        found
    };
    let reached: BTreeMap<&str, BTreeSet<String>> =
        direct.keys().map(|module| (*module, reach(module))).collect();
    let mut found = BTreeSet::new();
    for (module, within) in &reached {
        if !within.contains(*module) {
            continue;
        }
        let cycle: BTreeSet<&str> = within
            .iter()
            .map(String::as_str)
            .filter(|other| reached.get(other).is_some_and(|back| back.contains(*module)))
            .collect();
        let mut pairs = BTreeMap::new();
        for import in imports {
            if cycle.contains(import.from.as_str()) && cycle.contains(import.to.as_str()) {
                pairs.entry((&import.from, &import.to)).or_insert(&import.file);
            }
        }
        let pairs: Vec<String> =
            pairs.iter().map(|((from, to), file)| format!("{from} -> {to} ({file})")).collect();
        found.insert(pairs.join(", "));
    }
    found.into_iter().collect()
}

mod tests {
    use super::*;

    const DOCUMENT: &str = "\
**`one`** (`one/src/`): the first.

| module | purpose |
|---|---|
| `low`, `middle` | `text` that is no module |
| `left`, `right` (one layer) | two |
| `high` | the last |

| `no` | module |
";

    fn import(from: &str, to: &str) -> Import {
        Import { from: from.into(), to: to.into(), file: format!("{from}.rs") }
    }

    #[test]
    fn the_order_is_the_first_column_of_the_first_table_behind_the_crates_name() {
        let order = Order::of(DOCUMENT, "one/src/");
        assert_eq!(order.modules(), ["low", "middle", "left", "right", "high"]);
    }

    #[test]
    fn an_import_from_a_later_module_or_of_an_unknown_one_is_against_the_order() {
        let order = Order::of(DOCUMENT, "one/src/");
        for (from, to, is_against) in [
            ("middle", "low", false),
            ("low", "middle", true),
            ("left", "right", false),
            ("right", "left", false),
            ("high", "right", false),
            ("right", "high", true),
            ("high", "no", true),
        ] {
            assert_eq!(order.is_against(&import(from, to)), is_against, "{from} imports {to}");
        }
    }

    #[test]
    fn a_cycle_is_found_over_any_number_of_modules() {
        assert_eq!(cycles(&[import("a", "b"), import("b", "c"), import("a", "c")]), Vec::<String>::new());
        let found = cycles(&[import("a", "b"), import("b", "c"), import("c", "a"), import("c", "d")]);
        assert_eq!(found, ["a -> b (a.rs), b -> c (b.rs), c -> a (c.rs)"]);
    }
}
