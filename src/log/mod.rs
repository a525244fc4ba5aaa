//! The log: frames, cursors, the port that adapters implement, and the code on top of it.

#[cfg(any(test, feature = "test-util"))]
pub mod conformance;
mod cursor;
mod follow;
mod frame;
mod header;
mod lag;
mod metered;
mod port;
mod probes;
mod progress;
mod spread;
mod tail;

pub use cursor::{Cursor, Epoch, Invalid as InvalidCursor, Place, Sequence};
pub use follow::{Follower, Gap, GapReason, Item, Since};
pub use frame::{Author, Damage, Frame, Origin, Trace, has_room};
pub use header::FORMAT;
pub use lag::{Lag, Missing};
pub use metered::Metered;
pub use port::{AppendError, Bounds, Direction, Expect, Log, Page, Read, ReadError, Stored};
pub use tail::{Feeder, Signal, Tail, feed};
