//! The messages to clients of a monitor.

use runbus::monitor::{Patch, Revision};

use crate::protocol::Text;

/// A message: `monitor_snapshot` or `monitor_patch`.
#[derive(Debug, Clone)]
pub struct MonitorMessage(pub Text);

impl MonitorMessage {
    /// The whole document.
    pub(super) fn whole(revision: Revision, document: &str) -> Self {
        let head = format!("{{\"type\":\"monitor_snapshot\",\"revision\":{revision},\"monitor\":");
        Self(Text::new(None, "monitor_snapshot", &[&head, document, "}"]))
    }

    /// The patch to the next revision.
    pub(super) fn patch(patch: &Patch) -> Self {
        let Patch { base, revision, text } = patch;
        let head = format!("{{\"type\":\"monitor_patch\",\"base\":{base},\"revision\":{revision},\"patch\":");
        Self(Text::new(None, "monitor_patch", &[&head, text, "}"]))
    }
}
