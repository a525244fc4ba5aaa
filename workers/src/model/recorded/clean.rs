//! Removal of keys from what is recorded.

use serde_json::Value;

/// Stands for what was removed. In a recorded request it matches any text.
pub(super) const REMOVED: &str = "[removed]";

/// Ends of the names of fields whose text is a key, without `-` and `_`, in small letters.
const FIELDS: [&str; 13] = [
    "apikey",
    "apitoken",
    "authorization",
    "accesstoken",
    "accesskey",
    "authtoken",
    "bearertoken",
    "sessiontoken",
    "credentials",
    "privatekey",
    "secret",
    "secretkey",
    "password",
];

/// The shortest key of a provider that is looked for: a shorter one is a stand-in, and may be a word of the conversation.
const MIN_KEY_BYTES: usize = 8;

/// The shortest value of a header or a query that is looked for.
const MIN_VALUE_BYTES: usize = 16;

/// Texts that must not be written.
#[derive(Clone, Default)]
pub(in crate::model) struct Secrets(Vec<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    /// With the key of a provider.
    pub(in crate::model) fn key(&mut self, key: &str) {
        self.add(key, MIN_KEY_BYTES);
    }

    /// With a value of a header or a query, which may have a scheme in front (`Bearer KEY`).
    pub(in crate::model) fn value(&mut self, value: &str) {
        self.add(value, MIN_VALUE_BYTES);
        if let Some((_scheme, key)) = value.split_once(' ') {
            self.add(key.trim(), MIN_VALUE_BYTES);
        }
    }

    fn add(&mut self, text: &str, min: usize) {
        if text.len() >= min {
            self.0.push(text.to_owned());
            // The longest first: one may contain another.
            self.0.sort_by_key(|text| std::cmp::Reverse(text.len()));
        }
    }

    /// A text without them.
    pub(super) fn text(&self, text: &str) -> String {
        let found = self.0.iter().filter(|secret| text.contains(secret.as_str()));
        found.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), REMOVED))
    }

    /// A request without them, and without the text of fields that hold keys.
    pub(super) fn request(&self, request: &Value) -> Value {
        match request {
            Value::String(text) => self.text(text).into(),
            Value::Array(items) => items.iter().map(|item| self.request(item)).collect(),
            Value::Object(fields) => {
                let clean = |(name, value): (&String, &Value)| {
                    let is_key = value.is_string() && is_key(name);
                    (name.clone(), if is_key { REMOVED.into() } else { self.request(value) })
                };
                Value::Object(fields.iter().map(clean).collect())
            }
            other => other.clone(),
        }
    }
}

fn is_key(name: &str) -> bool {
    let plain: String =
        name.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect();
    FIELDS.iter().any(|end| plain.ends_with(end))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_removed_by_their_text_and_by_the_name_of_their_field() {
        let mut secrets = Secrets::default();
        secrets.key("sk-123456789");
        secrets.key("x");
        secrets.value("Bearer abcdefghijklmnop");
        let request = json!({
            "messages": [{"content": "x says sk-123456789 and abcdefghijklmnop"}],
            "provider": {"Api-Key": "plain", "api_key": null, "password_hint": "stays"},
            "aws_secret_access_key": "plain", "vertex_credentials": "plain",
        });
        let clean = json!({
            "messages": [{"content": "x says [removed] and [removed]"}],
            "provider": {"Api-Key": "[removed]", "api_key": null, "password_hint": "stays"},
            "aws_secret_access_key": "[removed]", "vertex_credentials": "[removed]",
        });
        assert_eq!(secrets.request(&request), clean);
        assert!(!format!("{secrets:?}").contains("sk-"));
    }
}
