//! The one list of endpoints. An endpoint outside it is not served; each one in it has a rule and is in the OpenAPI
//! document.

use std::sync::LazyLock;

use crate::api::{
    approvals, auth, dead_letters, definitions, events, executions, gateways, health, lists, metrics,
    monitor, openapi, publish, questions, root, sessions, stats, workers,
};
use crate::app::Endpoint;
use crate::dialect::{agents, council, native, tasks};
use crate::openapi::{Catalogue, Document};

/// All endpoints.
#[must_use]
pub fn all() -> Vec<Endpoint> {
    [
        root::endpoints(),
        health::endpoints(),
        metrics::endpoints(),
        openapi::endpoints(),
        lists::endpoints(),
        executions::endpoints(),
        approvals::endpoints(),
        questions::endpoints(),
        sessions::endpoints(),
        dead_letters::endpoints(),
        events::endpoints(),
        publish::endpoints(),
        native::sse::endpoints(),
        native::ws::endpoints(),
        monitor::endpoints(),
        native::monitor::endpoints(),
        native::lists::endpoints(),
        stats::endpoints(),
        workers::endpoints(),
        gateways::endpoints(),
        definitions::endpoints(),
        auth::endpoints(),
        tasks::endpoints(),
        agents::endpoints(),
        council::endpoints(),
    ]
    .concat()
}

/// All of them, to look up.
#[must_use]
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::of(&all()));
    &CATALOGUE
}

/// Their OpenAPI document.
#[must_use]
pub fn document() -> &'static Document {
    catalogue().document()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::http::Method;

    use super::*;
    use crate::auth::{Action, Rule};

    #[test]
    fn every_endpoint_is_there_once_and_is_described() {
        let (mut names, mut places) = (BTreeSet::new(), BTreeSet::new());
        for endpoint in all() {
            let place = format!("{} {}", endpoint.method, endpoint.path);
            let written =
                &document().openapi["paths"][endpoint.path][endpoint.method.as_str().to_lowercase()];
            let name = written["operationId"].as_str().expect("it is in the document").to_owned();
            assert!(!written["summary"].as_str().unwrap().is_empty(), "{place}");
            let answers = written["responses"].as_object().unwrap();
            assert!(answers.keys().any(|status| status.starts_with(['1', '2'])), "{place} answers nothing");
            assert!(names.insert(name), "{place} has another one's name");
            assert!(places.insert(place.clone()), "{place} is there twice");
            assert!(document().index[&place].is_string(), "{place} is not in the index");
        }
    }

    #[test]
    fn only_these_need_no_credential() {
        let open: Vec<&str> = all()
            .iter()
            .filter(|endpoint| endpoint.rule == Rule::Open)
            .map(|endpoint| endpoint.path)
            .collect();
        assert_eq!(open, ["/healthz", "/readyz", "/v1/openapi.json", "/v1/asyncapi.json"]);
    }

    #[test]
    fn reading_never_needs_more_than_doing_says() {
        let of = |method: &Method, path: &str| {
            catalogue().rules(path).iter().find(|(known, _)| known == method).map(|(_, rule)| *rule)
        };
        assert_eq!(of(&Method::POST, "/v1/new"), Some(Rule::Everything(Action::Admin)));
        assert_eq!(of(&Method::GET, "/v1/new"), Some(Rule::Everything(Action::Admin)));
        assert_eq!(of(&Method::POST, "/v1/sessions/{session_id}/new"), Some(Rule::Everything(Action::Admin)));
        assert_eq!(of(&Method::DELETE, "/v1/executions/{execution_id}/x"), None);
        assert_eq!(of(&Method::DELETE, "/v1/stats"), None);
        assert_eq!(of(&Method::GET, "/metrics"), Some(Rule::Everything(Action::Metrics)));
        assert_eq!(of(&Method::POST, "/ws/tasks/{task_id}"), None);
        assert_eq!(of(&Method::GET, "/ws/tasks/{task_id}"), Some(Rule::Foreign));
        assert_eq!(of(&Method::HEAD, "/v1/stats"), Some(Rule::Everything(Action::Read)));
        assert_eq!(of(&Method::GET, "/v1/dead-letters"), Some(Rule::Everything(Action::Admin)));
        assert_eq!(
            of(&Method::POST, "/v1/approvals/{approval_id}/decision"),
            Some(Rule::Request(Action::Decide))
        );
    }

    #[test]
    fn only_drop_in_endpoints_take_parameters_of_other_servers() {
        for endpoint in all() {
            let is_foreign = endpoint.path.starts_with("/ws/");
            assert_eq!(endpoint.rule == Rule::Foreign, is_foreign, "{}", endpoint.path);
            assert_eq!(endpoint.rule.foreign().contains(&"api_key"), is_foreign, "{}", endpoint.path);
        }
    }

    /// References lead somewhere.
    #[test]
    fn every_reference_in_the_document_exists() {
        let text = document().openapi.to_string();
        let openapi = &document().openapi;
        let mut seen = 0;
        for part in text.split("\"$ref\":\"").skip(1) {
            let reference = part.split('"').next().unwrap();
            let pointer = reference.strip_prefix('#').expect("it is in the document");
            assert!(openapi.pointer(pointer).is_some(), "{reference}");
            seen += 1;
        }
        assert!(seen > 100);
    }
}
