//! Patterns of tool names: one grammar and one matcher for every list of them.
//!
//! ```
//! use runbus::pattern::Patterns;
//!
//! let listed = Patterns::parse(["shop__*", "clock"]).unwrap();
//! assert!(listed.matches("shop__order") && !listed.matches("Shop__order"));
//! assert!(Patterns::parse(["shop__**"]).is_err());
//! ```

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest pattern, in bytes of UTF-8.
pub const PATTERN_BYTES: usize = 256;

/// Most patterns of one list.
pub const PATTERNS: usize = 128;

/// A tool's name, or a part of it with `*` for any run of characters, an empty one included. Letters are compared as they
/// are: case counts, and nothing is normalised.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(#[schemars(length(min = 1, max = PATTERN_BYTES))] String);

/// A list of patterns, each of them once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Patterns(Vec<Pattern>);

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It names nothing.
    #[error("it is empty")]
    Empty,
    /// It is longer than any name.
    #[error("it has more than {PATTERN_BYTES} bytes")]
    TooLong,
    /// No tool is named so.
    #[error("it has a control character")]
    Control,
    /// It is most likely a slip.
    #[error("it begins or ends with white space")]
    Space,
    /// It says nothing more than one.
    #[error("it has two `*` in a row; one stands for any run of characters")]
    Stars,
}

/// A text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no tool name or pattern: {reason}")]
pub struct Invalid {
    /// The text, or its beginning.
    pub text: String,
    /// Why.
    pub reason: Reason,
}

impl Pattern {
    /// Reads one.
    ///
    /// # Errors
    /// See [`Reason`].
    pub fn new(text: impl Into<String>) -> Result<Self, Invalid> {
        let text = text.into();
        let reason = if text.is_empty() {
            Reason::Empty
        } else if text.len() > PATTERN_BYTES {
            Reason::TooLong
        } else if text.chars().any(char::is_control) {
            Reason::Control
        } else if text.trim() != text {
            Reason::Space
        } else if text.contains("**") {
            Reason::Stars
        } else {
            return Ok(Self(text));
        };
        Err(Invalid { text: text.chars().take(64).collect(), reason })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names one tool alone.
    #[must_use]
    pub fn is_name(&self) -> bool {
        !self.0.contains('*')
    }

    /// Whether it covers a name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        matches(self.0.as_bytes(), name.as_bytes())
    }

    /// Whether some name is covered by both.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        meet(self.0.as_bytes(), other.0.as_bytes())
    }

    /// Whether it covers some name that begins so.
    #[must_use]
    pub fn meets_prefix(&self, prefix: &str) -> bool {
        meet(self.0.as_bytes(), format!("{prefix}*").as_bytes())
    }
}

/// Goes back to the last `*` only, so that the time is at most the product of both lengths.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut read, mut star) = (0, 0, None);
    while read < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(byte) if *byte == name[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((back, taken)) = star else { return false };
                star = Some((back, taken + 1));
                at = back + 1;
                read = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// Whether two patterns have a name in common: from the ends to the beginnings, one row for each byte of `a`.
fn meet(a: &[u8], b: &[u8]) -> bool {
    let mut below = vec![false; b.len() + 1];
    for i in (0..=a.len()).rev() {
        let mut row = vec![false; b.len() + 1];
        for j in (0..=b.len()).rev() {
            let skips = |byte: Option<&u8>| byte == Some(&b'*');
            row[j] = match (a.get(i), b.get(j)) {
                (None, None) => true,
                (x, _) if skips(x) && below[j] => true,
                (_, y) if skips(y) && row[j + 1] => true,
                // A `*` takes what stands in the other one, also another `*`.
                (x, Some(_)) if skips(x) => row[j + 1],
                (Some(_), y) if skips(y) => below[j],
                (Some(x), Some(y)) => x == y && below[j + 1],
                _ => false,
            };
        }
        below = row;
    }
    below[0]
}

impl Patterns {
    /// Reads a list.
    ///
    /// # Errors
    /// The first that is no pattern.
    pub fn parse<S: Into<String>>(texts: impl IntoIterator<Item = S>) -> Result<Self, Invalid> {
        texts.into_iter().map(Pattern::new).collect::<Result<_, _>>().map(Self)
    }

    /// With one more.
    #[must_use]
    pub fn with(mut self, pattern: Pattern) -> Self {
        self.0.push(pattern);
        self
    }

    /// One that covers every name.
    #[must_use]
    pub fn all() -> Self {
        Self(vec![Pattern("*".into())])
    }

    /// Whether one of them covers a name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches(name))
    }

    /// In the order in which they were written.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Pattern> {
        self.0.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Those that cover none of some names, each with its place.
    pub fn idle<'a, S: AsRef<str>>(&'a self, names: &'a [S]) -> impl Iterator<Item = (usize, &'a Pattern)> {
        let covers = |pattern: &Pattern| names.iter().any(|name| pattern.matches(name.as_ref()));
        self.0.iter().enumerate().filter(move |(_, pattern)| !covers(pattern))
    }
}

