//! The list of readable resources.

use reqwest::Url;

/// One entry of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// `http` or `https`; `None`: both.
    scheme: Option<String>,
    /// The host, or what it must end in, with the dot.
    host: String,
    subdomains: bool,
    /// `None`: the scheme's own.
    port: Option<u16>,
    /// The path and everything below it.
    path: String,
}

/// Why a text is no [`Rule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("https://HOST/PATH, HOST or *.HOST, without user, query and fragment")]
pub struct InvalidRule;

impl Rule {
    /// Reads a rule.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, InvalidRule> {
        let whole = text.contains("://");
        // A rule without a scheme is read as if it had one, so that its host is normalised in the same way.
        let text = if whole { text.to_owned() } else { format!("http://{text}") };
        let (scheme, rest) = text.split_once("://").ok_or(InvalidRule)?;
        let (subdomains, rest) = rest.strip_prefix("*.").map_or((false, rest), |rest| (true, rest));
        let url = Url::parse(&format!("{scheme}://{rest}")).map_err(|_malformed| InvalidRule)?;
        let plain = matches!(url.scheme(), "http" | "https")
            && has_no_user(&url)
            && url.query().is_none()
            && url.fragment().is_none()
            && (whole || url.path() == "/");
        let host = url.host_str().filter(|host| plain && !host.contains('*')).ok_or(InvalidRule)?;
        let host = if subdomains { format!(".{host}") } else { host.to_owned() };
        Ok(Self {
            scheme: whole.then(|| url.scheme().to_owned()),
            host,
            subdomains,
            port: url.port(),
            path: url.path().to_owned(),
        })
    }

    /// Whether it allows an address.
    pub fn allows(&self, url: &Url) -> bool {
        let Some(host) = url.host_str().filter(|_| has_no_user(url)) else { return false };
        let scheme = match &self.scheme {
            Some(scheme) => scheme == url.scheme(),
            None => matches!(url.scheme(), "http" | "https"),
        };
        let host = if self.subdomains {
            host.strip_suffix(self.host.as_str()).is_some_and(|below| !below.is_empty())
        } else {
            host == self.host
        };
        scheme && host && url.port() == self.port && self.is_below(url.path())
    }

    /// Whether a path is this rule's or below it.
    fn is_below(&self, path: &str) -> bool {
        if self.path == "/" {
            return true;
        }
        // A server may take an encoded separator for a real one, and so leave the folder.
        let lower = path.to_ascii_lowercase();
        if lower.contains("%2f") || lower.contains("%5c") {
            return false;
        }
        path.strip_prefix(self.path.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/'))
    }
}

fn has_no_user(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rule_allows_pages_below_it_and_no_others() {
        for (rule, allowed, refused) in [
            (
                "https://docs.example.com/",
                &["https://docs.example.com/", "https://DOCS.example.com:443/a/b?c=d"][..],
                &[
                    "http://docs.example.com/",
                    "https://docs.example.com:8443/",
                    "https://docs.example.com.evil.net/",
                    "https://docs.example.com@evil.net/",
                    "https://user@docs.example.com/",
                    "https://example.com/",
                    "ftp://docs.example.com/",
                ][..],
            ),
            (
                "https://example.com/guide",
                &[
                    "https://example.com/guide",
                    "https://example.com/guide/a",
                    "https://example.com/x/../guide/",
                ],
                &[
                    "https://example.com/guidebook",
                    "https://example.com/guide/../secret",
                    "https://example.com/guide/%2e%2e/secret",
                    "https://example.com/guide/..%2fsecret",
                    "https://example.com/guide\\..\\secret",
                ],
            ),
            (
                "*.example.org",
                &["https://a.example.org/x", "http://a.b.example.org/"],
                &["https://example.org/", "https://evilexample.org/", "https://a.example.org:81/"],
            ),
            ("example.org", &["https://example.org/x", "http://example.org/"], &["https://a.example.org/"]),
            ("http://localhost:8080", &["http://localhost:8080/x"], &["http://localhost/x"]),
        ] {
            let parsed = Rule::parse(rule).unwrap();
            for url in allowed {
                assert!(parsed.allows(&Url::parse(url).unwrap()), "{rule} {url}");
            }
            for url in refused {
                assert!(!parsed.allows(&Url::parse(url).unwrap()), "{rule} {url}");
            }
        }
    }

    #[test]
    fn invalid_rules_are_refused() {
        for text in
            ["", "*", "*.", "ftp://a.b/", "https://u@a.b/", "https://a.b/?q", "a.b/path", "a.*.b", "https://"]
        {
            assert!(Rule::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_rule_or_is_not(text in "\\PC{0,40}") {
            let _ = Rule::parse(&text);
        }
    }
}
