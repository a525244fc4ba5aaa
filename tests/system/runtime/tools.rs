//! Tools that a test holds in its hand.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use runbus_workers::tool::{Approval, Error, Invocation, Spec, Tool};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::kit::within;

/// A tool of a test. It keeps the arguments of its calls.
#[derive(Debug)]
pub struct Probe {
    spec: Spec,
    safe: bool,
    approval: Approval,
    timeout: Option<Duration>,
    calls: Calls,
    begins: Option<mpsc::Sender<Begun>>,
}

/// The arguments of each call, in order.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<Mutex<Vec<Value>>>);

impl Calls {
    pub fn all(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// A call that has begun and waits for the test.
#[derive(Debug)]
pub struct Begun {
    pub arguments: Value,
    pub key: String,
    answer: oneshot::Sender<Result<String, Error>>,
}

impl Begun {
    pub fn answer(self, text: &str) {
        self.answer.send(Ok(text.into())).unwrap();
    }

    pub fn fail(self, text: &str) {
        self.answer.send(Err(Error::failed(text))).unwrap();
    }

    /// Waits until the runtime has dropped the call.
    pub async fn dropped(mut self) {
        within(self.answer.closed()).await;
    }
}

/// The calls of a held tool, as they begin.
#[derive(Debug)]
pub struct Begins(mpsc::Receiver<Begun>);

impl Begins {
    pub async fn next(&mut self) -> Begun {
        within(self.0.recv()).await.unwrap()
    }

    /// Whether no call has begun that the test has not taken.
    pub fn none(&mut self) -> bool {
        self.0.try_recv().is_err()
    }

    /// The begun calls by the argument `n`, sorted.
    pub async fn some(&mut self, count: usize) -> Vec<Begun> {
        let mut begun = Vec::new();
        for _ in 0..count {
            begun.push(self.next().await);
        }
        begun.sort_by_key(|begun| begun.arguments["n"].as_i64());
        begun
    }
}

impl Probe {
    /// A tool that answers `NAME ARGUMENTS` at once.
    pub fn new(name: &str) -> (Self, Calls) {
        let parameters = json!({ "type": "object", "properties": { "n": { "type": "integer" } } });
        let spec = Spec { name: name.into(), description: String::new(), parameters };
        let calls = Calls::default();
        let probe = Self {
            spec,
            safe: false,
            approval: Approval::Never,
            timeout: None,
            calls: calls.clone(),
            begins: None,
        };
        (probe, calls)
    }

    /// A tool whose calls the test answers.
    pub fn held(name: &str) -> (Self, Begins) {
        let (sender, begins) = mpsc::channel(1024);
        let (probe, _) = Self::new(name);
        (Self { begins: Some(sender), ..probe }, Begins(begins))
    }

    /// Its schema takes no larger `n`.
    pub fn at_most(mut self, most: u64) -> Self {
        self.spec.parameters["properties"]["n"]["maximum"] = json!(most);
        self
    }

    pub fn safe(self) -> Self {
        Self { safe: true, ..self }
    }

    pub fn approved(self) -> Self {
        Self { approval: Approval::Always, ..self }
    }

    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }
}

#[async_trait]
impl Tool for Probe {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn safe_to_repeat(&self) -> bool {
        self.safe
    }

    fn approval(&self) -> Approval {
        self.approval
    }

    fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    async fn call(&self, invocation: Invocation) -> Result<String, Error> {
        let Invocation { idempotency_key: key, arguments, .. } = invocation;
        self.calls.0.lock().unwrap().push(arguments.clone());
        let Some(begins) = &self.begins else { return Ok(format!("{} {arguments}", self.spec.name)) };
        let (answer, answered) = oneshot::channel();
        begins.send(Begun { arguments, key, answer }).await.unwrap();
        answered.await.unwrap_or_else(|_gone| Err(Error::failed("the test let go")))
    }
}
