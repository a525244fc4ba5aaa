//! The keys of a name.

use std::fmt::Write as _;

use crate::store::Name;

/// The kind of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Projection,
    Lease,
    Deadlines,
    Members,
    Remembered,
}

impl Kind {
    const fn letter(self) -> char {
        match self {
            Self::Projection => 'p',
            Self::Lease => 'l',
            Self::Deadlines => 't',
            Self::Members => 'm',
            Self::Remembered => 'r',
        }
    }
}

/// The key of a name. Keys of the same id lie in the same slot; different names have different keys.
pub(super) fn key(prefix: &str, kind: Kind, name: &Name) -> String {
    let mut key = String::with_capacity(prefix.len() + name.family.len() + name.id.len() + 8);
    // Writing to a String cannot fail.
    let _ = write!(key, "{prefix}:{}:{}:{{", kind.letter(), name.family);
    for c in name.id.chars() {
        match c {
            // A brace would end the hash tag.
            '{' => key.push_str("%7B"),
            '}' => key.push_str("%7D"),
            '%' => key.push_str("%25"),
            c => key.push(c),
        }
    }
    if name.id.is_empty() {
        // An empty hash tag counts as none. No id is encoded as a lone `%`.
        key.push('%');
    }
    key.push('}');
    key
}

/// The key that the readiness check writes.
pub(super) fn ready(prefix: &str) -> String {
    format!("{prefix}:ready")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tag(key: &str) -> &str {
        let start = key.find('{').unwrap() + 1;
        &key[start..start + key[start..].find('}').unwrap()]
    }

    proptest! {
        #[test]
        fn names_and_keys_are_one_to_one(a in "[{}%7BD25:ab]{0,4}|.{0,9}", b in "[{}%7BD25:ab]{0,4}|.{0,9}") {
            let name = |id: &str| Name { family: "execution", id: id.into() };
            let (one, two) = (key("rb", Kind::Lease, &name(&a)), key("rb", Kind::Lease, &name(&b)));
            prop_assert_eq!(one == two, a == b);
            prop_assert!(!tag(&one).is_empty());
            let members = key("rb", Kind::Members, &name(&a));
            prop_assert_eq!(tag(&one), tag(&members));
            prop_assert_eq!(one.matches('{').count() + one.matches('}').count(), 2);
        }
    }
}
