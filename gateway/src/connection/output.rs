//! Where a subscription's news go: the form of one transport.

use crate::protocol::Text;

/// News of one subscription on their way to its client, bounded.
pub(crate) trait Output: Send {
    /// Bytes that may be added now; a single piece may exceed them.
    fn room(&self) -> usize;

    /// Whether no more should be added now.
    fn is_full(&self) -> bool {
        self.room() == 0
    }

    /// Adds an event.
    fn event(&mut self, event: &Text);

    /// An event stands here that this client does not want.
    fn skipped(&mut self) {}

    /// Adds what is no event but has its place among them: `gap`, `undecodable`, `caught_up`.
    fn notice(&mut self, notice: &Text);
}
