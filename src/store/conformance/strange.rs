//! Names that mean something to somebody's keys or queries.

use std::sync::Arc;

use bytes::Bytes;

use super::kit::{LONG, apply, get, name, projection, whole};
use crate::store::{Applied, Lease, Name, Store};

const STRANGE: &[&str] = &[
    "",
    " ",
    "a",
    "A",
    "a ",
    "a:b",
    "a:b:c",
    "b",
    "*",
    "a*",
    "?",
    "[a]",
    "{a}",
    "}{",
    "{",
    "a\0",
    "a\n",
    "%",
    "_",
    "'",
    "\"",
    "\\",
    "ü",
    "u\u{308}",
    "日本",
    "\u{1f980}",
    "lease",
    "execution:a",
];

pub(super) async fn ids_are_kept_apart(store: Arc<dyn Store>) {
    for id in STRANGE {
        let name = name(id);
        assert_eq!(apply(&store, &name, whole(1, 1), id).await, Applied::Stored, "{id:?}");
        assert_eq!(store.lease(&name, id, LONG).await.unwrap(), Lease::Held, "{id:?}");
        store.join(&name, id, Bytes::from_static(b"d"), LONG).await.unwrap();
        let value = Bytes::from(id.to_string());
        assert_eq!(store.remember(&name, value.clone(), LONG).await.unwrap(), value, "{id:?}");
    }
    for id in STRANGE {
        let name = name(id);
        assert_eq!(get(&store, &name).await, Some(projection(1, 1, id)), "{id:?}");
        assert_eq!(store.leased(&name).await.unwrap().map(|(owner, _)| owner).as_deref(), Some(*id));
        assert_eq!(store.present(&name).await.unwrap(), [((*id).to_owned(), Bytes::from_static(b"d"))]);
        store.remove(&name).await.unwrap();
        store.release(&name, id).await.unwrap();
        store.leave(&name, id).await.unwrap();
        assert_eq!(get(&store, &name).await, None, "{id:?}");
    }
}

pub(super) async fn families_and_kinds_are_kept_apart(store: Arc<dyn Store>) {
    let names = [("a", "b_c"), ("a_b", "c"), ("ab", "c"), ("a", "bc")]
        .map(|(family, id)| Name { family, id: id.into() });
    for (n, name) in names.iter().enumerate() {
        assert_eq!(apply(&store, name, whole(1, 1), &format!("{n}")).await, Applied::Stored);
    }
    for (n, name) in names.iter().enumerate() {
        assert_eq!(get(&store, name).await, Some(projection(1, 1, &format!("{n}"))), "families are apart");
        assert_eq!(store.leased(name).await.unwrap(), None, "a projection is no lease");
        assert_eq!(store.present(name).await.unwrap(), [], "a projection is no presence");
        let value = Bytes::from_static(b"fresh");
        assert_eq!(
            store.remember(name, value.clone(), LONG).await.unwrap(),
            value,
            "a projection is not remembered"
        );
        store.lease(name, "o", LONG).await.unwrap();
        store.release(name, "o").await.unwrap();
        store.remove(name).await.unwrap();
        assert_eq!(store.remember(name, Bytes::from_static(b"later"), LONG).await.unwrap(), value);
    }
}
