//! A receiver of webhooks for tests: takes one request a connection, and misbehaves on demand.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A received request, with any answer.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Header names in lower case.
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
    pub event: Value,
    pub answer: Answer,
    pub at: tokio::time::Instant,
}

/// The receiver's answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Status(u16),
    /// 503 with `Retry-After` in seconds.
    Later(u64),
    /// 302 to itself.
    Redirect,
    /// Never answers.
    Silence,
    /// Closes the connection without an answer.
    Reset,
}

type Script = dyn Fn(&Value, usize) -> Answer + Send + Sync;

/// A running receiver; it ends when it is dropped.
pub struct Receiver {
    pub address: SocketAddr,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    count: watch::Receiver<usize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    /// `script` is asked with each event and how many requests came before it.
    pub async fn start(script: impl Fn(&Value, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let arrivals: Arc<Mutex<Vec<Arrival>>> = Arc::default();
        let (counted, count) = watch::channel(0);
        let script: Arc<Script> = Arc::new(script);
        let seen = arrivals.clone();
        let task = tokio::spawn(async move {
            let counted = Arc::new(counted);
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let (seen, script, counted) = (seen.clone(), script.clone(), counted.clone());
                tokio::spawn(async move {
                    let _gone = serve(socket, &seen, &*script, &counted).await;
                });
            }
        });
        Self { address, arrivals, count, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub fn arrivals(&self) -> Vec<Arrival> {
        self.arrivals.lock().unwrap().clone()
    }

    /// Waits until what came is enough.
    pub async fn until(&self, enough: impl Fn(&[Arrival]) -> bool) -> Vec<Arrival> {
        let mut count = self.count.clone();
        let waiting = async {
            loop {
                count.borrow_and_update();
                let arrivals = self.arrivals();
                if enough(&arrivals) {
                    return arrivals;
                }
                count.changed().await.unwrap();
            }
        };
        match tokio::time::timeout(crate::client::PATIENCE, waiting).await {
            Ok(arrivals) => arrivals,
            Err(_elapsed) => panic!("not enough after {} requests", self.arrivals().len()),
        }
    }
}

async fn serve(
    mut socket: TcpStream,
    arrivals: &Mutex<Vec<Arrival>>,
    script: &Script,
    counted: &watch::Sender<usize>,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let headers: HashMap<String, String> = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head + length {
        if socket.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    }
    let body = bytes[head..].to_vec();
    let event: Value = serde_json::from_slice(&body).unwrap_or_default();
    let answer = {
        let mut arrivals = arrivals.lock().unwrap();
        let answer = script(&event, arrivals.len());
        arrivals.push(Arrival { headers, body, event, answer, at: tokio::time::Instant::now() });
        counted.send_replace(arrivals.len());
        answer
    };
    let more = match answer {
        Answer::Status(status) => format!("{status} X\r\n"),
        Answer::Later(seconds) => format!("503 X\r\nretry-after: {seconds}\r\n"),
        Answer::Redirect => "302 X\r\nlocation: /elsewhere\r\n".to_owned(),
        Answer::Reset => return Ok(()),
        Answer::Silence => {
            // Until the other side gives up.
            socket.read_buf(&mut bytes).await?;
            return Ok(());
        }
    };
    let text = format!("HTTP/1.1 {more}connection: close\r\ncontent-length: 2\r\n\r\nok");
    socket.write_all(text.as_bytes()).await?;
    socket.shutdown().await
}
