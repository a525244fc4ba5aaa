//! The provider of a model, for traces.

/// The provider of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its name, as OpenTelemetry's conventions have it (`openai`, `groq`, ...).
    pub name: &'static str,
    /// The model of requests that name none.
    pub model: String,
    /// Host and port, when there is a server.
    pub server: Option<(String, u16)>,
}

/// Hosts of services that have a name of their own in the conventions. Any other service that speaks OpenAI's API is `openai`.
const HOSTS: &[(&str, &str)] = &[
    ("anthropic.com", "anthropic"),
    ("openai.azure.com", "azure.ai.openai"),
    ("cohere.com", "cohere"),
    ("deepseek.com", "deepseek"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("googleapis.com", "gcp.vertex_ai"),
    ("groq.com", "groq"),
    ("mistral.ai", "mistral_ai"),
    ("moonshot.ai", "moonshot_ai"),
    ("perplexity.ai", "perplexity"),
    ("x.ai", "x_ai"),
];

impl Provider {
    /// One that nothing is known of.
    #[must_use]
    pub fn unknown() -> Self {
        Self { name: "unknown", model: "unknown".into(), server: None }
    }

    /// A service with OpenAI's API.
    #[must_use]
    pub fn at(host: &str, port: u16, model: &str) -> Self {
        let of = |domain: &str| {
            host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let known = HOSTS.iter().find(|(domain, _)| of(domain)).map(|(_, name)| *name);
        Self {
            name: known.unwrap_or("openai"),
            model: model.to_owned(),
            server: Some((host.to_owned(), port)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_known_by_their_host() {
        for (host, name) in [
            ("api.openai.com", "openai"),
            ("127.0.0.1", "openai"),
            ("api.groq.com", "groq"),
            ("api.x.ai", "x_ai"),
            ("flex.ai", "openai"),
            ("generativelanguage.googleapis.com", "gcp.gemini"),
        ] {
            assert_eq!(Provider::at(host, 443, "m").name, name, "{host}");
        }
    }
}
