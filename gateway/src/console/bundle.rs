//! The files that `make console` wrote, in the binary.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::body::Bytes;
use rust_embed::RustEmbed;

use super::accept::Packing;
use super::file::File;

/// The folder. A debug build reads it when a gateway starts, so that a new bundle needs no build; any other has it inside.
#[derive(RustEmbed)]
#[folder = "console-dist/"]
struct Folder;

/// The files by name.
#[derive(Debug, Clone, Default)]
pub struct Bundle(BTreeMap<String, File>);

impl Bundle {
    /// The bundle of this binary.
    #[must_use]
    pub fn of_this_binary() -> Self {
        let files = Folder::iter().filter_map(|name| {
            let bytes = match Folder::get(&name)?.data {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => Bytes::from(bytes),
            };
            Some((name.into_owned(), bytes))
        });
        Self::of(files)
    }

    /// A bundle of these files: names that end in `.br` and `.gz` are packed forms of others.
    pub fn of(files: impl IntoIterator<Item = (String, Bytes)>) -> Self {
        let all: BTreeMap<String, Bytes> =
            files.into_iter().filter(|(name, _)| !name.starts_with('.')).collect();
        let is_packed = |name: &str| Packing::ALL.into_iter().any(|packing| name.ends_with(packing.ending()));
        let plain = all.iter().filter(|(name, _)| !is_packed(name));
        Self(
            plain
                .map(|(name, bytes)| {
                    let mut file = File::new(name, bytes.clone());
                    for packing in Packing::ALL {
                        if let Some(packed) = all.get(&format!("{name}{}", packing.ending())) {
                            file.pack(packing, packed.clone());
                        }
                    }
                    (name.clone(), file)
                })
                .collect(),
        )
    }

    /// A file.
    #[must_use]
    pub(super) fn get(&self, name: &str) -> Option<&File> {
        self.0.get(name)
    }
}
