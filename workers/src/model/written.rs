//! A call as the model writes it, for readers.

/// A piece of the arguments of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallDelta {
    /// The call's number in its turn, from 0, in the order in which calls begin.
    pub index: u32,
    /// The call's id.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The next piece of the arguments; never empty.
    pub arguments: String,
}

/// How much of a call readers have seen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Written {
    index: u32,
    bytes: usize,
}

impl Written {
    /// The call of this number.
    pub(super) fn new(index: usize) -> Self {
        Self { index: u32::try_from(index).unwrap_or(u32::MAX), bytes: 0 }
    }

    /// The new piece of the arguments. Nothing is shown before the call has an id and a name. An empty object is shown with what follows:
    /// some servers begin with one in place of the arguments.
    pub(super) fn more(&mut self, id: &str, name: &str, arguments: &str) -> Option<CallDelta> {
        if id.is_empty() || name.is_empty() || self.bytes == 0 && "{}".starts_with(arguments) {
            return None;
        }
        let piece = arguments.get(self.bytes..).filter(|piece| !piece.is_empty())?;
        self.bytes = arguments.len();
        Some(CallDelta {
            index: self.index,
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: piece.to_owned(),
        })
    }
}
