//! A tool made of an async function and the type of its arguments.

use runbus::json;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Approval, Error, Invocation, Spec, Tool, blocking};

/// The return type of a function: text goes to the model as it is, everything else as JSON.
pub trait IntoText {
    /// The text for the model.
    fn into_text(self) -> String;
}

impl<T: Into<Value>> IntoText for T {
    fn into_text(self) -> String {
        match self.into() {
            Value::String(text) => text,
            value => value.to_string(),
        }
    }
}

/// The JSON Schema of an argument type, as a model gets to see it.
pub(super) fn parameters<A: JsonSchema>() -> Value {
    let mut parameters = schemars::schema_for!(A).to_value();
    if let Some(schema) = parameters.as_object_mut() {
        // Tokens that say nothing to a model.
        schema.shift_remove("$schema");
        schema.shift_remove("title");
    }
    parameters
}

/// A tool made of an async function. Its schema is derived from the argument's type.
///
/// The function runs on the runtime's threads, and dropping its future ends it: after a time-out, and when the session is
/// cancelled. One that computes or blocks for long between two await points stalls other sessions and cannot be ended by
/// anybody: give such a one to [`Function::blocking`].
pub struct Function<F, A> {
    spec: Spec,
    safe_to_repeat: bool,
    approval: Approval,
    timeout: Option<Duration>,
    function: F,
    arguments: PhantomData<fn(A)>,
}

impl<F, A> Function<F, A> {
    /// A tool that calls `function` with its parsed arguments.
    pub fn new<R, O>(name: impl Into<String>, description: impl Into<String>, function: F) -> Self
    where
        A: DeserializeOwned + JsonSchema,
        F: Fn(A) -> R + Send + Sync,
        R: Future<Output = Result<O, Error>> + Send,
        O: IntoText,
    {
        let spec = Spec { name: name.into(), description: description.into(), parameters: parameters::<A>() };
        Self {
            spec,
            safe_to_repeat: false,
            approval: Approval::Never,
            timeout: None,
            function,
            arguments: PhantomData,
        }
    }

    /// Says that a call whose outcome is unknown may simply run again.
    #[must_use]
    pub fn safe_to_repeat(self) -> Self {
        Self { safe_to_repeat: true, ..self }
    }

    /// Says that every call waits until a person agrees.
    #[must_use]
    pub fn requires_approval(self) -> Self {
        Self { approval: Approval::Always, ..self }
    }

    /// Says how long a call may take, instead of the registry.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }
}

impl<A> Function<(), A> {
    /// A tool that calls a `function` that computes or blocks, on a thread of its own.
    ///
    /// At most [`super::limits::BLOCKING_AT_ONCE`] such calls run at a time in a process; others wait, within their time
    /// limit. A thread cannot be stopped: after a time-out or a cancel it goes on, its result is dropped, and its place is
    /// taken until it ends.
    pub fn blocking<G, O>(
        name: impl Into<String>,
        description: impl Into<String>,
        function: G,
    ) -> Function<impl Fn(A) -> BoxFuture<'static, Result<O, Error>> + Send + Sync, A>
    where
        A: DeserializeOwned + JsonSchema + Send + 'static,
        G: Fn(A) -> Result<O, Error> + Send + Sync + 'static,
        O: IntoText + Send + 'static,
    {
        let function = Arc::new(function);
        let on_thread = move |arguments: A| -> BoxFuture<'static, Result<O, Error>> {
            let function = Arc::clone(&function);
            Box::pin(blocking::run(move || function(arguments)))
        };
        Function::new(name, description, on_thread)
    }
}

impl<F, A> fmt::Debug for Function<F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spec, safe_to_repeat, .. } = self;
        f.debug_struct("Function").field("name", &spec.name).field("safe_to_repeat", safe_to_repeat).finish()
    }
}

#[async_trait]
impl<F, A, R, O> Tool for Function<F, A>
where
    A: DeserializeOwned + Send + 'static,
    F: Fn(A) -> R + Send + Sync,
    R: Future<Output = Result<O, Error>> + Send,
    O: IntoText + 'static,
{
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn safe_to_repeat(&self) -> bool {
        self.safe_to_repeat
    }

    fn approval(&self) -> Approval {
        self.approval
    }

    fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    async fn call(&self, invocation: Invocation) -> Result<String, Error> {
        let arguments = json::read(invocation.arguments)
            .map_err(|fault| Error::Arguments { path: fault.path, message: fault.error.to_string() })?;
        Ok((self.function)(arguments).await?.into_text())
    }
}
