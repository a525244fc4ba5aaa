//! Cutting a result that is too long for a model.

/// Cuts `text` to at most `limit` bytes and says so in its place; also whether it did.
///
/// Head and tail are kept: an error's last line matters as often as the first. Only what is kept is copied.
pub fn truncate(text: String, limit: usize) -> (String, bool) {
    if text.len() <= limit {
        return (text, false);
    }
    let marker = format!("\n[... {} of {} bytes cut ...]\n", text.len() - limit, text.len());
    let Some(room) = limit.checked_sub(marker.len()) else {
        // No room to say so.
        return (text[..text.floor_char_boundary(limit)].to_owned(), true);
    };
    let head = text.floor_char_boundary(room - room / 4);
    let tail = text.ceil_char_boundary(text.len() - room / 4);
    (format!("{}{marker}{}", &text[..head], &text[tail..]), true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn never_more_than_the_limit(text in "\\PC{0,300}", limit in 0_usize..400) {
            let (cut, was_cut) = truncate(text.clone(), limit);
            prop_assert!(cut.len() <= limit);
            prop_assert_eq!(was_cut, text.len() > limit);
            prop_assert!(was_cut || cut == text);
        }
    }

    #[test]
    fn keeps_a_text_that_fits() {
        assert_eq!(truncate("abc".to_owned(), 3), ("abc".to_owned(), false));
    }

    #[test]
    fn keeps_head_and_tail_and_names_the_missing_part() {
        let (text, cut) = truncate(format!("head{}tail", "é".repeat(500)), 200);
        assert!(cut);
        assert!(text.len() <= 200, "{}", text.len());
        assert!(text.starts_with("head") && text.ends_with("tail") && text.contains("of 1008 bytes cut"));
    }
}
