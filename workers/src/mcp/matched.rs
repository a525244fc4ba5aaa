//! Matches each answer of a server with the request that waits for it.
//!
//! The SDK drops an answer that no request waits for, and the call is silent until its limit. Here every answer ends a call: the one
//! that it names, else all that wait, since it is an answer to one of them.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::RoleClient;
use rmcp::model::{ClientNotification, JsonRpcMessage, RequestId, ServerNotification};
use rmcp::service::TxJsonRpcMessage;
use rmcp::transport::Transport;

use super::decode::Message;
use super::limits::{MAX_ENDED_REQUESTS, MAX_OPEN_REQUESTS, MAX_OWN_NAME_BYTES};
use super::progress::Watchers;
use super::refusal;
use crate::tool::truncate;

/// A transport whose answers all end a call.
#[derive(Debug)]
pub(super) struct Matched<T> {
    inner: T,
    server: String,
    open: Arc<Mutex<Open>>,
    ready: VecDeque<Message>,
    /// The receivers of calls' progress.
    watchers: Watchers,
}

/// Which requests wait for an answer.
#[derive(Debug, Default)]
struct Open {
    waiting: VecDeque<RequestId>,
    /// Those that ended lately: their answers may still come.
    ended: VecDeque<RequestId>,
}

impl Open {
    /// Takes note of a message that is sent; the request, when it is one.
    fn sending(&mut self, message: &TxJsonRpcMessage<RoleClient>) -> Option<RequestId> {
        match message {
            JsonRpcMessage::Request(request) => {
                self.begin(request.id.clone());
                return Some(request.id.clone());
            }
            JsonRpcMessage::Notification(told) => {
                if let ClientNotification::CancelledNotification(cancelled) = &told.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.end(id);
                }
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {}
        }
        None
    }

    fn begin(&mut self, id: RequestId) {
        if self.waiting.len() == MAX_OPEN_REQUESTS
            && let Some(oldest) = self.waiting.pop_front()
        {
            self.note(oldest);
        }
        self.waiting.push_back(id);
    }

    /// Ends a request; whether it waited.
    fn end(&mut self, id: &RequestId) -> bool {
        let Some(place) = self.waiting.iter().position(|waits| waits == id) else { return false };
        self.waiting.remove(place);
        self.note(id.clone());
        true
    }

    fn note(&mut self, id: RequestId) {
        if self.ended.len() == MAX_ENDED_REQUESTS {
            self.ended.pop_front();
        }
        self.ended.push_back(id);
    }

    /// The calls that an answer ends which names no request that waits; also whether it is one that comes late.
    fn stray(&mut self, id: Option<&RequestId>) -> Option<Vec<RequestId>> {
        if id.is_some_and(|id| self.ended.contains(id)) {
            return None;
        }
        // A server may give a number back as a text.
        let alike = id.and_then(|id| self.waiting.iter().find(|waits| waits.to_string() == id.to_string()));
        let ends: Vec<RequestId> = match alike.cloned() {
            Some(one) => vec![one],
            None => self.waiting.iter().cloned().collect(),
        };
        ends.iter().for_each(|id| {
            self.end(id);
        });
        Some(ends)
    }
}

impl<T> Matched<T> {
    /// The transport to `server`.
    pub(super) fn new(server: &str, inner: T, watchers: Watchers) -> Self {
        Self { inner, server: server.to_owned(), open: Arc::default(), ready: VecDeque::new(), watchers }
    }

    /// Takes a message of the server.
    fn take(&mut self, message: Message) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (id, code, text) = match &message {
            JsonRpcMessage::Response(answer) if open.end(&answer.id) => return self.ready.push_back(message),
            JsonRpcMessage::Error(answer) if answer.id.as_ref().is_some_and(|id| open.end(id)) => {
                return self.ready.push_back(message);
            }
            JsonRpcMessage::Response(answer) => (Some(&answer.id), refusal::UNMATCHED, None),
            JsonRpcMessage::Error(answer) => {
                (answer.id.as_ref(), answer.error.code.0, Some(answer.error.message.as_ref()))
            }
            JsonRpcMessage::Notification(told) => {
                if let ServerNotification::ProgressNotification(progress) = &told.notification {
                    self.watchers.report(&progress.params);
                }
                return self.ready.push_back(message);
            }
            JsonRpcMessage::Request(_) => return self.ready.push_back(message),
        };
        let Some(ends) = open.stray(id) else {
            return tracing::debug!(
                server = self.server,
                ?id,
                "an MCP server answered a call that had ended"
            );
        };
        let text = match (id, text) {
            (None, Some(text)) => text.to_owned(),
            (Some(id), Some(text)) => format!("{text} ({})", unknown(id)),
            (Some(id), None) => unknown(id),
            (None, None) => "the server's answer does not name a request".to_owned(),
        };
        tracing::warn!(
            server = self.server,
            reason = text,
            calls = ends.len(),
            "an MCP server's answer matches no call"
        );
        self.ready.extend(ends.into_iter().map(|id| refusal::failure(Some(id), code, text.clone())));
    }
}

