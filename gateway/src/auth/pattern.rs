//! Patterns of ids in scopes: exact, the beginning of an id (`orders-*`), or any (`*`).

use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::scope::Invalid;

/// Which ids.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pattern {
    /// Every id, and the absence of one.
    Any,
    /// Ids that begin like this; never empty.
    Prefix(Box<str>),
    /// This id; never empty.
    Exact(Box<str>),
}

impl Pattern {
    /// Whether it holds `id`; `None` is what has no id, or could have any: only [`Pattern::Any`] holds that.
    #[must_use]
    pub fn holds(&self, id: Option<&str>) -> bool {
        match (self, id) {
            (Self::Any, _) => true,
            (Self::Prefix(start), Some(id)) => id.starts_with(&**start),
            (Self::Exact(own), Some(id)) => **own == *id,
            (Self::Prefix(_) | Self::Exact(_), None) => false,
        }
    }

    /// Whether it holds everything that `other` holds.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Prefix(start), Self::Prefix(text) | Self::Exact(text)) => text.starts_with(&**start),
            (Self::Exact(own), Self::Exact(text)) => own == text,
            (Self::Prefix(_) | Self::Exact(_), Self::Any) | (Self::Exact(_), Self::Prefix(_)) => false,
        }
    }
}

impl FromStr for Pattern {
    type Err = Invalid;

    /// Percent-encoded; only a `*` at the end that is not encoded is a wildcard.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (start, open) = text.strip_suffix('*').map_or((text, false), |start| (start, true));
        if start.contains('*') {
            return Err(Invalid("a pattern has its * at the end; a * in an id is written %2A"));
        }
        let id = decode(start)?;
        match (id.is_empty(), open) {
            (true, true) => Ok(Self::Any),
            (true, false) => Err(Invalid("a pattern must not be empty")),
            (false, true) => Ok(Self::Prefix(id.into())),
            (false, false) => Ok(Self::Exact(id.into())),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, end) = match self {
            Self::Any => ("", "*"),
            Self::Prefix(start) => (&**start, "*"),
            Self::Exact(id) => (&**id, ""),
        };
        for c in text.chars() {
            if c.is_whitespace() || c.is_control() || "%*/:,".contains(c) {
                let mut bytes = [0; 4];
                c.encode_utf8(&mut bytes).bytes().try_for_each(|byte| write!(f, "%{byte:02X}"))?;
            } else {
                f.write_char(c)?;
            }
        }
        f.write_str(end)
    }
}

fn decode(text: &str) -> Result<String, Invalid> {
    const WRONG: Invalid = Invalid("after % two hex digits are needed, and UTF-8 in all");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or(WRONG)?;
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (Some(high), Some(low)) = (digit(digits[0]), digit(digits[1])) else { return Err(WRONG) };
        bytes.push(high * 16 + low);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_not_utf8| WRONG)
}
