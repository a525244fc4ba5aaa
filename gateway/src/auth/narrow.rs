//! Which fields make a request narrow enough for a credential's scopes.

use std::fmt;

/// The fields that a caller must add to a request, because their scopes name some streams, nodes or executions only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Narrow {
    pub(super) stream: bool,
    pub(super) node: bool,
    pub(super) execution: bool,
}

impl Narrow {
    /// The fields of a filter.
    pub const FILTER: Self = Self { stream: true, node: true, execution: true };
    /// The field of a monitor.
    pub const MONITOR: Self = Self { stream: true, node: false, execution: false };
    /// The fields of a start.
    pub const START: Self = Self { stream: true, node: false, execution: true };

    fn fields(self) -> [(bool, &'static str); 3] {
        [(self.stream, "stream_id"), (self.node, "node_id"), (self.execution, "execution_id")]
    }

    pub(super) fn count(self) -> usize {
        self.fields().into_iter().filter(|(is_set, _)| *is_set).count()
    }

    pub(super) const fn is_within(self, other: Self) -> bool {
        (!self.stream || other.stream) && (!self.node || other.node) && (!self.execution || other.execution)
    }
}

impl fmt::Display for Narrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> =
            self.fields().into_iter().filter_map(|(is_set, name)| is_set.then_some(name)).collect();
        f.write_str(&names.join(" and "))
    }
}