/// Which request an answer names.
fn unknown(id: &RequestId) -> String {
    let id = match id {
        RequestId::Number(number) => number.to_string(),
        RequestId::String(text) => format!("{:?}", truncate(text.to_string(), MAX_OWN_NAME_BYTES).0),
    };
    format!("the server's answer names the request {id}, and no such request waits for one")
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Matched<T> {
    type Error = T::Error;

    fn name() -> std::borrow::Cow<'static, str> {
        "mcp".into()
    }

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let open = self.open.clone();
        let id = open.lock().unwrap_or_else(PoisonError::into_inner).sending(&message);
        let sent = self.inner.send(message);
        async move {
            let sent = sent.await;
            if let (Err(_), Some(id)) = (&sent, id) {
                open.lock().unwrap_or_else(PoisonError::into_inner).end(&id);
            }
            sent
        }
    }

    async fn receive(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Some(message);
            }
            let message = self.inner.receive().await?;
            self.take(message);
        }
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.inner.close()
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::{ClientRequest, ListToolsRequest};
    use serde_json::{Value, json};

    use super::*;
    use crate::mcp::decode;

    /// A server that sends the given messages, for any request.
    struct Says(VecDeque<Message>);

    impl Transport<RoleClient> for Says {
        type Error = std::io::Error;

        fn send(
            &mut self,
            _: TxJsonRpcMessage<RoleClient>,
        ) -> impl Future<Output = std::io::Result<()>> + Send + 'static {
            std::future::ready(Ok(()))
        }

        async fn receive(&mut self) -> Option<Message> {
            self.0.pop_front()
        }

        async fn close(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// The outcome of the requests 1 and 2 (`cancelled` ones have no receiver), when the server sends these texts.
    async fn answers(cancelled: Option<i64>, said: &[&str]) -> Vec<(i64, String)> {
        let said = said.iter().flat_map(|text| decode::messages(text.as_bytes())).collect();
        let mut matched = Matched::new("s", Says(said), Watchers::default());
        for id in [1, 2] {
            let request = ClientRequest::ListToolsRequest(ListToolsRequest::default());
            matched.send(JsonRpcMessage::request(request, RequestId::Number(id))).await.unwrap();
        }
        if let Some(id) = cancelled {
            let told =
                json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
            matched.send(serde_json::from_value(told).unwrap()).await.unwrap();
        }
        let mut answers = Vec::new();
        while let Some(message) = matched.receive().await {
            let message: Value = serde_json::to_value(message).unwrap();
            let text = message["error"]["message"].as_str().unwrap_or("good").to_owned();
            answers.push((message["id"].as_i64().unwrap(), text));
        }
        answers
    }

    const GOOD: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#;

    #[tokio::test]
    async fn an_answer_to_no_request_ends_those_that_wait() {
        let wrong = r#"{"jsonrpc":"2.0","id":99,"result":{"tools":[]}}"#;
        let all = answers(None, &[GOOD, wrong]).await;
        assert_eq!((all.len(), &all[0]), (2, &(1, "good".to_owned())));
        assert!(all[1].0 == 2 && all[1].1.contains("names the request 99"), "{all:?}");
        let ids: Vec<i64> = answers(None, &[wrong]).await.into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, [1, 2]);
    }

    #[tokio::test]
    async fn a_number_that_comes_back_as_text_ends_its_own_call() {
        let text = r#"{"jsonrpc":"2.0","id":"2","result":{"tools":[]}}"#;
        let all = answers(None, &[text, GOOD]).await;
        assert!(all[0].0 == 2 && all[0].1.contains("\"2\""), "{all:?}");
        assert_eq!(all[1], (1, "good".to_owned()));
    }

    #[tokio::test]
    async fn an_error_without_an_id_ends_the_waiting_call() {
        for text in [
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}"#,
            r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"parse error"}}"#,
        ] {
            let all = answers(Some(1), &[text]).await;
            assert_eq!(all, [(2, "parse error".to_owned())]);
        }
    }

    #[tokio::test]
    async fn a_late_answer_ends_nothing() {
        assert_eq!(answers(Some(1), &[GOOD, GOOD]).await, []);
    }
}
