//! A reader of event streams, as their standard describes them.

use std::net::SocketAddr;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde_json::Value;

use crate::client::PATIENCE;

/// A frame that is dispatched at an empty line.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Frame {
    pub id: Option<String>,
    pub event: String,
    pub data: String,
    pub retry: Option<String>,
    pub comments: Vec<String>,
}

impl Frame {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

pub struct Stream {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    body: BoxStream<'static, Option<Vec<u8>>>,
    buffer: Vec<u8>,
}

pub fn http() -> reqwest::Client {
    runbus::tls::install();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

impl Stream {
    pub async fn try_open(address: SocketAddr, query: &str, last: Option<&str>) -> Option<Self> {
        // Cases count events, however slowly they read; those of merged deltas ask for them.
        let query = match query.contains("/stream") && !query.contains("coalesce") {
            true if query.contains('?') => format!("{query}&coalesce=false"),
            true => format!("{query}?coalesce=false"),
            false => query.to_owned(),
        };
        let mut request =
            http().get(format!("http://{address}{query}")).header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = request.send().await.ok()?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.bytes_stream().map(|piece| piece.ok().map(|piece| piece.to_vec())).boxed();
        Some(Self { status, headers, body, buffer: Vec::new() })
    }

    pub async fn open(address: SocketAddr, query: &str, last: Option<&str>) -> Self {
        let stream = Self::try_open(address, query, last).await.expect("the gateway takes connections");
        assert_eq!(stream.status, 200, "{query}");
        stream
    }

    /// The next frame, comments too; `None` at the end of the stream.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let rest = self.buffer.split_off(end + 2);
                let text = String::from_utf8(std::mem::replace(&mut self.buffer, rest)).unwrap();
                return Some(parse(&text));
            }
            let piece = tokio::time::timeout(PATIENCE, self.body.next()).await.expect("nothing comes");
            self.buffer.extend(piece??);
        }
    }

    /// The next frame that has data.
    pub async fn message(&mut self) -> Option<Frame> {
        loop {
            let frame = self.frame().await?;
            if !frame.data.is_empty() {
                return Some(frame);
            }
        }
    }
}

fn parse(text: &str) -> Frame {
    let mut frame = Frame::default();
    assert!(!text.contains('\r'), "{text:?}");
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (field, value) = line.split_once(':').expect("a field");
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        match field {
            "" => frame.comments.push(value),
            "id" => frame.id = Some(value),
            "event" => frame.event = value,
            "retry" => frame.retry = Some(value),
            "data" => {
                assert!(frame.data.is_empty(), "one line of data: {text:?}");
                frame.data = value;
            }
            other => panic!("{other}: {text:?}"),
        }
    }
    frame
}
