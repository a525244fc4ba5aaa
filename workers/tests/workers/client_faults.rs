//! The client's result for a provider that fails.

use std::time::Duration;

use runbus_workers::model::{Config, Fault, OpenAi, Request};
use runbus_workers::recording::{Mode, Options, Server};

use crate::client::serve;
use crate::recordings::{Got, ask, client};

/// One answer that goes wrong, and one that does not.
async fn fail(mode: Mode) -> (Got, Got) {
    let server = serve("plain-text", Options::default()).await;
    server.fail_next([mode]);
    let mut config = Config::new(server.base_url(), "m");
    // Long enough for a busy machine; a stalled answer never goes on.
    config.idle_timeout = Duration::from_secs(2);
    let model = OpenAi::new(config).unwrap();
    let (_, request) = client(&server);
    (ask(&model, request.clone()).await, ask(&model, request).await)
}

fn refuse(status: u16, body: &str, retry_after: Option<u64>) -> Mode {
    Mode::Refuse { status, body: body.to_owned(), retry_after }
}

#[tokio::test]
async fn deltas_before_the_fault_are_delivered() {
    for (mode, code) in [
        (Mode::Break(1500), "connection"),
        (Mode::End(1500), "closed_early"),
        (Mode::Stall(1500), "stalled"),
        (Mode::Garbage(1500), "garbage"),
        (Mode::End(0), "closed_early"),
    ] {
        let (got, after) = fail(mode.clone()).await;
        let fault = got.end.unwrap().unwrap_err();
        assert_eq!(fault.code(), code, "{mode:?}: {fault}");
        assert!(fault.is_retryable(), "{mode:?}");
        let whole = after.end.unwrap().unwrap().text;
        assert_eq!(got.text.is_empty(), mode == Mode::End(0), "{mode:?}");
        assert!(whole.starts_with(&got.text) && whole != got.text, "{mode:?}: {}", got.text);
    }
}

