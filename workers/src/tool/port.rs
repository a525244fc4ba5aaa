//! The port itself: the trait of a tool.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runbus::session::Media;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::{Value, json};

use super::beside::Beside;
use super::permit::Clearance;
use super::{Approval, Error, Kind, Progress, Schema};

/// The description of a tool for a model. It serialises to the wire form of the OpenAI API.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Its name: `a-zA-Z0-9_-`, at most [`super::limits::MAX_NAME_BYTES`].
    pub name: String,
    /// When and how to use it, in the model's language.
    pub description: String,
    /// The JSON Schema of its arguments: an object.
    pub parameters: Value,
}

impl Serialize for Spec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { name, description, parameters } = self;
        let function = json!({"name": name, "description": description, "parameters": parameters});
        let mut wire = serializer.serialize_struct("Spec", 2)?;
        wire.serialize_field("type", "function")?;
        wire.serialize_field("function", &function)?;
        wire.end()
    }
}

/// One call of a tool. Only a [`super::Permit`] makes one.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The id that the model's provider gave the call.
    pub call_id: String,
    /// The same for every try of this call, and for no other call: pass it on to the system that the tool changes.
    pub idempotency_key: String,
    /// The arguments; an object for every well-behaved model.
    pub arguments: Value,
    pub(super) clearance: Clearance,
    pub(super) beside: Beside,
}

impl Invocation {
    /// Looks at the guards again: a tool whose list of tools may have changed since the call was cleared does that directly
    /// before it acts.
    ///
    /// # Errors
    /// The call needs an approval now, and has none.
    pub fn still_cleared(&self) -> Result<(), Error> {
        self.clearance.check()
    }

    /// Says how far the call has come: readers see it as `tool_call_progress`.
    pub fn progress(&self, progress: Progress) {
        self.beside.progress(progress);
    }

    /// Gives the model an image, audio or a file with the result; whether it fits into the limits of a result.
    #[must_use]
    pub fn attach(&self, media: Media) -> bool {
        self.beside.attach(media)
    }
}

/// Something that a model may call.
///
/// A call may be dropped at any await point (cancel, time-out): an implementation MUST NOT leave anything
/// behind then that a second call would trip over, if it says that it is safe to repeat.
#[async_trait]
pub trait Tool: Send + Sync + Debug {
    /// The description for the model. It MUST NOT change.
    fn spec(&self) -> &Spec;

    /// Whether a call whose outcome is unknown may simply run again. When in doubt, no: then such a call is
    /// left pending for a person to decide.
    fn safe_to_repeat(&self) -> bool {
        false
    }

    /// Whether a person must agree before a call runs.
    fn approval(&self) -> Approval {
        Approval::Never
    }

    /// How long a call may take; `None`: as long as its registry says.
    fn timeout(&self) -> Option<Duration> {
        None
    }

    /// Its schema, compiled; `None`: the registry compiles it when the tool is added. Tools of a [`super::Source`] bring their own;
    /// arguments of one that does not are not checked.
    fn schema(&self) -> Option<Arc<Schema>> {
        None
    }

    /// The part of the runtime that carries out its calls.
    fn kind(&self) -> Kind {
        Kind::Function
    }

    /// Runs it. A tool of another kind than [`Kind::Function`] answers with an error.
    ///
    /// # Errors
    ///
    /// An [`Error`] whose text goes back to the model.
    async fn call(&self, invocation: Invocation) -> Result<String, Error>;
}
