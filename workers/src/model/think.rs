//! Reasoning in the text of an answer: `<think>...</think>` in front of it, as open models write it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Whether reasoning is split off the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ThinkTags {
    /// When an answer begins with `<think>`.
    #[default]
    Auto,
    /// Every answer begins inside: the model's template has written `<think>`.
    Open,
    /// Never: the text is left as it is.
    Never,
}

/// Splits one answer, piece by piece.
#[derive(Debug)]
pub(super) struct Splitter {
    place: Place,
    /// Text that may be the beginning of a tag.
    held: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing but white space has come, and perhaps a part of the tag.
    Start,
    Inside,
    /// Behind the end tag: white space there belongs to nobody.
    Between,
    Text,
}

/// A piece, split.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Split {
    pub(super) reasoning: String,
    pub(super) text: String,
}

impl Splitter {
    pub(super) const fn new(tags: ThinkTags) -> Self {
        let place = match tags {
            ThinkTags::Auto => Place::Start,
            ThinkTags::Open => Place::Inside,
            ThinkTags::Never => Place::Text,
        };
        Self { place, held: String::new() }
    }

    /// Takes the next piece of the text.
    pub(super) fn push(&mut self, piece: String) -> Split {
        if self.place == Place::Text {
            return Split { text: piece, ..Split::default() };
        }
        let mut split = Split::default();
        let mut rest = std::mem::take(&mut self.held) + &piece;
        loop {
            match self.place {
                Place::Start => {
                    let begun = rest.trim_start();
                    if let Some(inside) = begun.strip_prefix(OPEN) {
                        self.place = Place::Inside;
                        rest = inside.to_owned();
                    } else if OPEN.starts_with(begun) {
                        self.held = rest;
                        return split;
                    } else {
                        self.place = Place::Text;
                    }
                }
                Place::Inside => {
                    let Some(end) = rest.find(CLOSE) else {
                        let keep = held_from(&rest);
                        self.held = rest.split_off(keep);
                        split.reasoning.push_str(&rest);
                        return split;
                    };
                    split.reasoning.push_str(&rest[..end]);
                    rest = rest[end + CLOSE.len()..].to_owned();
                    self.place = Place::Between;
                }
                Place::Between => {
                    rest = rest.trim_start().to_owned();
                    if rest.is_empty() {
                        return split;
                    }
                    self.place = Place::Text;
                }
                Place::Text => {
                    split.text.push_str(&rest);
                    return split;
                }
            }
        }
    }

    /// Says that nothing follows.
    pub(super) fn end(&mut self) -> Split {
        let held = std::mem::take(&mut self.held);
        match self.place {
            Place::Inside => Split { reasoning: held, ..Split::default() },
            Place::Start | Place::Between | Place::Text => Split { text: held, ..Split::default() },
        }
    }
}

/// Where the part of a text begins that may be the beginning of the end tag.
fn held_from(text: &str) -> usize {
    let longest = (1..CLOSE.len()).rev().find(|length| text.ends_with(&CLOSE[..*length]));
    text.len() - longest.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(tags: ThinkTags, pieces: &[&str]) -> (String, String) {
        let mut splitter = Splitter::new(tags);
        let mut all: Vec<Split> = pieces.iter().map(|piece| splitter.push((*piece).to_owned())).collect();
        all.push(splitter.end());
        (all.iter().map(|s| s.reasoning.as_str()).collect(), all.iter().map(|s| s.text.as_str()).collect())
    }

    #[test]
    fn reasoning_in_front_of_an_answer_is_split_off() {
        use ThinkTags::{Auto, Never, Open};
        for (tags, text, reasoning, rest) in [
            (Auto, "<think>a</think>\n\nb", "a", "b"),
            (Auto, "\n<think>a</think>b <think>c</think>", "a", "b <think>c</think>"),
            (Auto, "b <think>a</think>", "", "b <think>a</think>"),
            (Auto, "<thin air", "", "<thin air"),
            (Auto, "<thi", "", "<thi"),
            (Auto, "  b", "", "  b"),
            (Auto, "<think>never ends </thi", "never ends </thi", ""),
            (Open, "a</think> b", "a", "b"),
            (Never, "<think>a</think>b", "", "<think>a</think>b"),
        ] {
            assert_eq!(split(tags, &[text]), (reasoning.to_owned(), rest.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_cuts_give_the_same_split(
            parts in prop::collection::vec(prop_oneof![
                Just("<think>"), Just("</think>"), Just("</thi"), Just("<t"), Just("\n"), Just("é"), Just("word ")
            ], 0..8),
            cut in 1usize..5,
            tags in prop_oneof![Just(ThinkTags::Auto), Just(ThinkTags::Open), Just(ThinkTags::Never)],
        ) {
            let text = parts.concat();
            let chars: Vec<String> =
                text.chars().collect::<Vec<_>>().chunks(cut).map(|chunk| chunk.iter().collect()).collect();
            let pieces: Vec<&str> = chars.iter().map(String::as_str).collect();
            prop_assert_eq!(split(tags, &pieces), split(tags, &[&text]));
        }
    }
}
