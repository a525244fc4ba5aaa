//! The imports between the modules of a crate's top level.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::read;
use super::source::{self, Token};

/// One module uses another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    pub from: String,
    pub to: String,
    pub file: String,
}

/// The modules of the crate whose sources are in `folder`.
pub fn modules(folder: &Path) -> BTreeSet<String> {
    source::declared(&source::tokens(&read(&top(folder))))
}

fn top(folder: &Path) -> PathBuf {
    let lib = folder.join("lib.rs");
    if lib.exists() { lib } else { folder.join("main.rs") }
}

/// All imports of that crate; code of tests is left out.
pub fn of(folder: &Path) -> Vec<Import> {
    let tokens = source::tokens(&read(&top(folder)));
    let modules = source::declared(&tokens);
    let names = source::reexported(&tokens, &modules);
    let mut imports = Vec::new();
    let mut open: Vec<(PathBuf, Vec<String>)> =
        modules.iter().map(|module| (folder.to_path_buf(), vec![module.clone()])).collect();
    while let Some((parent, path)) = open.pop() {
        let name = path.last().map_or("", String::as_str);
        let (file, folder) = (parent.join(format!("{name}.rs")), parent.join(name));
        let file = if file.exists() { file } else { folder.join("mod.rs") };
        let tokens = source::tokens(&read(&file));
        imports.extend(found(&tokens, &path, &modules, &names, &file));
        for below in source::declared(&tokens) {
            open.push((folder.clone(), [path.clone(), vec![below]].concat()));
        }
    }
    imports
}

fn found(
    tokens: &[Token],
    path: &[String],
    modules: &BTreeSet<String>,
    names: &BTreeMap<String, String>,
    file: &Path,
) -> Vec<Import> {
    let Some(from) = path.first() else { return Vec::new() };
    source::paths(tokens, path)
        .into_iter()
        .filter_map(|used| {
            let first = used.first()?;
            let to = if modules.contains(first) { first } else { names.get(first)? };
            (to != from).then(|| Import {
                from: from.clone(),
                to: to.clone(),
                file: file.display().to_string(),
            })
        })
        .collect()
}
