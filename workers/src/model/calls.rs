//! The calls of one turn, put together from pieces whose index, id, name or arguments may be missing, repeated, late or the same.

use runbus::json;
use serde_json::{Map, Value};

use super::chunk::CallPiece;
use super::limits::{MAX_TOOL_CALL_ID_BYTES, MAX_TOOL_CALLS, MAX_TOOL_NAME_BYTES};
use super::written::Written;
use super::{CallDelta, Fault, ToolCall};

/// Names that some models put before a tool's.
const PREFIXES: &[&str] = &["functions.", "function."];

/// Calls so far.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<Open>,
    /// Each piece is a call of its own.
    are_whole: bool,
}

/// A call to which pieces may be added.
#[derive(Debug, Default)]
struct Open {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    extra: Map<String, Value>,
    written: Written,
}

impl Open {
    /// Whether its arguments are all there. Only a piece that may begin another call asks.
    fn is_complete(&self) -> bool {
        json::from_str::<Value>(&self.arguments).is_ok_and(|arguments| arguments.is_object())
    }

    /// The piece that readers have not seen yet.
    fn more(&mut self) -> Option<CallDelta> {
        self.written.more(&self.id, plain(&self.name), &self.arguments)
    }

    /// Whether a piece may be more of this call.
    fn takes(&self, piece: &CallPiece) -> bool {
        let Some(name) = &piece.name else {
            // A piece without a name begins nothing: some servers make a new id for each piece.
            return true;
        };
        match &piece.id {
            Some(id) if *id == self.id => true,
            Some(_) if !self.id.is_empty() => false,
            _ if self.name.is_empty() || self.arguments.is_empty() => true,
            // A name again, and arguments again: another call, if this one has all of its own.
            _ => *name == self.name && (piece.arguments.is_empty() || !self.is_complete()),
        }
    }

    fn add(&mut self, piece: CallPiece) {
        if self.id.is_empty() {
            self.id = piece.id.unwrap_or_default();
        }
        if let Some(name) = piece.name {
            if name.starts_with(&self.name) {
                // The whole name, for the first time, again, or longer than before.
                self.name = name;
            } else if self.arguments.is_empty() {
                self.name.push_str(&name);
            }
        }
        if let Some(extra) = piece.extra {
            self.extra.insert("extra_content".to_owned(), extra);
        }
        let is_placeholder = self.arguments == "{}" && !piece.arguments.is_empty();
        if is_placeholder {
            self.arguments.clear();
        }
        // Some servers send the whole once more.
        let is_copy = !self.arguments.is_empty() && self.arguments == piece.arguments && self.is_complete();
        if !is_copy {
            self.arguments.push_str(&piece.arguments);
        }
    }
}

impl Calls {
    /// Says that each piece is a call: the answer is not streamed.
    pub(super) const fn are_whole(&mut self) {
        self.are_whole = true;
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Whether there are calls, and the arguments of each are all there.
    pub(super) fn are_complete(&self) -> bool {
        !self.calls.is_empty() && self.calls.iter().all(Open::is_complete)
    }

    /// Adds a piece to the call that it belongs to; gives what readers should see of it.
    ///
    /// # Errors
    /// [`Fault::TooLarge`].
    pub(super) fn add(&mut self, piece: CallPiece) -> Result<Option<CallDelta>, Fault> {
        let name = piece.name.as_ref().map_or(0, String::len);
        if name > MAX_TOOL_NAME_BYTES {
            return Err(Fault::TooLarge { what: "bytes of a tool's name", limit: MAX_TOOL_NAME_BYTES });
        }
        let place = match self.place(&piece) {
            Some(place) => place,
            None => self.begin(&piece)?,
        };
        let call = &mut self.calls[place];
        call.add(piece);
        if call.name.len() > MAX_TOOL_NAME_BYTES {
            return Err(Fault::TooLarge { what: "bytes of a tool's name", limit: MAX_TOOL_NAME_BYTES });
        }
        Ok(if self.are_whole { None } else { self.calls[place].more() })
    }

    /// The call that a piece belongs to: that of its index, else of its id, else the last one.
    fn place(&self, piece: &CallPiece) -> Option<usize> {
        if self.are_whole {
            return None;
        }
        let last = match (piece.index, &piece.id) {
            (Some(index), _) => self.calls.iter().rposition(|call| call.index == Some(index)),
            (None, Some(id)) => {
                let known = self.calls.iter().rposition(|call| call.id == *id);
                known.or_else(|| self.calls.len().checked_sub(1))
            }
            (None, None) => self.calls.len().checked_sub(1),
        }?;
        if self.calls[last].takes(piece) {
            return Some(last);
        }
        // Ids distinguish calls that share an index.
        let id = piece.id.as_ref()?;
        self.calls.iter().rposition(|call| call.id == *id && call.index == piece.index)
    }

    fn begin(&mut self, piece: &CallPiece) -> Result<usize, Fault> {
        if self.calls.len() == MAX_TOOL_CALLS {
            return Err(Fault::TooLarge { what: "tool calls of one turn", limit: MAX_TOOL_CALLS });
        }
        if piece.id.as_ref().is_some_and(|id| id.len() > MAX_TOOL_CALL_ID_BYTES) {
            return Err(Fault::TooLarge { what: "bytes of a tool call's id", limit: MAX_TOOL_CALL_ID_BYTES });
        }
        // In the order of their index, for any order in which they begin.
        let place = match piece.index {
            Some(index) => {
                let before = self.calls.iter().rposition(|call| call.index.is_none_or(|at| at <= index));
                before.map_or(0, |before| before + 1)
            }
            None => self.calls.len(),
        };
        let written = Written::new(self.calls.len());
        self.calls.insert(place, Open { index: piece.index, written, ..Open::default() });
        Ok(place)
    }

    /// The calls. One without an id has an empty one; one without arguments has an empty object.
    pub(super) fn finish(self) -> Vec<ToolCall> {
        let close = |call: Open| {
            let Open { id, name, mut arguments, extra, .. } = call;
            let name = plain(&name).to_owned();
            if arguments.trim().is_empty() {
                arguments = "{}".to_owned();
            }
            ToolCall { id, name, arguments, extra }
        };
        self.calls.into_iter().map(close).collect()
    }
}

/// A tool's name without what some models put before it.
fn plain(name: &str) -> &str {
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}
