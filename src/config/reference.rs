//! The reference page, written from the schema: `docs/configuration.md`.

use std::collections::VecDeque;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde_json::Value;

use super::check::{range, wanted};
use super::schema::{self, Key, choices, forms, is_secret, keys, types, unwrap, variable};

const HEAD: &str = "\
# Configuration

Generated from the code; do not edit. Values come from, weakest first: the defaults below, the TOML file
(`--config FILE` or `RUNBUS_CONFIG`), environment variables, `--set section.key=value`. Lists in variables and flags
are separated by commas or written as JSON; tables are written as JSON, or key by key with the table's name
(`--set webhooks.endpoints.billing.url=URL`, `RUNBUS_WEBHOOKS__ENDPOINTS__BILLING__URL`). An empty variable counts as not set. A key that is unknown, of the wrong
type, out of range or contradictory is refused at start with exit code 64, before anything is bound. A variable without
`__` is not a key and is ignored (Kubernetes sets `RUNBUS_SERVICE_HOST`), unless it is a key with one underscore.
";

/// The reference page of a root struct, in Markdown: key, type, default, range, meaning and variable of every key.
#[must_use]
pub fn reference<T: JsonSchema>() -> String {
    let schema = schema::of::<T>();
    let mut page = String::from(HEAD);
    // Tables by name follow, each with the tables in it.
    let mut tables = VecDeque::from([(String::new(), &schema)]);
    while let Some((path, schema)) = tables.pop_front() {
        tables.extend(sections(&mut page, &path, schema));
    }
    page
}

/// The sections below a schema, which stands at `path`: the tables by name that they hold.
fn sections<'s>(page: &mut String, path: &str, schema: &'s Value) -> Vec<(String, &'s Value)> {
    let (mut last, mut tables) = (None, Vec::new());
    let section_of = |key: &Key<'_>| key.path.rsplit_once('.').map_or("", |(section, _)| section).to_owned();
    let mut keys_of_all = keys(schema);
    // A section's own keys before those of the sections in it.
    keys_of_all.sort_by_cached_key(section_of);
    for mut key in keys_of_all {
        let section = section_of(&key);
        if last.as_ref() != Some(&section) {
            heading(page, schema, path, &section);
            last = Some(section);
        }
        if path.is_empty() {
            row(page, &key);
        } else {
            key.path = format!("{path}.{}", key.path);
            row_of(page, &key, "");
        }
        tables.extend(table(&key));
    }
    tables
}

/// The tables that a key holds by name: their path, and the schema of each.
fn table<'s>(key: &Key<'s>) -> Option<(String, &'s Value)> {
    let each = unwrap(key.schema).0.get("additionalProperties")?;
    each.get("properties")?;
    Some((format!("{}.NAME", key.path), each))
}

/// `section` stands below `path`, at which `schema` is.
fn heading(page: &mut String, schema: &Value, path: &str, section: &str) {
    let described = section.split('.').filter(|name| !name.is_empty()).try_fold(schema, |schema, name| {
        unwrap(schema).0.get("properties").and_then(|properties| properties.get(name))
    });
    let is_named = !section.is_empty() || !path.is_empty();
    let parts: Vec<&str> = [path, section].into_iter().filter(|part| !part.is_empty()).collect();
    heading_of(page, &parts.join("."), described.filter(|_| is_named).and_then(description));
}

fn heading_of(page: &mut String, section: &str, text: Option<String>) {
    let title = if section.is_empty() { "General".into() } else { format!("`[{section}]`") };
    // Writing to a String cannot fail.
    let _ = write!(page, "\n## {title}\n\n");
    if let Some(text) = text {
        let _ = write!(page, "{text}\n\n");
    }
    page.push_str("| key | type | default | range | meaning | variable |\n|---|---|---|---|---|---|\n");
}

fn description(schema: &Value) -> Option<String> {
    let text = schema.get("description").or_else(|| unwrap(schema).0.get("description"))?;
    Some(text.as_str()?.replace("\n\n", "\u{0}").replace('\n', " ").replace('\u{0}', "\n\n"))
}

fn row(page: &mut String, key: &Key<'_>) {
    row_of(page, key, &format!("`{}`", variable(&key.path)));
}

fn row_of(page: &mut String, key: &Key<'_>, variable: &str) {
    let name = key.path.rsplit('.').next().unwrap_or(&key.path);
    let default = match key.default {
        None | Some(Value::Null) => "not set".into(),
        Some(_) if is_secret(key.schema) => "not set".into(),
        Some(value) => format!("`{value}`"),
    };
    let meaning = description(key.schema).unwrap_or_default().replace("\n\n", " ");
    let _ = writeln!(
        page,
        "| `{name}` | {} | {} | {} | {} | {variable} |",
        escape(&kind(key, name)),
        escape(&default),
        escape(&limits(key.schema)),
        escape(&meaning),
    );
}

fn escape(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// The type, with the unit that the key's name ends in.
fn kind(key: &Key<'_>, name: &str) -> String {
    let (schema, _) = unwrap(key.schema);
    if let Some(forms) = forms(schema) {
        let of = |form: &Value| {
            types(unwrap(form).0).first().map_or_else(|| "value".into(), |of| (*of).to_owned())
        };
        return forms.iter().map(of).collect::<Vec<_>>().join(" or ").replace("array", "list");
    }
    let kind = match (choices(schema).is_empty(), types(schema).first().copied()) {
        (false, _) => "choice".into(),
        (true, Some("array")) => {
            let of = schema.get("items").map(|of| types(unwrap(of).0)).unwrap_or_default();
            format!("list of {}s", of.first().copied().unwrap_or("value"))
        }
        (true, Some("object")) => "table".into(),
        (true, Some(_)) if is_secret(key.schema) => "secret string".into(),
        (true, other) => other.unwrap_or("value").into(),
    };
    let units = ["ms", "s", "minutes", "hours", "days", "bytes", "kib", "mib", "gib"];
    match name.rsplit_once('_').map(|(_, last)| last).filter(|last| units.contains(last)) {
        Some(unit) => format!("{kind}, {unit}"),
        None => kind,
    }
}

fn limits(schema: &Value) -> String {
    if choices(unwrap(schema).0).is_empty() { range(schema).unwrap_or_default() } else { wanted(schema) }
}