#[tokio::test]
async fn an_answer_that_was_finished_is_kept_when_its_connection_breaks() {
    let server = serve("plain-text", Options::default()).await;
    let body = server_body().await;
    let after_finish = body.find(r#""finish_reason":"stop""#).unwrap();
    let end = after_finish + body[after_finish..].find("\n\n").unwrap() + 2;
    server.fail_next([Mode::Break(end), Mode::End(end)]);
    let (model, request) = client(&server);
    for _ in 0..2 {
        let turn = ask(&model, request.clone()).await.end.unwrap().unwrap();
        assert_eq!((turn.finish_reason.as_deref(), turn.usage), (Some("stop"), None));
    }
}

#[tokio::test]
async fn a_provider_that_hangs_behind_its_answer_costs_no_answer() {
    let server = serve("plain-text", Options::default()).await;
    let body = server_body().await;
    let finish = body.find(r#""finish_reason":"stop""#).unwrap();
    server.fail_next([Mode::Stall(finish + body[finish..].find("\n\n").unwrap() + 2)]);
    let mut config = Config::new(server.base_url(), "m");
    // The silence alone would outlast the test.
    config.idle_timeout = Duration::from_secs(3600);
    let (_, request) = client(&server);
    let model = OpenAi::new(config).unwrap();
    let answer = ask(&model, request);
    let got = tokio::time::timeout(Duration::from_secs(60), answer)
        .await
        .expect("the answer waits for no connection");
    assert_eq!(got.end.unwrap().unwrap().finish_reason.as_deref(), Some("stop"));
}

async fn server_body() -> String {
    let path = runbus_workers::recording::Recording::own_dir().join("plain-text.json");
    runbus_workers::recording::Recording::load(&path).unwrap().interactions.remove(0).body
}

#[tokio::test]
async fn refusals_are_sorted_by_the_next_step() {
    let quota = r#"{"error": {"message": "pay", "code": "insufficient_quota"}}"#;
    for (mode, code, retryable, message) in [
        (refuse(429, r#"{"error": {"message": "slow down"}}"#, Some(7)), "rate_limited", true, "slow down"),
        (refuse(429, quota, None), "rate_limited", false, "pay"),
        (
            refuse(500, "<html><head><title>oops</title></head><p>x</p></html>", None),
            "provider_refused",
            true,
            "a web page instead of an answer: oops",
        ),
        (
            refuse(400, r#"[{"error": {"code": 400, "message": "no such field"}}]"#, None),
            "provider_refused",
            false,
            "no such field",
        ),
        (
            refuse(429, r#"{"error": {"message": "stop", "type": "exceeded_current_quota_error"}}"#, None),
            "rate_limited",
            false,
            "stop",
        ),
        (
            refuse(502, r#"{"error": {"message": "upstream", "metadata": {"raw": "no room"}}}"#, None),
            "provider_refused",
            true,
            "upstream: no room",
        ),
        (
            refuse(
                200,
                r#"{"choices": null, "base_resp": {"status_code": 1008, "status_msg": "no money"}}"#,
                None,
            ),
            "provider_refused",
            true,
            "no money",
        ),
        (
            refuse(200, r#"{"choices": [{"message": {"content": " "}, "finish_reason": "stop"}]}"#, None),
            "empty_answer",
            true,
            "",
        ),
        (refuse(503, "", None), "provider_refused", true, "503 Service Unavailable"),
        (refuse(401, r#"{"error": "who are you?"}"#, None), "provider_refused", false, "who are you?"),
        (refuse(422, r#"{"detail": "bad field"}"#, None), "provider_refused", false, "bad field"),
        (refuse(307, "", None), "provider_refused", false, "307 Temporary Redirect"),
        (refuse(200, "no json", None), "garbage", true, ""),
        (
            refuse(200, r#"{"error": {"message": "inside 200"}}"#, None),
            "provider_refused",
            true,
            "inside 200",
        ),
        (refuse(200, r#"{"choices": []}"#, None), "closed_early", true, ""),
    ] {
        let (got, after) = fail(mode.clone()).await;
        let fault = got.end.unwrap().unwrap_err();
        assert_eq!((fault.code(), fault.is_retryable()), (code, retryable), "{mode:?}: {fault}");
        let said = fault.provider_error().map(|error| error.message.clone()).unwrap_or_default();
        assert_eq!(said, message, "{mode:?}");
        let asked = matches!(&mode, Mode::Refuse { retry_after: Some(_), .. });
        assert_eq!(fault.retry_after(), asked.then_some(Duration::from_secs(7)));
        assert!(after.end.unwrap().is_ok());
    }
}

/// A base address without `/v1`, mostly: the address that was asked is in the error.
#[tokio::test]
async fn a_wrong_path_is_shown_with_the_address() {
    for body in [r#"{"error": {"message": "no such path"}}"#, "", "<html>not found</html>"] {
        let (got, _) = fail(refuse(404, body, None)).await;
        let fault = got.end.unwrap().unwrap_err().to_string();
        assert!(
            fault.contains("[asked at http://127.0.0.1:") && fault.contains("/chat/completions;"),
            "{fault}"
        );
        assert!(fault.contains("/v1]"), "{fault}");
    }
}

#[tokio::test]
async fn an_unreachable_provider_is_a_connection_fault() {
    let url = format!("http://127.0.0.1:{}/v1", runbus::testing::free_port());
    let model = OpenAi::new(Config::new(url, "m")).unwrap();
    let fault = ask(&model, Request::default()).await.end.unwrap().unwrap_err();
    assert!(matches!(fault, Fault::Connection { .. }) && fault.is_retryable(), "{fault}");
    assert!(fault.to_string().contains("refused"), "{fault}");
}

#[tokio::test]
async fn a_wrong_address_is_refused_before_anything_is_sent() {
    for url in ["", "nowhere", "ftp://x/v1", "http://"] {
        assert!(matches!(OpenAi::new(Config::new(url, "m")), Err(Fault::Unsendable { .. })), "{url}");
    }
}

#[tokio::test]
async fn a_stopped_server_breaks_its_answers() {
    let server: Server = serve("plain-text", Options::default()).await;
    let (model, request) = client(&server);
    drop(server);
    assert!(ask(&model, request).await.end.unwrap().is_err());
}
