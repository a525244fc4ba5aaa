//! JSON-RPC over the pipes of a process: one message per line, none larger than the limit.

use std::collections::VecDeque;
use std::future::Future;
use std::io;

use bytes::Bytes;
use rmcp::RoleClient;
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::decode;
use super::envelope::Envelope;
use super::limits::{MAX_MESSAGE_BYTES, MAX_QUEUED_MESSAGES};
use super::refusal;

/// Both directions.
#[derive(Debug)]
pub(super) struct Pipes<R> {
    output: BufReader<R>,
    /// The bytes of the current line so far.
    line: Vec<u8>,
    /// The current line is too long and is being dropped.
    dropping: Option<Envelope>,
    /// Messages of the last line that are not taken yet.
    ready: VecDeque<RxJsonRpcMessage<RoleClient>>,
    limit: usize,
    /// `None`: closed.
    input: Option<mpsc::Sender<Bytes>>,
    _writer: AbortOnDropHandle<()>,
}

impl<R: AsyncRead + Unpin + Send> Pipes<R> {
    /// Over a process's standard output and input.
    pub(super) fn new(output: R, input: impl AsyncWrite + Unpin + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel(MAX_QUEUED_MESSAGES);
        Self {
            output: BufReader::new(output),
            line: Vec::new(),
            dropping: None,
            ready: VecDeque::new(),
            limit: MAX_MESSAGE_BYTES,
            input: Some(sender),
            // A task of its own, so that a message is written whole even when the call that sent it is cancelled.
            _writer: AbortOnDropHandle::new(tokio::spawn(write(input, receiver))),
        }
    }

    /// The next message; `None` at the end. May be dropped and called again: the bytes read so far stay.
    async fn next(&mut self) -> io::Result<Option<RxJsonRpcMessage<RoleClient>>> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Ok(Some(message));
            }
            let read = self.output.fill_buf().await?;
            if read.is_empty() {
                return Ok(None);
            }
            let end = read.iter().position(|byte| *byte == b'\n');
            let (taken, content) = end.map_or((read.len(), read), |end| (end + 1, &read[..end]));
            if let Some(envelope) = &mut self.dropping {
                envelope.feed(content);
            } else if self.line.len() + content.len() > self.limit {
                let mut envelope = Envelope::default();
                envelope.feed(&std::mem::take(&mut self.line));
                envelope.feed(content);
                self.dropping = Some(envelope);
            } else {
                self.line.extend_from_slice(content);
            }
            self.output.consume(taken);
            if end.is_none() {
                continue;
            }
            match self.dropping.take() {
                Some(envelope) => self.ready.push_back(too_large(&envelope, self.limit)),
                None => self.ready.extend(decode::messages(&self.line)),
            }
            self.line.clear();
            // One large message must not hold its memory for ever.
            self.line.shrink_to(64 * 1024);
        }
    }
}

/// Writes messages until nobody sends any more, or the process does not read any more.
async fn write(mut input: impl AsyncWrite + Unpin + Send, mut messages: mpsc::Receiver<Bytes>) {
    while let Some(message) = messages.recv().await {
        let written = async {
            input.write_all(&message).await?;
            input.flush().await
        };
        if let Err(error) = written.await {
            tracing::debug!(%error, "an MCP server does not read any more");
            return;
        }
    }
}

/// The answer that a call gets in place of one that is too large; of one that does not say which call it answers, each that waits.
fn too_large(envelope: &Envelope, limit: usize) -> RxJsonRpcMessage<RoleClient> {
    let bytes = envelope.bytes();
    tracing::warn!(bytes, limit, "an MCP server sent a message that is too large");
    let text = format!(
        "the tool ran, but its result of {bytes} bytes is over the limit of {limit} bytes and was dropped"
    );
    refusal::failure(envelope.id().and_then(decode::request), refusal::TOO_LARGE, text)
}

impl<R: AsyncRead + Unpin + Send> Transport<RoleClient> for Pipes<R> {
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let input = self.input.clone();
        async move {
            let closed =
                || io::Error::new(io::ErrorKind::BrokenPipe, "the server's standard input is closed");
            let mut line = serde_json::to_vec(&message)?;
            line.push(b'\n');
            let input = input.ok_or_else(closed)?;
            input.send(line.into()).await.map_err(|_closed| closed())
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        self.next().await.unwrap_or_else(|error| {
            tracing::debug!(%error, "an MCP server's standard output broke");
            None
        })
    }

    async fn close(&mut self) -> io::Result<()> {
        self.input = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    async fn messages(text: &[u8], limit: usize) -> Vec<Value> {
        let mut pipes = Pipes::new(text, tokio::io::sink());
        pipes.limit = limit;
        let mut all = Vec::new();
        while let Some(message) = pipes.next().await.unwrap() {
            all.push(serde_json::to_value(&message).unwrap());
        }
        all
    }

    /// The call ends with an error, and no parser sees the answer.
    #[tokio::test]
    async fn a_hostile_answer_becomes_an_error() {
        let raw = r#"{"$serde_json::private::RawValue":"[[1]]"}"#;
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let answer = |content: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":7,"result":{{"content":[],"structuredContent":{content}}}}}"#)
        };
        let text = format!("{}\n{}\n{}\n", answer(raw), answer(&deep), answer("{}"));
        let all = messages(text.as_bytes(), 1_000_000).await;
        let codes: Vec<_> = all.iter().map(|message| message["error"]["code"].as_i64()).collect();
        assert_eq!(codes, [Some(refusal::UNREADABLE.into()), Some(refusal::UNREADABLE.into()), None]);
        assert!(all.iter().all(|message| message["id"] == 7), "{all:?}");
    }

    #[tokio::test]
    async fn noise_is_skipped_and_a_large_answer_becomes_an_error() {
        let long = format!(
            r#"{{"result":{{"content":[{{"text":"{}"}}]}},"jsonrpc":"2.0","id":4}}"#,
            "x".repeat(20_000)
        );
        let text = format!(
            "starting up\n\n{long}\r\n{{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{{\"tools\":[]}}}}\n{{\"jsonrpc\":\"2.0\",\"id\":6}}\nrest"
        );
        let all = messages(text.as_bytes(), 10_000).await;
        assert_eq!(all.len(), 3, "{all:?}");
        assert_eq!(all[0]["id"], 4);
        let said = all[0]["error"]["message"].as_str().unwrap();
        assert!(said.contains(&format!("{} bytes", long.len() + 1)) && said.contains("10000"), "{said}");
        assert_eq!(all[1]["id"], 5);
        assert_eq!((&all[2]["id"], &all[2]["error"]["code"]), (&json!(6), &json!(refusal::UNREADABLE)));
    }
}
