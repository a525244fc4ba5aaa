//! The flags that choose events.

use runbus::bus::Filter;
use runbus::event::Kind;
use runbus::id::{ExecutionId, NodeId, StreamId};
use runbus::log::{Cursor, Since};
use runbus::time::Timestamp;

/// The filter of events; an absent flag matches all.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct FilterArgs {
    /// Only events of this stream.
    #[arg(long, value_name = "ID")]
    stream: Option<StreamId>,
    /// Only events of this node.
    #[arg(long, value_name = "ID")]
    node: Option<NodeId>,
    /// Only events of this execution.
    #[arg(long, value_name = "ID")]
    execution: Option<ExecutionId>,
    /// Only events of these types, separated by commas.
    #[arg(long = "type", value_name = "TYPES", value_delimiter = ',')]
    types: Vec<Kind>,
}

impl FilterArgs {
    /// As the bus wants it.
    #[must_use]
    pub(super) fn filter(&self) -> Filter {
        Filter {
            types: self.types.iter().cloned().collect(),
            stream_id: self.stream.clone(),
            node_id: self.node.clone(),
            execution_id: self.execution.clone(),
            after: None,
            before: None,
        }
    }

    /// The same within a time.
    #[must_use]
    pub(super) fn within(&self, after: Option<Timestamp>, before: Option<Timestamp>) -> Filter {
        Filter { after, before, ..self.filter() }
    }
}

/// `new`, `all` or a cursor.
///
/// # Errors
/// The text is none of them.
pub(super) fn since(text: &str) -> Result<Since, String> {
    match text {
        "new" => Ok(Since::New),
        "all" => Ok(Since::All),
        text => {
            text.parse::<Cursor>().map(Since::After).map_err(|error| format!("{error}; or say new or all"))
        }
    }
}