impl FromIterator<Pattern> for Patterns {
    fn from_iter<I: IntoIterator<Item = Pattern>>(patterns: I) -> Self {
        Self(patterns.into_iter().collect())
    }
}

impl TryFrom<String> for Pattern {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::new(text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text).unwrap()
    }

    /// The definition, without a thought for time.
    fn slow(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|taken| slow(rest, &name[taken..])),
            Some((byte, rest)) => name.split_first().is_some_and(|(n, left)| n == byte && slow(rest, left)),
        }
    }

    #[test]
    fn invalid_patterns_are_refused() {
        for (text, reason) in [
            ("", Reason::Empty),
            (" order", Reason::Space),
            ("order\u{a0}", Reason::Space),
            ("or\u{0}der", Reason::Control),
            ("order\n", Reason::Control),
            ("or**der", Reason::Stars),
            (&"x".repeat(PATTERN_BYTES + 1), Reason::TooLong),
        ] {
            assert_eq!(Pattern::new(text).unwrap_err().reason, reason, "{text:?}");
            assert!(serde_json::from_value::<Pattern>(text.into()).is_err());
        }
    }

    #[test]
    fn case_and_characters_count() {
        for (text, name, is) in [
            ("shop__*", "shop__", true),
            ("shop__*", "shop__order", true),
            ("shop__*", "Shop__order", false),
            ("*order*", "shop__order_all", true),
            ("s*_o*r", "shop__order", true),
            ("s*_o*x", "shop__order", false),
            ("caf\u{e9}", "cafe\u{301}", false),
            ("caf*", "caf\u{e9}", true),
            ("*", "", true),
        ] {
            assert_eq!(pattern(text).matches(name), is, "{text} {name}");
        }
    }

    #[test]
    fn a_match_takes_little_time() {
        let stars = pattern(&format!("{}c", "a*".repeat(PATTERN_BYTES / 2 - 1)));
        assert!(!stars.matches(&format!("{}b", "a".repeat(20_000))));
    }

    #[test]
    fn a_list_names_patterns_that_cover_nothing() {
        let listed = Patterns::parse(["order", "oder", "ref*"]).unwrap();
        let idle: Vec<_> = listed.idle(&["order", "list"]).map(|(at, p)| (at, p.as_str())).collect();
        assert_eq!(idle, [(1, "oder"), (2, "ref*")]);
    }

    proptest! {
        #[test]
        fn it_matches_as_defined(text in "[ab*]{1,8}", name in "[ab]{0,8}") {
            if let Ok(pattern) = Pattern::new(&text) {
                prop_assert_eq!(pattern.matches(&name), slow(text.as_bytes(), name.as_bytes()));
            }
        }

        #[test]
        fn two_that_cover_one_name_meet(a in "[ab*]{1,4}", b in "[ab*]{1,4}") {
            let (Ok(a), Ok(b)) = (Pattern::new(a), Pattern::new(b)) else { return Ok(()) };
            // Any name in common shows within the length of both.
            let mut names = vec![String::new()];
            for from in 0.. {
                let Some(name) = names.get(from).cloned().filter(|name| name.len() < 9) else { break };
                names.extend(["a", "b"].map(|letter| format!("{name}{letter}")));
            }
            let common = names.iter().any(|name| a.matches(name) && b.matches(name));
            prop_assert_eq!(a.meets(&b), common);
            prop_assert_eq!(b.meets(&a), common);
        }
    }
}
