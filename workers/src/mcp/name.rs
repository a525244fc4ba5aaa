//! Names: `<server>__<tool>`, in the form that providers accept.

use crate::tool::limits::MAX_NAME_BYTES;

/// The separator between a server's name and its tool's.
const SEPARATOR: &str = "__";

/// The prefix of all tool names of a server.
pub(super) fn prefix(server: &str) -> String {
    format!("{server}{SEPARATOR}")
}

/// The name of a server's tool for the model: characters that providers do not accept become `_`, and a name that is
/// too long is cut. A name that was altered ends in a hash of the original, so that two tools never share one.
pub(super) fn encode(server: &str, tool: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
    let mut name = prefix(server);
    name.extend(tool.chars().map(plain));
    let altered = !tool.chars().all(|c| plain(c) == c) || tool.is_empty();
    if altered || name.len() > MAX_NAME_BYTES {
        let hash = format!("_{:08x}", hash(tool));
        name.truncate(MAX_NAME_BYTES - hash.len());
        name.push_str(&hash);
    }
    name
}

/// FNV-1a: the same in every process, for names that a journal may hold.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_names_stay() {
        assert_eq!(encode("github", "create_issue"), "github__create_issue");
        assert_eq!(encode("github", "list.issues"), "github__list_issues_71924891");
    }

    proptest! {
        #[test]
        fn every_name_is_accepted_and_keeps_its_prefix(server in "[a-zA-Z0-9-]{1,32}", tool in ".{0,200}") {
            let name = encode(&server, &tool);
            prop_assert!(name.len() <= MAX_NAME_BYTES);
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')));
            prop_assert!(name.starts_with(&prefix(&server)));
        }

        #[test]
        fn different_tools_have_different_names(a in "[a-c./_]{1,6}", b in "[a-c./_]{1,6}") {
            prop_assert_eq!(encode("s", &a) == encode("s", &b), a == b);
        }
    }
}
