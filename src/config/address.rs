//! Addresses as messages show them: without the credentials that an address may hold.

/// The same text, with the credentials of each address in it hidden: user, password and query.
///
/// An address begins with `scheme://` and ends at white space, a quote, `>` or `)`.
#[must_use]
pub fn without_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        shown.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "\"'<>)`".contains(c)).unwrap_or(after.len());
        let (address, behind) = after.split_at(end);
        hide(address, &mut shown);
        rest = behind;
    }
    shown.push_str(rest);
    shown
}

fn hide(address: &str, shown: &mut String) {
    let query = address.find(['?', '#']).unwrap_or(address.len());
    let host = match address.rfind('@') {
        // A password may hold any character: everything before the last `@` is hidden.
        Some(at) if at < query => {
            shown.push_str("***@");
            &address[at + 1..]
        }
        // A query with `@`, or a password with `?`: the two are ambiguous.
        Some(_) => {
            shown.push_str("***");
            return;
        }
        None => address,
    };
    let query = host.find(['?', '#']).unwrap_or(host.len());
    shown.push_str(&host[..query]);
    if query < host.len() {
        shown.push_str(&host[query..=query]);
        shown.push_str("***");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn user_password_and_query_are_hidden_and_the_rest_stays() {
        for (address, shown) in [
            ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222"),
            ("http://user:pw@host:1/v1", "http://***@host:1/v1"),
            ("redis://:p@ss/w0rd@host:1/0", "redis://***@host:1/0"),
            ("http://user:p?w#x@host/v1", "http://***"),
            ("https://host/mcp?key=x&y=z", "https://host/mcp?***"),
            ("https://host/mcp?key=x&y=@z", "https://***"),
            ("https://host/mcp#key", "https://host/mcp#***"),
            ("error for url (https://host/a?k=v): refused", "error for url (https://host/a?***): refused"),
            (r#"{"a": "http://a:b@c", "d": "ws://e?f"}"#, r#"{"a": "http://***@c", "d": "ws://e?***"}"#),
            ("no address, a@b?", "no address, a@b?"),
        ] {
            assert_eq!(without_credentials(address), shown);
        }
    }

    proptest! {
        #[test]
        fn no_password_is_shown(
            user in "[a-z]{0,5}", password in "[A-Z0-9:/?#@%&=.-]{12,24}", path in "(/[a-z]{0,4}){0,2}", query in "[A-Z0-9]{12,20}"
        ) {
            let shown = without_credentials(&format!("http://{user}:{password}@host{path}?k={query}"));
            prop_assert!(!shown.contains(&query), "{}", shown);
            prop_assert!(!shown.contains(&password), "{}", shown);
        }

        #[test]
        fn any_text_is_taken(text in ".*", address in "[a-z]{0,3}://[^ ]*") {
            let _any = (without_credentials(&text), without_credentials(&address));
        }
    }
}
