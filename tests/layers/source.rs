//! Rust sources as words: as much of the language as imports need.

use std::collections::{BTreeMap, BTreeSet};

/// A name, `::`, or one other character.
pub type Token = String;

/// The words of a source, without comments, texts, and what only tests have.
pub fn tokens(source: &str) -> Vec<Token> {
    without_tests(&split(source))
}

fn split(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let (mut tokens, mut at): (Vec<Token>, usize) = (Vec::new(), 0);
    let starts = |at: usize, text: &str| text.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    while let Some(&c) = chars.get(at) {
        if starts(at, "//") {
            while chars.get(at).is_some_and(|c| *c != '\n') {
                at += 1;
            }
        } else if starts(at, "/*") {
            let mut depth = 0;
            loop {
                if starts(at, "/*") {
                    (depth, at) = (depth + 1, at + 2);
                } else if starts(at, "*/") {
                    (depth, at) = (depth - 1, at + 2);
                } else {
                    at += 1;
                }
                if depth == 0 || at >= chars.len() {
                    break;
                }
            }
        } else if c == '"' {
            at += 1;
            while chars.get(at).is_some_and(|c| *c != '"') {
                at += if chars[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if c == '\'' {
            // A character, or a lifetime.
            at += match (chars.get(at + 1), chars.get(at + 2)) {
                (Some('\\'), _) => {
                    3 + chars[at + 3..].iter().position(|c| *c == '\'').map_or(0, |end| end + 1)
                }
                (Some(_), Some('\'')) => 3,
                _ => 1,
            };
        } else if c.is_alphanumeric() || c == '_' {
            let begin = at;
            while chars.get(at).is_some_and(|c| c.is_alphanumeric() || *c == '_') {
                at += 1;
            }
            let word: String = chars[begin..at].iter().collect();
            let hashes = chars[at..].iter().take_while(|c| **c == '#').count();
            if ["r", "br", "cr"].contains(&word.as_str()) && chars.get(at + hashes) == Some(&'"') {
                at += hashes + 1;
                let end = format!("\"{}", "#".repeat(hashes));
                while at < chars.len() && !starts(at, &end) {
                    at += 1;
                }
                at += hashes + 1;
            } else if word == "r" && hashes == 1 {
                // A raw name: `r#type` is `type`.
                at += 1;
            } else {
                tokens.push(word);
            }
        } else if starts(at, "::") {
            tokens.push("::".into());
            at += 2;
        } else {
            if !c.is_whitespace() {
                tokens.push(c.into());
            }
            at += 1;
        }
    }
    tokens
}

/// Leaves out each item behind `#[cfg(test)]` or `#[cfg(all(test, ...))]`. An item behind `any(test, ...)` is no test's alone.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let is = |at: usize, words: &[&str]| {
        words.iter().enumerate().all(|(i, word)| tokens.get(at + i).is_some_and(|t| t == word))
    };
    let (mut left, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        let is_of_tests = is(at, &["#", "[", "cfg", "(", "test", ")", "]"])
            || is(at, &["#", "[", "cfg", "(", "all", "(", "test"]);
        if !is_of_tests {
            left.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at = closing(tokens, at + 1) + 1;
        // Further attributes, then the item: up to `;`, or to the end of its block.
        while is(at, &["#", "["]) {
            at = closing(tokens, at + 1) + 1;
        }
        let item = if is(at, &["pub", "("]) { closing(tokens, at + 1) + 1 } else { at };
        let is_import = is(item, &["use"]) || is(item, &["pub", "use"]);
        loop {
            match tokens.get(at).map(String::as_str) {
                None => break,
                Some(";" | ",") => {
                    at += 1;
                    break;
                }
                Some("{") => {
                    at = closing(tokens, at) + 1;
                    if !is_import {
                        break;
                    }
                }
                Some("(" | "[") => at = closing(tokens, at) + 1,
                Some(_) => at += 1,
            }
        }
    }
    left
}

/// The place of the bracket that closes the one at `at`.
fn closing(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate().skip(at) {
        match token.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth -= 1;
                if depth == 0 {
                    return i;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

/// The modules in files of their own.
pub fn declared(tokens: &[Token]) -> BTreeSet<String> {
    let of = |three: &[Token]| (three[0] == "mod" && three[2] == ";").then(|| three[1].clone());
    tokens.windows(3).filter_map(of).collect()
}

/// The names at the top of a crate that are in one of its modules.
pub fn reexported(tokens: &[Token], modules: &BTreeSet<String>) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for (at, _) in tokens.iter().enumerate().filter(|(_, token)| *token == "use") {
        let mut used = Vec::new();
        tree(tokens, at + 1, &[], &mut used);
        for mut path in used {
            path.retain(|part| part != "crate" && part != "self");
            if let (Some(first), Some(last)) = (path.first(), path.last())
                && modules.contains(first)
            {
                names.insert(last.clone(), first.clone());
            }
        }
    }
    names
}

/// Every path into the crate that the module at `path` uses, in imports and elsewhere, from the top of the crate.
pub fn paths(tokens: &[Token], path: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    // Modules within the file, each with the depth of its braces.
    let (mut inner, mut depth): (Vec<(usize, String)>, usize) = (Vec::new(), 0);
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inner.retain(|(within, _)| *within < depth);
            }
            "mod" if tokens.get(at + 2).is_some_and(|next| next == "{") => {
                inner.push((depth, tokens[at + 1].clone()));
            }
            "crate" | "super" | "self" if tokens.get(at + 1).is_some_and(|next| next == "::") => {
                if at > 0 && tokens[at - 1] == "::" {
                    continue;
                }
                let mut base: Vec<String> =
                    path.iter().cloned().chain(inner.iter().map(|(_, name)| name.clone())).collect();
                let mut next = at;
                match token.as_str() {
                    "crate" => base.clear(),
                    "super" => drop(base.pop()),
                    _ => {}
                }
                while tokens.get(next + 2).is_some_and(|token| token == "super") {
                    base.pop();
                    next += 2;
                }
                tree(tokens, next + 2, &base, &mut found);
            }
            _ => {}
        }
    }
    found
}

/// The paths of a tree of imports that begins at `at`; the place behind it.
fn tree(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(at) {
        if token == "{" {
            at += 1;
            while tokens.get(at).is_some_and(|token| token != "}") {
                let next = tree(tokens, at, &path, found);
                at = if tokens.get(next).is_some_and(|token| token == ",") {
                    next + 1
                } else {
                    next.max(at + 1)
                };
            }
            return at + 1;
        }
        if !token.chars().all(|c| c.is_alphanumeric() || c == '_') {
            break;
        }
        path.push(token.clone());
        at += 1;
        if tokens.get(at).is_none_or(|token| token != "::") {
            break;
        }
        at += 1;
    }
    if tokens.get(at).is_some_and(|token| token == "as") {
        at += 2;
    }
    found.push(path);
    at
}

mod tests {
    use super::*;

    fn used(source: &str) -> Vec<String> {
        let path = ["a".to_owned(), "b".to_owned()];
        paths(&tokens(source), &path).into_iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn paths_are_read_in_imports_and_elsewhere() {
        for (source, expected) in [
            ("use crate::c::D;", &["c::D"][..]),
            ("use crate::{c::{D, E as F}, g};", &["c::D", "c::E", "g"]),
            ("use super::c; use super::super::d::E;", &["a::c", "d::E"]),
            ("fn f() -> crate::c::D { crate::e::f() }", &["c::D", "e::f"]),
            ("macro_rules! m { () => { $crate::c::d() } }", &["c::d"]),
            (
                "mod c { use super::d; use super::super::e; use super::super::super::f; }",
                &["a::b::d", "a::e", "f"],
            ),
            ("pub(crate) use self::c::D;", &["a::b::c::D"]),
            ("use crate::c::*;", &["c"]),
        ] {
            assert_eq!(used(source), expected, "{source}");
        }
    }

    #[test]
    fn comments_texts_and_tests_are_left_out() {
        for source in [
            "// crate::c",
            "/* /* */ crate::c */",
            "const A: &str = \"crate::c \\\" crate::d\";",
            "const A: &str = r#\"\" crate::c\"#;",
            "const A: char = '\"'; const B: char = '\\''; fn f<'a>() {}",
            "#[cfg(test)] mod tests { use crate::c; }",
            "#[cfg(test)] mod tests;",
            "#[cfg(test)] use crate::{c, d};",
            "#[cfg(all(test, unix))] #[ignore] fn f() { crate::c() }",
        ] {
            assert_eq!(used(source), Vec::<String>::new(), "{source}");
            assert!(declared(&tokens(source)).is_empty(), "{source}");
        }
        assert_eq!(used("#[cfg(test)] mod tests { use crate::c; } use crate::d;"), ["d"]);
        assert_eq!(used("#[cfg(any(test, feature = \"x\"))] use crate::d;"), ["d"]);
    }

    #[test]
    fn names_at_the_top_lead_to_their_modules() {
        let tokens =
            tokens("mod c; pub mod d; pub use c::Error; pub use crate::d::{E, F as G}; use other::H;");
        let modules = declared(&tokens);
        assert_eq!(modules, ["c", "d"].map(str::to_owned).into());
        let names = reexported(&tokens, &modules);
        let pairs: Vec<(&str, &str)> =
            names.iter().map(|(name, module)| (name.as_str(), module.as_str())).collect();
        assert_eq!(pairs, [("E", "d"), ("Error", "c"), ("F", "d")]);
    }
}
