//! HTML as plain text: for a model that reads, not a browser that shows.

/// Elements whose content is no text.
const SILENT: &[&str] = &["script", "style", "noscript", "template", "svg", "iframe", "select"];

/// Elements that begin a new line.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "br",
    "dd",
    "div",
    "dl",
    "dt",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "title",
    "tr",
    "ul",
];

/// The text of a page, in time that grows with its length. Tags that are not closed end with the page.
pub(super) fn text(page: &str) -> String {
    // The same byte offsets as in the page.
    let lower = page.to_ascii_lowercase();
    let mut writer = Writer::default();
    let mut at = 0;
    while let Some(open) = page[at..].find('<').map(|found| at + found) {
        writer.text(&page[at..open]);
        if lower[open..].starts_with("<!--") {
            at = after(&lower, open + 4, "-->");
            continue;
        }
        let closes = lower[open + 1..].starts_with('/');
        let name = tag_name(&lower[open + 1 + usize::from(closes)..]);
        if name.is_empty() && !closes && !lower[open + 1..].starts_with(['!', '?']) {
            writer.text("<");
            at = open + 1;
            continue;
        }
        at = end_of_tag(&page[open..]).map_or(page.len(), |length| open + length);
        writer.tag(name, closes);
        if SILENT.contains(&name) && !closes && !page[..at].ends_with("/>") {
            at = after(&lower, at, &format!("</{name}"));
            at = after(&lower, at, ">");
        }
    }
    writer.text(page.get(at..).unwrap_or_default());
    writer.written.trim().to_owned()
}

/// Where the text after `mark` begins; the end when there is none.
fn after(page: &str, from: usize, mark: &str) -> usize {
    page[from..].find(mark).map_or(page.len(), |found| from + found + mark.len())
}

fn tag_name(rest: &str) -> &str {
    if !rest.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return "";
    }
    let end = rest.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(rest.len());
    &rest[..end]
}

/// The length of a tag that starts here; a `>` in quotes does not end it.
fn end_of_tag(rest: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in rest.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// Writes words with one blank between them, and lines.
#[derive(Default)]
struct Writer {
    written: String,
    blank: bool,
    verbatim: bool,
}

impl Writer {
    fn tag(&mut self, name: &str, closes: bool) {
        if name == "pre" {
            self.verbatim = !closes;
        }
        if BLOCKS.contains(&name) {
            self.line();
        }
        match name {
            "li" if !closes => self.written.push_str("- "),
            "td" | "th" => self.blank = true,
            _ => {}
        }
    }

    fn line(&mut self) {
        self.blank = false;
        if !self.written.is_empty() && !self.written.ends_with("\n\n") {
            self.written.push('\n');
        }
    }

    fn text(&mut self, text: &str) {
        if self.verbatim {
            unescape(text, &mut self.written);
            return;
        }
        for word in text.split_inclusive(|character: char| character.is_ascii_whitespace()) {
            let bare = word.trim_ascii_end();
            if !bare.is_empty() {
                if self.blank && !self.written.is_empty() && !self.written.ends_with(['\n', ' ']) {
                    self.written.push(' ');
                }
                self.blank = false;
                unescape(bare, &mut self.written);
            }
            self.blank |= bare.len() < word.len();
        }
    }
}

/// Writes a text with its character references replaced; those that are not known stay.
fn unescape(text: &str, into: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        into.push_str(&rest[..at]);
        rest = &rest[at..];
        // The longest that is known has 8 characters between.
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        match end.and_then(|end| Some((end, reference(&rest[1..end])?))) {
            Some((end, character)) => {
                into.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                into.push('&');
                rest = &rest[1..];
            }
        }
    }
    into.push_str(rest);
}

fn reference(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return code.ok().and_then(char::from_u32).filter(|character| *character != '\0');
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "copy" => '©',
        "euro" => '€',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_page_becomes_its_text() {
        let page = "<!doctype html><html><head><title>A &amp; B</title><style>p { color: red }</style>\
            <SCRIPT>if (a < b) alert('</p>')</SCRIPT></head><body><!-- <p>no</p> --><h1>One</h1>\n\n<p>two \n three \
            <b>four</b>, 1 < 2 &lt;3&#x21; &unknown;</p><ul><li>five<li>six</ul><img alt='a>b'>\
            <pre>x  y\n  z</pre>end</body></html>";
        let expected = "A & B\n\nOne\n\ntwo three four, 1 < 2 <3! &unknown;\n\n- five\n- six\n\
            x  y\n  z\nend";
        let squeezed =
            |text: &str| text.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
        assert_eq!(squeezed(&text(page)), squeezed(expected));
    }

    #[test]
    fn broken_pages_take_no_longer() {
        let began = Instant::now();
        for part in ["<", "<!--", "<script>", "<a '", "&", "<pre>", "</", "<li>", "&#x1", "<svg/>", "<p \""] {
            let _ = text(&part.repeat(1024 * 1024 / part.len()));
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }

    proptest! {
        #[test]
        fn any_text_is_a_page(page in prop::collection::vec(prop::sample::select(vec![
            "<", ">", "</", "<p>", "é", "İ", "&", "&amp;", ";", "<!--", "-->", "script", "<script>", "\"", "'", " ", "\n", "pre", "/>",
        ]), 0..40)) {
            let page = page.concat();
            prop_assert!(text(&page).len() <= page.len() * 3 + 2);
        }
    }
}
