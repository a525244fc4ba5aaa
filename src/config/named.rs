//! Keys below a table whose names are chosen by its user: `webhooks.endpoints.billing.url`,
//! `RUNBUS_WEBHOOKS__ENDPOINTS__BILLING__URL`.
//!
//! A variable's name is in capitals: the name of a table in it is read in small letters. Names in a plain map, of environment
//! variables for instance, are read as they stand.

use serde_json::Value;

use super::layer::PREFIX;
use super::schema::{Key, keys, unwrap};

/// A path, and its value.
pub(super) type Found<'s> = (Vec<String>, &'s Value);

/// Finds a dotted path.
pub(super) fn path<'s>(known: &[Key<'s>], path: &str) -> Option<Found<'s>> {
    let given: Vec<&str> = path.split('.').collect();
    below(known, &given, &|name| name.to_owned(), &|name| name.to_owned())
}

/// Finds the path of a variable.
pub(super) fn variable<'s>(known: &[Key<'s>], name: &str) -> Option<Found<'s>> {
    let given: Vec<&str> = name.strip_prefix(PREFIX)?.split("__").collect();
    below(known, &given, &str::to_uppercase, &str::to_lowercase)
}

/// `form`: how a part of a known path is written where it was given; `name`: how the name of a table is read.
fn below<'s>(
    known: &[Key<'s>],
    given: &[&str],
    form: &dyn Fn(&str) -> String,
    name: &dyn Fn(&str) -> String,
) -> Option<Found<'s>> {
    for key in known {
        let parts: Vec<&str> = key.path.split('.').collect();
        if given.len() < parts.len() || parts.iter().zip(given).any(|(part, given)| form(part) != *given) {
            continue;
        }
        let path = || parts.iter().map(|part| (*part).to_owned());
        let rest = &given[parts.len()..];
        let Some((own, rest)) = rest.split_first() else { return Some((path().collect(), key.schema)) };
        let Some(each) = unwrap(key.schema).0.get("additionalProperties").filter(|each| each.is_object())
        else {
            continue;
        };
        if own.is_empty() {
            continue;
        }
        let is_table = unwrap(each).0.get("properties").is_some();
        if rest.is_empty() {
            let own = if is_table { name(own) } else { (*own).to_owned() };
            return Some((path().chain([own]).collect(), each));
        }
        if let Some((inner, schema)) = below(&keys(each), rest, form, name) {
            return Some((path().chain([name(own)]).chain(inner).collect(), schema));
        }
    }
    None
}
