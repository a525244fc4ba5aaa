//! Which provider answers, and which keys it gets.

use super::*;

fn config(text: &str, environment: &[(&str, &str)]) -> Config {
    let mut config: Config = serde_json::from_str(text).unwrap();
    config.validate().unwrap();
    config.fall_back(|name| {
        environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    });
    config.validate().unwrap();
    config
}

#[test]
fn the_short_way_needs_a_variable_and_nothing_else() {
    for (environment, provider, model) in [
        (&[][..], "scripted", None),
        (&[("OPENAI_API_KEY", "k")], "openai", Some("gpt-4o-mini")),
        (&[("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")], "openai", None),
        (&[("ANTHROPIC_API_KEY", "k")], "anthropic", Some("claude-haiku-4-5")),
        (&[("GEMINI_API_KEY", "k")], "gemini", Some("gemini-2.5-flash")),
        (&[("GEMINI_API_KEY", "k"), ("OPENAI_API_KEY", "k")], "openai", Some("gpt-4o-mini")),
        (&[("GROQ_API_KEY", "k")], "scripted", None),
    ] {
        let config = config("{}", environment);
        assert_eq!(config.default_provider(), provider, "{environment:?}");
        assert_eq!(config.default_name().as_deref(), model, "{environment:?}");
        config.build().unwrap();
    }
}

#[test]
fn a_key_is_taken_from_where_the_section_says() {
    let text = serde_json::json!({"providers": {
        "groq": {},
        "own": {"preset": "groq", "api_key_env": "OWN"},
        "given": {"preset": "groq", "api_key": "given"},
    }});
    let config = config(&text.to_string(), &[("GROQ_API_KEY", "from-preset"), ("OWN", "from-own")]);
    let key = |name: &str| config.providers[name].api_key.as_ref().map(|key| key.reveal().to_string());
    assert_eq!(key("groq").as_deref(), Some("from-preset"));
    assert_eq!(key("own").as_deref(), Some("from-own"));
    assert_eq!(key("given").as_deref(), Some("given"));
    config.build().unwrap();
}

#[test]
fn the_provider_of_a_request_without_a_name_is_the_one_that_is_meant() {
    for (text, provider, model) in [
        (r#"{"provider": "ollama"}"#, "ollama", None),
        (r#"{"providers": {"ollama": {"model": "qwen3"}}}"#, "ollama", Some("qwen3")),
        (r#"{"providers": {"ollama": {}, "vllm": {}}}"#, "scripted", None),
        (r#"{"name": "vllm/org/m", "providers": {"ollama": {}, "vllm": {}}}"#, "vllm", Some("org/m")),
        (r#"{"name": "org/m", "provider": "vllm", "providers": {"vllm": {}}}"#, "vllm", Some("org/m")),
        (r#"{"base_url": "http://h/v1", "providers": {"vllm": {}}}"#, "openai", None),
        (r#"{"provider": "scripted", "api_key": "k"}"#, "scripted", None),
    ] {
        let config = config(text, &[]);
        assert_eq!(
            (config.default_provider().as_str(), config.default_name().as_deref()),
            (provider, model),
            "{text}"
        );
        let built = config.build().unwrap();
        assert_eq!(built.names().next(), Some(provider));
        assert!(config.providers.keys().all(|name| built.entry(name).is_some()), "{text}");
    }
}

#[test]
fn what_contradicts_itself_is_refused_by_its_key() {
    for (text, key) in [
        (r#"{"provider": "nobody"}"#, "provider"),
        (r#"{"provider": "azure"}"#, "provider"),
        (r#"{"provider": "replay"}"#, "replay"),
        (r#"{"providers": {"x y": {"base_url": "http://h"}}}"#, "providers"),
        (r#"{"providers": {"auto": {"base_url": "http://h"}}}"#, "providers"),
        (r#"{"providers": {"mine": {}}}"#, "providers.mine.base_url"),
        (r#"{"providers": {"azure": {}}}"#, "providers.azure.base_url"),
        (r#"{"providers": {"mine": {"base_url": "ftp://h"}}}"#, "providers.mine.base_url"),
        (r#"{"providers": {"mine": {"preset": "grok"}}}"#, "providers.mine.preset"),
        (
            r#"{"providers": {"groq": {"api_key": "a", "headers": {"Authorization": "b"}}}}"#,
            "providers.groq.headers",
        ),
        (
            r#"{"providers": {"groq": {"backoff_min_ms": 9, "backoff_max_ms": 8}}}"#,
            "providers.groq.backoff_min_ms",
        ),
        (r#"{"providers": {"groq": {"extra_body": {"stream": false}}}}"#, "providers.groq.extra_body"),
    ] {
        let config: Config = serde_json::from_str(text).unwrap();
        assert_eq!(config.validate().unwrap_err().key, key, "{text}");
    }
}
